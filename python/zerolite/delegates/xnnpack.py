"""The CPU."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Literal, get_args

from zerolite import _native
from zerolite.delegates.delegate import Delegate

__all__ = ["DEFAULT_FLAGS", "XNNPACK_FLAGS", "Kernels", "SharedWeights", "XNNPack", "checked_flags", "native_flags"]

#: Name -> bit, as in tflite/delegates/xnnpack/xnnpack_delegate.h of LiteRT 2.3.0. Two more that stand there,
#: VARIABLE_OPERATORS and ENABLE_SUBGRAPH_RESHAPING, are deprecated and change nothing.
XNNPACK_FLAGS: Mapping[str, int] = {
    "qs8": 0x1,
    "qu8": 0x2,
    "force_fp16": 0x4,
    "dynamic_fully_connected": 0x8,
    "transient_indirection_buffer": 0x20,
    "enable_latest_operators": 0x40,
    "slow_consistent_arithmetic": 0x200,
    "disable_subgraph_reshaping": 0x400,
    "disable_dynamically_quantized_ops": 0x800,
}
#: What the published library sets when nobody chooses: read from the delegate that LiteRT 2.3.0 makes.
DEFAULT_FLAGS = frozenset({"qs8", "qu8"})


def checked_flags(flags: Mapping[str, bool] | None) -> dict[str, bool]:
    """The flags that somebody chooses, by name.

    Raises:
        TypeError: `flags` is no mapping, or a value no bool.
        ValueError: there is no flag of a name.
    """
    if flags is None:
        return {}
    if not isinstance(flags, Mapping):
        raise TypeError(f'flags is {flags!r}, and must be a mapping from names to bools, as in {{"force_fp16": True}}')
    for name, value in flags.items():
        if name not in XNNPACK_FLAGS:
            raise ValueError(f"there is no XNNPACK flag {name!r}; there are {', '.join(XNNPACK_FLAGS)}")
        if not isinstance(value, bool):
            raise TypeError(f"the XNNPACK flag {name} is {value!r}, and must be True or False")
    return dict(flags)


def native_flags(flags: Mapping[str, bool]) -> int | None:
    """All bits, the defaults among them; None where nothing is chosen, so that the runtime's own defaults hold."""
    if not flags:
        return None
    chosen = {**dict.fromkeys(DEFAULT_FLAGS, True), **flags}
    return sum(XNNPACK_FLAGS[name] for name, value in chosen.items() if value)


Kernels = Literal["delegate", "builtin", "reference"]


class XNNPack(Delegate):
    """The CPU, with XNNPACK's kernels where it has them.

    Attributes:
        threads: how many threads a run uses; 1 by default, as in the runtime itself.
        kernels: "delegate" for XNNPACK with TensorFlow Lite's kernels for the rest, "builtin" for TensorFlow Lite's
            optimized kernels only, "reference" for its plain reference kernels only, for which the published library of
            LiteRT 2.3.0 takes the optimized ones.
        weight_cache: a file for the weights as XNNPACK packs them, so that later loads need not pack them again and
            processes share their memory; None, the default, packs them at each load. The file is sealed with a digest
            of the model, the processor and the runtime: one that is damaged or belongs to something else is replaced.
            Where it can't be read or written, `load` raises OSError.
        flags: XNNPACK's flags that are switched on or off, by name; all others keep their defaults, which are "qs8" and
            "qu8" on and the others off. docs/delegates.md tells what each of them does.
    """

    __slots__ = ("_shared_weights", "flags", "kernels", "threads", "weight_cache")

    def __init__(
        self,
        *,
        threads: int = 1,
        kernels: Kernels = "delegate",
        weight_cache: str | os.PathLike[str] | None = None,
        flags: Mapping[str, bool] | None = None,
    ) -> None:
        """Choose the settings.

        Raises:
            TypeError: `weight_cache` is no path, or `flags` no mapping from names to bools.
            ValueError: `kernels` is none of "delegate", "builtin" and "reference", the weight cache's path is empty
                or has a null character, there is no flag of a name, flags are given for other kernels than
                XNNPACK's, or "force_fp16" with a weight cache.
        """
        if kernels not in get_args(Kernels):
            choices = ", ".join(map(repr, get_args(Kernels)))
            raise ValueError(f"kernels is {kernels!r}, and must be one of {choices}")
        self.threads = threads
        self.kernels = kernels
        self.weight_cache = None if weight_cache is None else _path(weight_cache)
        self.flags = checked_flags(flags)
        if self.flags and kernels != "delegate":
            raise ValueError(f"flags are for XNNPACK, and kernels is {kernels!r}; leave one of both out")
        if self.weight_cache is not None and self.flags.get("force_fp16", False):
            raise ValueError(
                "XNNPACK can't keep the weights that the flag force_fp16 makes in a weight cache; leave one of both out"
            )
        self._shared_weights = ""

    def with_threads(self, threads: int) -> XNNPack:
        """Make the same settings with another number of threads."""
        settings = XNNPack(threads=threads, kernels=self.kernels, weight_cache=self.weight_cache, flags=self.flags)
        settings._shared_weights = self._shared_weights
        return settings

    def _with_shared_weights(self, path: str) -> XNNPack:
        """Make the same settings with a place in memory for packed weights, which must serve one model alone."""
        settings = XNNPack(threads=self.threads, kernels=self.kernels, flags=self.flags)
        settings._shared_weights = path
        return settings

    @property
    def arguments(self) -> dict[str, Any]:
        """The settings by name."""
        return {
            "threads": self.threads,
            "kernels": self.kernels,
            "weight_cache": self.weight_cache,
            "flags": dict(self.flags),
        }

    @property
    def native_kernels(self) -> _native.CpuKernels:
        """The setting as the native core names it."""
        return getattr(_native.CpuKernels, self.kernels)  # type: ignore[no-any-return]

    @property
    def can_share_weights(self) -> bool:
        """Whether packed weights can be kept for others: with "force_fp16" LiteRT 2.3.0 would end the process."""
        return self.kernels == "delegate" and not self.flags.get("force_fp16", False)

    @property
    def native_flags(self) -> int | None:
        """The flags as the native core takes them."""
        return native_flags(self.flags)

    def __repr__(self) -> str:
        """The settings."""
        cache = "" if self.weight_cache is None else f", weight_cache={self.weight_cache!r}"
        flags = f", flags={self.flags!r}" if self.flags else ""
        return f"XNNPack(threads={self.threads}, kernels={self.kernels!r}{cache}{flags})"


def _path(path: str | os.PathLike[str]) -> str:
    name = os.fspath(path)
    if not isinstance(name, str):
        raise TypeError(f"weight_cache is {path!r}, and must be a str or a path")
    if not name or "\0" in name:
        raise ValueError(f"weight_cache is {name!r}, which names no file (it is empty or has a null character)")
    return name


class SharedWeights:
    """A weight cache in memory, which is no file on any disk and goes with the last who maps it.

    XNNPACK's cache is a file that later compilations map. Linux can make one that exists in memory alone; its name
    below /proc/self/fd is a path like any other.

    The cache tells models apart by their structure and not by their weights (LiteRT 2.3.0), so each serves one model.

    Attributes:
        delegate: the settings that use the cache.
    """

    def __init__(self, delegate: XNNPack, *, sharing: bool) -> None:
        """Make the cache where weights are packed at all, and have no file of their own."""
        self._descriptor: int | None = None
        self.delegate = delegate
        if not sharing or not delegate.can_share_weights or delegate.weight_cache is not None:
            return
        self._descriptor = os.memfd_create("zerolite-weights", os.MFD_CLOEXEC)
        self.delegate = delegate._with_shared_weights(f"/proc/self/fd/{self._descriptor}")

    def close(self) -> None:
        """Let go of the cache; models that map it keep it."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)

    def __del__(self) -> None:
        """Let go of the cache of a pool that was never made, or never closed."""
        self.close()
