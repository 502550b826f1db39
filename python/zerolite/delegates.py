"""Where a model runs."""

import os
from typing import Literal, get_args

from zerolite import _native

Kernels = Literal["delegate", "builtin", "reference"]


class XNNPack:
    """The CPU, with XNNPACK's kernels where it has them.

    Attributes:
        threads: how many threads a run uses; 1 by default, as in the runtime itself.
        kernels: "delegate" for XNNPACK with TensorFlow Lite's kernels for the rest, "builtin" for TensorFlow Lite's
            optimized kernels only, "reference" for its plain reference kernels only.
        weight_cache: a file in which XNNPACK keeps weights as its kernels want them; None for none. Who compiles the
            model first writes it, and whoever compiles it later maps it instead of packing the weights again, so that
            processes and replicas share that memory.
    """

    __slots__ = ("kernels", "threads", "weight_cache")

    def __init__(
        self,
        *,
        threads: int = 1,
        kernels: Kernels = "delegate",
        weight_cache: str | os.PathLike[str] | None = None,
    ) -> None:
        """Choose the settings.

        Raises:
            ValueError: `kernels` is none of "delegate", "builtin" and "reference".
        """
        if kernels not in get_args(Kernels):
            choices = ", ".join(map(repr, get_args(Kernels)))
            raise ValueError(f"kernels is {kernels!r}, and must be one of {choices}")
        self.threads = threads
        self.kernels = kernels
        self.weight_cache = weight_cache

    def with_threads(self, threads: int) -> "XNNPack":
        """Make the same settings with another number of threads."""
        return XNNPack(threads=threads, kernels=self.kernels, weight_cache=self.weight_cache)

    @property
    def native_kernels(self) -> _native.CpuKernels:
        """The setting as the native core names it."""
        return getattr(_native.CpuKernels, self.kernels)  # type: ignore[no-any-return]

    def __repr__(self) -> str:
        """The settings."""
        cache = "" if self.weight_cache is None else f", weight_cache={os.fspath(self.weight_cache)!r}"
        return f"XNNPack(threads={self.threads}, kernels={self.kernels!r}{cache})"
