"""Sound models made unsound: every one is run or refused, and none ends the process. More in docs/reliability.md."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.mutations.mutation import KINDS, Mutation, random_mutations, truncations

ROOT = Path(__file__).parent.parent
CRASHERS = Path(__file__).parent / "mutations" / "crashers.txt"


def campaign(*arguments: str | Path) -> dict[str, int]:
    """How the trials ended. In a process of its own, since it forks."""
    command = [sys.executable, "-m", "tests.mutations", "--json", *map(str, arguments)]
    process = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT, timeout=600)
    assert process.stderr == ""
    *deaths, summary = process.stdout.splitlines()
    counts = json.loads(summary)["counts"]
    ends = {end: sum(kind[end] for kind in counts.values()) for end in next(iter(counts.values()))}
    assert (ends["died"], ends["failed"]) == (0, 0), deaths
    return ends


def test_random_mutations_at_full() -> None:
    ends = campaign("--count", "600", "--seed", "7", "--lengths", "2", "--verify", "full")
    assert ends["ran"] > 0
    assert ends["refused"] > 0


def test_past_crashers_at_full() -> None:
    """Each of them ended a process, at some level, before there was a guard."""
    ends = campaign("--replay", CRASHERS, "--verify", "full")
    assert ends["hung"] == 0
    assert sum(ends.values()) == len(CRASHERS.read_text(encoding="utf-8").splitlines())


def test_campaign_sees_deaths() -> None:
    """Or else it could not fail: without the checks of "full", this one aborts."""
    with pytest.raises(AssertionError, match="SIGABRT"):
        campaign_of("quantized_add_int8/offset/805146785")


def campaign_of(mutation: str) -> None:
    command = [sys.executable, "-m", "tests.mutations", "--json", "--verify", "structure", "--replay", "/dev/stdin"]
    process = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT, input=mutation, timeout=600)
    assert " died " not in process.stdout, process.stdout


def test_mutations_are_the_same_each_time() -> None:
    models = ["dense_2layer", "rank_0"]
    mutations = random_mutations(models, 40, seed=3)
    assert mutations == random_mutations(models, 40, seed=3)
    assert {mutation.kind for mutation in mutations} == set(KINDS)
    for mutation in mutations:
        assert Mutation.parse(str(mutation)).bytes() == mutation.bytes()


def test_truncations_cover_the_lengths() -> None:
    lengths = [mutation.number for mutation in truncations(["rank_0"], every_length_up_to=10_000)]
    assert lengths == list(range(len(lengths)))
    assert len(truncations(["small_cnn"], every_length_up_to=100)) <= 100
