"""Kernels of one's own for the custom operators of a model.

`CustomOp` is a kernel in a library, `custom_op` makes one of a Python function. Both go into ``custom_ops=[...]`` of
`zerolite.load`, `zerolite.Pool` and `zerolite.Interpreter`.
"""

from zerolite.operators.function import FunctionOp, custom_op
from zerolite.operators.given import CustomOps, checked_operators
from zerolite.operators.library import CustomOp, get_include

__all__ = ["CustomOp", "CustomOps", "FunctionOp", "checked_operators", "custom_op", "get_include"]
