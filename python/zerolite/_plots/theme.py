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
        other: a runtime that is not among `runtimes`.
        runtimes: runtime -> colour; they differ in lightness, too, for eyes that tell few hues apart.
    """

    text: str
    grid: str
    background: str
    other: str
    runtimes: Mapping[str, str]

    def color(self, runtime: str) -> str:
        """The colour of a runtime; grey for one that has none."""
        return self.runtimes.get(runtime, self.other)


LIGHT = PlotTheme(
    text="#3d4752",
    grid="#dfe4ea",
    background="#ffffff",
    other="#6b7885",
    runtimes={"zerolite": "#0b6e8a", "tf.lite": "#e08a2e", "ai_edge_litert": "#b5559c", "Keras": "#98a2ad"},
)
DARK = PlotTheme(
    text="#c3ccd6",
    grid="#323c47",
    background="#1a2129",
    other="#8d99a6",
    runtimes={"zerolite": "#4fc3dd", "tf.lite": "#d98a3a", "ai_edge_litert": "#d27cbc", "Keras": "#77828e"},
)
