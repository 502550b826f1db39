"""Models of several runtimes behind one call, so that they are evaluated and timed in the same way."""

from zerolite._runners.adapt import adapt
from zerolite._runners.compiled_model import CompiledModelRunner
from zerolite._runners.interpreter import InterpreterRunner
from zerolite._runners.keras import KerasRunner
from zerolite._runners.pool import PoolRunner
from zerolite._runners.positions import Positions
from zerolite._runners.runner import Runner, TensorSpec, replicas_of, state_reset
from zerolite._runtime.validation import Reset
from zerolite.delegates import Delegates

__all__ = [
    "CompiledModelRunner",
    "Delegates",
    "InterpreterRunner",
    "KerasRunner",
    "PoolRunner",
    "Positions",
    "Reset",
    "Runner",
    "TensorSpec",
    "adapt",
    "replicas_of",
    "state_reset",
]
