"""What a tensor holds: an image, sound, boxes, or numbers of any other meaning."""

# ruff: noqa: RUF009 - what stands for a default makes a dataclasses.field

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from zerolite.metadata.flatbuffer.fields import integer_pair, number, numbers, word
from zerolite.metadata.flatbuffer.unions import Unknown, one_of

__all__ = [
    "AudioProperties",
    "BoundingBoxProperties",
    "Content",
    "ContentProperties",
    "FeatureProperties",
    "ImageProperties",
]

_ColorSpace: TypeAlias = Literal["unknown", "rgb", "grayscale"]
_BoxKind: TypeAlias = Literal["unknown", "boundaries", "upper_left", "center"]
_Coordinates: TypeAlias = Literal["ratio", "pixel"]


@dataclass(frozen=True, slots=True)
class FeatureProperties:
    """Numbers, of which nothing more is told."""


@dataclass(frozen=True, slots=True)
class ImageProperties:
    """An image.

    Attributes:
        color_space: "rgb", "grayscale" or "unknown".
        default_size: width and height for a model that leaves them open; None where nothing is told.
    """

    color_space: _ColorSpace = word(0, get_args(_ColorSpace))
    default_size: tuple[int, int] | None = integer_pair(1, "<I")


@dataclass(frozen=True, slots=True)
class BoundingBoxProperties:
    """Boxes, four numbers each.

    Attributes:
        index: where each number of the kind's own order stands; empty for that order itself.
        kind: "boundaries" is left, top, right, bottom; "upper_left" is left, top, width, height; "center" is the
            middle's x and y, width, height; or "unknown".
        coordinates: "ratio" for parts of the image's size, "pixel" for pixels.
    """

    index: tuple[int, ...] = numbers(0, "<I")
    kind: _BoxKind = word(1, get_args(_BoxKind))
    coordinates: _Coordinates = word(2, get_args(_Coordinates))


@dataclass(frozen=True, slots=True)
class AudioProperties:
    """Sound.

    Attributes:
        sample_rate: samples a second.
        channels: 1 for mono, 2 for stereo.
    """

    sample_rate: int = number(0, "<I")
    channels: int = number(1, "<I")


ContentProperties: TypeAlias = FeatureProperties | ImageProperties | BoundingBoxProperties | AudioProperties | Unknown

_CHOICES = (
    ("feature", FeatureProperties),
    ("image", ImageProperties),
    ("bounding_box", BoundingBoxProperties),
    ("audio", AudioProperties),
)


@dataclass(frozen=True, slots=True)
class Content:
    """What a tensor holds.

    Attributes:
        properties: what it is; None where that is not told.
        dimensions: the first and the last dimension that one of them takes up, as (2, 2) for boxes of shape
            (1, 10, 4); None for all but the batch.
    """

    properties: ContentProperties | None = one_of(0, _CHOICES)
    dimensions: tuple[int, int] | None = integer_pair(2, "<i")
