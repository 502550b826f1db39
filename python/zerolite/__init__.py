"""Native TensorFlow Lite inference for Python: zero-copy NumPy tensors over LiteRT's library.

>>> import zerolite as zl
>>> model = zl.load("model.tflite")
>>> y = model(x)
"""

from zerolite import _native
from zerolite._log import set_log_level
from zerolite._native import ArgumentError, DelegateError, Error, InvalidModelError
from zerolite._runtime import RuntimeInfo, open_runtime, runtime_info

open_runtime()

from zerolite._array import empty  # noqa: E402 - what follows needs the library
from zerolite._item_error import ItemError  # noqa: E402
from zerolite._model import CompiledModel, load  # noqa: E402
from zerolite._signature import Dispatch, Signature  # noqa: E402
from zerolite._tensor import Quantization, Tensor, TensorMap  # noqa: E402
from zerolite.delegates import XNNPack  # noqa: E402
from zerolite.pool import Pool  # noqa: E402

__version__: str = _native.__version__

__all__ = [
    "ArgumentError",
    "CompiledModel",
    "DelegateError",
    "Dispatch",
    "Error",
    "InvalidModelError",
    "ItemError",
    "Pool",
    "Quantization",
    "RuntimeInfo",
    "Signature",
    "Tensor",
    "TensorMap",
    "XNNPack",
    "__version__",
    "empty",
    "load",
    "runtime_info",
    "set_log_level",
]
