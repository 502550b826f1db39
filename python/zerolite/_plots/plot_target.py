"""Files that plots are written to."""

from __future__ import annotations

from pathlib import Path

from zerolite._platform.files import check_writable_target

__all__ = ["PLOT_SUFFIXES", "check_plot_target"]

#: How the name of a plot ends.
PLOT_SUFFIXES = (".svg", ".png", ".pdf")


def check_plot_target(path: Path) -> None:
    """Say before long work that a plot could not be written to `path`.

    Raises:
        ValueError: the name's end names no format.
        OSError: there is no such folder, or `path` is one.
    """
    if path.suffix not in PLOT_SUFFIXES:
        raise ValueError(f"can't write {path}: a plot's name ends in {', '.join(PLOT_SUFFIXES)}")
    check_writable_target(path)
