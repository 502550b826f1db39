"""The settings that a trial's process gets, as text."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, ClassVar

from zerolite import _native

__all__ = ["TrialSettings"]

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
# Files that outlive a process are written by those who keep the model, and not by a trial.
_FILES = {"weight_cache", "weight_cache_file", "cache"}


@dataclass(frozen=True)
class TrialSettings:
    """How the model is loaded.

    Attributes:
        native: keyword arguments of the native model.
    """

    #: Exit codes: memory ran out; something failed before the model was touched.
    OUT_OF_MEMORY: ClassVar[int] = 70
    NOT_BEGUN: ClassVar[int] = 71

    native: dict[str, Any]

    def to_json(self) -> str:
        """The settings as text; the same settings give the same text."""
        return json.dumps(self.native, default=_recorded)

    @classmethod
    def from_json(cls, text: str) -> TrialSettings:
        """The settings that `to_json` wrote."""
        return cls(json.loads(text, object_hook=_restored))


def _recorded(settings: Any) -> dict[str, dict[str, Any]]:
    """The settings of a delegate by their class and its arguments."""
    name = type(settings).__name__
    if name not in _CLASSES:
        raise TypeError(f"{settings!r} can't be recorded for a trial")
    return {name: {key: value for key, value in settings.arguments.items() if key not in _FILES}}


def _restored(values: dict[str, Any]) -> Any:
    """The settings that `_recorded` wrote; every other mapping as it is."""
    if len(values) == 1:
        ((name, arguments),) = values.items()
        if name in _CLASSES and isinstance(arguments, dict):
            return _CLASSES[name](**arguments)
    return values
