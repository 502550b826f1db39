"""The settings that the process of a model gets, as text."""

from __future__ import annotations

import base64
import json
import pickle
from dataclasses import dataclass
from typing import Any, ClassVar

from zerolite import _native

__all__ = ["ModelSettings"]

_CLASSES = {
    kind.__name__: kind
    for kind in (
        _native.CpuSettings,
        _native.ExternalSettings,
        _native.GpuSettings,
        _native.NpuSettings,
        _native.OpenVinoSettings,
    )
}
# Files that outlive a process are written by those who keep the model, and not by one that others may have taken over.
_FILES = {"weight_cache", "weight_cache_file", "cache"}


@dataclass(frozen=True)
class ModelSettings:
    """How the model is loaded.

    Attributes:
        native: keyword arguments of the native model; custom operators are as Python has them.
    """

    #: Exit codes: memory ran out; something failed before the model was touched; something failed after that.
    OUT_OF_MEMORY: ClassVar[int] = 70
    NOT_BEGUN: ClassVar[int] = 71
    BEGUN: ClassVar[int] = 72

    native: dict[str, Any]

    @property
    def needs_devices(self) -> bool:
        """Whether files and devices are needed as long as the model runs, by drivers or by functions of Python."""
        delegates = (*self.native["before_xnnpack"], *self.native["after_xnnpack"])
        is_external = all(isinstance(delegate, _native.ExternalSettings) for delegate in delegates)
        return bool(self.native.get("custom_operators")) or not is_external

    def to_json(self) -> str:
        """The settings as text; the same settings give the same text."""
        return json.dumps(self.native, default=_recorded)

    @classmethod
    def from_json(cls, text: str) -> ModelSettings:
        """The settings that `to_json` wrote."""
        return cls(json.loads(text, object_hook=_restored))


_CUSTOM_OPERATOR = "custom operator"


def _recorded(settings: Any) -> dict[str, Any]:
    """The settings of a delegate by their class and its arguments; a custom operator as it is pickled."""
    name = type(settings).__name__
    if type(settings).__module__.startswith("zerolite.operators."):
        return {_CUSTOM_OPERATOR: _pickled(settings)}
    if name not in _CLASSES:
        raise TypeError(f"{settings!r} can't be recorded for another process")
    return {name: {key: value for key, value in settings.arguments.items() if key not in _FILES}}


def _pickled(operator: Any) -> str:
    try:
        if getattr(operator, "__module__", None) == "__main__":
            raise pickle.PicklingError("the program that is run as __main__ has it")
        return base64.b64encode(pickle.dumps(operator)).decode()
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise _native.Error(
            f'verify="isolated" tries a model in a process of its own, which can\'t have the function of the custom '
            f'operator {operator.name} ({error}); define it in a module, or load the model with verify="full"'
        ) from error


def _restored(values: dict[str, Any]) -> Any:
    """What `_recorded` wrote, as the native core takes it; every other mapping as it is."""
    if len(values) == 1:
        ((name, arguments),) = values.items()
        if name == _CUSTOM_OPERATOR:
            # Written by the process that started this one.
            return pickle.loads(base64.b64decode(arguments)).native()
        if name in _CLASSES and isinstance(arguments, dict):
            return _CLASSES[name](**arguments)
    return values
