"""NPUs."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from zerolite import _native
from zerolite.delegates.delegate import Delegate
from zerolite.delegates.npu_options import OptionValue, checked_options, payload_value

_DISPATCH = "libLiteRtDispatch*.so"
_COMPILER = "libLiteRtCompilerPlugin*.so"
_VENDORS = ("google_tensor", "intel_openvino", "mediatek", "qualcomm", "samsung")
_Directory = str | os.PathLike[str]


class Npu(Delegate):
    """An NPU, through the libraries that its vendor made for LiteRT.

    There are two: a compiler's plug-in, which compiles what it knows of a model for the NPU, and a dispatch library,
    which runs it. The package ai-edge-litert has some of them, which are found without being told; they need libraries
    that the vendor brings. A model that was compiled before runs with the dispatch library alone.

    The model is compiled before any other delegate sees it, so an NPU comes first in a list of delegates. Where there
    is no NPU, or it fails with a model, the model runs on the CPU, and `delegation.unused` has the reason; with
    ``fallback=False`` that is a `DelegateError`. A directory that is named and has no such library always is one.

    The runtime starts one dispatch library for a process and passes it options once (LiteRT 2.3.0), so models of one
    process share both: another library, or other options, are refused by name as if there were no NPU.

    Attributes:
        vendor: whose libraries: "google_tensor", "intel_openvino", "mediatek", "qualcomm" or "samsung", or any other
            name under which the libraries in the directories look for their options. None, the default, is the one
            that the package has a dispatch library of.
        dispatch_dir: where the dispatch library is (``libLiteRtDispatch*.so``); None, the default, is the package.
        compiler_dir: where the compiler's plug-in is (``libLiteRtCompilerPlugin*.so``); None, the default, is the
            package, or nowhere for a vendor that it does not have.
        options: what the vendor's libraries are told, by name: text, numbers or bools. For the vendors of the package
            the names are checked against those that LiteRT 2.3.0 reads.
        cache: a directory for compiled models, so that later loads need not compile again; None, the default, keeps
            nothing. The directory is made when it is missing, and its files are sealed with a digest: one that is
            damaged or belongs to something else is replaced. Where it can't be read or written, `load` raises OSError.
    """

    __slots__ = ("cache", "compiler_dir", "dispatch_dir", "options", "vendor")

    def __init__(
        self,
        *,
        vendor: str | None = None,
        dispatch_dir: _Directory | None = None,
        compiler_dir: _Directory | None = None,
        options: Mapping[str, OptionValue] | None = None,
        cache: _Directory | None = None,
    ) -> None:
        """Choose the settings; the libraries are opened when a model is loaded.

        Raises:
            TypeError: a directory is no path, or the vendor or an option's name is no text, or an option's value
                neither text nor a number or bool.
            ValueError: the vendor is unknown and no directory has its libraries; it has no such option, or not with
                that value; or a text is empty or can't be passed on.
        """
        self.dispatch_dir = _directory("dispatch_dir", dispatch_dir)
        self.compiler_dir = _directory("compiler_dir", compiler_dir)
        self.cache = _directory("cache", cache)
        self.vendor = _vendor(vendor, has_directory=dispatch_dir is not None)
        self.options = checked_options(self.vendor, options or {})

    @property
    def native_settings(self) -> tuple[bytes, bytes, str, list[tuple[str, str]], bytes]:
        """Dispatch library, compiler's plug-in, vendor, options and cache as the native core takes them.

        Raises:
            DelegateError: a directory that was named has no such library, or several.
        """
        package = _packaged() / self.vendor
        dispatch = _library("dispatch_dir", self.dispatch_dir, package / "dispatch", _DISPATCH)
        compiler = _library("compiler_dir", self.compiler_dir, package / "compiler", _COMPILER)
        options = [(name, payload_value(value)) for name, value in self.options.items()]
        return dispatch, compiler, self.vendor, options, os.fsencode(self.cache or "")

    def __eq__(self, other: object) -> bool:
        """Whether all settings are the same."""
        if not isinstance(other, Npu):
            return NotImplemented
        return self.arguments == other.arguments

    def __hash__(self) -> int:
        """Equal delegates have equal hashes."""
        return hash((self.vendor, self.dispatch_dir, self.compiler_dir, self.cache, *sorted(self.options)))

    def __repr__(self) -> str:
        """The settings that were chosen."""
        return f"Npu({', '.join(f'{name}={value!r}' for name, value in self.arguments.items() if value)})"

    @property
    def arguments(self) -> dict[str, object]:
        """The settings by name."""
        return {name: getattr(self, name) for name in ("vendor", "dispatch_dir", "compiler_dir", "options", "cache")}


def _packaged() -> Path:
    return Path(_native.runtime_path()).parent / "vendors"


def _vendor(vendor: str | None, *, has_directory: bool) -> str:
    if vendor is None:
        if has_directory:
            raise ValueError("dispatch_dir has a vendor's library, so vendor must name the vendor")
        found = sorted(path.parent.parent.name for path in _packaged().glob(f"*/dispatch/{_DISPATCH}"))
        return found[0] if found else "intel_openvino"
    if not isinstance(vendor, str):
        raise TypeError(f"vendor is {vendor!r}, and must be a str")
    if not vendor.isidentifier():
        raise ValueError(f"vendor is {vendor!r}, and must be a name of letters, digits and '_'")
    if vendor not in _VENDORS and not has_directory:
        known = ", ".join(map(repr, _VENDORS))
        raise ValueError(f"vendor is {vendor!r}, and must be one of {known}, or come with a dispatch_dir")
    return vendor


def _directory(name: str, value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str | os.PathLike):
        raise TypeError(f"{name} is {value!r}, and must be a path")
    path = os.fspath(value)
    if not isinstance(path, str):
        raise TypeError(f"{name} is {value!r}, and must be a path of text")
    if not path or "\0" in path:
        raise ValueError(f"{name} is {path!r}, and must be the path of a directory")
    return str(Path(path).absolute())


def _library(name: str, directory: str | None, packaged: Path, pattern: str) -> bytes:
    """The one library in a directory or below, where the runtime looks, too; empty for a package without."""
    found = sorted((packaged if directory is None else Path(directory)).rglob(pattern))
    if len(found) == 1:
        return os.fsencode(found[0])
    if directory is None:
        return b""
    if not found:
        raise _native.DelegateError(
            f"{name} is {directory}, which has no {pattern}; pass the directory of the vendor's library, or leave it "
            "out for those that ai-edge-litert brings"
        )
    names = ", ".join(str(path) for path in found)
    raise _native.DelegateError(f"{name} is {directory}, which has several of {pattern} ({names}); pass that of one")
