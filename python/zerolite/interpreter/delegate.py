"""Delegates in shared libraries."""

from __future__ import annotations

import os
from collections.abc import Mapping

from zerolite import _native


class DelegateLoadError(OSError, ValueError):
    """A delegate's library can't be opened; tf.lite documents a ValueError for that, and raises an OSError."""


class Delegate:
    """A delegate in a shared library that has the functions of TensorFlow Lite's external delegates."""

    def __init__(self, library: str | os.PathLike[str], options: Mapping[object, object] | None = None) -> None:
        """Open the library.

        Args:
            library: the path or the name of the library.
            options: options of the delegate; keys and values are passed as text.

        Raises:
            DelegateLoadError: (an OSError and a ValueError) the library can't be opened.
            AttributeError: the library has no function `tflite_plugin_create_delegate`.
            NotImplementedError: zerolite can't run external delegates yet.
        """
        name = os.fspath(library)
        try:
            makes_delegates = _native.library_makes_delegates(os.fsencode(name))
        except _native.DelegateError as error:
            raise DelegateLoadError(str(error)) from error
        if not makes_delegates:
            raise AttributeError(
                f"{name} has no function tflite_plugin_create_delegate, so it is no library of an external delegate"
            )
        self.library = name
        self.options = {str(key): str(value) for key, value in (options or {}).items()}
        # The one place to connect when the core can run them: Interpreter asks for `library` and `options`.
        raise NotImplementedError(
            f"the delegate in {name} can't be used: this version of zerolite runs no external delegates yet; leave "
            "experimental_delegates out to run on the CPU, or use ai_edge_litert.interpreter for this delegate"
        )


def load_delegate(library: str | os.PathLike[str], options: Mapping[object, object] | None = None) -> Delegate:
    """Open a delegate in a shared library, for `experimental_delegates` of `Interpreter`.

    Args:
        library: the path or the name of the library.
        options: options of the delegate; keys and values are passed as text.

    Raises:
        ValueError: the library can't be opened (also an OSError), or the delegate refuses its options.
        NotImplementedError: zerolite can't run external delegates yet.
    """
    return Delegate(library, options)
