"""Results on pictures: colours that differ, lines as wide as a picture needs them, and words that can be read."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

__all__ = ["color_of", "draw_legend", "draw_tag", "line_width"]

# Colours that people tell apart, also those who see few; each is dark enough for white words.
_COLORS = (
    (11, 110, 138),
    (200, 80, 20),
    (45, 125, 50),
    (160, 45, 120),
    (60, 80, 190),
    (150, 105, 0),
    (190, 35, 60),
    (0, 130, 110),
    (110, 70, 170),
    (100, 110, 40),
)
_WHITE = (255, 255, 255)
_SIDE_OF_ONE_PIXEL = 240
_SMALLEST_FONT, _LARGEST_FONT = 10, 48


def color_of(number: int) -> tuple[int, int, int]:
    """The colour of a class: red, green, blue."""
    return _COLORS[number % len(_COLORS)]


def line_width(width: int, height: int) -> int:
    """How wide lines are on a picture of this size, in pixels."""
    return max(1, round(max(width, height) / _SIDE_OF_ONE_PIXEL))


@lru_cache(maxsize=16)
def _font_for(width: int, height: int) -> Any:
    """Pillow's own font, as large as a picture of this size needs it."""
    from PIL import ImageFont

    size = min(max(round(max(width, height) / 40), _SMALLEST_FONT), _LARGEST_FONT)
    return ImageFont.load_default(size)


def draw_tag(draw: Any, corner: tuple[float, float], words: str, color: tuple[int, int, int], size: Any) -> None:
    """White words on a patch of colour, above a corner; within the picture.

    Args:
        draw: Pillow's ImageDraw.
        corner: the left upper corner of what the words are about.
        words: the words.
        color: the patch's colour.
        size: width and height of the picture.
    """
    font = _font_for(*size)
    left, top, right, bottom = draw.textbbox((0, 0), words, font=font)
    gap = max(1, (bottom - top) // 5)
    width, height = right - left + 2 * gap, bottom - top + 2 * gap
    x = min(max(0, corner[0]), max(0, size[0] - width))
    y = corner[1] - height if corner[1] >= height else min(max(0, corner[1]), max(0, size[1] - height))
    draw.rectangle((x, y, x + width, y + height), fill=color)
    draw.text((x + gap - left, y + gap - top), words, font=font, fill=_WHITE)


def draw_legend(draw: Any, entries: Sequence[tuple[str, tuple[int, int, int]]], size: tuple[int, int]) -> None:
    """Words with their colours in the left upper corner of a picture; as many as there is room for.

    Args:
        draw: Pillow's ImageDraw.
        entries: the words and the colours.
        size: width and height of the picture.
    """
    font = _font_for(*size)
    line = sum(draw.textbbox((0, 0), "Xg", font=font)[1::2]) + 4
    for place, (words, color) in enumerate(entries[: max(1, (size[1] - 4) // line)]):
        draw_tag(draw, (4, 4 + place * line + line), words, color, size)
