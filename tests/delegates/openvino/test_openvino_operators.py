"""Single operators: OpenVINO computes them as TensorFlow Lite does, or they are kept from it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import zerolite as zl
from tests.delegates.operator_cases import OperatorCase, all_cases

pytest.importorskip("openvino", reason="needs the extra openvino")

BEYOND_FLOAT = 2**24  # from here on float32 has not every whole number


def values_of(model: zl.CompiledModel, kind: str) -> dict[str, Any]:
    rng = np.random.default_rng(5)
    values = {}
    for name, tensor in model.inputs.items():
        if tensor.dtype.kind == "f":
            drawn = rng.normal(size=tensor.shape, scale=3)
            drawn = np.where(drawn == 0, 1, drawn)
            values[name] = (drawn if kind == "small" else np.rint(2 * drawn + 0.5) / 2 + 0.25).astype(tensor.dtype)
        elif tensor.dtype.kind == "b":
            values[name] = rng.integers(0, 2, tensor.shape).astype(bool)
        elif kind == "small" or tensor.dtype.itemsize < 4:
            values[name] = rng.integers(1, 4, tensor.shape).astype(tensor.dtype)
        else:
            values[name] = (BEYOND_FLOAT + rng.integers(0, 4, tensor.shape)).astype(tensor.dtype)
    return values


CASES = {case.name: case for case in all_cases()}


@pytest.mark.parametrize("case", list(CASES.values()), ids=str)
def test_an_operator(case: OperatorCase) -> None:
    content = case.model()
    with (
        zl.load(content, delegates=zl.XNNPack(kernels="builtin")) as plain,
        zl.load(content, delegates=zl.OpenVino()) as model,
    ):
        if "OpenVINO" not in model.delegation.operators:
            assert model.delegation.unused[0].reason
            return
        for kind in ("small", "large"):
            values = values_of(plain, kind)
            try:
                expected = plain(values)
            except zl.Error:  # an index that is out of range
                continue
            actual = model(values)
            if not isinstance(expected, dict):
                expected, actual = {"": expected}, {"": actual}
            for name, array in expected.items():
                assert actual[name].shape == array.shape
                if array.dtype.kind == "f":
                    largest = np.abs(array[np.isfinite(array)]).max(initial=0)
                    np.testing.assert_allclose(actual[name], array, rtol=1e-5, atol=1e-5 * largest)
                else:
                    np.testing.assert_array_equal(actual[name], array)


def test_indices_that_are_out_of_range() -> None:
    """TensorFlow Lite refuses them; OpenVINO answers zeros, and reads nothing that is not the table's."""
    with zl.load(CASES["GATHER"].model(), delegates=zl.OpenVino()) as model:
        assert set(model.delegation.operators) == {"OpenVINO"}
        np.testing.assert_array_equal(model(np.array([10, 2**31 - 1, -(2**31), 999], np.int32)), 0)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("CAST-float32-uint8", "the operator CAST makes whole numbers of floats"),
        ("SUM-int32", "the operator SUM has int32 values, which OpenVINO computes in float32"),
        ("ADD-int64", "tensor 'input_0' holds int64, which OpenVINO computes as int32"),
        ("GATHER_ND-input", "the operator GATHER_ND has computed indices"),
        ("REVERSE_SEQUENCE-input", "the operator REVERSE_SEQUENCE has computed lengths"),
        ("SCATTER_ND", "the operator SCATTER_ND adds values of the same index"),
        ("RESIZE_NEAREST_NEIGHBOR-False-True-5", "the operator RESIZE_NEAREST_NEIGHBOR has half-pixel centers"),
    ],
)
def test_an_operator_that_is_kept_from_it(name: str, reason: str) -> None:
    with zl.load(CASES[name].model(), delegates=zl.OpenVino()) as model:
        assert model.delegation.unused[0].reason.startswith(reason)
