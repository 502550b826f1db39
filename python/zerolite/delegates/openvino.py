"""OpenVINO."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, get_args

from zerolite import _native
from zerolite._runtime.validation import positive_int
from zerolite.delegates.delegate import MOST_THREADS, Delegate

# Options whose values OpenVINO's C library takes for addresses of functions and devices (2026.4).
_ADDRESSES = frozenset({"CACHE_ENCRYPTION_CALLBACKS", "MEM_HANDLE", "OCL_CONTEXT", "OCL_QUEUE", "VA_DEVICE"})

Precision = Literal["f32", "bf16", "f16"]


class OpenVino(Delegate):
    """Intel's engine OpenVINO, through its C library: ``pip install 'zerolite[openvino]'``.

    It takes a graph whole where it can, and else the large parts that it can compute; shapes that only a run tells,
    variables, strings, control flow, and operators that it lacks or computes otherwise are left to other delegates.
    Where no part is worth it, the reason is in `delegation.unused`, as it is where the package is missing; with
    ``fallback=False`` it is a `DelegateError`. It reads and writes the model's own tensors, without copies.

    Its arithmetic is its own: results differ from TensorFlow Lite's by the rounding of another order of sums, and those
    of quantized models by steps of the output's scale. docs/delegates.md has figures.

    Attributes:
        device: which of OpenVINO's devices computes: "CPU", the default, or another one that OpenVINO names.
        threads: how many threads a run uses on the CPU; None, the default, is the number that `load` or `XNNPack` is
            given, or else 1.
        precision: what float32 operators are computed with: "f32", which None, the default, stands for; "bf16" or "f16"
            where the processor has them, which is faster and has 2 to 3 decimal digits.
        options: OpenVINO's own properties, as text by name, as in ``{"ENABLE_HYPER_THREADING": "NO"}``; one that it
            does not know, or not with that value, is a reason not to use it.
        cache: a directory for what OpenVINO compiles for the shapes of the file, so that later loads need not compile
            it again; None, the default, keeps nothing. The directory is made when it is missing, and its files have
            checksums over the model, the settings, the library and the processor: one that is damaged or belongs to
            something else is replaced. Where it can't be read, or another user may put files into it, `load` raises
            OSError.
    """

    __slots__ = ("cache", "device", "options", "precision", "threads")

    def __init__(
        self,
        *,
        device: str = "CPU",
        threads: int | None = None,
        precision: Precision | None = None,
        cache: str | os.PathLike[str] | None = None,
        options: Mapping[str, str] | None = None,
    ) -> None:
        """Choose the settings; the library is opened when a model is loaded.

        Raises:
            TypeError: `device` or an option is no text, `cache` no path, or `threads` no integer.
            ValueError: `threads` is not from 1 to 1024, `precision` is none of its values, the device's name or the
                cache's path is empty, a text holds a null character, or an option takes no text.
        """
        if precision is not None and precision not in get_args(Precision):
            choices = ", ".join(map(repr, get_args(Precision)))
            raise ValueError(f"precision is {precision!r}, and must be one of {choices}, or None")
        self.device = _text("device", device)
        self.threads = (
            None if threads is None else positive_int("threads", threads, most=MOST_THREADS, otherwise=", or None")
        )
        self.precision = precision
        self.cache = None if cache is None else _text("cache", os.fspath(cache))
        pairs: Iterable[tuple[object, object]] = (options or {}).items()
        self.options = {_text("an option's name", name): _text(f"the option {name}", value) for name, value in pairs}
        for name in _ADDRESSES.intersection(self.options):
            raise ValueError(f"the option {name} takes an address and no text, so it can't be set here; leave it out")

    def with_threads(self, threads: int) -> OpenVino:
        """Make the same settings with another number of threads."""
        return OpenVino(**{**self.arguments, "threads": threads})

    @property
    def arguments(self) -> dict[str, Any]:
        """The settings by name."""
        return {
            "device": self.device,
            "threads": self.threads,
            "precision": self.precision,
            "cache": self.cache,
            "options": dict(self.options),
        }

    @property
    def native_settings(self) -> _native.OpenVinoSettings:
        """The settings as the native core takes them, with the library of the installed package."""
        return _native.OpenVinoSettings(
            library=_library(),
            device=self.device,
            threads=self.threads or 1,
            precision=self.precision or "f32",
            options=self.options,
            cache=self.cache or "",
        )

    def __eq__(self, other: object) -> bool:
        """Whether all settings are the same."""
        if not isinstance(other, OpenVino):
            return NotImplemented
        return self.arguments == other.arguments

    def __hash__(self) -> int:
        """Equal delegates have equal hashes."""
        return hash((self.device, self.threads, self.precision, self.cache, *sorted(self.options.items())))

    def __repr__(self) -> str:
        """The settings that were chosen."""
        defaults = OpenVino().arguments
        chosen = (f"{name}={value!r}" for name, value in self.arguments.items() if value != defaults[name])
        return f"OpenVino({', '.join(chosen)})"


def openvino_release() -> str:
    """The release of the installed package, as in "2026.4.1"; empty where there is none. It is not imported."""
    if not _library():
        return ""
    try:
        return metadata.version("openvino")
    except metadata.PackageNotFoundError:
        return ""


def _text(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{name} is {value!r}, and must be a str")
    if not value or "\0" in value:
        raise ValueError(f"{name} is {value!r}, and must be text without null characters")
    return value


def _library() -> str:
    """The C library in the installed package, which is not imported; empty where there is none."""
    spec = find_spec("openvino")
    for place in (spec and spec.submodule_search_locations) or ():
        for library in sorted(Path(place, "libs").glob("libopenvino_c.so*")):
            return str(library)
    return ""
