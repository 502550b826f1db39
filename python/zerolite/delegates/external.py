"""Delegates in libraries of others."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any

from zerolite import _native
from zerolite.delegates.delegate import Delegate


class ExternalDelegate(Delegate):
    """A delegate in a library with TensorFlow Lite's plug-in entry points.

    The entry points are ``tflite_plugin_create_delegate`` and ``tflite_plugin_destroy_delegate``, as in TensorFlow
    Lite's external_delegate_interface.h. Each model, and each replica of it, has a delegate of its own, which the
    library makes when the model is loaded and destroys after the model; the library itself stays loaded.

    Attributes:
        library: the path of the library, or a name that the system's loader finds.
        options: what the library is told, as text by name.
    """

    __slots__ = ("library", "options")

    def __init__(self, library: str | os.PathLike[str], options: Mapping[str, str] | None = None) -> None:
        """Note the library and its options; it is opened when a model is loaded.

        Raises:
            TypeError: the library is no path, or an option is no text.
            ValueError: the library's path, or an option, holds a null character.
        """
        self.library = os.fspath(library)
        if not isinstance(self.library, str):
            raise TypeError(f"library is {library!r}, and must be a str or a path")
        self.options = dict(options or {})
        pairs: Iterable[tuple[object, object]] = self.options.items()
        for key, value in pairs:
            if not (isinstance(key, str) and isinstance(value, str)):
                raise TypeError(f"the option {key!r} of {self.library} is {value!r}; names and values must be str")
        if "\0" in "".join([self.library, *self.options, *self.options.values()]):
            raise ValueError(f"{self!r} holds a null character, at which the library would stop reading; leave it out")

    @property
    def arguments(self) -> dict[str, Any]:
        """The library and the options."""
        return {"library": self.library, "options": dict(self.options)}

    @property
    def native_settings(self) -> _native.ExternalSettings:
        """The library and the options as the native core takes them."""
        return _native.ExternalSettings(library=self.library, options=self.options)

    def __eq__(self, other: object) -> bool:
        """Whether it is the same library with the same options."""
        if not isinstance(other, ExternalDelegate):
            return NotImplemented
        return (self.library, self.options) == (other.library, other.options)

    def __hash__(self) -> int:
        """Equal delegates have equal hashes."""
        return hash((self.library, *sorted(self.options.items())))

    def __repr__(self) -> str:
        """The library and the options."""
        return f"ExternalDelegate({self.library!r}, {self.options!r})"
