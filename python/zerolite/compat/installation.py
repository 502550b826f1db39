"""Putting zerolite where other code looks for TFLite's interpreter."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from types import ModuleType

from zerolite.compat.tensorflow_modules import TensorFlowModules

__all__ = ["install", "uninstall"]

_replaced: dict[str, ModuleType | None] = {}
"""What stood in `sys.modules` under each name before `install`."""
_tensorflow: list[TensorFlowModules] = []
"""What has been put in the place of TensorFlow's interpreter; empty without `install`."""


def install() -> None:
    """Let `tflite_runtime.interpreter`, `ai_edge_litert.interpreter` and `tf.lite` have zerolite's classes.

    For third-party code that is imported afterwards, in this process. Whether those packages are installed does not
    matter, and TensorFlow is not imported for it: `tf.lite.Interpreter`, `tf.lite.experimental.load_delegate`,
    `tf.lite.experimental.OpResolverType` and `tensorflow.lite.python.interpreter` are zerolite's, whether TensorFlow
    was imported before or will be later. Modules of others that have taken a class before keep it. Installing twice
    does nothing.
    """
    from zerolite.compat import calibration
    from zerolite.compat.tflite_runtime import interpreter

    if _replaced:
        return
    _stand_in("tflite_runtime", "interpreter", interpreter)
    _stand_in("ai_edge_litert", "interpreter", interpreter)
    # What LiteRT's quantizers hand an interpreter to when they calibrate.
    _stand_in("ai_edge_litert", "_pywrap_tfl_calibration", calibration)
    _tensorflow.append(TensorFlowModules(interpreter))


def uninstall() -> None:
    """Undo `install`: imports get the packages' own interpreters again. Without `install` it does nothing."""
    while _tensorflow:
        _tensorflow.pop().restore()
    for name, previous in _replaced.items():
        _put(name, previous)
        package, _, submodule = name.partition(".")
        parent = sys.modules.get(package)
        if parent is None or package in _replaced:
            continue
        if previous is not None:
            setattr(parent, submodule, previous)
        elif hasattr(parent, submodule):
            delattr(parent, submodule)
    _replaced.clear()


def _stand_in(package: str, submodule: str, module: ModuleType) -> None:
    parent = _package(package)
    name = f"{package}.{submodule}"
    _replaced[name] = sys.modules.get(name)
    sys.modules[name] = module
    setattr(parent, submodule, module)


def _put(name: str, module: ModuleType | None) -> None:
    if module is None:
        sys.modules.pop(name, None)
    else:
        sys.modules[name] = module


def _package(name: str) -> ModuleType:
    """Import a package, or make an empty one of its name where it is not installed."""
    if name in sys.modules or importlib.util.find_spec(name) is not None:
        return importlib.import_module(name)
    package = ModuleType(name, "Stands for a package that is not installed; zerolite.compat made it.")
    package.__path__ = []
    _replaced[name] = None
    sys.modules[name] = package
    return package
