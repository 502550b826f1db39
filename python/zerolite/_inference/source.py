"""Where a model comes from: the path of a file, or bytes."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias, get_args

from zerolite import _native

if TYPE_CHECKING:
    from zerolite._isolation.limits import ProcessIsolation
    from zerolite._isolation.process import ModelProcess
    from zerolite.delegates.choice import DelegateChoice
    from zerolite.tuned import TunedFile

__all__ = [
    "NAMELESS",
    "Isolation",
    "ModelSource",
    "Origin",
    "Resize",
    "Verify",
    "check_resize",
    "chosen_level",
    "contiguous_view",
    "encoded_path",
    "read_source",
    "verification_of",
]

Resize: TypeAlias = Literal["strict", "auto"]
Verify: TypeAlias = Literal["structure", "full", "isolated"]
#: Where a model runs: None is this process, the others are one of its own.
Isolation: TypeAlias = "Literal['process'] | ProcessIsolation"
ModelSource = str | os.PathLike[str] | bytes | bytearray | memoryview

# Before a process tries a model, the model is verified in full.
_VERIFICATIONS = {
    "structure": _native.Verification.structure,
    "full": _native.Verification.full,
    "isolated": _native.Verification.full,
}

#: What a model that comes as bytes is called in errors.
NAMELESS = b"the model in memory"

# How addresses begin, and those that a path object made one slash of.
_ADDRESSES = ("hf:/", "http://", "https://")


class Origin(NamedTuple):
    """How a model was loaded.

    Attributes:
        path: the absolute path of its file; None for a model that came as bytes.
        name: what it is called in errors.
        choice: the delegates.
        verify: how closely it was looked at.
        tuned: the tuning that it was loaded with.
        resize: what becomes of a call with other shapes.
        kind: the class of the model.
        isolated: the process that it runs in; None for this one.
        isolation: what that process may take.
    """

    path: bytes | None
    name: bytes
    choice: DelegateChoice
    verify: Verify
    tuned: TunedFile | None
    kind: type[_native.CompiledModel]
    resize: Resize = "strict"
    isolated: ModelProcess | None = None
    isolation: ProcessIsolation | None = None

    @classmethod
    def of(
        cls,
        path: bytes | None,
        *,
        name: bytes | None,
        choice: DelegateChoice,
        verify: Verify | None,
        tuned: TunedFile | None,
        kind: type[_native.CompiledModel],
        resize: Resize,
    ) -> Origin:
        """Note how a model of a file, or of bytes in memory, is loaded."""
        return cls(
            path=None if path is None else os.path.abspath(path),  # noqa: PTH100 - it is bytes
            name=name or path or NAMELESS,
            choice=choice,
            verify=chosen_level(verify, path),
            # What was found automatically is for this machine; elsewhere its delegates do.
            tuned=None if tuned is None or tuned.path is None else tuned,
            kind=kind,
            resize=resize,
        )


def read_source(source: ModelSource) -> tuple[bytes, bytes]:
    """The bytes of a model, and what it is called in errors.

    Raises:
        OSError: the file can't be read.
        TypeError, ValueError: `source` is neither a path nor a buffer.
    """
    if isinstance(source, str | os.PathLike):
        path = encoded_path(source)
        return _native.read_file(path), path
    with contiguous_view(source) as content:
        return bytes(content), NAMELESS


def encoded_path(path: str | os.PathLike[str]) -> bytes:
    """The path as the system takes it; that of the downloaded file for an address on the Hugging Face Hub.

    Raises:
        ValueError: it holds a null byte, or is an address of no file on the Hub.
        OSError, ImportError: the file can't be downloaded.
    """
    if str(path).startswith(_ADDRESSES):
        from zerolite._hub.download import local_file

        path = local_file(path)
    encoded = os.fsencode(path)
    if b"\0" in encoded:  # the system would open the file whose name ends there
        raise ValueError(f"the path {os.fspath(path)!r} holds a null byte; pass the path of a file")
    return encoded


def chosen_level(verify: Verify | None, path: bytes | None) -> Verify:
    """How closely a model is looked at where nobody said it: more closely when its file came from a network."""
    if verify is not None:
        return verify
    absolute = b"" if path is None else os.path.abspath(path)  # noqa: PTH100 - it is bytes
    if b"/snapshots/" in absolute:
        from zerolite._hub.download import came_from_network

        if came_from_network(absolute):
            return "full"
    return "structure"


def contiguous_view(source: ModelSource) -> memoryview:
    """The bytes of a buffer, copied only where they have gaps.

    Raises:
        TypeError: `source` is no buffer.
    """
    try:
        view = memoryview(source)  # type: ignore[arg-type] # whether it is a buffer is asked here
    except TypeError:
        raise TypeError(
            f"a model is loaded from a path or from bytes, and got {type(source).__name__}; "
            "pass str, os.PathLike, bytes or another buffer"
        ) from None
    return view if view.c_contiguous else memoryview(view.tobytes())


def check_resize(resize: str) -> None:
    """Refuse what is no way to treat calls with other shapes.

    Raises:
        ValueError: there is no such way.
    """
    if resize not in get_args(Resize):
        raise ValueError(f"resize is {resize!r}, and must be 'strict' or 'auto'")


def verification_of(verify: str) -> _native.Verification:
    """What the native code calls a level of verification.

    Raises:
        ValueError: there is no such level.
    """
    try:
        return _VERIFICATIONS[verify]
    except (KeyError, TypeError):
        raise ValueError(f"verify is {verify!r}, and must be one of {', '.join(map(repr, _VERIFICATIONS))}") from None
