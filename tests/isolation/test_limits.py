"""What a process that a model is isolated in may take, as its user sets it."""

from __future__ import annotations

import copy
import math
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zerolite as zl
from tests.models.generate.graph_builder import GraphBuilder, Op
from tests.support import model_zoo as zoo

DENSE = zoo.model_path("dense_2layer")
ROW = np.ones((1, 64), np.float32)
GIBIBYTE = 1 << 30


def tiled() -> bytes:
    """A model that makes as many floats as it is told."""
    builder = GraphBuilder()
    one, times, many = builder.tensor("one", [1]), builder.tensor("times", [1], "int32"), builder.tensor("many", [1])
    builder.operator(Op.TILE, [one, times], [many])
    builder.interface([one, times], [many])
    return builder.finish()


def test_memory_is_as_much_as_it_is_told() -> None:
    def floats(count: int, isolation: Any) -> int:
        with zl.load(tiled(), isolation=isolation) as model:
            return int(np.size(model(np.ones(1, np.float32), np.array([count], np.int32))))

    limited = zl.ProcessIsolation(memory=GIBIBYTE)
    assert floats(1000, limited) == 1000
    with pytest.raises(zl.Error):
        floats(GIBIBYTE // 4, limited)
    assert floats(GIBIBYTE // 16, "process") == GIBIBYTE // 16


@pytest.mark.parametrize("way", ["load", "replica", "pickle", "pool"])
def test_seconds_are_those_of_each_run(way: str, sample_intruder: Path) -> None:
    limited = zl.ProcessIsolation(seconds=0.2)
    loops = zl.ExternalDelegate(sample_intruder, {"attempt": "loop"})
    path = zoo.model_path("builtin_chain")

    def run() -> None:
        if way == "pool":
            with zl.Pool(path, workers=2, delegates=loops, isolation=limited) as pool:
                pool.submit(np.zeros((1, 8), np.float32)).result()
        with zl.load(path, delegates=loops, isolation=limited) as model:
            if way == "load":
                model.run()
            with copy.copy(model) if way == "replica" else pickle.loads(pickle.dumps(model)) as other:
                other.run()

    with pytest.raises(zl.Error, match=r"did not answer within 0\.2 s"):
        run()


def test_defaults_are_those_of_the_word() -> None:
    with zl.load(DENSE, isolation=zl.ProcessIsolation()) as model, zl.load(DENSE, isolation="process") as other:
        np.testing.assert_array_equal(model(ROW), other(ROW))


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ({"memory": 1000}, "memory is 1000, and must be at least 536870912 bytes"),
        ({"memory": -1}, "memory is -1"),
        ({"seconds": 0}, "seconds is 0, and must be above 0"),
        ({"seconds": math.nan}, "seconds is nan"),
        ({"seconds": math.inf}, "seconds is inf"),
    ],
)
def test_limits_that_are_none(limits: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        zl.ProcessIsolation(**limits)


def test_types_of_limits() -> None:
    with pytest.raises(TypeError):
        zl.ProcessIsolation(memory=1e9)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        zl.ProcessIsolation(seconds="1")  # type: ignore[arg-type]
