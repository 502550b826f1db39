"""What an interpreter tells about the tensors and the signatures of its graph."""

from __future__ import annotations

from typing import Any

import numpy as np

from zerolite import _native

__all__ = ["GraphDetails"]


class GraphDetails(_native.GraphInterpreter):
    """The members of tf.lite.Interpreter that it does not document, and that signature runners and tools use."""

    _compress_zero_points = False

    def _get_full_signature_list(self) -> dict[str, dict[str, dict[str, int]]]:
        return self._signature_details()

    def _get_tensor_details(self, tensor_index: int, subgraph_index: int) -> dict[str, Any]:
        details = self._tensor_details(int(tensor_index), int(subgraph_index))
        if self._compress_zero_points:
            parameters = details["quantization_parameters"]
            if len(np.unique(parameters["zero_points"])) == 1:
                parameters["zero_points"] = parameters["zero_points"][:1]
        return details
