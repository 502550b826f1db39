"""A contact sheet: images with their predictions, on one picture."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

from zerolite.vision.classification import Classification, Prediction
from zerolite.vision.image import pillow

__all__ = ["MOST_IMAGES", "contact_sheet", "score_words"]

#: A sheet shows no more images than these.
MOST_IMAGES = 400

_SIDE = 200
_GAP = 16
_LINE = 23
_LINES = 3
_COLUMNS = 5
_PAPER, _INK, _SOFT = "#ffffff", "#1d252d", "#5a6672"
_BAR, _BAR_BACK = "#0b6e8a", "#e4eaee"


def contact_sheet(classifications: Sequence[Classification], *, image_format: str = "PNG") -> bytes:
    """Draw the images in rows, each with its name and its first predictions.

    Args:
        classifications: what `classify` returned; the first 400 are shown.
        image_format: as Pillow names it: "PNG", "JPEG", "WEBP".

    Returns:
        The picture's file.

    Raises:
        ValueError: there is nothing to show.
        ImportError: Pillow is not installed (extra "vision").
    """
    if not classifications:
        raise ValueError("a contact sheet needs at least one image")
    images = pillow()
    from PIL import ImageDraw, ImageFont

    shown = classifications[:MOST_IMAGES]
    columns = min(_COLUMNS, len(shown))
    rows = -(-len(shown) // columns)
    cell_width, cell_height = _SIDE + _GAP, _SIDE + _GAP + (_LINES + 1) * _LINE + 8
    sheet = images.new("RGB", (columns * cell_width + _GAP, rows * cell_height + _GAP), _PAPER)
    draw = ImageDraw.Draw(sheet)
    name_font, font = ImageFont.load_default(12), ImageFont.load_default(13)
    for place, classification in enumerate(shown):
        left = _GAP + place % columns * cell_width
        upper = _GAP + place // columns * cell_height
        thumbnail = _thumbnail(images, classification)
        sheet.paste(thumbnail, (left + (_SIDE - thumbnail.width) // 2, upper + (_SIDE - thumbnail.height) // 2))
        y = upper + _SIDE + 6
        draw.text((left, y), _fitting(draw, classification.path.name, name_font, _SIDE), font=name_font, fill=_SOFT)
        for prediction in classification.predictions[:_LINES]:
            y += _LINE
            _draw_prediction(draw, (left, y), prediction, font)
    document = io.BytesIO()
    sheet.save(document, image_format)
    return document.getvalue()


def score_words(prediction: Prediction) -> str:
    """A probability in percent, any other score as it is."""
    if prediction.probability is None:
        return f"{prediction.score:.4g}"
    return f"{100 * prediction.probability:.1f} %"


def _draw_prediction(draw: Any, corner: tuple[int, int], prediction: Prediction, font: Any) -> None:
    left, y = corner
    words = score_words(prediction)
    width = draw.textlength(words, font=font)
    if prediction.probability is not None:
        # A bar behind the words, as long as the probability.
        draw.rectangle((left, y + _LINE - 5, left + _SIDE - 1, y + _LINE - 4), fill=_BAR_BACK)
        if prediction.probability > 0:
            draw.rectangle(
                (left, y + _LINE - 5, left + max(0, round(prediction.probability * _SIDE) - 1), y + _LINE - 4),
                fill=_BAR,
            )
    draw.text((left, y), _fitting(draw, prediction.label, font, _SIDE - width - 8), font=font, fill=_INK)
    draw.text((left + _SIDE - width, y), words, font=font, fill=_INK)


def _thumbnail(images: Any, classification: Classification) -> Any:
    """The image as it is in the file, made small; transparent parts are paper."""
    with images.open(classification.path) as opened:
        image = opened.convert("RGBA")
    scale = min(_SIDE / image.width, _SIDE / image.height)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    # Tiny images keep their pixels visible.
    image = image.resize(size, images.Resampling.NEAREST if scale > 2 else images.Resampling.LANCZOS)  # noqa: PLR2004
    paper = images.new("RGBA", image.size, _PAPER)
    return images.alpha_composite(paper, image).convert("RGB")


def _fitting(draw: Any, words: str, font: Any, width: float) -> str:
    """`words`, cut short where they would be wider than `width`."""
    words = "".join(letter if letter.isprintable() else "?" for letter in words)
    if draw.textlength(words, font=font) <= width:
        return words
    while words and draw.textlength(f"{words}...", font=font) > width:
        words = words[:-1]
    return f"{words}..."
