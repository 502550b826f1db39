"""What a profile tells of OpenVINO's part of a graph."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import zerolite as zl
from tests.support import model_zoo as zoo
from zerolite._instrumentation.operator_times import REST

pytest.importorskip("openvino", reason="needs the extra openvino")

RUNS = 3


@pytest.mark.parametrize("fallback", [True, False])
def test_it_has_openvinos_own_counters(fallback: bool) -> None:
    with zl.load(zoo.model_path("small_mobilenet"), delegates=zl.OpenVino(), fallback=fallback) as model:
        x = np.random.default_rng(0).normal(size=model.inputs[0].shape).astype(np.float32)
        before = model(x)
        profile = model.profile(runs=RUNS)
        np.testing.assert_array_equal(model(x), before)
        operators = model.delegation.partitions[0].operators
    assert {one.delegate for one in profile.operators} == {"OpenVINO"}
    assert all(one.count == RUNS for one in profile.operators)
    kinds = [one.type for one in profile.operators]
    assert REST in kinds
    # Each node with the kernel in brackets, and as many convolutions as the model has.
    assert all(kind == REST or (" (" in kind and kind.endswith(")")) for kind in kinds)
    convolutions = [kind for kind in kinds if kind.startswith(("Convolution (", "GroupConvolution ("))]
    assert len(convolutions) == sum("CONV_2D" in name for name in operators)
    named = {one.name for one in profile.operators if one.type in convolutions}
    assert len(named) == len(convolutions), "each computes a tensor of its own"


def test_programs_with_counters_are_not_kept(tmp_path: Path) -> None:
    with zl.load(zoo.model_path("small_cnn"), delegates=zl.OpenVino(cache=tmp_path)) as model:
        model.run()
        kept = sorted(tmp_path.iterdir())
        assert len(kept) == 1
        assert model.profile(runs=1).runs == 1
        # The replica that is not profiled finds what was kept.
        assert sorted(tmp_path.iterdir()) == kept
