"""The page at `/` in a browser, as somebody at a desk and somebody with a telephone have it."""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.serving.running import DENSE, direct, running
from tests.support.model_zoo import MODELS, Array
from zerolite.serving import ServingSettings

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
HOSTILE = "<img src=x onerror=alert(1)>"
LONG = "a_name_that_is_far_longer_than_a_line_of_a_telephone_" * 3
SCREENS: dict[str, dict[str, Any]] = {
    "desktop": {"viewport": {"width": 1280, "height": 800}},
    "telephone": {
        "viewport": {"width": 360, "height": 740},
        "device_scale_factor": 3,
        "is_mobile": True,
        "has_touch": True,
    },
}


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("models")
    for name in ("multi_signature", "small_cnn", "string_passthrough", "no_inputs"):
        shutil.copy(MODELS / f"{name}.tflite", folder)
    for name in ("dense", HOSTILE, LONG):
        shutil.copy(DENSE, folder / f"{name}.tflite")
    (folder / "broken.tflite").write_bytes(b"no model")
    with running(folder, ServingSettings(workers=1)) as url:
        yield url


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.skip("no Chromium is installed")
    with playwright.sync_playwright() as player:
        browser = player.chromium.launch(executable_path=found, args=["--no-sandbox"])  # which root may not use
        yield browser
        browser.close()


@pytest.fixture(params=SCREENS)
def page(request: pytest.FixtureRequest, browser: Any, url: str) -> Iterator[Any]:
    """The page, which has nothing to complain of at the end."""
    complaints: list[str] = []
    with browser.new_context(**SCREENS[request.param]) as context:
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: complaints.append(dialog.message))
        page.on("requestfailed", lambda one: complaints.append(f"{one.url}: {one.failure}"))
        page.goto(url)
        yield page
        assert_readable(page)
    assert not [one for one in complaints if "status of 4" not in one]


def assert_readable(page: Any) -> None:
    """Nothing lies beside the screen, letters and what is touched are large enough, and fields have labels."""
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    small = """nodes => nodes.filter(node => {
        const size = parseFloat(getComputedStyle(node).fontSize), box = node.getBoundingClientRect()
        return size < 12 || box.left < 0 || box.right > innerWidth + 1
    }).map(node => node.outerHTML)"""
    assert page.eval_on_selector_all("p, td, th, label, input, textarea, button, select, h1, h2", small) == []
    height = "nodes => nodes.map(node => node.getBoundingClientRect().height)"
    assert all(size >= 24 for size in page.eval_on_selector_all("input, textarea, button, select", height))
    # Each field has a label, and each figure is named where the head of its table is not shown.
    labels = "nodes => nodes.map(node => node.labels.length)"
    assert set(page.eval_on_selector_all("input, textarea, select", labels)) <= {1}
    named = """nodes => nodes.every(node => node.closest('table').querySelector('th').offsetHeight > 0
        || getComputedStyle(node, '::before').content.length > 6)"""
    assert page.eval_on_selector_all("td", named)


def shown(array: Array) -> str:
    return ", ".join(f"{value:.6g}" for value in array.ravel().tolist())


def test_a_tensor(page: Any) -> None:
    page.get_by_role("link", name="dense", exact=True).click()
    row = np.linspace(-1, 1, 64, dtype=np.float32).reshape(1, 64)
    page.get_by_label("Values of features").fill(str(row.tolist()))
    page.get_by_role("button", name="Run").click()
    assert shown(direct(DENSE, {"features": row})["output_0"]) in page.inner_text("body")
    assert page.get_by_label("Values of features").input_value() == str(row.tolist())  # to be changed and run again
    page.get_by_label("Shape of features").fill("[1, 63]")
    page.get_by_role("button", name="Run").click()
    assert "must be [-1, 64]" in page.get_by_role("alert").inner_text()
    page.get_by_role("link", name="All models").click()
    assert page.get_by_role("link", name="small_cnn").is_visible()


def test_a_picture(page: Any) -> None:
    counts = np.random.default_rng(0).integers(0, 256, (28, 28), np.uint8)
    content = io.BytesIO()
    Image.fromarray(counts).save(content, "PNG")
    page.get_by_role("link", name="small_cnn").click()
    page.get_by_label("Or a picture").set_input_files(
        {"name": "a digit.png", "mimeType": "image/png", "buffer": content.getvalue()}
    )
    page.get_by_label("Its values go from").select_option("-1 to 1")
    page.get_by_role("button", name="Run").click()
    values = (counts.astype(np.float32) * np.float32(2 / 255) - np.float32(1)).reshape(1, 28, 28, 1)
    (expected,) = direct(MODELS / "small_cnn.tflite", {"image": values}).values()
    assert shown(expected) in page.inner_text("body")
    assert page.get_by_label("Its values go from").input_value() == "-1 to 1"


def test_pictures_that_are_none(page: Any, tmp_path: Path) -> None:
    page.get_by_role("link", name="small_cnn").click()
    (tmp_path / "a.png").write_bytes(b"no picture")
    page.get_by_label("Or a picture").set_input_files(tmp_path / "a.png")
    page.get_by_role("button", name="Run").click()
    assert "is no picture" in page.get_by_role("alert").inner_text()


def test_strings_in_any_letters(page: Any) -> None:
    page.get_by_role("link", name="string_passthrough").click()
    page.get_by_label("Shape of x").fill("[2, 3]")
    page.get_by_label("Values of x").fill(f'["{HOSTILE}", "", "日本", "é", "{LONG * 4}", "f"]')
    page.get_by_role("button", name="Run").click()
    assert f"'{HOSTILE}', '', '日本', 'é'" in page.inner_text("body")


def test_signatures_and_names(page: Any) -> None:
    page.get_by_role("link", name="multi_signature").first.click()
    page.get_by_role("link", name="encode").click()
    assert "encode" in page.inner_text("h1")
    for name in (HOSTILE, LONG):
        page.get_by_role("link", name="All models").click()
        page.get_by_role("link", name=name).click()
        assert page.inner_text("h1") == name
        page.get_by_role("button", name="Run").click()
        assert page.get_by_role("heading", name="Outputs, after").is_visible()


def test_without_inputs(page: Any) -> None:
    page.get_by_role("link", name="no_inputs").click()
    page.get_by_role("button", name="Run").click()
    assert page.get_by_role("heading", name="Outputs, after").is_visible()


def test_the_figures_come_again_by_themselves(page: Any) -> None:
    with page.expect_navigation(timeout=60_000):
        pass
    assert page.get_by_role("link", name="dense", exact=True).is_visible()
