"""The soak program: its arithmetic, a short run of each load, and that it sees what grows."""

from __future__ import annotations

import json

import numpy as np
import pytest

import zerolite as zl
from benchmarks import soak
from benchmarks.pool_clients import PoolClients
from benchmarks.process_growth import FEWEST_READINGS, Growth, line_through
from tests.support.process_memory import needs_proc
from tests.support.python_process import answer_of
from tests.support.soak_loads import SHORT

ALLOWANCE = 2 << 20  # for memory that is not used yet when a short run begins to count


def growth_of_a_process_with(load: str) -> Growth:
    return Growth(**json.loads(answer_of("from tests.support.soak_loads import main; main()", load)))


def test_line_is_that_of_numpy() -> None:
    rng = np.random.default_rng(0)
    places = np.cumsum(rng.uniform(1, 9, 50))
    values = rng.standard_normal(50) + 3 * places
    coefficients, covariance = np.polyfit(places, values, 1, cov=True)
    np.testing.assert_allclose(line_through(places, values), (coefficients[0], np.sqrt(covariance[0, 0])))


@needs_proc
@pytest.mark.parametrize("load", SHORT)
def test_load_does_not_leak(load: str) -> None:
    found = growth_of_a_process_with(load)
    assert found.repetitions > 0
    assert not found.leaks(ALLOWANCE), found


@needs_proc
def test_models_that_stay_open_are_seen() -> None:
    found = growth_of_a_process_with("models")
    assert found.leaks(ALLOWANCE), found


@needs_proc
def test_threads_that_stay_are_seen() -> None:
    found = growth_of_a_process_with("a pool")
    assert (found.threads, found.leaks(1 << 40)) == (FEWEST_READINGS, True)


@needs_proc
def test_memory_that_stays_is_seen() -> None:
    found = growth_of_a_process_with("pages")
    assert (found.repetitions, found.descriptors, found.threads) == (120, 0, 0)
    assert found.slope == pytest.approx(1000 << 18, rel=0.2)


@needs_proc
def test_descriptors_that_stay_are_seen() -> None:
    found = growth_of_a_process_with("descriptors")
    assert (found.descriptors, found.leaks(1 << 40)) == (120, True)


def test_wrong_answer_is_seen() -> None:
    with zl.load(soak.MODEL) as model, zl.Pool(soak.MODEL, workers=1) as pool:
        asking = PoolClients(pool, lambda row: model(row) + 1, threads=2, width=soak.WIDTH)
        with pytest.raises(RuntimeError, match="a wrong answer"), asking:
            asking.work(60)
