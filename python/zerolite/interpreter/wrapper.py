"""What tf.lite.Interpreter keeps as `_interpreter`, for tools that reach behind its public methods."""

# ruff: noqa: D102, N802 - tf.lite's names, which it does not document
from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from zerolite.interpreter.graph_details import GraphDetails

__all__ = ["InterpreterWrapper", "NativeHandle"]


class NativeHandle:
    """Stands where tf.lite has the address of its `tflite::Interpreter`, which there is none of.

    It is no integer, so that an extension in C++ refuses it instead of following it.

    Attributes:
        interpreter: the interpreter that it was asked of.
    """

    __slots__ = ("interpreter",)

    def __init__(self, interpreter: GraphDetails) -> None:
        """Stand for `interpreter`."""
        self.interpreter = interpreter

    def __repr__(self) -> str:
        """What it is not, and what to use: extensions show it in their messages."""
        return (
            "<zerolite has no address of a tflite::Interpreter to hand out, since LiteRT's library keeps it behind a C "
            "interface; use ai_edge_litert.interpreter for code in C++ that needs it>"
        )


class InterpreterWrapper:
    """The methods of tf.lite's wrapper in C++, under its names, on zerolite's interpreter."""

    __slots__ = ("_of",)

    def __init__(self, interpreter: GraphDetails) -> None:
        """Wrap `interpreter`, which shares all its tensors."""
        self._of = interpreter

    def interpreter(self) -> NativeHandle:
        return NativeHandle(self._of)

    def AllocateTensors(self, subgraph_index: int = -1) -> None:
        self._of._allocate(max(subgraph_index, 0))

    def Invoke(self, subgraph_index: int = 0) -> None:
        self._of._invoke(subgraph_index)

    def ResetVariableTensors(self) -> None:
        self._of._reset_variables()

    def ResizeInputTensor(self, i: int, value: npt.ArrayLike, strict: bool, subgraph_index: int = 0) -> None:
        self._of._resize_input(i, value, strict, subgraph_index)

    def SetTensor(self, i: int, value: Any, subgraph_index: int = 0) -> None:
        self._of._set(i, value, subgraph_index)

    def GetTensor(self, tensor_index: int, subgraph_index: int = 0) -> Any:
        return self._of.get_tensor(tensor_index, subgraph_index)

    def tensor(self, base_object: object, tensor_index: int, subgraph_index: int = 0) -> npt.NDArray[Any]:
        del base_object  # arrays keep their memory themselves
        return self._of._view(tensor_index) if subgraph_index == 0 else self.GetTensor(tensor_index, subgraph_index)

    def InputIndices(self) -> npt.NDArray[np.int32]:
        return np.array(self._of._main_indices(inputs=True), np.int32)

    def OutputIndices(self) -> npt.NDArray[np.int32]:
        return np.array(self._of._main_indices(inputs=False), np.int32)

    def NumSubgraphs(self) -> int:
        return self._of._subgraph_count()

    def NumTensors(self, subgraph_index: int) -> int:
        return self._of._tensor_count(subgraph_index)

    def TensorName(self, tensor_index: int, subgraph_index: int) -> str:
        return str(self._details(tensor_index, subgraph_index)["name"])

    def TensorType(self, tensor_index: int, subgraph_index: int) -> Any:
        return self._details(tensor_index, subgraph_index)["dtype"]

    def TensorSize(self, tensor_index: int, subgraph_index: int) -> Any:
        return self._details(tensor_index, subgraph_index)["shape"]

    def TensorSizeSignature(self, tensor_index: int, subgraph_index: int) -> Any:
        return self._details(tensor_index, subgraph_index)["shape_signature"]

    def TensorQuantization(self, tensor_index: int, subgraph_index: int) -> Any:
        return self._details(tensor_index, subgraph_index)["quantization"]

    def TensorQuantizationParameters(self, tensor_index: int, subgraph_index: int) -> Any:
        return tuple(self._details(tensor_index, subgraph_index)["quantization_parameters"].values())

    def TensorSparsityParameters(self, tensor_index: int, subgraph_index: int) -> Any:
        return self._details(tensor_index, subgraph_index)["sparsity_parameters"]

    def NumNodes(self) -> int:
        return len(self._of._node_details())

    def NodeName(self, node_index: int) -> str:
        return self._of._node_details()[node_index][0]

    def NodeInputs(self, node_index: int) -> npt.NDArray[np.int32]:
        return self._of._node_details()[node_index][1]

    def NodeOutputs(self, node_index: int) -> npt.NDArray[np.int32]:
        return self._of._node_details()[node_index][2]

    def GetSignatureDefs(self) -> dict[str, dict[str, dict[str, int]]]:
        return self._of._get_full_signature_list()

    def GetSubgraphIndexFromSignature(self, signature_key: str) -> int:
        keys = list(self._of._get_full_signature_list())
        if signature_key not in keys:
            raise ValueError(f"No matching signature. The model has {', '.join(map(repr, keys)) or 'none'}.")
        return self._of._signature_subgraphs()[keys.index(signature_key)]

    def ModifyGraphWithDelegate(self, delegate: object) -> NoReturn:
        raise NotImplementedError(
            "the runtime takes delegates when it compiles a model, and not later; give the constructor "
            "experimental_delegates=[zl.load_delegate(library)]"
        )

    def SetNumThreads(self, num_threads: int) -> NoReturn:
        raise NotImplementedError(
            "the runtime takes the number of threads when it compiles a model, and not later; give the constructor "
            f"num_threads={num_threads}"
        )

    def _details(self, tensor_index: int, subgraph_index: int) -> dict[str, Any]:
        return self._of._tensor_details(tensor_index, subgraph_index)
