"""Figures in the style that all plots have."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from zerolite._platform.output_capture import CapturedOutput
from zerolite._plots.theme import LIGHT, PlotTheme

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["draw_figure", "draw_plot"]

_WIDTH = 8.4  # inches


def draw_plot(paint: Callable[[Figure, Axes], None], *, height: float, image_format: str) -> bytes:
    """What `paint` draws into empty axes, on a light background.

    Args:
        paint: called with the figure and its axes.
        height: of the figure, in inches.
        image_format: "svg", "png" or "pdf".

    Returns:
        The figure's file.

    Raises:
        ImportError: matplotlib is not installed (extra "plot").
    """

    def paint_with_grid(figure: Figure, axes: Axes) -> None:
        paint(figure, axes)
        axes.grid(visible=True, axis="x", color=LIGHT.grid, linewidth=0.8)
        axes.set_axisbelow(True)
        for side in ("top", "right", "left"):
            axes.spines[side].set_visible(False)
        axes.spines["bottom"].set_color(LIGHT.grid)
        axes.tick_params(which="both", colors=LIGHT.text, length=0, labelsize=8)

    return draw_figure(
        paint_with_grid, size=(_WIDTH, height), theme=LIGHT, image_format=image_format, background=LIGHT.background
    )


def draw_figure(
    paint: Callable[[Figure, Axes], None],
    *,
    size: tuple[float, float],
    theme: PlotTheme,
    image_format: str = "svg",
    background: str | None = None,
) -> bytes:
    """What `paint` draws, the same bytes for the same numbers. Needs no display: Figure is used without pyplot.

    Args:
        paint: called with the figure and its empty axes.
        size: width and height in inches.
        theme: whose colours the text has.
        image_format: "svg", "png" or "pdf".
        background: the colour behind the plot; None is transparent.

    Returns:
        The figure's file.

    Raises:
        ImportError: matplotlib is not installed (extra "plot").
    """
    # A first import builds a font cache and says so on stderr.
    with CapturedOutput():
        try:
            import matplotlib as mpl
            from matplotlib.figure import Figure
            from matplotlib.font_manager import fontManager  # noqa: F401
        except ImportError as error:
            raise ImportError(
                "drawing needs the package matplotlib, which is not installed; pip install 'zerolite[plot]'"
            ) from error

    document = io.BytesIO()
    # A fixed salt for ids and no date: the same numbers give the same bytes. Names are text, never formulas.
    with mpl.rc_context({"svg.hashsalt": "zerolite", "text.color": theme.text, "text.parse_math": False}):
        figure = Figure(figsize=size, layout="constrained")
        paint(figure, figure.add_subplot())
        options: dict[str, Any] = {"transparent": True} if background is None else {"facecolor": background}
        if image_format == "png":
            options["dpi"] = 144
        metadata = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(image_format)
        figure.savefig(document, format=image_format, metadata=metadata, **options)
    return document.getvalue()
