"""The report's plots, as SVG documents."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import Any

from zerolite.captured_output import CapturedOutput
from zerolite.demo.plot_theme import PlotTheme
from zerolite.demo.report_row import ReportRow

__all__ = ["accuracy_against_size", "latency_distribution"]

# In points, above and below in turn: neighbours by size are often too close for two labels side by side.
_LABEL_DISTANCES = (9, -9, 23, -23)


def accuracy_against_size(rows: Sequence[ReportRow], theme: PlotTheme) -> bytes:
    """Test accuracy of every variant against the size of its file; one point per file."""
    # tf.lite's rows show the same files as zerolite's.
    shown = sorted((row for row in rows if row.runtime != "tf.lite"), key=lambda row: row.size_bytes)

    def draw(figure: Any) -> None:
        axes = figure.add_subplot()
        for place, row in enumerate(shown):
            accuracy = 100 * row.result.accuracy
            color = theme.runtimes[row.runtime]
            axes.plot(
                row.size_bytes / 1024,
                accuracy,
                marker="s" if row.runtime == "Keras" else "o",
                markersize=9,
                color=color,
                markeredgecolor=theme.background,
                linestyle="none",
            )
            distance = _LABEL_DISTANCES[place % len(_LABEL_DISTANCES)]
            axes.annotate(
                row.variant if row.runtime == "zerolite" else f"{row.variant}, {row.runtime}",
                (row.size_bytes / 1024, accuracy),
                xytext=(0, distance),
                textcoords="offset points",
                ha="center",
                va="bottom" if distance > 0 else "top",
                color=theme.text,
                fontsize=9,
            )
        accuracies = [100 * row.result.accuracy for row in shown]
        margin = max(0.6, 0.5 * (max(accuracies) - min(accuracies)))
        axes.set_ylim(min(accuracies) - margin, min(max(accuracies) + margin, 100.3))
        axes.set_xlim(0, 1.15 * max(row.size_bytes for row in shown) / 1024)
        axes.set_xlabel("file size / KiB")
        axes.set_ylabel("test accuracy / %")
        _style(axes, theme)

    return _svg(draw, (5.4, 3.5), theme)


def latency_distribution(rows: Sequence[ReportRow], theme: PlotTheme) -> bytes:
    """Latencies per image of the .tflite runtimes: boxes from p25 to p75 with the median, whiskers p5 to p95.

    Keras is left out: it takes tens of times as long, and the differences between the others would vanish.
    """
    shown = [row for row in rows if row.runtime != "Keras"]

    def draw(figure: Any) -> None:
        axes = figure.add_subplot()
        places = range(len(shown), 0, -1)
        for place, row in zip(places, shown, strict=True):
            color = theme.runtimes[row.runtime]
            p5, p25, p50, p75, p95 = (row.result.latency(percentile) for percentile in (5, 25, 50, 75, 95))
            axes.plot([p5, p95], [place, place], color=color, linewidth=1.4, zorder=2)
            axes.plot([p5, p95], [place, place], color=color, marker="|", linestyle="none", zorder=2)
            axes.barh(place, p75 - p25, left=p25, height=0.55, color=color, zorder=3)
            axes.plot([p50, p50], [place - 0.27, place + 0.27], color=theme.background, linewidth=1.6, zorder=4)
        axes.set_yticks(list(places), [f"{row.variant} · {row.runtime}" for row in shown])
        axes.set_ylim(0.4, len(shown) + 0.6)
        axes.set_xlim(left=0)
        axes.set_xlabel("latency per image / µs")
        _style(axes, theme)
        axes.grid(visible=False, axis="y")

    return _svg(draw, (5.4, 3.5), theme)


def _style(axes: Any, theme: PlotTheme) -> None:
    axes.grid(visible=True, color=theme.grid, linewidth=0.8)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(theme.grid)
    axes.tick_params(which="both", colors=theme.text, length=0, labelsize=9)
    axes.xaxis.label.set(color=theme.text, fontsize=9)
    axes.yaxis.label.set(color=theme.text, fontsize=9)


def _svg(draw: Callable[[Any], None], size: tuple[float, float], theme: PlotTheme) -> bytes:
    """Draw on a figure of `size` inches. Needs no display: Figure is used without pyplot."""
    # A first import builds a font cache and says so on stderr.
    with CapturedOutput():
        import matplotlib as mpl
        from matplotlib.figure import Figure
        from matplotlib.font_manager import fontManager  # noqa: F401

    document = io.BytesIO()
    # A fixed salt for ids and no date: the same numbers give the same bytes.
    with mpl.rc_context({"svg.hashsalt": "zerolite", "text.color": theme.text}):
        figure = Figure(figsize=size, layout="constrained")
        draw(figure)
        figure.savefig(document, format="svg", transparent=True, metadata={"Date": None})
    return document.getvalue()
