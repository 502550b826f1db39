"""Samples come out of a spool as they went in, and fit a model or say why not."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as from_numpy

from zerolite.conversion.samples.input_spec import InputSpec, arrange_sample, specs_of_signature
from zerolite.conversion.samples.spool import SampleSpool, read_spool

ARRAYS = from_numpy.arrays(
    dtype=st.sampled_from(["float32", "float64", "int8", "uint8", "int64", "bool", "complex64", "S5"]),
    shape=from_numpy.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4),
)
SAMPLES = st.one_of(st.lists(ARRAYS, max_size=3), st.dictionaries(st.text(max_size=5), ARRAYS, max_size=3))


@given(records=st.lists(st.tuples(st.none() | st.text(max_size=5), SAMPLES), max_size=4))
def test_samples_come_out_as_they_went_in(records: list[tuple[str | None, Any]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "samples"
        with SampleSpool(path) as spool:
            for signature, sample in records:
                spool.append(signature, sample)
        read = list(read_spool(path))
    assert [signature for signature, _ in read] == [signature for signature, _ in records]
    for (_, came), (_, went) in zip(read, records, strict=True):
        assert type(came) is type(went)
        if isinstance(came, dict):
            assert list(came) == list(went)
        for one, other in zip(arrays_of(came), arrays_of(went), strict=True):
            assert (one.dtype, one.shape) == (other.dtype, other.shape)
            assert one.tobytes() == other.tobytes()


def arrays_of(sample: Any) -> list[np.ndarray]:
    return list(sample.values()) if isinstance(sample, dict) else sample


SHAPES = from_numpy.array_shapes(min_dims=1, max_dims=4, max_side=3)


@given(shape=SHAPES, open_axes=st.sets(st.integers(0, 3)), other=SHAPES)
def test_shapes_fit_where_axes_are_open(shape: tuple[int, ...], open_axes: set[int], other: tuple[int, ...]) -> None:
    spec = InputSpec("x", tuple(None if axis in open_axes else size for axis, size in enumerate(shape)), "float32")
    fits = len(other) == len(shape) and all(
        axis in open_axes or size == wanted for axis, (size, wanted) in enumerate(zip(other, shape, strict=True))
    )
    array = np.zeros(other, np.int16)
    if fits:
        arranged = arrange_sample([array], [spec], "sample 0")
        assert list(arranged) == ["x"]
        assert arranged["x"].dtype == np.float32
        assert arranged["x"].shape == other
    else:
        with pytest.raises(ValueError, match="sample 0 has shape"):
            arrange_sample({"x": array}, [spec], "sample 0")


def test_signature_of_a_sample() -> None:
    one, other = [InputSpec("x", (1,), "float32")], [InputSpec("y", (1,), "float32")]
    assert specs_of_signature({None: one}, "whatever") is one
    assert specs_of_signature({"serve": one}, None) is one
    assert specs_of_signature({"serve": one, "train": other}, "train") is other
    with pytest.raises(ValueError, match="the model has the signatures serve, train"):
        specs_of_signature({"serve": one, "train": other}, None)
    with pytest.raises(ValueError, match="a signature 'absent'; the model has serve"):
        specs_of_signature({"serve": one}, "absent")
