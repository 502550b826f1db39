"""Pictures of one plot, in the style that all have."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import TYPE_CHECKING

from zerolite._platform.output_capture import CapturedOutput
from zerolite._plots.theme import LIGHT

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["draw_picture"]

_WIDTH = 8.4  # inches


def draw_picture(paint: Callable[[Figure, Axes], None], *, height: float, image_format: str) -> bytes:
    """What `paint` draws into empty axes.

    Args:
        paint: called with the figure and its axes.
        height: of the picture, in inches.
        image_format: "svg", "png" or "pdf".

    Returns:
        The picture's file.

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

    picture = io.BytesIO()
    # A fixed salt for ids and no date: the same numbers give the same bytes. Names are text, never formulas.
    with mpl.rc_context({"svg.hashsalt": "zerolite", "text.color": LIGHT.text, "text.parse_math": False}):
        figure = Figure(figsize=(_WIDTH, height), layout="constrained")
        axes = figure.add_subplot()
        paint(figure, axes)
        axes.grid(visible=True, axis="x", color=LIGHT.grid, linewidth=0.8)
        axes.set_axisbelow(True)
        for side in ("top", "right", "left"):
            axes.spines[side].set_visible(False)
        axes.spines["bottom"].set_color(LIGHT.grid)
        axes.tick_params(which="both", colors=LIGHT.text, length=0, labelsize=8)
        metadata = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(image_format)
        figure.savefig(picture, format=image_format, dpi=144, facecolor=LIGHT.background, metadata=metadata)
    return picture.getvalue()
