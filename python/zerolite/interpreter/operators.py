"""The operators of an interpreter's model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zerolite.interpreter.interpreter import Interpreter

_CUSTOM = 32


def operator_details(interpreter: Interpreter) -> list[dict[str, Any]]:
    """Tell about every node of the main subgraph: index, op_name, inputs, outputs, operand_types, result_types."""
    # The names are those of TensorFlow Lite's schema, of which LiteRT's package has a module.
    from ai_edge_litert.schema_py_generated import BuiltinOperator

    names = {code: name for name, code in vars(BuiltinOperator).items() if isinstance(code, int)}

    def types(tensors: Any) -> list[type]:
        return [interpreter._tensor_details(int(tensor), 0)["dtype"] for tensor in tensors if tensor != -1]

    return [
        {
            "index": index,
            "op_name": (custom or "UnknownCustomOp") if code == _CUSTOM else names.get(code, str(code)),
            "inputs": inputs,
            "outputs": outputs,
            "operand_types": types(inputs),
            "result_types": types(outputs),
        }
        for index, (code, custom, inputs, outputs) in enumerate(interpreter._node_details())
    ]
