"""TensorFlow's modules that have an interpreter, whether they were imported before or will be later."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType

from zerolite.compat.stand_in_finder import StandInFinder

__all__ = ["TensorFlowModules"]

_MODULE = "tensorflow.lite.python.interpreter"
_PACKAGE, _, _ATTRIBUTE = _MODULE.rpartition(".")
_NAMES = ("Delegate", "Interpreter", "InterpreterWithCustomOps", "OpResolverType", "SignatureRunner", "load_delegate")


class TensorFlowModules:
    """Puts a module in the place of TensorFlow's interpreter, and takes it out again.

    `tf.lite` and the rest of TensorFlow import its names from one module. Where that happens later, they are given the
    stand-in; where it has happened, what they hold is exchanged. TensorFlow itself is never imported for it.
    """

    def __init__(self, stand_in: ModuleType) -> None:
        """Put `stand_in` there."""
        self._stand_in = stand_in
        self._finder = StandInFinder({_MODULE: stand_in})
        sys.meta_path.insert(0, self._finder)
        original = sys.modules.get(_MODULE)
        if original is not None:
            _put(stand_in)
            _exchange(original, stand_in)
        self._original = original

    def restore(self) -> None:
        """Give everybody the original again, those who have only seen the stand-in too."""
        if self._finder in sys.meta_path:
            sys.meta_path.remove(self._finder)
        if sys.modules.get(_MODULE) is not self._stand_in:
            return
        if self._original is None:
            del sys.modules[_MODULE]
            self._original = importlib.import_module(_MODULE)
        _put(self._original)
        _exchange(self._stand_in, self._original)


def _put(module: ModuleType) -> None:
    sys.modules[_MODULE] = module
    if (package := sys.modules.get(_PACKAGE)) is not None:
        setattr(package, _ATTRIBUTE, module)


def _exchange(old: ModuleType, new: ModuleType) -> None:
    """Give the loaded modules of TensorFlow the names of `new` where they hold those of `old`."""
    for name, module in list(sys.modules.items()):
        if not name.startswith("tensorflow.") or module in (old, new) or not isinstance(module, ModuleType):
            continue
        held = vars(module)
        for attribute in _NAMES:
            value = getattr(old, attribute, None)
            if value is not None and held.get(attribute) is value:
                setattr(module, attribute, getattr(new, attribute))
        for attribute in [key for key, value in held.items() if value is old]:
            setattr(module, attribute, new)
