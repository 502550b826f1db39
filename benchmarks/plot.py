"""The ratios of the benchmarks in pictures: all of them, and six that say it at one glance."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

from benchmarks.figure import Figure
from benchmarks.outcome import Outcome
from zerolite._platform.output_capture import CapturedOutput

__all__ = ["plot", "plot_overview"]

_TEXT = "#3d4752"
_GRID = "#dfe4ea"
_BAR = "#0b6e8a"
_TARGET = "#c2571a"
_OTHER = "#c9d1d9"
# Rows between two benchmarks, for the title of the second.
_TITLE_ROWS = 1.2
# What most people want to know: benchmark, figure, and what the picture calls it. All are compared with tf.lite.
_OVERVIEW = (
    ("per_call", "array in to array out", "One call of a small model"),
    ("per_call", "run() / invoke() alone", "The run alone"),
    ("batch", "map of 10,000 rows, dense model", "A batch of 10,000 rows"),
    ("large_models", "MobileNetV2, 1 thread", "One call of MobileNetV2"),
    ("cold_start", "process start to first result", "Process start to first result"),
    ("cold_start", "peak memory", "Memory of that process"),
)
_OVERVIEW_REFERENCE = "tf.lite.Interpreter"


def plot(outcomes: Mapping[str, Outcome]) -> bytes:
    """A PNG: a bar from 1 to each ratio on a logarithmic scale, with the middle half of its rounds and its target.

    Ratios of throughput are turned over, so that smaller is better in every row.
    """
    # A first import builds a font cache and says so on stderr.
    with CapturedOutput():
        from matplotlib.figure import Figure as Canvas
        from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    rows: list[tuple[float, Figure]] = []
    titles: list[tuple[float, str]] = []
    place = 0.0
    for outcome in outcomes.values():
        shown = [figure for figure in outcome.figures if figure.reference]
        if not shown:
            continue
        titles.append((place, outcome.title))
        place += _TITLE_ROWS
        for figure in shown:
            rows.append((place, figure))
            place += 1
        place += 0.5

    canvas = Canvas(figsize=(9.5, 1.3 + 0.27 * place), layout="constrained", dpi=120)
    axes = canvas.add_subplot()
    lowest = min((min(_as_cost(figure)[0], _target(figure)) for _, figure in rows), default=0.1)
    left = min(0.01, lowest / 2)
    for at, figure in rows:
        _draw_row(axes, at, figure)
    for at, title in titles:
        axes.text(left, at, title, ha="left", va="center", color=_TEXT, fontsize=9, fontweight="bold")
    axes.axvline(1.0, color=_TEXT, linewidth=1.0, zorder=1)
    axes.set_xscale("log")
    highest = max((_as_cost(figure)[2] for _, figure in rows), default=1.0)
    axes.set_xlim(left, max(1.6, 1.3 * highest))
    ticks = [tick for tick in (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2) if tick >= left]
    axes.xaxis.set_major_locator(FixedLocator(ticks))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.set_ylim(place, -0.8)
    axes.set_yticks([at for at, _ in rows], [_label(figure) for _, figure in rows])
    axes.set_xlabel("zerolite / the other, smaller is better; 1 is as much as the other takes", color=_TEXT, fontsize=9)
    axes.plot([], [], color=_TARGET, marker="|", markersize=11, markeredgewidth=2, linestyle="none", label="target")
    axes.plot([], [], color=_TEXT, linewidth=1.2, label="middle half of the rounds")
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, frameon=False, fontsize=8, labelcolor=_TEXT)
    _style(axes)

    content = io.BytesIO()
    canvas.savefig(content, format="png", facecolor="white", metadata={"Software": None})
    return content.getvalue()


def plot_overview(outcomes: Mapping[str, Outcome]) -> bytes:
    """A PNG of a few bars: what zerolite takes of the time or the memory that tf.lite.Interpreter takes."""
    with CapturedOutput():
        from matplotlib.figure import Figure as Canvas
        from matplotlib.ticker import PercentFormatter

    shares = [
        (label, figure.median)
        for benchmark, name, label in _OVERVIEW
        if benchmark in outcomes
        for figure in outcomes[benchmark].figures
        if figure.name == name and figure.subject == "zerolite" and figure.reference == _OVERVIEW_REFERENCE
    ]
    canvas = Canvas(figsize=(8.5, 5), layout="constrained", dpi=120)
    axes = canvas.add_subplot()
    for row, (_, share) in enumerate(shares):
        axes.barh(row, 1.0, height=0.62, color=_OTHER, zorder=1)
        axes.barh(row, share, height=0.62, color=_BAR, zorder=2)
        words = f"{100 * share:.0f} %" if share >= 0.1 else f"{100 * share:.1f} %"
        inside = share > 0.5
        axes.annotate(
            words,
            (share, row),
            xytext=(-6 if inside else 6, 0),
            textcoords="offset points",
            ha="right" if inside else "left",
            va="center",
            color="white" if inside else _TEXT,
            fontsize=11,
            fontweight="bold",
            zorder=3,
        )
    axes.set_xlim(0, max([1.0, *(share for _, share in shares)]))
    axes.set_ylim(len(shares) - 0.4, -0.6)
    axes.set_yticks(range(len(shares)), [label for label, _ in shares])
    axes.xaxis.set_major_formatter(PercentFormatter(1.0))
    axes.set_title(
        f"What zerolite takes, where {_OVERVIEW_REFERENCE} takes 100 %", color=_TEXT, fontsize=12, loc="left"
    )
    _style(axes)
    axes.tick_params(axis="y", labelsize=11)
    content = io.BytesIO()
    canvas.savefig(content, format="png", facecolor="white", metadata={"Software": None})
    return content.getvalue()


def _draw_row(axes: Any, at: float, figure: Figure) -> None:
    low, median, high = _as_cost(figure)
    axes.barh(at, median - 1, left=1, height=0.62, color=_BAR, alpha=0.85, zorder=2)
    axes.plot([low, high], [at, at], color=_TEXT, linewidth=1.2, zorder=3)
    target = _target(figure)
    # The number stands beside the bar, and beside its target where that is close by.
    beside = min(low, 1.0)
    if 0.7 * beside < target < beside:
        beside = target
    if figure.target is not None:
        axes.plot(target, at, color=_TARGET, marker="|", markersize=11, markeredgewidth=2, zorder=4)
    axes.annotate(
        f"{median:.3f}" if median < 0.1 else f"{median:.2f}",
        (beside, at),
        xytext=(-6, 0),
        textcoords="offset points",
        ha="right",
        va="center",
        color=_TEXT,
        fontsize=8,
    )


def _as_cost(figure: Figure) -> tuple[float, float, float]:
    """First quartile, median and third quartile, so that smaller is better."""
    q1, q3 = figure.quartiles
    if figure.goal == "at least":
        return 1 / q3, 1 / figure.median, 1 / q1
    return q1, figure.median, q3


def _target(figure: Figure) -> float:
    """The target, so that smaller is better; infinity for none."""
    if figure.target is None:
        return float("inf")
    return figure.target if figure.goal == "at most" else 1 / figure.target


def _label(figure: Figure) -> str:
    subject = "" if figure.subject == "zerolite" else f"{figure.subject} / "
    turned_over = " (1 / ratio)" if figure.goal == "at least" else ""
    return f"{figure.name}{turned_over} · {subject}{figure.reference}"


def _style(axes: Any) -> None:
    axes.grid(visible=True, axis="x", color=_GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(_GRID)
    axes.tick_params(which="both", colors=_TEXT, length=0, labelsize=8)
