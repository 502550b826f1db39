"""Sound models made unsound: every one is run or refused, and none ends the process. More in docs/reliability.md."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.mutations import seeds
from tests.mutations.mutation import (
    CRASHERS,
    KINDS,
    Mutation,
    edits,
    past_crashers,
    random_mutations,
    single_operators,
    truncations,
)
from tests.mutations.single_operator import OPERATORS
from tests.support import model_zoo as zoo

ROOT = Path(__file__).parents[2]


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
    ends = campaign("--count", "600", "--seed", "7", "--lengths", "2", "--operators", "5", "--verify", "full")
    assert ends["ran"] > 0
    assert ends["refused"] > 0


def test_edited_models_at_full() -> None:
    """Most of them are sound enough to run."""
    ends = campaign("--count", "0", "--edits", "500", "--seed", "7", "--verify", "full")
    assert ends["ran"] > 200
    assert ends["refused"] > 100


def test_past_crashers_at_full() -> None:
    """Each of them ended a process, at some level, before there was a guard."""
    ends = campaign("--replay", CRASHERS, "--verify", "full")
    assert ends["hung"] == 0
    assert sum(ends.values()) == len(CRASHERS.read_text(encoding="utf-8").splitlines())


def test_campaign_sees_deaths() -> None:
    """Or else it could not fail: without the checks of "full", this one aborts."""
    with pytest.raises(AssertionError, match="SIGABRT"):
        campaign_of("quantized_add_int8/byte/1657151175")


def campaign_of(mutation: str) -> None:
    command = [sys.executable, "-m", "tests.mutations", "--json", "--verify", "structure", "--replay", "/dev/stdin"]
    process = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT, input=mutation, timeout=600)
    assert " died " not in process.stdout, process.stdout


def test_mutations_are_the_same_each_time() -> None:
    models = ["dense_2layer", "rank_0"]
    mutations = random_mutations(models, 40, seed=3)
    operators = single_operators(1, seed=3)
    assert [mutation.model for mutation in operators] == OPERATORS
    edited = edits(40, seed=3)
    assert mutations == random_mutations(models, 40, seed=3)
    assert edited == edits(40, seed=3)
    assert {mutation.kind for mutation in mutations} == set(KINDS)
    for mutation in (*mutations, *operators, *edited):
        assert Mutation.parse(str(mutation)).bytes() == mutation.bytes()


def test_seeds_of_the_fuzzer(tmp_path: Path) -> None:
    seeds.write(tmp_path)
    models = {path.stem for path in zoo.MODELS.glob("*.tflite")}
    assert {path.stem for path in (tmp_path / "seeds").iterdir()} == models
    crashers = past_crashers()
    assert {path.read_bytes() for path in (tmp_path / "crashers").iterdir()} == {each.bytes() for each in crashers}


def test_found_crashers_are_replayed() -> None:
    files = {path.stem for path in CRASHERS.with_name("crashers").iterdir()}
    assert {each.model for each in past_crashers() if each.kind == "found"} == files


def test_truncations_cover_the_lengths() -> None:
    lengths = [mutation.number for mutation in truncations(["rank_0"], every_length_up_to=10_000)]
    assert lengths == list(range(len(lengths)))
    assert len(truncations(["small_cnn"], every_length_up_to=100)) <= 100
