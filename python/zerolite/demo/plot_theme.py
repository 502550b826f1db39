"""The colours of the plots."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["DARK", "LIGHT", "PlotTheme"]


@dataclass(frozen=True, slots=True)
class PlotTheme:
    """Colours for one background.

    Attributes:
        text: labels and axes.
        grid: lines that guide the eye.
        background: behind the plot, for the rims of overlapping markers.
        runtimes: runtime -> colour; the three differ in lightness, too, for eyes that tell few hues apart.
    """

    text: str
    grid: str
    background: str
    runtimes: Mapping[str, str]


LIGHT = PlotTheme(
    text="#3d4752",
    grid="#dfe4ea",
    background="#ffffff",
    runtimes={"zerolite": "#0b6e8a", "tf.lite": "#e08a2e", "Keras": "#98a2ad"},
)
DARK = PlotTheme(
    text="#c3ccd6",
    grid="#323c47",
    background="#1a2129",
    runtimes={"zerolite": "#4fc3dd", "tf.lite": "#d98a3a", "Keras": "#77828e"},
)
