"""Results that can be drawn."""

from __future__ import annotations

import os
from abc import abstractmethod
from pathlib import Path

from zerolite._platform.files import check_writable_target, write_atomically

__all__ = ["PLOT_SUFFIXES", "Plottable", "check_plot_target"]

#: How the name of a plot ends.
PLOT_SUFFIXES = (".svg", ".png", ".pdf")


def check_plot_target(path: Path) -> None:
    """Check, before long work, that a plot can be written to `path`.

    Raises:
        ValueError: the name's end names no format.
        OSError: there is no such folder, or `path` is one.
    """
    if path.suffix not in PLOT_SUFFIXES:
        raise ValueError(f"can't write {path}: a plot's name ends in {', '.join(PLOT_SUFFIXES)}")
    check_writable_target(path)


class Plottable:
    """A result with a plot; its class says what is on it."""

    __slots__ = ()

    @abstractmethod
    def _draw(self, image_format: str) -> bytes:
        """The figure's file."""

    def plot(self, *, image_format: str = "svg") -> bytes:
        """Draw the result.

        Args:
            image_format: "svg", "png" or "pdf".

        Returns:
            The figure's file.

        Raises:
            ValueError: there is no such format.
            ImportError: matplotlib is not installed (extra "plot").
        """
        if f".{image_format}" not in PLOT_SUFFIXES:
            raise ValueError(f"image_format is {image_format!r}; plots are drawn as {', '.join(PLOT_SUFFIXES)}")
        return self._draw(image_format)

    def save_plot(self, path: str | os.PathLike[str]) -> None:
        """Write `plot` to a file that ends in .svg, .png or .pdf. Nobody ever sees half of it.

        Raises:
            ValueError: the name ends in something else.
            OSError: the file can't be written.
            ImportError: matplotlib is not installed (extra "plot").
        """
        target = Path(path)
        check_plot_target(target)
        write_atomically(target, self.plot(image_format=target.suffix[1:]))
