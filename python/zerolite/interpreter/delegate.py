"""Delegates in shared libraries, as tf.lite loads them."""

from __future__ import annotations

import ctypes
import functools
import os
from collections.abc import Mapping

from zerolite import _native
from zerolite.delegates.external import ExternalDelegate

__all__ = ["Delegate", "DelegateLoadError", "load_delegate"]


class DelegateLoadError(OSError, ValueError):
    """A delegate can't be had from its library; tf.lite raises an OSError or a ValueError, depending on the reason."""


class Delegate:
    """A delegate in a shared library that has the functions of TensorFlow Lite's external delegates.

    The library makes it here, once. All interpreters that it is given to share it, and the library destroys it after
    the last of them.

    Attributes:
        settings: the library and its options, as `zerolite.load` takes them; each model that is loaded with them has a
            delegate of its own.
    """

    def __init__(self, library: str | os.PathLike[str], options: Mapping[object, object] | None = None) -> None:
        """Open the library, and let it make a delegate with these options.

        Args:
            library: the path or the name of the library.
            options: options of the delegate; keys and values are passed as text.

        Raises:
            DelegateLoadError: (an OSError and a ValueError) the library can't be opened, or makes no delegate.
            AttributeError: the library has no function `tflite_plugin_create_delegate`.
        """
        self.settings = ExternalDelegate(library, {str(key): str(value) for key, value in (options or {}).items()})
        try:
            self._made = _native.make_delegate(self.settings.native_settings)
        except _native.DelegateError as error:
            if "has no symbol" in str(error):
                raise AttributeError(str(error)) from error
            raise DelegateLoadError(f"Failed to load delegate from {self.settings.library}: {error}") from error

    @functools.cached_property
    def _library(self) -> ctypes.PyDLL:
        return ctypes.PyDLL(self.settings.library)

    def _get_native_delegate_pointer(self) -> int:
        return self._made.address


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
