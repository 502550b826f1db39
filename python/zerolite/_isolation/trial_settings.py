"""What a trial's process is told."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import Any, ClassVar

from zerolite import _native
from zerolite.delegates.choice import DelegateChoice

__all__ = ["RecordedChoice", "TrialSettings"]


@dataclass(frozen=True, kw_only=True)
class TrialSettings:
    """Limits, and how the model is loaded.

    Attributes:
        address_space: bytes that the process may reserve.
        cpu_seconds: seconds that it may compute.
        library: the runtime's library.
        native: keyword arguments of the native model.
    """

    #: Exit codes: memory ran out; something failed before the model was touched.
    OUT_OF_MEMORY: ClassVar[int] = 70
    NOT_BEGUN: ClassVar[int] = 71

    address_space: int
    cpu_seconds: int
    library: str
    native: dict[str, Any]

    def to_json(self) -> str:
        """The settings as text, in the same order each time."""
        native = {key: getattr(value, "name", value) for key, value in self.native.items()}
        return json.dumps({**vars(self), "native": native}, sort_keys=True, default=os.fsdecode)

    @classmethod
    def from_json(cls, text: str) -> TrialSettings:
        """The settings that `to_json` wrote."""
        values = json.loads(text)
        native = values["native"]
        native["kernels"] = _native.CpuKernels.__members__[native["kernels"]]
        for place in ("before_xnnpack", "after_xnnpack"):
            native[place] = [
                (os.fsencode(library), [(name, value) for name, value in options]) for library, options in native[place]
            ]
        return cls(**values)


class RecordedChoice(DelegateChoice):
    """What another process chose."""

    __slots__ = ("_settings",)

    def __init__(self, settings: dict[str, Any]) -> None:
        """Take the settings as they came from `native_settings`."""
        self._settings = settings

    def native_settings(self) -> dict[str, Any]:
        """The choice as the native core takes it."""
        return dict(self._settings)
