"""The benchmark of the server runs. No test judges a number."""

from __future__ import annotations

from pathlib import Path

from benchmarks.serving import run
from benchmarks.settings import Settings
from benchmarks.suite import BENCHMARKS


def test_all_servers_answer_all_clients(tmp_path: Path) -> None:
    assert BENCHMARKS["serving"] is run
    outcome = run(Settings(results=tmp_path, build=tmp_path, quick=True))
    heading, *rows = outcome.table
    assert heading[2:] == ("requests/s", "p50 (ms)", "p99 (ms)")
    assert len(rows) == 8
    assert all(float(rate) > 0 for _, _, rate, *_ in rows)
    assert [figure.target for figure in outcome.figures] == [None, 2.0, None, None, None]
    assert all(figure.median > 0 for figure in outcome.figures)
