"""The plot of a tuning."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from zerolite._plots.figure import draw_plot
from zerolite._plots.theme import LIGHT

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from zerolite._timing.ratio import Ratio
    from zerolite.tuned import Goal, Setting
    from zerolite.tuning.trial import Trial

__all__ = ["tuning_plot"]

_WINNER = "#0b6e8a"
_OTHER = "#98a2ad"
_DEFAULT = "#e08a2e"


def tuning_plot(
    trials: Sequence[Trial], setting: Setting, control: Ratio | None, *, goal: Goal, image_format: str
) -> bytes:
    """Draw a mark for each setting that was measured, from the fastest at the top, and a line over half of its rounds.

    Args:
        trials: every setting that was considered.
        setting: the one that the tuning ended with.
        control: the time of a second replica with the default setting as a part of the first one's, for the noise.
        goal: what was tuned for.
        image_format: "svg", "png" or "pdf".

    Raises:
        ImportError: matplotlib is not installed (extra "plot").
    """
    marks = [(str(trial.setting), trial.ratio, trial.setting == setting) for trial in trials]
    measured = sorted(
        ((name, ratio, won) for name, ratio, won in marks if ratio is not None), key=lambda mark: mark[1].median
    )

    def paint(figure: Figure, axes: Axes) -> None:
        axes.axvline(1, color=_DEFAULT, linewidth=1.4, zorder=1)
        if control is not None:
            axes.axvspan(*control.quartiles, color=_DEFAULT, alpha=0.18, linewidth=0, zorder=0)
        for place, (_, ratio, won) in enumerate(measured):
            color = _WINNER if won else _OTHER
            axes.plot(ratio.quartiles, (place, place), color=color, linewidth=2.2, solid_capstyle="butt")
            axes.plot((ratio.median,), (place,), color=color, marker="o", markersize=7)
            label = f"{ratio.median:.2f}"
            axes.annotate(
                label, (max(ratio.quartiles), place), (7, 0), textcoords="offset points", va="center", fontsize=8
            )
        axes.set_yticks(range(len(measured)), [name for name, _, _ in measured])
        for tick, (_, _, won) in zip(axes.get_yticklabels(), measured, strict=True):
            tick.set_fontweight("bold" if won else "normal")
        axes.set_ylim(max(1, len(measured)) - 0.4, -0.6)
        _scale(axes, [value for _, ratio, _ in measured for value in ratio.quartiles])
        axes.set_title(f"{goal}: {setting}", loc="left", fontsize=10, color=LIGHT.text)
        figure.supxlabel(_explanation(with_noise=control is not None), color=LIGHT.text, fontsize=9)

    return draw_plot(paint, height=1.6 + 0.3 * max(1, len(measured)), image_format=image_format)


def _explanation(*, with_noise: bool) -> str:
    noise = "\nshaded: half of the rounds of the default against itself" if with_noise else ""
    return f"time per item / default's in the same rounds (less is faster){noise}"


def _scale(axes: Axes, values: list[float]) -> None:
    """A logarithmic axis, on which half and twice the time are equally far from the default, with round numbers."""
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    low, high = min([0.75, *values]), max([1.4, *values])
    ticks = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1, 1.5, 2, 3, 5, 10, 20, 50, 100, 200)
    axis = axes.xaxis
    axes.set_xscale("log")
    axis.set_major_locator(FixedLocator(ticks))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_locator(NullLocator())
    axes.set_xlim(low / 1.1, high * 1.25)
