"""The GPU."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal, TypeVar, get_args

from zerolite import _native
from zerolite.delegates.delegate import Delegate

Precision = Literal["automatic", "fp16", "fp16_fp32_accumulation", "fp32"]
GpuBackend = Literal["webgpu", "opencl", "vulkan"]
Storage = Literal["automatic", "buffer"]
Priority = Literal["normal", "low"]
WaitType = Literal["automatic", "passive", "active"]

# The libraries that the runtime looks for beside its own (litert/runtime/accelerators/gpu_registry.cc).
_LIBRARIES = {
    "webgpu": "libLiteRtWebGpuAccelerator.so",
    "opencl": "libLiteRtOpenClAccelerator.so",
    "vulkan": "libLiteRtVulkanAccelerator.so",
}


class Gpu(Delegate):
    """A GPU, through LiteRT's own accelerator.

    The accelerator is a library beside the runtime's. The package ai-edge-litert has the one of the backend "webgpu":
    Google's Dawn, which on Linux needs a Vulkan loader (``libvulkan.so.1``) and the GPU's Vulkan driver. Operators that
    it does not take run on the CPU. Where there is no GPU, or it fails with a model, the model runs on the CPU, and
    `delegation.unused` has the reason; with ``fallback=False`` that is a `DelegateError`.

    Inputs and outputs stay NumPy arrays in the memory of the CPU, and are copied to and from the GPU at each run.

    Attributes:
        precision: what the GPU computes float32 models with. "fp32" keeps float32; "fp16" computes with half precision
            where the device can (about 3 decimal digits); "fp16_fp32_accumulation" sums in float32 in convolutions and
            matrix products; "automatic", the default, is the accelerator's choice.
        backend: which accelerator: "webgpu", the default and the one that is published for Linux, or "opencl" or
            "vulkan", for those who have its library and put it beside ``libLiteRt.so``.
        storage: "buffer" keeps tensors in buffers; "automatic", the default, is the accelerator's choice. The runtime
            has a number for textures, too, which its accelerators treat as "automatic".
        priority: "low" lets other users of the GPU go first; "normal" is the default. The runtime's "high" is
            treated as "normal" by its accelerators, so it is not offered.
        wait_type: how a run waits for the GPU: "passive" sleeps, "active" polls, "automatic", the default, is the
            accelerator's choice. The runtime's "do not wait" is not offered: results would be read too early.
        cache: a directory for what the accelerator compiles and packs for a model and this GPU, so that later loads
            need not do it again; None, the default, keeps nothing. The directory is made when it is missing, and its
            files have checksums: one that is damaged or belongs to something else is replaced. Where it
            can't be read or written, or another user may put files into it, `load` raises OSError.
        device: a part of the name of the GPU to use, in any case, as in "nvidia"; None, the default, takes the first
            that the system prefers.
    """

    __slots__ = ("backend", "cache", "device", "precision", "priority", "storage", "wait_type")

    def __init__(
        self,
        *,
        precision: Precision = "automatic",
        backend: GpuBackend = "webgpu",
        storage: Storage = "automatic",
        priority: Priority = "normal",
        wait_type: WaitType = "automatic",
        cache: str | os.PathLike[str] | None = None,
        device: str | None = None,
    ) -> None:
        """Choose the settings; the GPU is opened when a model is loaded.

        Raises:
            TypeError: `cache` is no path, or `device` no text.
            ValueError: a setting is none of its values, or a path or name is empty or holds what can't be passed.
        """
        self.precision = _checked("precision", precision, get_args(Precision))
        self.backend = _checked("backend", backend, get_args(GpuBackend))
        self.storage = _checked("storage", storage, get_args(Storage))
        self.priority = _checked("priority", priority, get_args(Priority))
        self.wait_type = _checked("wait_type", wait_type, get_args(WaitType))
        self.cache = None if cache is None else _passable("cache", os.fspath(cache))
        self.device = None if device is None else _passable("device", device)

    @property
    def native_settings(self) -> _native.GpuSettings:
        """The settings as the native core takes them."""
        return _native.GpuSettings(
            library=str(Path(_native.runtime_path()).with_name(_LIBRARIES[self.backend])),
            precision=self.precision,
            storage=self.storage,
            priority=self.priority,
            wait_type=self.wait_type,
            device=self.device or "",
            cache=self.cache or "",
        )

    def __eq__(self, other: object) -> bool:
        """Whether all settings are the same."""
        if not isinstance(other, Gpu):
            return NotImplemented
        return self.arguments == other.arguments

    def __hash__(self) -> int:
        """Equal delegates have equal hashes."""
        return hash(tuple(self.arguments.values()))

    def __repr__(self) -> str:
        """The settings that were chosen."""
        defaults = Gpu().arguments
        chosen = (f"{name}={value!r}" for name, value in self.arguments.items() if value != defaults[name])
        return f"Gpu({', '.join(chosen)})"

    @property
    def arguments(self) -> dict[str, str | None]:
        """The settings by name."""
        names = ("precision", "backend", "storage", "priority", "wait_type", "cache", "device")
        return {name: getattr(self, name) for name in names}


_Choice = TypeVar("_Choice", bound=str)


def _checked(name: str, value: _Choice, choices: tuple[str, ...]) -> _Choice:
    if value not in choices:
        raise ValueError(f"{name} is {value!r}, and must be one of {', '.join(map(repr, choices))}")
    return value


def _passable(name: str, value: object) -> str:
    """A text that the accelerator's payload can carry: its reader takes a line at a time, and knows no escapes."""
    if not isinstance(value, str):
        raise TypeError(f"{name} is {value!r}, and must be a str{' or a path' if name == 'cache' else ''}")
    if not value or not value.isprintable() or value != value.strip():
        raise ValueError(f"{name} is {value!r}, and must be a text without line breaks, and without spaces at its ends")
    return value
