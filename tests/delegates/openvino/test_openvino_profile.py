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
    with zl.load(zoo.model_path("small_cnn"), delegates=zl.OpenVino(), fallback=fallback) as model:
        x = np.random.default_rng(0).normal(size=model.inputs[0].shape).astype(np.float32)
        before = model(x)
        profile = model.profile(runs=RUNS)
        np.testing.assert_array_equal(model(x), before)
    assert {one.delegate for one in profile.operators} == {"OpenVINO"}
    kinds = [one.type for one in profile.operators]
    assert REST in kinds
    # OpenVINO 2026.4 counts microseconds, and a node that took less than one as not run: it is part of the rest then.
    assert all(1 <= one.count <= RUNS for one in profile.operators)
    # Each node with the kernel in brackets, under the name of the tensor that it computes.
    assert all(kind == REST or (" (" in kind and kind.endswith(")")) for kind in kinds)
    convolutions = [one for one in profile.operators if one.type.startswith("Convolution (")]
    assert 1 <= len(convolutions) <= 2
    assert all("/conv_" in one.name for one in convolutions)
    assert len({one.name for one in convolutions}) == len(convolutions), "each computes a tensor of its own"


def test_programs_with_counters_are_not_kept(tmp_path: Path) -> None:
    with zl.load(zoo.model_path("small_cnn"), delegates=zl.OpenVino(cache=tmp_path)) as model:
        model.run()
        kept = sorted(tmp_path.iterdir())
        assert len(kept) == 1
        assert model.profile(runs=1).runs == 1
        # The replica that is not profiled finds what was kept.
        assert sorted(tmp_path.iterdir()) == kept
