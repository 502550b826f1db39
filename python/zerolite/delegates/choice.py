"""What `load` makes of the delegates that it is given."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from zerolite._runtime.validation import checked_count
from zerolite.delegates.delegate import Delegate
from zerolite.delegates.xnnpack import XNNPack

if TYPE_CHECKING:
    from zerolite.delegates.external import ExternalDelegate
    from zerolite.delegates.gpu import Gpu
    from zerolite.delegates.npu import Npu

    SlotDelegate: TypeAlias = ExternalDelegate | Gpu | Npu

MOST_THREADS = 1024  # as in the core; more is a typing error rather than a wish


class DelegateChoice:
    """Delegates in order of preference, checked.

    Attributes:
        xnnpack: the settings for the CPU, which come last when they are not in the list.
        before: external delegates, GPUs and NPUs that are preferred to XNNPACK.
        after: those that get what XNNPACK leaves.
        fallback: whether operators that no delegate of the list takes run on the CPU all the same.
    """

    __slots__ = ("after", "before", "fallback", "xnnpack")

    def __init__(
        self, delegates: Delegate | Sequence[Delegate] | None, *, threads: int | None, fallback: bool = True
    ) -> None:
        """Check the list.

        Raises:
            TypeError: something is no delegate, or `threads` no integer.
            ValueError: a delegate occurs twice, an NPU is not the first, or `threads` is not from 1 to 1024.
        """
        self.before: list[SlotDelegate] = []
        self.after: list[SlotDelegate] = []
        self.fallback = fallback
        xnnpack = None
        for delegate in listed_delegates(delegates):
            if isinstance(delegate, XNNPack):
                if xnnpack is not None:
                    raise ValueError(f"delegates has XNNPack twice, {xnnpack!r} and {delegate!r}; leave one out")
                xnnpack = delegate
                continue
            if not _has_slot(delegate):
                raise TypeError(
                    f"delegates has {delegate!r}, and must be made of delegates such as zl.XNNPack(...), alone or in a "
                    "list in order of preference"
                )
            listed = (*self.before, *self.after)
            if delegate in listed:
                raise ValueError(f"delegates has {delegate!r} twice; leave one out")
            if _is_gpu(delegate) and any(map(_is_gpu, listed)):
                raise ValueError(f"delegates has a second GPU, {delegate!r}; the runtime takes one, so leave one out")
            if _is_npu(delegate) and (listed or xnnpack is not None):
                raise ValueError(
                    f"delegates has {delegate!r} after another delegate; an NPU's compiler gets the model before all "
                    "others, so put it first, and only one"
                )
            (self.before if xnnpack is None else self.after).append(delegate)
        if xnnpack is None:
            # Without the fallback nothing but the list may run, so XNNPACK is not there to take operators.
            only_listed = not fallback and bool(self.before)
            xnnpack = XNNPack(kernels="builtin" if only_listed else "delegate")
        self.xnnpack = xnnpack if threads is None else xnnpack.with_threads(threads)

    def native_settings(self) -> dict[str, Any]:
        """The choice as the native core takes it."""
        return {
            "threads": checked_count("threads", self.xnnpack.threads, most=MOST_THREADS),
            "kernels": self.xnnpack.native_kernels,
            "weight_cache": self.xnnpack._shared_weights,
            "weight_cache_file": os.fsencode(self.xnnpack.weight_cache or ""),
            "before_xnnpack": [delegate.native_settings for delegate in self.before],
            "after_xnnpack": [delegate.native_settings for delegate in self.after],
            "fallback": self.fallback,
            "xnnpack_flags": self.xnnpack.native_flags,
        }


def listed_delegates(delegates: Delegate | Iterable[Delegate] | None) -> list[Any]:
    """The delegates of what `load` takes, unchecked."""
    if delegates is None:
        return []
    if isinstance(delegates, list | tuple):
        return list(delegates)
    return [delegates]


def _has_slot(delegate: object) -> bool:
    if not isinstance(delegate, Delegate):
        return False
    from zerolite.delegates.external import ExternalDelegate
    from zerolite.delegates.gpu import Gpu
    from zerolite.delegates.npu import Npu

    return isinstance(delegate, ExternalDelegate | Gpu | Npu)


def _is_gpu(delegate: object) -> bool:
    from zerolite.delegates.gpu import Gpu

    return isinstance(delegate, Gpu)


def _is_npu(delegate: object) -> bool:
    from zerolite.delegates.npu import Npu

    return isinstance(delegate, Npu)
