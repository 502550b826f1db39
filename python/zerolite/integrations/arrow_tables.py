"""A model over tables of Arrow: columns in, the same rows with the model's outputs as columns out."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from zerolite import _native
from zerolite._inference.batch import batch_layout, named_outputs

if TYPE_CHECKING:
    import pyarrow as pa

    from zerolite._inference.signature import SignatureMethods

__all__ = ["ArrowRunner", "Columns", "column_values"]

#: Which column each input is: a name for a single input, names by input, or None for columns that are named as inputs.
Columns: TypeAlias = str | Mapping[str, str] | None


class ArrowRunner:
    """Runs a signature over tables.

    Numbers, lists of a fixed size, lists of equal lengths and tensors are read where Arrow has them; truth values and
    strings are copied. A table in several chunks is run chunk by chunk, so that none is joined to another.
    """

    def __init__(
        self,
        signature: SignatureMethods,
        *,
        columns: Columns,
        keep: Sequence[str] | None,
        tensor_column: Callable[[npt.NDArray[Any]], pa.Array],
    ) -> None:
        """Check the columns against the signature.

        Args:
            signature: what is run.
            columns: which columns the inputs are.
            keep: the columns that stay beside the outputs; None keeps all but those that are inputs.
            tensor_column: makes a column of an array of two axes or more; its rows are along the first.

        Raises:
            ValueError: `columns` does not name each input once.
            TypeError: an output is complex.
        """
        for name, tensor in signature.outputs.items():
            if tensor.dtype.kind == "c":
                raise TypeError(
                    f"output {name!r} is {tensor.dtype}, which Arrow does not have; let the model give parts"
                )
        self._signature = signature
        self._columns = _columns_of_inputs(columns, [*signature.inputs])
        self._keep = keep
        self._tensor_column = tensor_column
        layout = batch_layout(signature)
        self._item_shapes = {name: layout.item_shape(tensor) for name, tensor in signature.inputs.items()}
        self._output_shapes = dict(zip(signature.outputs, map(tuple, layout.output_shapes), strict=True))

    def run(self, table: pa.Table) -> pa.Table:
        """The rows of a table with the outputs.

        Raises:
            ValueError: a column is missing, or has nulls or another shape; or an output has the name of a column that
                stays.
            TypeError: a column has another dtype than the input.
            Error: the model fails on a row; the message begins with the row's number within its chunk.
        """
        import pyarrow as pa

        kept = self._kept(table)
        parts: dict[str, list[pa.Array]] = {name: [] for name in self._signature.outputs}
        for chunk in table.to_batches():
            for name, array in self._outputs(chunk).items():
                parts[name].append(self._column(array))
        if not any(parts.values()):
            for name, tensor in self._signature.outputs.items():
                parts[name].append(self._column(np.empty((0, *self._output_shapes[name]), tensor.dtype)))
        outputs = {name: pa.chunked_array(chunks) for name, chunks in parts.items()}
        for name, column in outputs.items():
            kept = kept.append_column(name, column)
        return kept

    def _kept(self, table: pa.Table) -> pa.Table:
        missing = [name for name in (*self._columns.values(), *(self._keep or ())) if name not in table.column_names]
        if missing:
            raise ValueError(
                f"there is no column {missing[0]!r} in the table, which has "
                f"{', '.join(map(repr, table.column_names)) or 'none'}; name the columns of the inputs with columns="
            )
        names = [name for name in table.column_names if name not in self._columns.values()]
        kept = table.select(names if self._keep is None else [*self._keep])
        taken = [name for name in self._signature.outputs if name in kept.column_names]
        if taken:
            raise ValueError(
                f"the output {taken[0]!r} has the name of a column that stays; rename the column, or leave it out of "
                "keep="
            )
        return kept

    def _outputs(self, chunk: pa.RecordBatch) -> dict[str, npt.NDArray[Any]]:
        inputs = {
            name: _in_the_shape_of_items(column_values(chunk.column(column), column), self._item_shapes[name])
            for name, column in self._columns.items()
        }
        return named_outputs(self._signature.map(inputs), self._signature.outputs)

    def _column(self, array: npt.NDArray[Any]) -> pa.Array:
        import pyarrow as pa

        if array.dtype.hasobject:
            kind = pa.binary()
            for _ in array.shape[1:]:
                kind = pa.list_(kind)
            return pa.array(array.tolist(), kind)
        if array.dtype.kind not in "biuf":  # bfloat16, which Arrow does not have; float32 has all its values
            array = array.astype(np.float32)
        return pa.array(array) if array.ndim == 1 else self._tensor_column(np.ascontiguousarray(array))


def column_values(column: pa.Array, name: str) -> npt.NDArray[Any]:
    """The rows of a column along the first axis: of Arrow's own memory for numbers, lists and tensors of one size.

    Raises:
        ValueError: the column has nulls, or lists of different lengths.
    """
    import pyarrow as pa

    if column.null_count:
        raise ValueError(f"column {name!r} has nulls, which no tensor holds; fill them, or leave out their rows")
    if isinstance(column, pa.ExtensionArray) and not isinstance(column.type, pa.FixedShapeTensorType):
        column = column.storage  # tensors as Ray has them, whose shape is looked up among the model's
    column = _with_lists_of_one_size(column, name)
    array = _native.array_over_memory(column, f"column {name!r}")
    if array is not None:
        return array
    shape = [len(column)]
    while pa.types.is_fixed_size_list(column.type):
        shape.append(column.type.list_size)
        column = column.flatten()
    if pa.types.is_string(column.type):
        column = column.cast(pa.binary())
    return np.asarray(column.to_numpy(zero_copy_only=False)).reshape(shape)


def _with_lists_of_one_size(column: pa.Array, name: str) -> pa.Array:
    """Lists of equal lengths as lists of a fixed size, over the same values."""
    import pyarrow as pa

    if not (pa.types.is_list(column.type) or pa.types.is_large_list(column.type)):
        return column
    lengths = np.diff(column.offsets.to_numpy(zero_copy_only=False))
    if len(lengths) == 0:
        return pa.FixedSizeListArray.from_arrays(column.values[:0], 1)
    if (lengths != lengths[0]).any():
        raise ValueError(
            f"column {name!r} has lists of {lengths.min()} to {lengths.max()} values, and the rows of a tensor are of "
            "one size; pad them"
        )
    return pa.FixedSizeListArray.from_arrays(_with_lists_of_one_size(column.flatten(), name), int(lengths[0]))


def _in_the_shape_of_items(array: npt.NDArray[Any], shape: tuple[int, ...]) -> npt.NDArray[Any]:
    """Rows of as many values as an item has, in the item's shape; others as they are, for the model to refuse."""
    same = array.shape[1:] == shape or math.prod(array.shape[1:]) != math.prod(shape)
    return array if same and len(array) else array.reshape(len(array), *shape)


def _columns_of_inputs(columns: Columns, inputs: Sequence[str]) -> dict[str, str]:
    if columns is None:
        return {name: name for name in inputs}
    if isinstance(columns, str):
        if len(inputs) != 1:
            known = ", ".join(map(repr, inputs)) or "none"
            raise ValueError(
                f"columns is {columns!r}, and the inputs are {known}; pass a mapping from each of them to its column"
            )
        return {inputs[0]: columns}
    if sorted(columns) != sorted(inputs):
        known = ", ".join(map(repr, inputs)) or "none"
        raise ValueError(f"columns is for {', '.join(map(repr, columns))}, and the inputs are {known}; name each once")
    return dict(columns)
