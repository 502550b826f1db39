"""The demonstration, small; and its page, which shows what it is given and nothing else."""

from __future__ import annotations

import dataclasses
import html.parser
import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests import model_zoo
from zerolite.cli import main
from zerolite.demo.agreement import Agreement
from zerolite.demo.html import render_html
from zerolite.demo.report import Report
from zerolite.demo.report_row import ReportRow
from zerolite.demo.settings import DemoSettings
from zerolite.demo.table import TABLE_HEADINGS, table_cells
from zerolite.evaluation import EvaluationResult, Latencies

# Keras 3.15's own, whenever it saves a variable under NumPy 2.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")

VARIANTS = ["float32", "float16", "dynamic range", "int8"]


class Page(html.parser.HTMLParser):
    """Tags with their attributes, and the text outside of styles."""

    def __init__(self, document: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(document)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def attributes(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def result(runtime: str, labels: np.ndarray, *, wrong: tuple[int, ...] = ()) -> EvaluationResult:
    """What an evaluation of a reader of digits returns that errs at `wrong` by one."""
    outputs = np.eye(10, dtype=np.float32)[labels]
    for index in wrong:
        outputs[index] = np.roll(outputs[index], 1)
    accuracy = float(np.mean(outputs.argmax(axis=1) == labels))
    latencies = Latencies()
    latencies.add(np.linspace(8, 12, 2 * len(labels)))
    return EvaluationResult(
        runtime=runtime,
        items=len(labels),
        metrics={"accuracy": accuracy},
        latencies=latencies,
        runs=2 * len(labels),
        kept_outputs=outputs,
    )


def report(*, variant: str = "int8", wrong: tuple[int, ...] = (), **changes: Any) -> Report:
    """A report of one variant that zerolite and the reference read alike, but for `wrong`."""
    labels = np.arange(20) % 10
    images = np.random.default_rng(0).uniform(size=(20, 8, 8, 1)).astype(np.float32)
    ours, reference = result("zerolite", labels, wrong=wrong), result("tf.lite", labels)
    values: dict[str, Any] = {
        "created": "2026-01-02T03:04:05+00:00",
        "seconds": 12.5,
        "training_seconds": 3.5,
        "epochs": 2,
        "seed": 0,
        "rounds": 2,
        "train_images": 40,
        "parameters": 1234,
        "environment": {"python": "3"},
        "rows": [
            ReportRow("float32", 4096, result("Keras", labels)),
            ReportRow(variant, 2048, reference),
            ReportRow(variant, 2048, ours),
        ],
        "agreements": [Agreement.between(variant, ours, reference)],
        "test_images": images,
        "test_labels": labels,
    }
    return Report(**values | changes)


# The whole


@pytest.fixture(scope="module")
def small_run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    pytest.importorskip("tensorflow", reason="the demonstration needs the extra demo")
    out = tmp_path_factory.mktemp("demo") / "made" / "on demand"
    command = [sys.executable, "-m", "zerolite", "demo", "--epochs", "2", "--json", "--out", str(out)]
    return out, subprocess.run(command, check=False, capture_output=True, text=True, timeout=300)


@pytest.mark.slow
def test_demo_succeeds_and_says_what_it_does(
    small_run: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    _, answer = small_run
    assert answer.returncode == 0, answer.stderr
    stages = ["Loading TensorFlow", "Training", "Converting", "Evaluating", "Writing the report"]
    # Nothing but progress: no log of TensorFlow, no warning.
    assert all(line.startswith(tuple(stages)) for line in answer.stderr.splitlines()), answer.stderr
    assert all(stage in answer.stderr for stage in stages)


@pytest.mark.slow
def test_demo_reports_every_variant(small_run: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    out, answer = small_run
    document = json.loads(answer.stdout)
    assert document == json.loads((out / "report.json").read_text(encoding="utf-8"))
    assert document["schema"] == 1
    assert document["agrees"] is True
    assert document["settings"] == {"epochs": 2, "seed": 0, "rounds": 15, "threads": 1}
    assert document["data"]["train_images"] + document["data"]["test_images"] == 1797
    assert [(row["variant"], row["runtime"]) for row in document["rows"]] == [
        ("float32", "Keras"),
        *((variant, runtime) for variant in VARIANTS for runtime in ("tf.lite", "zerolite")),
    ]
    for row in document["rows"]:
        name = "digits.keras" if row["runtime"] == "Keras" else f"digits-{row['variant']}.tflite"
        assert row["size_bytes"] == (out / name.replace(" ", "-")).stat().st_size
        # Two epochs are few, but far better than guessing.
        assert 0.5 < row["accuracy"] <= 1
        assert 0 < row["latency_us"]["p50"] <= row["latency_us"]["p95"]
        assert row["images_per_second"] == pytest.approx(1e6 / row["latency_us"]["mean"])
    assert [entry["variant"] for entry in document["agreement"]] == VARIANTS
    for entry in document["agreement"]:
        assert entry["agreeing"] == entry["images"] == document["data"]["test_images"]
        assert entry["differing_images"] == []


@pytest.mark.slow
def test_demo_models_are_what_their_names_say(
    small_run: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    out, _ = small_run
    types = {}
    for variant in VARIANTS:
        path = out / f"digits-{variant.replace(' ', '-')}.tflite"
        (source,) = model_zoo.reference_interpreter(path).get_input_details()
        types[variant] = source["dtype"]
    assert types == dict.fromkeys(VARIANTS, np.float32) | {"int8": np.int8}


@pytest.mark.slow
def test_demo_page_shows_the_numbers(small_run: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    out, answer = small_run
    page = Page((out / "report.html").read_text(encoding="utf-8"))
    for row in json.loads(answer.stdout)["rows"]:
        assert f"{100 * row['accuracy']:.2f} %" in page.text
    assert "predict the same on every test image" in page.text


@pytest.mark.slow
def test_demo_fails_where_predictions_differ(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in (
        ("TF_CPP_MIN_LOG_LEVEL", "3"),
        ("CUDA_VISIBLE_DEVICES", "-1"),
        ("KERAS_BACKEND", "tensorflow"),
    ):
        monkeypatch.setenv(name, value)
    tf = pytest.importorskip("tensorflow", reason="the demonstration needs the extra demo")
    from zerolite.conversion import convert
    from zerolite.demo import run
    from zerolite.demo.reference import reference_interpreter

    # A reference that is sure of another digit than any network that learned something.
    layers = tf.keras.layers
    biased = layers.Dense(10, kernel_initializer="zeros", bias_initializer=tf.keras.initializers.Constant(3))
    stubborn = tf.keras.Sequential([tf.keras.Input((8, 8, 1)), layers.Flatten(), biased])
    content = convert(stubborn).content
    monkeypatch.setattr(run, "reference_interpreter", lambda _: reference_interpreter(content))
    code = main(["demo", "--epochs", "1", "--out", str(tmp_path)])
    captured = capsys.readouterr()
    assert code == 1
    last = captured.err.splitlines()[-1]
    assert last.startswith("zerolite: predictions of 'float32' differ between zerolite and tf.lite.Interpreter")
    assert json.loads((tmp_path / "report.json").read_text())["agrees"] is False
    assert "differ between" in Page((tmp_path / "report.html").read_text(encoding="utf-8")).text


# Its parts


def test_agreement_finds_every_difference() -> None:
    labels = np.arange(20) % 10
    agreement = Agreement.between(
        "int8", result("zerolite", labels, wrong=(3, 9)), result("tf.lite", labels, wrong=(9,))
    )
    assert not agreement.complete
    assert agreement.to_dict() == {
        "variant": "int8",
        "images": 20,
        "agreeing": 19,
        "differing_images": [3],
        "zerolite_predictions": [4],
        "reference_predictions": [3],
        "largest_output_difference": 1.0,
    }
    same = Agreement.between("int8", result("zerolite", labels), result("tf.lite", labels))
    assert same.complete
    assert same.largest_difference == 0


def test_agreement_does_not_hide_nan() -> None:
    labels = np.arange(20) % 10
    broken = result("zerolite", labels)
    broken.outputs[5, 9] = math.nan
    agreement = Agreement.between("int8", broken, result("tf.lite", labels))
    assert agreement.largest_difference == math.inf
    assert agreement.to_dict()["largest_output_difference"] is None
    with pytest.raises(ValueError, match="can't be compared"):
        Agreement.between("int8", result("zerolite", labels), result("tf.lite", labels[:5]))


def test_report_names_the_first_difference() -> None:
    assert report().disagreement is None
    assert report(wrong=(7, 8)).disagreement == (
        "predictions of 'int8' differ between zerolite and tf.lite.Interpreter on 2 of 20 test images; "
        "the first is image 7: zerolite says 8, tf.lite 7"
    )
    json.dumps(report().to_dict(), allow_nan=False)


def test_table_cells() -> None:
    cells = table_cells(report(wrong=(7,)).rows[-1])
    assert len(cells) == len(TABLE_HEADINGS)
    assert cells == ("int8", "zerolite", "95.00 %", "10.0", "11.8", "100,000", "2.0")


@pytest.mark.parametrize("wrong", [{"epochs": 0}, {"rounds": 0}, {"seed": -1}, {"seed": 2**32}, {"test_images": 3}])
def test_settings_out_of_range(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        DemoSettings(**wrong)  # type: ignore[arg-type]


@pytest.fixture
def page_needs() -> None:
    for package in ("jinja2", "matplotlib"):
        pytest.importorskip(package, reason="the page needs the extra demo")


@pytest.mark.usefixtures("page_needs")
def test_page_stands_alone() -> None:
    page = Page(render_html(report(wrong=(2,))))
    assert not page.attributes("script")
    assert not page.attributes("link")
    sources = [image["src"] for image in page.attributes("img")]
    sources += [source["srcset"] for source in page.attributes("source")]
    # Two plots in two themes, one misread digit and nineteen that were read well.
    assert len(sources) == 4 + 20
    assert all(source is not None and source.startswith("data:image/") for source in sources)
    assert all(image["alt"] for image in page.attributes("img"))


@pytest.mark.usefixtures("page_needs")
def test_page_escapes_every_name() -> None:
    evil = "\"><script>alert(1)</script>{{ 7 * 7 }}<b a='"
    altered = report(variant=evil, wrong=(2,), environment={evil: evil}, created=evil)
    page = Page(render_html(altered))
    assert not page.attributes("script")
    assert not page.attributes("b") or all(not attributes for attributes in page.attributes("b"))
    assert page.text.count(evil) >= 5


@pytest.mark.usefixtures("page_needs")
def test_page_shows_misread_digits_with_who_misread_them() -> None:
    page = Page(render_html(report(wrong=(2, 13))))
    alts = [image["alt"] for image in page.attributes("img")]
    assert "Test image 2, a scanned 2, read as 2 or 3" in alts
    assert "Test image 13, a scanned 3, read as 3 or 4" in alts
    assert "2 of 20 test images" in page.text
    everywhere = " ".join(page.text.split())
    assert "read as 2 by float32, int8 in tf.lite read as 3 by int8 in zerolite" in everywhere
    assert "every variant read every test image as labelled" in Page(render_html(report())).text


@pytest.mark.usefixtures("page_needs")
def test_same_numbers_give_the_same_page() -> None:
    first = report()
    assert render_html(first) == render_html(dataclasses.replace(first))
