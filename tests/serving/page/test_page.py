"""The page at `/`: what it shows, and models that are tried in it."""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import zerolite as zl
from tests.serving.running import DENSE, direct, running
from tests.serving.test_http import datatype
from tests.support.html_page import Page
from tests.support.model_zoo import MODELS
from zerolite.serving import ServingSettings

HOSTILE = "<script>alert(1)</script>&\"'"


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("models")
    names = ["multi_signature", "names_unicode", "no_inputs", "small_cnn", "string_passthrough", "dtype_bool", "gather"]
    for name in [*names, "dtype_bfloat16", "dense_2layer"]:
        shutil.copy(MODELS / f"{name}.tflite", folder)
    shutil.copy(DENSE, folder / f"{HOSTILE.replace('/', '')}.tflite")
    (folder / "broken.tflite").write_bytes(b"no model")
    with running(folder, ServingSettings(workers=1)) as url:
        yield url


def page_of(answer: httpx.Response, status: int = 200) -> Page:
    """The page, which loads nothing and runs nothing."""
    assert answer.status_code == status
    page = Page(answer.text)
    assert {tag for tag, _ in page.tags}.isdisjoint({"script", "link", "img", "iframe", "object"})
    for _, attributes in page.tags:
        assert not [name for name in attributes if name.startswith("on") or name == "src"]
        assert (attributes.get("href") or "?").startswith("?")
    policy = answer.headers["Content-Security-Policy"]
    (style,) = page.attributes("style")
    assert f"style-src 'nonce-{style['nonce']}'" in policy
    assert policy.startswith("default-src 'none';")
    return page


def fields_of(page: Page) -> dict[str, str]:
    return {str(one["name"]): one.get("value") or "" for one in page.attributes("input") + page.attributes("textarea")}


def show(url: str, model: str, status: int = 200) -> Page:
    return page_of(httpx.get(url, params={"model": model}), status)


def run(url: str, model: str, fields: dict[str, str], status: int = 200) -> Page:
    return page_of(httpx.post(url, params={"model": model}, data=fields), status)


def test_all_models_and_their_figures(url: str) -> None:
    page = page_of(httpx.get(url))
    assert zl.__version__ in page.text
    assert HOSTILE.replace("/", "") in page.text
    assert "not loaded: broken is not a sound TensorFlow Lite model" in page.text
    links = [str(one["href"]) for one in page.attributes("a")]
    for link in links:
        page_of(httpx.get(f"{url}/{link}"), 503 if "broken" in link else 200)
    assert [one for one in page.attributes("meta") if one.get("http-equiv") == "refresh"]
    before = page.text
    run(url, "no_inputs", {})
    assert page_of(httpx.get(url)).text != before


def test_inputs_outputs_and_signatures(url: str) -> None:
    page = show(url, "dense_2layer")
    for word in ("features", "FP32", "[-1, 64]", "output_0", "[-1, 10]", "serving_default"):
        assert word in page.text
    assert fields_of(page)["shape-0"] == "[1, 64]"
    assert "gain" in show(url, "multi_signature").text
    links = [str(one["href"]) for one in show(url, "multi_signature").attributes("a")]
    assert "?model=multi_signature%3Aencode" in links
    assert "signature encode" in show(url, "multi_signature:encode").text


@pytest.mark.parametrize(
    ("model", "fields", "inputs"),
    [
        ("dense_2layer", {"shape-0": "[1, 64]"}, {"features": np.zeros((1, 64), np.float32)}),
        ("dense_2layer", {"shape-0": "[1, 64]", "data-0": str([0.5] * 64)}, {"features": np.full((1, 64), 0.5)}),
        ("small_cnn", {"shape-0": "[2, 28, 28, 1]", "data-0": " \n"}, {"image": np.zeros((2, 28, 28, 1))}),
        ("multi_signature:encode", {"shape-0": "[1, 4]", "data-0": "[[1, 2, 3, 4]]"}, {"x": np.array([[1, 2, 3, 4]])}),
        ("no_inputs", {}, {}),
    ],
)
def test_models_are_tried(url: str, model: str, fields: dict[str, str], inputs: dict[str, Any]) -> None:
    name, _, signature = model.partition(":")
    values = {key: array.astype(np.float32) for key, array in inputs.items()}
    expected = direct(MODELS / f"{name}.tflite", values, signature or None)
    page = run(url, model, fields)
    for array in expected.values():
        assert ", ".join(f"{value:.6g}" for value in array.ravel().tolist()) in page.text
    assert fields_of(page).keys() >= fields.keys()


def png(array: Any) -> bytes:
    content = io.BytesIO()
    Image.fromarray(array).save(content, "PNG")
    return content.getvalue()


@pytest.mark.parametrize(("scale", "lowest", "highest"), [("0 to 1", 0, 1), ("-1 to 1", -1, 1), ("0 to 255", 0, 255)])
def test_pictures(url: str, scale: str, lowest: float, highest: float) -> None:
    page = show(url, "small_cnn")
    assert [one for one in page.attributes("input") if one.get("type") == "file"]
    (form,) = page.attributes("form")
    assert form["enctype"] == "multipart/form-data"
    counts = np.random.default_rng(0).integers(0, 256, (28, 28), np.uint8)
    factor = np.float32((highest - lowest) / 255)
    values = (counts.astype(np.float32) * factor + np.float32(lowest)).reshape(1, 28, 28, 1)
    (expected,) = direct(MODELS / "small_cnn.tflite", {"image": values}).values()
    files = {"picture-0": ("<any>.png", png(counts), "image/png")}
    fields = {**fields_of(page), "scale-0": scale}
    answer = page_of(httpx.post(url, params={"model": "small_cnn"}, data=fields, files=files))
    assert ", ".join(f"{value:.6g}" for value in expected.ravel().tolist()) in answer.text
    assert [one for one in answer.attributes("option") if "selected" in one] or scale == "0 to 1"


def test_pictures_that_are_none(url: str) -> None:
    for content in (b"no picture", png(np.zeros((2, 2), np.uint8))[:40]):
        files = {"picture-0": ("a.png", content)}
        answer = httpx.post(url, params={"model": "small_cnn"}, data={"shape-0": "[1, 28, 28, 1]"}, files=files)
        assert "the file for input 'image' is no picture" in page_of(answer, 400).text


@given(content=st.binary(max_size=60))
def test_any_bytes_as_a_form(url: str, content: bytes) -> None:
    for body in (content, b"--x\r\n" + content, b'--x\r\nContent-Disposition: a; name="' + content + b"\r\n--x--"):
        answer = httpx.post(
            url,
            params={"model": "small_cnn"},
            content=body,
            headers={"Content-Type": "multipart/form-data; boundary=x"},
        )
        page_of(answer, 400)


def test_strings_and_booleans(url: str) -> None:
    page = run(url, "string_passthrough", {"shape-0": "[2, 3]", "data-0": '["<b>", "", "日本", "d", "e", "f"]'})
    assert "'<b>', '', '日本', 'd', 'e', 'f'" in page.text
    page = run(url, "dtype_bool", {"shape-0": "[2, 4]", "shape-1": "[2, 4]", "data-1": str([True] * 8).lower()})
    assert "False, False, False, False" in page.text
    assert "[0, 0, 0, 0" not in page.text
    assert datatype(np.zeros(1, bool)) in page.text
    assert "0, 0, 0, 0" in run(url, "dtype_bfloat16", {"shape-0": "[2, 4]"}).text


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "the shape of input 'features' is no JSON"),
        ({"shape-0": "[1, 63]"}, "must be [-1, 64]"),
        ({"shape-0": "[1, 64]", "data-0": "[1, 2]"}, "has 2 elements"),
        ({"shape-0": "[1, 64]", "data-0": HOSTILE}, "the data of input 'features' is no JSON"),
        ({"shape-0": "[1, 64]", "data-0": "[" * 100_000}, "is no JSON"),
        ({"shape-0": "[1000000, 64]"}, "zeros at most"),
    ],
)
def test_forms_that_are_wrong(url: str, fields: dict[str, str], words: str) -> None:
    page = run(url, "dense_2layer", fields, 400)
    assert words in page.text
    if fields.get("data-0") == HOSTILE:
        assert HOSTILE in page.text  # is still there to be mended


def test_what_is_no_form(url: str) -> None:
    assert "a form is for a model" in page_of(httpx.post(url, data={"shape-0": "[1]"}), 400).text
    answer = httpx.post(url, params={"model": "dense_2layer"}, content=b"\xff=%ff&" * 2000)
    assert "the form could not be read" in page_of(answer, 400).text


def test_models_that_there_are_not(url: str) -> None:
    assert f"no model {HOSTILE!r}" in show(url, HOSTILE, 404).text
    assert "no signature" in show(url, "dense_2layer:x", 404).text
    assert "not loaded" in run(url, "broken", {}, 503).text


def test_the_page_asks_for_the_token(tmp_path: Path) -> None:
    with running(DENSE, ServingSettings(workers=1, token="secret")) as url:
        assert httpx.get(url).status_code == 401
        assert httpx.get(url, headers={"Authorization": "Bearer secret"}).status_code == 200
