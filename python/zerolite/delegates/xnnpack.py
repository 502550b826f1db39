"""The CPU."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Literal, get_args

from zerolite import _native
from zerolite._runtime.validation import positive_int
from zerolite.delegates.delegate import MOST_THREADS, Delegate

__all__ = ["XNNPACK_FLAGS", "Kernels", "SharedWeights", "Weights", "XNNPack", "checked_flags", "flags_that_are_on"]

#: Name -> whether the flag is on when nobody chooses.
XNNPACK_FLAGS: Mapping[str, bool] = _native.xnnpack_flags()


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


def flags_that_are_on(flags: Mapping[str, bool]) -> list[str] | None:
    """All flags that are on, the defaults among them; None where nothing is chosen, so that the runtime decides."""
    if not flags:
        return None
    return [name for name, default in XNNPACK_FLAGS.items() if flags.get(name, default)]


Kernels = Literal["delegate", "builtin", "reference"]
Weights = Literal["stored", "dequantized"]


class XNNPack(Delegate):
    """The CPU, with XNNPACK's kernels where it has them.

    Attributes:
        threads: how many threads a run uses; 1 by default, as in the runtime itself.
        kernels: "delegate" for XNNPACK with TensorFlow Lite's kernels for the rest, "builtin" for TensorFlow Lite's
            optimized kernels only, "reference" for its plain reference kernels only, for which the published library of
            LiteRT 2.3.0 takes the optimized ones.
        weight_cache: a file for the weights as XNNPACK packs them, so that later loads need not pack them again and
            processes share their memory; None, the default, packs them at each load. The file has a checksum
            over the model, the processor and the runtime: one that is damaged or belongs to something else is replaced.
            Where it can't be read or written, or another user may have written it, `load` raises OSError.
        weights: "stored" for the weights as the file has them; "dequantized" for float32 in the place of the int8
            filters of depthwise convolutions over float32 values, where XNNPACK is faster with that. It has no kernels
            for such filters as they are (LiteRT 2.3.0). Results come nearer to those of the float32 model. It costs a
            copy of the model in memory, see `Delegation.dequantized_bytes`.
        flags: XNNPACK's flags that are switched on or off, by name; all others keep their defaults, which are "qs8" and
            "qu8" on and the others off. docs/delegates.md tells what each of them does.
    """

    __slots__ = ("_shared_weights", "flags", "kernels", "threads", "weight_cache", "weights")

    def __init__(
        self,
        *,
        threads: int = 1,
        kernels: Kernels = "delegate",
        weight_cache: str | os.PathLike[str] | None = None,
        weights: Weights = "stored",
        flags: Mapping[str, bool] | None = None,
    ) -> None:
        """Choose the settings.

        Raises:
            TypeError: `weight_cache` is no path, or `flags` no mapping from names to bools.
            ValueError: `kernels` is none of "delegate", "builtin" and "reference", `weights` none of "stored" and
                "dequantized", the weight cache's path is empty or has a null character, there is no flag of a name,
                flags or dequantized weights are given for other kernels than XNNPACK's, or "force_fp16" with a weight
                cache.
        """
        for name, value, choices in (("kernels", kernels, Kernels), ("weights", weights, Weights)):
            if value not in get_args(choices):
                raise ValueError(f"{name} is {value!r}, and must be one of {', '.join(map(repr, get_args(choices)))}")
        self.threads = threads
        self.kernels = kernels
        self.weights = weights
        if weights != "stored" and kernels != "delegate":
            raise ValueError(f"weights are dequantized for XNNPACK, and kernels is {kernels!r}; leave one of both out")
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
        settings = XNNPack(**(self.arguments | {"threads": threads}))
        settings._shared_weights = self._shared_weights
        return settings

    def _with_shared_weights(self, path: str) -> XNNPack:
        """Make the same settings with a place in memory for packed weights; each place must serve only one model."""
        settings = XNNPack(**(self.arguments | {"weight_cache": None}))
        settings._shared_weights = path
        return settings

    @property
    def arguments(self) -> dict[str, Any]:
        """The settings by name."""
        return {
            "threads": self.threads,
            "kernels": self.kernels,
            "weight_cache": self.weight_cache,
            "weights": self.weights,
            "flags": dict(self.flags),
        }

    @property
    def native_settings(self) -> _native.CpuSettings:
        """The settings as the native core takes them.

        Raises:
            TypeError: `threads` is no integer.
            ValueError: `threads` is not from 1 to 1024.
        """
        return _native.CpuSettings(
            threads=positive_int("threads", self.threads, most=MOST_THREADS),
            kernels=self.kernels,
            weights=self.weights,
            weight_cache=self._shared_weights,
            weight_cache_file=self.weight_cache or "",
            flags=flags_that_are_on(self.flags),
        )

    @property
    def can_share_weights(self) -> bool:
        """Whether packed weights can be kept for others: with "force_fp16" LiteRT 2.3.0 would end the process."""
        return self.kernels == "delegate" and not self.flags.get("force_fp16", False)

    def __repr__(self) -> str:
        """The settings."""
        cache = "" if self.weight_cache is None else f", weight_cache={self.weight_cache!r}"
        weights = "" if self.weights == "stored" else f", weights={self.weights!r}"
        flags = f", flags={self.flags!r}" if self.flags else ""
        return f"XNNPack(threads={self.threads}, kernels={self.kernels!r}{cache}{weights}{flags})"


def _path(path: str | os.PathLike[str]) -> str:
    name = os.fspath(path)
    if not isinstance(name, str):
        raise TypeError(f"weight_cache is {path!r}, and must be a str or a path")
    if not name or "\0" in name:
        raise ValueError(f"weight_cache is {name!r}, which names no file (it is empty or has a null character)")
    return name


class SharedWeights:
    """A weight cache that exists in memory only, and is freed when nobody maps it any more.

    XNNPACK keeps packed weights in a file, which later compilations map. Linux can make a file that exists in memory
    only; its name below /proc/self/fd is a path like any other.

    XNNPACK tells models apart by their structure and not by their weights (LiteRT 2.3.0), so each cache serves one
    model.

    Attributes:
        delegate: the settings that use the cache.
    """

    def __init__(self, delegate: XNNPack, *, sharing: bool) -> None:
        """Make the cache, unless no weights are packed or they have a file of their own."""
        self._descriptor: int | None = None
        self.delegate = delegate
        if not sharing or not delegate.can_share_weights or delegate.weight_cache is not None:
            return
        self._descriptor = os.memfd_create("zerolite-weights", os.MFD_CLOEXEC)
        self.delegate = delegate._with_shared_weights(f"/proc/self/fd/{self._descriptor}")

    @property
    def size(self) -> int:
        """How many bytes the packed weights take, for all who map them; 0 where nothing is shared."""
        return 0 if self._descriptor is None else os.fstat(self._descriptor).st_size

    def close(self) -> None:
        """Close the file; models that map it keep its memory."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)

    def __del__(self) -> None:
        """Close the file of a pool that could not be made, or was never closed."""
        self.close()
