"""Native TensorFlow Lite inference for Python: zero-copy NumPy tensors over LiteRT's library.

>>> import zerolite as zl
>>> model = zl.load("model.tflite")
>>> y = model(x)
"""

from typing import TYPE_CHECKING, Any

from zerolite._runtime.main_interpreter import require_main_interpreter

require_main_interpreter()

from zerolite import _native  # noqa: E402 - which only the main interpreter can import
from zerolite._native import ArgumentError, DelegateError, Error, InvalidModelError, RunTimeoutError  # noqa: E402
from zerolite._runtime.library import (  # noqa: E402
    RuntimeInfo,
    open_runtime,
    runtime_info,
    set_log_level,
)

open_runtime()

from zerolite._inference.loading import load  # noqa: E402
from zerolite._inference.model import CompiledModel  # noqa: E402
from zerolite._inference.signature import Dispatch, Signature  # noqa: E402
from zerolite._runtime.quantization import Quantization  # noqa: E402
from zerolite._runtime.tensor import Tensor, TensorMap, empty  # noqa: E402
from zerolite.delegates import Delegate, XNNPack  # noqa: E402

if TYPE_CHECKING:
    from zerolite import compat, integrations, metadata, serving, tasks, vision
    from zerolite._inference.pool import ItemError, Pool
    from zerolite._inference.real_numbers import RealNumbers
    from zerolite._inference.state import State
    from zerolite._instrumentation import Profile, Trace
    from zerolite._isolation.limits import ProcessIsolation
    from zerolite.benchmarking import BenchmarkResult, benchmark
    from zerolite.comparison import Comparison, compare
    from zerolite.conversion import ConversionError, ConversionResult, convert
    from zerolite.delegates.delegation import Delegation, Partition, UnusedDelegate
    from zerolite.delegates.external import ExternalDelegate
    from zerolite.delegates.gpu import Gpu
    from zerolite.delegates.npu import Npu
    from zerolite.delegates.openvino import OpenVino
    from zerolite.evaluation import EvaluationResult, evaluate
    from zerolite.evaluation.tasks import evaluate_task
    from zerolite.interpreter import (
        DelegateLoadError,
        Interpreter,
        InterpreterWithCustomOps,
        OpResolverType,
        SignatureRunner,
        load_delegate,
    )
    from zerolite.layers import LayerComparison, compare_layers
    from zerolite.operators import CustomOp, FunctionOp, custom_op, get_include
    from zerolite.tuning import TuningResult, tune
    from zerolite.vision import ImageError

__version__: str = _native.__version__

# Imported when first asked for: what most programs never use should cost them no time.
_ON_DEMAND = {
    "BenchmarkResult": "zerolite.benchmarking",
    "Comparison": "zerolite.comparison",
    "ConversionError": "zerolite.conversion",
    "ConversionResult": "zerolite.conversion",
    "CustomOp": "zerolite.operators",
    "DelegateLoadError": "zerolite.interpreter",
    "Delegation": "zerolite.delegates.delegation",
    "EvaluationResult": "zerolite.evaluation",
    "ExternalDelegate": "zerolite.delegates.external",
    "FunctionOp": "zerolite.operators",
    "Gpu": "zerolite.delegates.gpu",
    "ImageError": "zerolite.vision",
    "Interpreter": "zerolite.interpreter",
    "InterpreterWithCustomOps": "zerolite.interpreter",
    "ItemError": "zerolite._inference.pool",
    "LayerComparison": "zerolite.layers",
    "Npu": "zerolite.delegates.npu",
    "OpResolverType": "zerolite.interpreter",
    "OpenVino": "zerolite.delegates.openvino",
    "Partition": "zerolite.delegates.delegation",
    "Pool": "zerolite._inference.pool",
    "Profile": "zerolite._instrumentation",
    "ProcessIsolation": "zerolite._isolation.limits",
    "RealNumbers": "zerolite._inference.real_numbers",
    "SignatureRunner": "zerolite.interpreter",
    "State": "zerolite._inference.state",
    "Trace": "zerolite._instrumentation",
    "TuningResult": "zerolite.tuning",
    "UnusedDelegate": "zerolite.delegates.delegation",
    "benchmark": "zerolite.benchmarking",
    "compare": "zerolite.comparison",
    "compare_layers": "zerolite.layers",
    "compat": "zerolite.compat",
    "convert": "zerolite.conversion",
    "custom_op": "zerolite.operators",
    "evaluate": "zerolite.evaluation",
    "evaluate_task": "zerolite.evaluation.tasks",
    "integrations": "zerolite.integrations",
    "get_include": "zerolite.operators",
    "load_delegate": "zerolite.interpreter",
    "metadata": "zerolite.metadata",
    "serving": "zerolite.serving",
    "tasks": "zerolite.tasks",
    "tune": "zerolite.tuning",
    "vision": "zerolite.vision",
}

if not TYPE_CHECKING:  # with it, type checkers would take every name for Any

    def __getattr__(name: str) -> Any:
        """Import a public name on demand."""
        if name not in _ON_DEMAND:
            raise AttributeError(f"module 'zerolite' has no attribute {name!r}")
        from importlib import import_module

        module = import_module(_ON_DEMAND[name])
        value = globals()[name] = module if _ON_DEMAND[name] == f"zerolite.{name}" else getattr(module, name)
        return value

    def __dir__() -> list[str]:
        """The public names, whether they were asked for before or not, and none that this file has for itself."""
        return sorted({*__all__, *(name for name in globals() if name.startswith("__") and name.endswith("__"))})


__all__ = [
    "ArgumentError",
    "BenchmarkResult",
    "Comparison",
    "CompiledModel",
    "ConversionError",
    "ConversionResult",
    "CustomOp",
    "Delegate",
    "DelegateError",
    "DelegateLoadError",
    "Delegation",
    "Dispatch",
    "Error",
    "EvaluationResult",
    "ExternalDelegate",
    "FunctionOp",
    "Gpu",
    "ImageError",
    "Interpreter",
    "InterpreterWithCustomOps",
    "InvalidModelError",
    "ItemError",
    "LayerComparison",
    "Npu",
    "OpResolverType",
    "OpenVino",
    "Partition",
    "Pool",
    "ProcessIsolation",
    "Profile",
    "Quantization",
    "RealNumbers",
    "RunTimeoutError",
    "RuntimeInfo",
    "Signature",
    "SignatureRunner",
    "State",
    "Tensor",
    "TensorMap",
    "Trace",
    "TuningResult",
    "UnusedDelegate",
    "XNNPack",
    "__version__",
    "benchmark",
    "compare",
    "compare_layers",
    "compat",
    "convert",
    "custom_op",
    "empty",
    "evaluate",
    "evaluate_task",
    "get_include",
    "integrations",
    "load",
    "load_delegate",
    "metadata",
    "runtime_info",
    "serving",
    "set_log_level",
    "tasks",
    "tune",
    "vision",
]
