"""The CPU."""

from typing import Literal, get_args

from zerolite import _native
from zerolite.delegates.delegate import Delegate

Kernels = Literal["delegate", "builtin", "reference"]


class XNNPack(Delegate):
    """The CPU, with XNNPACK's kernels where it has them.

    Attributes:
        threads: how many threads a run uses; 1 by default, as in the runtime itself.
        kernels: "delegate" for XNNPACK with TensorFlow Lite's kernels for the rest, "builtin" for TensorFlow Lite's
            optimized kernels only, "reference" for its plain reference kernels only.
    """

    __slots__ = ("_weight_cache", "kernels", "threads")

    def __init__(self, *, threads: int = 1, kernels: Kernels = "delegate") -> None:
        """Choose the settings.

        Raises:
            ValueError: `kernels` is none of "delegate", "builtin" and "reference".
        """
        if kernels not in get_args(Kernels):
            choices = ", ".join(map(repr, get_args(Kernels)))
            raise ValueError(f"kernels is {kernels!r}, and must be one of {choices}")
        self.threads = threads
        self.kernels = kernels
        self._weight_cache = ""

    def with_threads(self, threads: int) -> "XNNPack":
        """Make the same settings with another number of threads."""
        return XNNPack(threads=threads, kernels=self.kernels)._with_weight_cache(self._weight_cache)

    def _with_weight_cache(self, path: str) -> "XNNPack":
        """Make the same settings with a file in which XNNPACK keeps packed weights; it must serve one model alone."""
        settings = XNNPack(threads=self.threads, kernels=self.kernels)
        settings._weight_cache = path
        return settings

    @property
    def native_kernels(self) -> _native.CpuKernels:
        """The setting as the native core names it."""
        return getattr(_native.CpuKernels, self.kernels)  # type: ignore[no-any-return]

    def __repr__(self) -> str:
        """The settings."""
        return f"XNNPack(threads={self.threads}, kernels={self.kernels!r})"
