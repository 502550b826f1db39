"""Results that can be drawn."""

from __future__ import annotations

import os
from abc import abstractmethod
from pathlib import Path

from zerolite._platform.files import write_atomically
from zerolite._plots.plot_target import PLOT_SUFFIXES, check_plot_target

__all__ = ["Plottable"]


class Plottable:
    """A result with a plot; its class says what is on it."""

    __slots__ = ()

    @abstractmethod
    def _draw(self, image_format: str) -> bytes:
        """The picture's file."""

    def plot(self, *, image_format: str = "svg") -> bytes:
        """Draw the result.

        Args:
            image_format: "svg", "png" or "pdf".

        Returns:
            The picture's file.

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
