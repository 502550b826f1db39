"""The report's plots, as SVG documents."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from zerolite._plots.figure import draw_figure
from zerolite._plots.theme import PlotTheme
from zerolite._runners.classes import class_label
from zerolite.comparison.rows import ComparisonRow
from zerolite.evaluation.metrics.choice import BUILT_IN_METRICS, is_share

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["confusion_plot", "latency_distributions", "metric_against"]

_FONT_SIZE = 8
# The mean width of a letter, and the distance between lines, as parts of the font's size.
_LETTER = 0.62
_LINE = 1.5
_FIRST_LEVEL = 8
_LEVELS = (1, -1, 2, -2, 3, -3, 4, -4)
# From this ratio on an axis is logarithmic: a linear one would hide the fast models.
_FAR_APART = 8
_MOST_COUNTS_WRITTEN = 12
_MOST_NAMES = 30
_WIDE = (5.4, 3.5)


def metric_against(rows: Sequence[ComparisonRow], metric: str, quantity: str, theme: PlotTheme) -> bytes:
    """A metric against "size" (KiB) or "latency" (the median, µs): one point for each row, one label for each model."""
    own = metric not in BUILT_IN_METRICS
    points = [(_quantity(row, quantity), row.numbers[metric], row) for row in rows]
    points = [point for point in points if math.isfinite(point[0]) and math.isfinite(point[1])]
    share = (own or is_share(metric)) and all(0 <= value <= 1 for _, value, _ in points)
    if share:
        points = [(x, 100 * value, row) for x, value, row in points]

    def paint(_: Figure, axes: Axes) -> None:
        by_model: dict[str, list[tuple[float, float, ComparisonRow]]] = {}
        for point in points:
            by_model.setdefault(point[2].model, []).append(point)
        for of_model in by_model.values():
            axes.plot(
                [x for x, _, _ in of_model], [y for _, y, _ in of_model], color=theme.grid, linewidth=1.6, zorder=1
            )
        for x, y, row in points:
            axes.plot(
                x,
                y,
                marker="s" if row.runtime == "Keras" else "o",
                markersize=9 if quantity == "size" else 8,
                color=theme.color(row.runtime),
                markeredgecolor=theme.background,
                linestyle="none",
                zorder=2,
            )
        _limits(axes, [x for x, _, _ in points], [y for _, y, _ in points], top=100.3 if share else None)
        _label_points(axes, {model: of_model[-1][:2] for model, of_model in by_model.items()}, theme)
        runtimes = dict.fromkeys(row.runtime for _, _, row in points)
        if quantity == "latency" and len(runtimes) > 1:
            _legend(axes, list(runtimes), theme)
        axes.set_xlabel("file size / KiB" if quantity == "size" else "median latency of a call / µs")
        axes.set_ylabel(f"{metric} / %" if share else metric)
        _style(axes, theme)

    return draw_figure(paint, size=_WIDE, theme=theme)


def latency_distributions(rows: Sequence[ComparisonRow], theme: PlotTheme, *, wide: bool) -> bytes:
    """Latencies of calls: boxes from p25 to p75 with the median, whiskers p5 to p95."""

    def paint(_: Figure, axes: Axes) -> None:
        places = range(len(rows), 0, -1)
        for place, row in zip(places, rows, strict=True):
            color = theme.color(row.runtime)
            p5, p25, p50, p75, p95 = (row.result.latency(percentile) for percentile in (5, 25, 50, 75, 95))
            axes.plot([p5, p95], [place, place], color=color, linewidth=1.4, zorder=2)
            axes.plot([p5, p95], [place, place], color=color, marker="|", linestyle="none", zorder=2)
            axes.barh(place, p75 - p25, left=p25, height=0.55, color=color, zorder=3)
            axes.plot([p50, p50], [place - 0.27, place + 0.27], color=theme.background, linewidth=1.6, zorder=4)
        axes.set_yticks(list(places), [_tick(row) for row in rows])
        axes.set_ylim(0.4, len(rows) + 0.6)
        medians = [row.result.latency(50) for row in rows]
        if max(medians) > _FAR_APART * min(medians):
            axes.set_xscale("log")
            _plain_numbers(axes)
        else:
            axes.set_xlim(left=0)
        axes.set_xlabel("latency of a call / µs")
        _style(axes, theme)
        axes.grid(visible=False, axis="y")

    return draw_figure(
        paint, size=(2.07 * _WIDE[0] if wide else _WIDE[0], max(1.6, 0.8 + 0.3 * len(rows))), theme=theme
    )


def confusion_plot(counts: NDArray[np.int64], class_names: Sequence[str], theme: PlotTheme) -> bytes:
    """A confusion matrix; each row in shares of its items, so that rare classes show as well as frequent ones."""
    classes = len(counts)
    totals = counts.sum(axis=1, keepdims=True)
    shares = counts / np.maximum(totals, 1)
    names = [class_label(number, class_names) for number in range(classes)]

    def paint(_: Figure, axes: Axes) -> None:
        from matplotlib.colors import LinearSegmentedColormap

        colors = LinearSegmentedColormap.from_list("zerolite", [theme.background, theme.color("zerolite")])
        axes.imshow(shares, cmap=colors, vmin=0, vmax=1, interpolation="nearest")
        if classes <= _MOST_COUNTS_WRITTEN:
            for (row, column), count in np.ndenumerate(counts):
                if count:
                    color = theme.background if shares[row, column] > 0.5 else theme.text  # noqa: PLR2004 - half way
                    axes.text(column, row, f"{count:,}", ha="center", va="center", fontsize=7, color=color)
        if classes <= _MOST_NAMES:
            long = max(map(len, names)) > 2  # noqa: PLR2004 - wider than a column
            axes.set_xticks(range(classes), names, rotation=90 if long else 0)
            axes.set_yticks(range(classes), names)
        axes.set_xlabel("predicted")
        axes.set_ylabel("labelled")
        _style(axes, theme)
        axes.grid(visible=False)

    return draw_figure(paint, size=(3.4, 3.4), theme=theme)


def _label_points(axes: Any, points: Mapping[str, tuple[float, float]], theme: PlotTheme) -> None:
    """Write each label above or below its point, on the nearest level where it is clear of the others.

    Call it when the axes have their limits and scales.
    """
    # In points, a 72nd of an inch; the axes take about four fifths of the figure.
    width, height = (0.8 * 72 * inches for inches in axes.figure.get_size_inches())
    placed: list[tuple[float, float, float, float]] = []
    for label, (x, y) in sorted(points.items(), key=lambda point: point[1]):
        across, up = axes.transAxes.inverted().transform(axes.transData.transform((x, y)))
        half = _LETTER * _FONT_SIZE * len(label) / 2
        # Kept inside, where a point is near the left or the right end.
        shift = max(0.0, half - across * width) - max(0.0, half - (1 - across) * width)
        left = across * width + shift - half
        box, level = (left, 0.0, left, 0.0), 1
        for level in _LEVELS:
            distance = _offset(level)
            bottom = up * height + distance - (0 if level > 0 else _LINE * _FONT_SIZE)
            box = (left, bottom, left + 2 * half, bottom + _LINE * _FONT_SIZE)
            if not any(_overlap(box, other) for other in placed):
                break
        placed.append(box)
        axes.annotate(
            label,
            (x, y),
            xytext=(shift, _offset(level)),
            textcoords="offset points",
            ha="center",
            va="bottom" if level > 0 else "top",
            color=theme.text,
            fontsize=_FONT_SIZE,
        )


def _offset(level: int) -> float:
    """How far from the point a level is, in points; below it where negative."""
    distance = _FIRST_LEVEL + (abs(level) - 1) * _LINE * _FONT_SIZE
    return distance if level > 0 else -distance


def _overlap(one: tuple[float, float, float, float], other: tuple[float, float, float, float]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _tick(row: ComparisonRow) -> str:
    return row.model if row.model == row.runtime else f"{row.model} · {row.runtime}"


def _quantity(row: ComparisonRow, quantity: str) -> float:
    if quantity == "latency":
        return row.result.latency(50)
    return math.nan if row.size_bytes is None else row.size_bytes / 1024


def _legend(axes: Any, runtimes: Sequence[str], theme: PlotTheme) -> None:
    for runtime in runtimes:
        marker = "s" if runtime == "Keras" else "o"
        axes.plot([], [], marker=marker, linestyle="none", markersize=6, color=theme.color(runtime), label=runtime)
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=len(runtimes), frameon=False, fontsize=8, borderpad=0)


def _limits(axes: Any, xs: Sequence[float], ys: Sequence[float], *, top: float | None) -> None:
    if max(xs) > _FAR_APART * min(xs) > 0:
        axes.set_xscale("log")
        axes.set_xlim(0.6 * min(xs), 1.7 * max(xs))
        _plain_numbers(axes)
    else:
        axes.set_xlim(0, 1.15 * max(xs))
    spread = max(ys) - min(ys)
    margin = max(0.6 if top is not None else 0.1 * max(map(abs, ys)), 0.5 * spread) or 1
    axes.set_ylim(min(ys) - margin, max(ys) + margin if top is None else min(max(ys) + margin, top))


def _plain_numbers(axes: Any) -> None:
    """Numbers rather than powers of ten along a logarithmic axis, and enough of them."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5), numticks=12))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())


def _style(axes: Any, theme: PlotTheme) -> None:
    axes.grid(visible=True, color=theme.grid, linewidth=0.8)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(theme.grid)
    axes.tick_params(which="both", colors=theme.text, length=0, labelsize=8)
    axes.xaxis.label.set(color=theme.text, fontsize=9)
    axes.yaxis.label.set(color=theme.text, fontsize=9)
