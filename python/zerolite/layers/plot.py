"""The plot of a comparison by layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from zerolite._plots.figure import draw_plot
from zerolite._plots.theme import LIGHT
from zerolite.layers.layer_error import LayerError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["layer_plot", "short_name"]

_LONGEST_NAME = 44
_MEASURE = "root mean square error / root mean square of the float values, in %"
_MOST_NAMES = 150
_QUANTIZED = "#0b6e8a"
_FLOAT = "#98a2ad"


def short_name(name: str) -> str:
    """A name that fits beside a bar: the first one of a fused layer, and of a long one its end."""
    first = name.partition(";")[0]
    return first if len(first) <= _LONGEST_NAME else "..." + first[3 - _LONGEST_NAME :]


def layer_plot(layers: Sequence[LayerError], *, image_format: str) -> bytes:
    """Draw a bar for the relative error of each layer, from the first one at the top to the last.

    Raises:
        ImportError: matplotlib is not installed (extra "plot").
    """
    places = range(len(layers))
    errors = [100 * (layer.relative_error or 0.0) for layer in layers]
    colors = [_FLOAT if layer.scale is None and layer.dtype.startswith("float") else _QUANTIZED for layer in layers]

    def paint(_: Figure, axes: Axes) -> None:
        from matplotlib.patches import Patch

        axes.barh(places, errors, height=0.7, color=colors)
        axes.set_ylim(len(layers) - 0.4, -0.6)
        axes.set_xlim(0, 1.12 * max(*errors, 1e-6))
        if len(layers) <= _MOST_NAMES:
            axes.set_yticks(places, [f"{short_name(layer.name)}  {layer.operator}" for layer in layers])
            for place, percent in zip(places, errors, strict=True):
                axes.text(percent, place, f" {percent:.2g}", va="center", fontsize=7)
        else:
            axes.set_ylabel("layer, in the order of execution", color=LIGHT.text, fontsize=9)
        axes.set_xlabel(_MEASURE, color=LIGHT.text, fontsize=9)
        if len(set(colors)) > 1:
            handles = [
                Patch(color=_QUANTIZED, label="stored as integers"),
                Patch(color=_FLOAT, label="stored as floats"),
            ]
            axes.legend(handles=handles, frameon=False, fontsize=8, loc="lower right")

    height = max(2.0, 1.1 + 0.22 * min(len(layers), _MOST_NAMES))
    return draw_plot(paint, height=height, image_format=image_format)
