"""The interpreter that a model gets to itself: what it is told, what it may use, and what it says of the model."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from typing import Any

from zerolite import _native
from zerolite._isolation.model_settings import ModelSettings
from zerolite._platform.fresh_python import FreshPython, Limits

__all__ = [
    "ConfinedPython",
    "errors_of_starting",
    "refusal_of",
    "sealed_model",
    "seconds_for",
]

_PROGRAM = """
from zerolite._isolation.model_program import main
given = {{"model": {model}, "size": {size}, "memory": {memory}}}
main({settings!r}, name={name!r}, verification={verification!r}, reply=reply, **given)
"""
# Far more than a sound model of this size needs.
_SECONDS = 60.0
_SECONDS_PER_GIGABYTE = 60.0
_KINDS = {"DelegateError": _native.DelegateError, "InvalidModelError": _native.InvalidModelError}


class ConfinedPython(FreshPython):
    """An interpreter that loads a model, and can do nothing but compute before it looks at it.

    The model's bytes are a file in memory that nobody can change; closing it is up to `sealed_model`'s caller.
    """

    def __init__(
        self,
        model: int,
        size: int,
        *,
        settings: ModelSettings,
        name: bytes,
        verification: str,
        limits: Limits,
        memory: int | None = None,
        folder: str | None = None,
    ) -> None:
        """Choose the model, and what is done with it.

        Args:
            model: the descriptor of its file.
            size: of that file, in bytes.
            settings: how it is loaded.
            name: what it is called in errors.
            verification: how closely it is looked at.
            limits: what the process may use.
            memory: the descriptor of shared memory, over which it is run as often as somebody asks; None runs it a few
                times, as a trial.
            folder: where the drivers and compilers of delegates may write; None is nowhere.

        Raises:
            RuntimeError: `sys.executable` names no interpreter.
        """
        super().__init__(
            _PROGRAM.format(
                settings=settings.to_json(),
                name=name,
                verification=verification,
                model=model,
                size=size,
                memory=memory,
            ),
            environment={
                "ZEROLITE_RUNTIME": _native.runtime_path(),
                "OPENBLAS_NUM_THREADS": "1",
                "TMPDIR": folder or os.devnull,
            },
            limits=limits,
            descriptors=(model,) if memory is None else (model, memory),
        )


def seconds_for(size: int) -> float:
    """How long loading a model of this size may take, or a trial of it."""
    return _SECONDS + _SECONDS_PER_GIGABYTE * size / (1 << 30)


def sealed_model(content: memoryview) -> int:
    """The descriptor of a file in memory that nobody can change.

    Raises:
        OSError: there is no memory for it.
    """
    file = os.memfd_create("zerolite-model", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        left = content.cast("B")
        while left:
            left = left[os.write(file, left) :]
        fcntl.fcntl(file, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE)
    except BaseException:
        os.close(file)
        raise
    return file


@contextlib.contextmanager
def errors_of_starting() -> Iterator[None]:
    """Raise an `Error` for what keeps a process from being started.

    Raises:
        Error: it can't be started.
    """
    try:
        yield
    except RuntimeError as error:
        raise _native.Error(f"a model is isolated in another Python process, and {error}") from error
    except OSError as error:
        raise _native.Error(f"no process could be started for the model: {error}") from error


def refusal_of(answer: dict[str, Any], more: str = "") -> _native.Error | None:
    """The error that kept the process from loading the model, as it tells of it; None when it has loaded it.

    Args:
        answer: what it says, which may be anything: the model may have taken it over.
        more: what the message says after that.

    Raises:
        TypeError, LookupError: it says something else.
    """
    if "refused" not in answer:
        return None
    return _KINDS.get(answer["kind"], _native.Error)(f"{answer['refused']}{more}")
