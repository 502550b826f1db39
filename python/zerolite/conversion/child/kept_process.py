"""One process for several conversions that need no large library."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar

from zerolite.conversion.child.process import ConversionProcess

__all__ = ["conversion_process", "kept_process"]


@contextmanager
def kept_process() -> Iterator[None]:
    """Context manager: conversions of this thread inside the block share a process.

    That is so for those without a module to preload, which begin with a .tflite file: most of their time would go into
    imports. A process that has ended before its time, or was interrupted, is replaced when the next one begins. The
    others have a process each, so that the memory of their converters is given back at once.
    """
    if _KEPT.get() is not None:  # of a block around this one
        yield
        return
    with ExitStack() as stack:
        token = _KEPT.set(_KeptProcess(stack))
        try:
            yield
        finally:
            _KEPT.reset(token)


@contextmanager
def conversion_process(*, preload: str = "") -> Iterator[ConversionProcess]:
    """Context manager: a process that converts one model.

    Args:
        preload: the name of a module that it imports early, or "".

    Raises:
        RuntimeError: there is no interpreter to start.
    """
    kept = _KEPT.get()
    if kept is not None and not preload:
        yield kept.ready()
        return
    with ConversionProcess(preload=preload) as process:
        yield process


class _KeptProcess:
    """The process of a block, which is started when it is first needed."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._process: ConversionProcess | None = None

    def ready(self) -> ConversionProcess:
        """The process, or a new one where that can't go on."""
        if self._process is None or not self._process.is_ready:
            self._stack.close()
            self._process = self._stack.enter_context(ConversionProcess())
        return self._process


_KEPT: ContextVar[_KeptProcess | None] = ContextVar("kept conversion process", default=None)
