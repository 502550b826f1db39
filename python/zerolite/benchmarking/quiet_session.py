"""Runtimes in this process, with what they print captured."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

from zerolite._platform.output_capture import CapturedOutput
from zerolite._timing.stopwatch import Stopwatch
from zerolite.benchmarking.inputs import make_inputs
from zerolite.benchmarking.session import Session, import_runtime, open_session

__all__ = ["import_with_captured_output", "open_quietly"]


def import_with_captured_output(runtime: str) -> Any:
    """`import_runtime`, with what the runtime says on stdout and stderr left out."""
    with _captured_output():
        return import_runtime(runtime)


@contextmanager
def open_quietly(runtime: str, path: os.PathLike[str] | str, **options: Any) -> Iterator[Session]:
    """`open_session` as a context manager, with what other runtimes than zerolite say on stdout and stderr left out.

    The runtime is asked for one result at once, because some say a thing or two only then. LiteRT's `CompiledModel`
    (2.3.0) also says goodbye on stderr when the process ends, which can't be prevented from here.
    """
    if runtime == "zerolite":
        with closing(open_session(runtime, os.fspath(path), **options)) as session:
            yield session
        return
    with _captured_output():
        session = open_session(runtime, os.fspath(path), **options)
        Stopwatch(session.call(make_inputs(session.inputs, "zeros"))).block(1)
    try:
        yield session
    finally:
        with _captured_output():
            session.close()


@contextmanager
def _captured_output() -> Iterator[None]:
    """Keeps what runtimes announce off the terminal: LiteRT and XNNPACK do so on stderr, TensorFlow by warnings."""
    with warnings.catch_warnings(), CapturedOutput():
        warnings.simplefilter("ignore")
        yield
