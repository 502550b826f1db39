"""The delegates and kernels that a caller lists: checked, and on their way to the native core or another process."""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, TypeAlias

from zerolite.delegates.delegate import MOST_THREADS, Delegate, Delegates
from zerolite.delegates.xnnpack import XNNPack

if TYPE_CHECKING:
    from zerolite.delegates.external import ExternalDelegate
    from zerolite.delegates.gpu import Gpu
    from zerolite.delegates.npu import Npu
    from zerolite.delegates.openvino import OpenVino
    from zerolite.operators import CustomOp, CustomOps, FunctionOp

    ModelDelegate: TypeAlias = ExternalDelegate | Gpu | Npu | OpenVino

__all__ = ["MOST_THREADS", "DelegateChoice", "listed_delegates"]

# Imported by name when one is used: most programs use none but XNNPACK, and starting a process should cost no more.
_MODULES = {
    "ExternalDelegate": "zerolite.delegates.external",
    "Gpu": "zerolite.delegates.gpu",
    "Npu": "zerolite.delegates.npu",
    "OpenVino": "zerolite.delegates.openvino",
    "XNNPack": "zerolite.delegates.xnnpack",
}


class DelegateChoice:
    """A checked list of delegates, in order of preference, and the kernels for custom operators.

    Attributes:
        xnnpack: the settings for the CPU. A list without XNNPACK gets it as its last delegate.
        before: the external delegates, GPUs, NPUs and OpenVINO that come before XNNPACK.
        after: the delegates that get the operators that XNNPACK leaves.
        fallback: whether operators that no listed delegate takes may run on the CPU.
        custom_ops: the kernels for custom operators.
    """

    __slots__ = ("after", "before", "custom_ops", "fallback", "xnnpack")

    def __init__(
        self,
        delegates: Delegates | None,
        *,
        threads: int | None,
        fallback: bool = True,
        custom_ops: CustomOps | None = None,
    ) -> None:
        """Check the lists.

        Raises:
            TypeError: something is no delegate or no kernel, or `threads` no integer.
            ValueError: a delegate or a kernel occurs twice, an NPU is not the first, there are two of OpenVINO, or
                `threads` is not from 1 to 1024.
        """
        self.before: list[ModelDelegate] = []
        self.after: list[ModelDelegate] = []
        self.fallback = fallback
        self.custom_ops = _checked_operators(custom_ops)
        xnnpack = None
        for delegate in listed_delegates(delegates):
            if isinstance(delegate, XNNPack):
                if xnnpack is not None:
                    raise ValueError(f"delegates has XNNPack twice, {xnnpack!r} and {delegate!r}; leave one out")
                xnnpack = delegate
                continue
            if not _is_known(delegate):
                raise TypeError(
                    f"delegates has {delegate!r}, and must be made of delegates such as zl.XNNPack(...), alone or in a "
                    "list in order of preference"
                )
            listed = (*self.before, *self.after)
            if delegate in listed:
                raise ValueError(f"delegates has {delegate!r} twice; leave one out")
            if _is_a("Gpu", delegate) and any(_is_a("Gpu", other) for other in listed):
                raise ValueError(f"delegates has a second GPU, {delegate!r}; the runtime takes one, so leave one out")
            if _is_a("OpenVino", delegate) and any(_is_a("OpenVino", other) for other in listed):
                raise ValueError(
                    f"delegates has a second OpenVINO, {delegate!r}, and the first one leaves nothing to it; leave one "
                    "out"
                )
            if _is_a("Npu", delegate) and (listed or xnnpack is not None):
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
        self.before, self.after = (
            [self._with_threads(delegate, threads) for delegate in side] for side in (self.before, self.after)
        )

    @classmethod
    def like(
        cls,
        other: DelegateChoice | None,
        delegates: Delegates | None,
        *,
        threads: int | None,
        fallback: bool,
        custom_ops: CustomOps | None,
    ) -> DelegateChoice:
        """What is given, and what another choice has in the place of what is not."""
        if other is not None and delegates is None:
            delegates, fallback = other.delegates, other.fallback
        if other is not None and custom_ops is None:
            custom_ops = other.custom_ops
        return cls(delegates, threads=threads, fallback=fallback, custom_ops=custom_ops)

    def _with_threads(self, delegate: ModelDelegate, threads: int | None) -> ModelDelegate:
        """The delegate with the number of threads that a caller chose, or else the one of the CPU's other kernels."""
        from zerolite.delegates.openvino import OpenVino

        if not isinstance(delegate, OpenVino):
            return delegate
        return delegate.with_threads(threads or delegate.threads or self.xnnpack.threads)

    def native_settings(self) -> dict[str, Any]:
        """The choice as the native core takes it."""
        return {
            "cpu": self.xnnpack.native_settings,
            "before_xnnpack": [delegate.native_settings for delegate in self.before],
            "after_xnnpack": [delegate.native_settings for delegate in self.after],
            "fallback": self.fallback,
            "custom_operators": [operator.native() for operator in self.custom_ops],
        }

    @property
    def openvino_threads(self) -> int:
        """How many threads OpenVINO was told to use; 1 where it is not listed."""
        listed = (*self.before, *self.after)
        return next((delegate.threads or 1 for delegate in listed if isinstance(delegate, _class_of("OpenVino"))), 1)

    @property
    def delegates(self) -> list[Delegate]:
        """All delegates in the order of preference, XNNPACK among them."""
        return [*self.before, self.xnnpack, *self.after]

    def to_json(self) -> str:
        """The delegates as text for another process: each by its class's name and its arguments.

        The kernels for custom operators are not in it: functions go to other processes in other ways.

        Raises:
            TypeError: a delegate is of a class that zerolite does not have.
        """
        listed = [{_name_of_class(delegate): delegate.arguments} for delegate in self.delegates]
        return json.dumps({"delegates": listed, "fallback": self.fallback})

    @classmethod
    def from_json(cls, text: str, *, custom_ops: CustomOps | None = None) -> DelegateChoice:
        """The choice that `to_json` wrote, with kernels for custom operators."""
        values = json.loads(text)
        delegates = [_class_of(name)(**arguments) for one in values["delegates"] for name, arguments in one.items()]
        return cls(delegates, threads=None, fallback=values["fallback"], custom_ops=custom_ops)


def listed_delegates(delegates: Delegate | Iterable[Delegate] | None) -> list[Any]:
    """What `load` takes for delegates as a list, unchecked."""
    if delegates is None:
        return []
    if isinstance(delegates, list | tuple):
        return list(delegates)
    return [delegates]


def _checked_operators(custom_ops: CustomOps | None) -> tuple[CustomOp | FunctionOp, ...]:
    if custom_ops is None:
        return ()
    from zerolite.operators import checked_operators

    return checked_operators(custom_ops)


def _class_of(name: str) -> Any:
    return getattr(importlib.import_module(_MODULES[name]), name)


def _name_of_class(delegate: Delegate) -> str:
    name = type(delegate).__name__
    if name not in _MODULES or _class_of(name) is not type(delegate):
        raise TypeError(
            f"the delegate {delegate!r} can't be sent to a fresh process; use one of zerolite's own classes"
        )
    return name


def _is_known(delegate: object) -> bool:
    return isinstance(delegate, Delegate) and isinstance(delegate, tuple(map(_class_of, _MODULES)))


def _is_a(name: str, delegate: object) -> bool:
    return isinstance(delegate, _class_of(name))
