"""What an interpreter tells about the tensors and the signatures of its graph."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from zerolite import _native

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["GraphDetails"]


class GraphDetails(_native.GraphInterpreter):
    """The members of tf.lite.Interpreter that it does not document, and that signature runners and tools use."""

    _compress_zero_points = False

    def _get_full_signature_list(self) -> dict[str, dict[str, dict[str, int]]]:
        return self._signature_details()

    def _resize_input(self, index: int, size: npt.ArrayLike, strict: bool, subgraph: int) -> None:
        shape = np.array(size, dtype=np.int32)
        if shape.ndim != 1:
            raise ValueError(f"Shape should be 1D instead of {shape.ndim}.")
        if strict:
            self._require_unknown_dimensions(index, shape, subgraph)
        self._resize(index, shape.tolist(), subgraph)

    def _require_unknown_dimensions(self, index: int, shape: npt.NDArray[np.int32], subgraph: int) -> None:
        try:
            details = self._tensor_details(index, subgraph)
        except ValueError as error:
            raise _native.Error(str(error)) from error
        signature = details["shape_signature"]
        if len(details["shape"]) != len(shape):
            raise _native.Error(f"tensor {index} has {len(details['shape'])} dimensions, and {len(shape)} were given")
        for axis, (known, size) in enumerate(zip(signature, shape, strict=True)):
            if known not in (-1, size):
                raise _native.Error(
                    f"Attempting to resize dimension {axis} of tensor {index} with value {known} to {size}. "
                    "With strict=True only dimensions that are -1 in shape_signature can be resized"
                )

    def _get_tensor_details(self, tensor_index: int, subgraph_index: int) -> dict[str, Any]:
        details = self._tensor_details(int(tensor_index), int(subgraph_index))
        if self._compress_zero_points:
            parameters = details["quantization_parameters"]
            if len(np.unique(parameters["zero_points"])) == 1:
                parameters["zero_points"] = parameters["zero_points"][:1]
        return details
