"""Delegates in shared libraries, as tf.lite loads them."""

from __future__ import annotations

import os
from collections.abc import Mapping

from zerolite import _native
from zerolite.delegates.external import ExternalDelegate

__all__ = ["Delegate", "DelegateLoadError", "load_delegate"]


class DelegateLoadError(OSError, ValueError):
    """A delegate can't be had from its library; tf.lite raises an OSError or a ValueError, depending on the reason."""


class Delegate:
    """A delegate in a shared library that has the functions of TensorFlow Lite's external delegates.

    Each interpreter that it is given to has one of its own, which the library makes when the interpreter is made and
    destroys after it.

    Attributes:
        settings: the library and its options, as `zerolite.load` takes them.
    """

    def __init__(self, library: str | os.PathLike[str], options: Mapping[object, object] | None = None) -> None:
        """Open the library, and try whether it makes a delegate with these options.

        Args:
            library: the path or the name of the library.
            options: options of the delegate; keys and values are passed as text.

        Raises:
            DelegateLoadError: (an OSError and a ValueError) the library can't be opened, or makes no delegate.
            AttributeError: the library has no function `tflite_plugin_create_delegate`.
        """
        self.settings = ExternalDelegate(library, {str(key): str(value) for key, value in (options or {}).items()})
        try:
            _native.try_delegate(self.settings.native_settings)
        except _native.DelegateError as error:
            if "has no symbol" in str(error):
                raise AttributeError(str(error)) from error
            raise DelegateLoadError(f"Failed to load delegate from {self.settings.library}: {error}") from error


def load_delegate(library: str | os.PathLike[str], options: Mapping[object, object] | None = None) -> Delegate:
    """Open a delegate in a shared library, for `experimental_delegates` of `Interpreter`.

    Args:
        library: the path or the name of the library.
        options: options of the delegate; keys and values are passed as text.

    Raises:
        ValueError: the library can't be opened, or makes no delegate with these options (also an OSError).
        AttributeError: the library has no function `tflite_plugin_create_delegate`.
    """
    return Delegate(library, options)
