"""The plot of a search: the metric against size and latency."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from zerolite._plots.figure import draw_figure
from zerolite._plots.theme import LIGHT
from zerolite.conversion.quantization.trial import Cost, PrecisionTrial, pareto_front

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["search_plot"]

_CHOSEN = "#0b6e8a"
_OTHER = "#98a2ad"
_FLOAT = "#e08a2e"
_SIZE = (8.4, 4.0)  # inches
_KIBIBYTE = 1024


def search_plot(trials: Sequence[PrecisionTrial], chosen: PrecisionTrial, metric: str, *, image_format: str) -> bytes:
    """Draw a mark for each trial, once over its size and once over its latency, with the Pareto front as a line.

    Args:
        trials: what was tried.
        chosen: the one that the search ended with.
        metric: the metric's name.
        image_format: "svg", "png" or "pdf".

    Raises:
        ImportError: matplotlib is not installed (extra "plot").
    """

    def paint(figure: Figure, axes: Axes) -> None:
        axes.remove()
        left, right = figure.subplots(1, 2, sharey=True)
        _paint_one(left, trials, chosen, "size", "size in KiB")
        _paint_one(right, trials, chosen, "latency_us", "latency in µs")
        left.set_ylabel(metric, color=LIGHT.text, fontsize=9)
        figure.suptitle(f"{chosen.label}: {metric} {chosen.value:.4g}", color=LIGHT.text, fontsize=10)

    return draw_figure(paint, size=_SIZE, theme=LIGHT, image_format=image_format, background=LIGHT.background)


def _paint_one(axes: Axes, trials: Sequence[PrecisionTrial], chosen: PrecisionTrial, cost: Cost, label: str) -> None:
    unit = _KIBIBYTE if cost == "size" else 1
    front = [(getattr(one, cost) / unit, one.value) for one in pareto_front(trials, cost)]
    axes.step(*zip(*front, strict=True), where="post", color=_OTHER, linewidth=1, zorder=1)
    for trial in trials:
        color = _CHOSEN if trial == chosen else _FLOAT if trial.quantize == "none" else _OTHER
        place = (getattr(trial, cost) / unit, trial.value)
        axes.plot(*place, color=color, marker="o", markersize=8 if trial == chosen else 6, zorder=2)
        if trial == chosen or not trial.kept_float:
            axes.annotate(trial.label, place, (5, 6), textcoords="offset points", fontsize=7, color=LIGHT.text)
    axes.margins(x=0.25, y=0.15)
    axes.set_xlabel(label, color=LIGHT.text, fontsize=9)
    axes.grid(visible=True, color=LIGHT.grid, linewidth=0.8)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.tick_params(which="both", colors=LIGHT.text, length=0, labelsize=8)
