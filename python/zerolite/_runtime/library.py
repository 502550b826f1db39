"""LiteRT's library, which the package `ai-edge-litert` brings: finding it, opening it, and its log.

Everything that imports zerolite waits for this file, so it does without pathlib, whose import takes longer.
"""

import os
import re
from importlib.util import find_spec
from typing import Literal, NamedTuple, get_args

from zerolite import _native

__all__ = ["LogLevel", "RuntimeInfo", "open_runtime", "runtime_info", "set_log_level"]

LogLevel = Literal["verbose", "info", "warning", "error", "silent"]

_INSTALL = "install it with: pip install 'ai-edge-litert>=2.3,<2.4'"
_OLDEST_SERIES = (2, 3)


class RuntimeInfo(NamedTuple):
    """What runs the models.

    Attributes:
        path: the library that is open.
        version: the version of the package it came with; None when ``ZEROLITE_RUNTIME`` names a bare library.
        zerolite: zerolite's own version.
        abi: what the library says of the version of its interface, as in "1.5.0"; None for LiteRT 2.3, which does not
            tell.
        series: the series that it is of, as in "2.4". None for a library that this zerolite does not know: models then
            run through LiteRT's public interface alone, without direct dispatch, guards before kernels, tracing,
            profiles, and delegates other than `XNNPack`.
        ynnpack: whether YNNPACK, a second library of kernels for the CPU, is linked into it. zerolite does not use it,
            since no published library has it.
    """

    path: str
    version: str | None
    zerolite: str
    abi: str | None = None
    series: str | None = None
    ynnpack: bool = False


def open_runtime() -> None:
    """Open the library that ``ZEROLITE_RUNTIME`` names, or the installed one.

    Raises:
        ImportError: there is none, or it is not the one that this version was written for.
    """
    override = os.environ.get("ZEROLITE_RUNTIME")
    if override:
        if not os.path.isfile(override):
            raise ImportError(f"ZEROLITE_RUNTIME names {override}, which is no file; {_INSTALL} and unset it")
        _native.open_runtime(os.fsencode(os.path.abspath(override)))
        return
    package = _package_directory()
    if package is None:
        raise ImportError(f"the package ai-edge-litert, whose library runs the models, is not installed; {_INSTALL}")
    library = os.path.join(package, "libLiteRt.so")
    version = _version_beside(package)
    if version is not None:
        _require_not_older(version, library)
    if not os.path.isfile(library):
        raise ImportError(f"the installed package ai-edge-litert has no {library}; {_INSTALL}")
    _native.open_runtime(os.fsencode(library))


def runtime_info() -> RuntimeInfo:
    """Tell which library runs the models."""
    path = _native.runtime_path()
    return RuntimeInfo(
        path=path,
        version=_version_beside(os.path.dirname(path)),
        zerolite=_native.__version__,
        abi=_native.runtime_abi() or None,
        series=_native.runtime_series() or None,
        ynnpack=_native.runtime_has_ynnpack(),
    )


def set_log_level(level: LogLevel) -> None:
    """Show the runtime's messages of at least this severity on stderr; "silent", the default, shows none.

    Messages that belong to a failure are in its exception at every level.

    Raises:
        ValueError: the level is none of "verbose", "info", "warning", "error" and "silent".
    """
    levels = get_args(LogLevel)
    if level not in levels:
        raise ValueError(f"the log level is {level!r}, and must be one of {', '.join(map(repr, levels))}")
    _native.set_log_level(levels.index(level))


def _package_directory() -> str | None:
    """The directory of the installed package, found without importing it: its import costs 0.1 s."""
    spec = find_spec("ai_edge_litert")
    if spec is None or not spec.submodule_search_locations:
        return None
    return next(iter(spec.submodule_search_locations))


def _version_beside(package: str) -> str | None:
    """The version in the name of the metadata directory that pip puts beside a package."""
    try:
        neighbours = os.listdir(os.path.dirname(package))
    except OSError:
        return None
    for name in sorted(neighbours):  # the release before the nightly build
        found = re.fullmatch(r"ai_edge_litert(?:_nightly)?-(.+)\.dist-info", name)
        if found is not None:
            return found.group(1)
    return None


def _require_not_older(version: str, library: str) -> None:
    """Refuse a package that is too old, whose library does not tell; what a newer one is, the library itself says."""
    series = re.match(r"(\d+)\.(\d+)", f"{version}.0")  # of pre-releases too, as in "2.4rc1"
    if series is None or tuple(map(int, series.groups())) >= _OLDEST_SERIES:
        return
    expected = ".".join(map(str, _OLDEST_SERIES))
    raise ImportError(
        f"{library} belongs to ai-edge-litert {version}, which is older than the {expected} series, the oldest that "
        f"this zerolite was written for; {_INSTALL}"
    )
