"""Where operators run, as the model tells it."""

from __future__ import annotations

import pytest

import zerolite as zl
from tests.support import model_zoo as zoo


def test_a_model_that_xnnpack_takes_whole() -> None:
    with zl.load(zoo.model_path("small_mobilenet"), threads=2) as model:
        delegation = model.delegation
    assert delegation.complete
    assert delegation.threads == 2
    assert [part.delegate for part in delegation.partitions] == ["XNNPACK"]
    part = delegation.partitions[0]
    assert part.subgraph == 0
    assert part.indices == tuple(range(7))
    assert set(part.operators) == {"CONV_2D", "DEPTHWISE_CONV_2D", "ADD", "MEAN", "FULLY_CONNECTED"}


@pytest.mark.parametrize("kernels", ["builtin", "reference"])
def test_without_xnnpack(kernels: zl.delegates.Kernels) -> None:
    with zl.load(zoo.model_path("small_mobilenet"), delegates=zl.XNNPack(kernels=kernels)) as model:
        assert model.delegation.partitions == ()
        assert set(model.delegation.operators) == {"builtin"}
        assert not model.delegation.complete


def test_operators_of_several_subgraphs() -> None:
    with zl.load(zoo.model_path("conditional")) as model:
        delegation = model.delegation
    assert [part.operators for part in delegation.builtin] == [("GREATER", "IF")]
    assert {part.subgraph for part in delegation.partitions} == {0, 1, 2}


def test_mixed_graphs_count_partitions() -> None:
    with zl.load(zoo.model_path("mixed_chain")) as model:
        delegation = model.delegation
        everything = sorted(
            index
            for part in (*delegation.partitions, *delegation.builtin)
            for index in part.indices
            if part.subgraph == 0
        )
        assert everything == list(range(len(everything)))
        assert len(delegation.partitions) > 1
        text = repr(delegation)
    assert text.startswith(f"Delegation({len(everything)} operators, 1 thread)")
    assert f"in {len(delegation.partitions)} partitions" in text


def test_without_fallback_xnnpack_must_take_everything() -> None:
    with zl.load(zoo.model_path("small_mobilenet"), fallback=False) as model:
        assert model.delegation.complete
    with pytest.raises(zl.DelegateError, match=r"no delegate takes the operators GREATER, IF"):
        zl.load(zoo.model_path("conditional"), fallback=False)


def test_a_closed_model() -> None:
    model = zl.load(zoo.model_path("small_mobilenet"))
    model.close()
    with pytest.raises(zl.Error, match="closed"):
        _ = model.delegation
