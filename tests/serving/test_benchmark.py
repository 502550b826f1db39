"""The benchmarks of the server run. No test judges a number."""

from __future__ import annotations

from pathlib import Path

from benchmarks import serving, serving_load
from benchmarks.settings import Settings
from benchmarks.suite import BENCHMARKS


def test_all_servers_answer_all_clients(tmp_path: Path) -> None:
    assert BENCHMARKS["serving"] is serving.run
    outcome = serving.run(Settings(results=tmp_path, build=tmp_path, quick=True))
    heading, *rows = outcome.table
    assert heading[2:] == ("requests/s", "p50 (ms)", "p99 (ms)")
    assert len(rows) == 10
    assert all(float(rate) > 0 for _, _, rate, *_ in rows)
    assert [figure.target for figure in outcome.figures] == [None, 2.0, *[None] * 7]
    assert all(figure.median > 0 for figure in outcome.figures)


def test_below_full_load_and_beside_map(tmp_path: Path) -> None:
    assert BENCHMARKS["serving_load"] is serving_load.run
    outcome = serving_load.run(Settings(results=tmp_path, build=tmp_path, quick=True))
    assert [(figure.goal, figure.target) for figure in outcome.figures] == [("at most", 5.0), ("at least", 0.9)]
    assert all(figure.median > 0 for figure in outcome.figures)
