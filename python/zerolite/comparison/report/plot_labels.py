"""Labels that don't lie on one another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zerolite._plots.theme import PlotTheme

__all__ = ["label_points"]

_FONT_SIZE = 8
# Of the font's size: how wide a letter is in the mean, and how far apart lines are.
_LETTER = 0.62
_LINE = 1.5
_FIRST_LEVEL = 8
_LEVELS = (1, -1, 2, -2, 3, -3, 4, -4)


def label_points(axes: Any, points: Mapping[str, tuple[float, float]], theme: PlotTheme) -> None:
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
