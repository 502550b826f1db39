"""A model over tables of Arrow: the rows are those of `map`, and nothing is copied that need not be."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import zerolite as zl
from tests.support.bit_equality import assert_same_bits
from tests.support.model_zoo import MODELS, Array
from zerolite._inference.batch import named_outputs
from zerolite.integrations.arrow_tables import ArrowRunner, column_values

ROWS = np.random.default_rng(0).standard_normal((10, 64)).astype(np.float32)


def fixed_size_lists(array: Array) -> pa.Array:
    """Lists in lists, as Arrow has rows of several axes without an extension."""
    column = pa.array(array.ravel())
    for size in reversed(array.shape[1:]):
        column = pa.FixedSizeListArray.from_arrays(column, size)
    return column


def lists(array: Array) -> pa.Array:
    return pa.array(array.reshape(len(array), -1).tolist(), pa.list_(pa.from_numpy_dtype(array.dtype)))


LAYOUTS = {
    "fixed-size lists": fixed_size_lists,
    "flat lists": lambda array: fixed_size_lists(array.reshape(len(array), -1)),
    "lists of equal lengths": lists,
    "large lists": lambda array: lists(array).cast(pa.large_list(pa.from_numpy_dtype(array.dtype))),
    "tensors": pa.FixedShapeTensorArray.from_numpy_ndarray,
}


def run(model: Any, table: pa.Table, **options: Any) -> pa.Table:
    options = {"columns": None, "keep": None, **options}
    return ArrowRunner(model, tensor_column=fixed_size_lists, **options).run(table)


def mapped(model: Any, batch: Any) -> dict[str, Array]:
    return named_outputs(model.map(batch), model.outputs)


def values_of(table: pa.Table, name: str) -> Array:
    return np.array(table[name].to_pylist())


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("model", ["dense_2layer", "small_cnn"])
def test_rows_are_those_of_map(model: str, layout: str) -> None:
    with zl.load(MODELS / f"{model}.tflite") as loaded:
        [(name, tensor)] = loaded.inputs.items()
        batch = np.random.default_rng(1).random((5, *tensor.shape[1:]), np.float32)
        table = pa.table({"id": range(5), name: LAYOUTS[layout](batch)})
        done = run(loaded, table)
        assert done.column_names == ["id", *loaded.outputs]
        assert done["id"].to_pylist() == list(range(5))
        [output] = loaded.outputs
        assert_same_bits(values_of(done, output).astype(np.float32), mapped(loaded, batch)[output])


@pytest.mark.parametrize("layout", LAYOUTS)
def test_values_lie_where_arrow_has_them(layout: str) -> None:
    column = LAYOUTS[layout](ROWS)
    values = column
    while not pa.types.is_floating(values.type):
        values = (values.storage if isinstance(values, pa.ExtensionArray) else values).flatten()
    begin = values.buffers()[1].address
    assert column_values(column, "x").ctypes.data == begin
    assert column_values(column[3:], "x").ctypes.data == begin + 3 * ROWS[0].nbytes


@given(st.lists(st.integers(0, 4), min_size=1, max_size=5))
def test_tables_in_chunks(sizes: list[int]) -> None:
    with zl.load(MODELS / "dense_2layer.tflite") as model:
        rows = ROWS[np.arange(sum(sizes)) % len(ROWS)]
        edges = np.cumsum([0, *sizes])
        chunks = [fixed_size_lists(rows[begin:end]) for begin, end in pairwise(edges)]
        done = run(model, pa.table({"features": pa.chunked_array(chunks)}))
        assert done.column_names == ["output_0"]
        assert done["output_0"].type == fixed_size_lists(mapped(model, ROWS)["output_0"]).type
        assert_same_bits(
            values_of(done, "output_0").astype(np.float32).reshape(-1, 10), mapped(model, rows)["output_0"]
        )


def test_several_inputs_and_columns_by_name() -> None:
    with zl.load(MODELS / "two_inputs_three_outputs.tflite") as model:
        left, right = ROWS[:, :4], ROWS[:, 4:8]
        table = pa.table({"a": fixed_size_lists(left.copy()), "b": fixed_size_lists(right.copy()), "id": range(10)})
        done = run(model, table, columns={"right": "b", "left": "a"}, keep=["b"])
        assert done.column_names == ["b", *model.outputs]
        for name, expected in mapped(model, {"left": left, "right": right}).items():
            assert_same_bits(values_of(done, name).astype(np.float32), expected)


def test_strings_and_truth_values() -> None:
    with zl.load(MODELS / "string_passthrough.tflite") as model:
        texts = [["a", "ü", "", "b", "c", "d"], ["1", "2", "3", "4", "5", "6"]]
        done = run(model, pa.table({"x": pa.array(texts)}))
        assert done["y"].to_pylist() == [[[t.encode() for t in row[i : i + 2]] for i in (0, 2, 4)] for row in texts]
    with zl.load(MODELS / "dtype_bool.tflite") as model:
        x, y = np.random.default_rng(0).random((2, 3, 2, 4)) < 0.5
        done = run(model, pa.table({"x": lists(x), "y": lists(y)}))
        for name, expected in mapped(model, {"x": x, "y": y}).items():
            np.testing.assert_array_equal(values_of(done, name), expected)


def test_numbers_that_arrow_does_not_have() -> None:
    with zl.load(MODELS / "dtype_bfloat16.tflite") as model:
        x = np.arange(8, dtype=model.inputs["x"].dtype).reshape(1, *model.inputs["x"].shape)
        runner = ArrowRunner(model, columns=None, keep=None, tensor_column=fixed_size_lists)
        column = runner._column(mapped(model, x)["same"])
        assert column.flatten().type == pa.float32()
        assert column.to_pylist() == [list(range(8))]
    with zl.load(MODELS / "dtype_complex64.tflite") as model, pytest.raises(TypeError, match="complex64"):
        run(model, pa.table({}))


def test_what_does_not_fit_is_said() -> None:
    with zl.load(MODELS / "dense_2layer.tflite") as model:
        rows = fixed_size_lists(ROWS)
        with pytest.raises(ValueError, match="no column 'features' in the table, which has 'x'"):
            run(model, pa.table({"x": rows}))
        with pytest.raises(ValueError, match="no column 'y'"):
            run(model, pa.table({"x": rows}), columns="x", keep=["y"])
        with pytest.raises(ValueError, match="output 'output_0' has the name of a column that stays"):
            run(model, pa.table({"features": rows, "output_0": rows}))
        with pytest.raises(ValueError, match="column 'features' has nulls"):
            run(model, pa.table({"features": pa.array([None, ROWS[0].tolist()])}))
        with pytest.raises(ValueError, match="lists of 1 to 2 values"):
            run(model, pa.table({"features": [[1.0], [1.0, 2.0]]}))
        with pytest.raises(ValueError, match=r"shape \(10, 32\), and \(items, 64\) is expected"):
            run(model, pa.table({"features": fixed_size_lists(ROWS[:, :32].copy())}))
        with pytest.raises(TypeError, match="float64"):
            run(model, pa.table({"features": fixed_size_lists(ROWS.astype(np.float64))}))
        with pytest.raises(ValueError, match="columns is for 'x', and the inputs are 'features'"):
            run(model, pa.table({}), columns={"x": "features"})
    with zl.load(MODELS / "two_inputs_three_outputs.tflite") as model, pytest.raises(ValueError, match="a mapping"):
        run(model, pa.table({}), columns="x")
