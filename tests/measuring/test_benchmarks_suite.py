"""The benchmarks run, and write what they promise. No test judges a number."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.figure import Figure
from benchmarks.outcome import Outcome
from benchmarks.plot import plot
from benchmarks.report import markdown
from tests.support.python_process import ROOT

PNG = b"\x89PNG\r\n\x1a\n"


def run_benchmarks(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "benchmarks", *map(str, arguments)],
        check=False,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
    )


@pytest.mark.slow
def test_quick_run_writes_results(tmp_path: Path) -> None:
    pytest.importorskip("tensorflow")
    answer = run_benchmarks("per_call", "--quick", "--results", tmp_path)
    assert answer.returncode == 0, answer.stderr
    assert {path.name for path in tmp_path.iterdir()} == {
        "README.md",
        "benchmarks.png",
        "overview.png",
        "per_call.json",
    }
    document = json.loads((tmp_path / "per_call.json").read_text())
    assert document["quick"]
    targets = {
        (figure["name"], figure["reference"]): figure["target"]
        for figure in document["figures"]
        if figure["target"] is not None
    }
    assert targets == {
        ("array in to array out", "tf.lite.Interpreter"): 0.25,
        ("array in to array out", "ai_edge_litert CompiledModel"): 0.10,
        ("run() / invoke() alone", "tf.lite.Interpreter"): 0.40,
    }
    assert all(0 < figure["q1"] <= figure["median"] <= figure["q3"] for figure in document["figures"])
    page = (tmp_path / "README.md").read_text()
    assert "These numbers mean nothing" in page
    assert "| processor |" in page
    for picture in ("benchmarks.png", "overview.png"):
        assert (tmp_path / picture).read_bytes().startswith(PNG)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(["speed"], "there is no benchmark 'speed'"), (["--quick"], "choose another folder")],
)
def test_wrong_use_is_told(arguments: list[str], message: str) -> None:
    answer = run_benchmarks(*arguments)
    assert answer.returncode == 2
    assert message in answer.stderr


def figure(values: list[float], **options: object) -> Figure:
    return Figure.comparing("name", "ms", ("zerolite", values), ("other", [1.0] * len(values)), **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("median", "options", "verdict"),
    [
        (0.5, {"target": 0.5}, "met"),
        (0.51, {"target": 0.5}, "missed"),
        (1.01, {"target": 1.0, "noise": 0.02}, "met within noise"),
        (1.03, {"target": 1.0, "noise": 0.02}, "missed"),
        (2.0, {"target": 1.9, "goal": "at least"}, "met"),
        (1.8, {"target": 1.9, "goal": "at least"}, "missed"),
        (1.8, {}, ""),
    ],
)
def test_verdict(median: float, options: dict[str, object], verdict: str) -> None:
    assert figure([median - 0.1, median, median + 0.1], **options).verdict == verdict


def test_outcome_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "outcome.json"
    outcome = Outcome(
        "title", "method", [figure([0.5, 0.6], target=0.7)], [["", "a"], ["b", "1"]], {"x": 1}, {"cores": 2}
    )
    path.write_text(outcome.to_json(), encoding="utf-8")
    assert Outcome.read(path).to_json() == outcome.to_json()


def test_page_and_plot_show_every_figure() -> None:
    pytest.importorskip("matplotlib")
    alone = Figure("share", "zerolite", "", "µs", 0.05, None, (0.04, 0.05, 0.06), target=0.1)
    throughput = figure([1.95, 2.0], target=1.9, goal="at least")
    outcomes = {
        "one": Outcome("One", "How.", [figure([0.5, 0.6], target=0.7), alone], machine={"date": "2024-02-29"}),
        "two": Outcome("Two", "How.", [throughput], machine={"date": "2024-03-01"}),
    }
    page = markdown(outcomes)
    assert "| date | 2024-02-29 (one); 2024-03-01 (two) |" in page
    assert "0.550 (0.525 to 0.575) | ≤ 0.70 | met |" in page
    assert "0.050 µs (0.045 to 0.055) | ≤ 0.10 µs | met |" in page
    assert "≥ 1.90 | met |" in page
    assert plot(outcomes).startswith(PNG)


def test_results_name_no_place_outside_the_project() -> None:
    for path in sorted((ROOT / "benchmarks" / "results").rglob("*.json")):
        assert '"/' not in path.read_text(encoding="utf-8"), path.name
