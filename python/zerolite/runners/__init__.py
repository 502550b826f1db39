"""Models of several runtimes behind one call, so that they are evaluated and timed in the same way."""

from zerolite.runners.adapt import adapt
from zerolite.runners.compiled_model_runner import CompiledModelRunner
from zerolite.runners.interpreter_runner import InterpreterRunner
from zerolite.runners.keras_runner import KerasRunner
from zerolite.runners.pool_runner import PoolRunner
from zerolite.runners.runner import Runner
from zerolite.runners.tensor_spec import TensorSpec

__all__ = ["CompiledModelRunner", "InterpreterRunner", "KerasRunner", "PoolRunner", "Runner", "TensorSpec", "adapt"]
