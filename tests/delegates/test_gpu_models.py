"""Every float model of the tests on the GPU, against the same model on the CPU."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import zerolite as zl
from tests.support import model_zoo as zoo
from tests.support.model_zoo import ModelEntry

# Relative to the largest value of an output: what single and half precision keep of sums of this length. Quantized
# models are computed in floating point on the GPU, and in integers on the CPU.
TOLERANCES = {"fp32": 1e-4, "fp16": 2e-2}
QUANTIZED = 4e-2
QUANTIZED_NAMES = ("int8", "int16x8", "dynamic_range", "int4")
BEYOND_HALF_PRECISION = ("special_values", "builtin_chain")  # which have values above 65504


def cases() -> Iterator[Any]:
    for entry in zoo.models("float", without=["random", "names"]):
        for precision in TOLERANCES:
            if precision == "fp32" or entry.name not in BEYOND_HALF_PRECISION:
                yield pytest.param(entry, precision, id=f"{entry}-{precision}")


@pytest.mark.parametrize(("entry", "precision"), list(cases()))
@pytest.mark.usefixtures("vulkan")
def test_results_are_those_of_the_cpu(entry: ModelEntry, precision: Any) -> None:
    tolerance = QUANTIZED if any(name in entry.name for name in QUANTIZED_NAMES) else TOLERANCES[precision]
    with zl.load(entry.path) as plain, zl.load(entry.path, delegates=zl.Gpu(precision=precision)) as model:
        generator = np.random.default_rng(1)
        without_signature = "no_signature" in entry.tags
        details = zoo.input_details(entry.path, signature=None if without_signature else plain.key)
        values = zoo.random_inputs(details, generator, ranges=entry.input_ranges, choices=entry.input_choices)
        by_position = dict(zip(plain.inputs, values, strict=True)) if isinstance(values, list) else values
        for _ in range(2):
            expected, answers = plain(by_position), model(by_position)
            if not isinstance(expected, dict):
                expected, answers = {"output": expected}, {"output": answers}
            for name, array in expected.items():
                scale = float(np.abs(array.astype(np.float64)).max(initial=1)) if array.dtype.kind == "f" else 1
                np.testing.assert_allclose(
                    answers[name], array, rtol=0, atol=tolerance * scale, err_msg=f"{entry} {name}"
                )
