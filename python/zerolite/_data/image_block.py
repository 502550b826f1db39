"""Some images at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from numpy.typing import NDArray

from zerolite._data.block import ItemBlock
from zerolite._runners import TensorSpec
from zerolite.vision.image_size import image_size

if TYPE_CHECKING:
    from zerolite.vision.image import Color

__all__ = ["ImageBlock", "ImageForm"]

#: Height and width, and the channels.
ImageForm: TypeAlias = "tuple[tuple[int, int], Color]"


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class ImageBlock(ItemBlock):
    """Images that follow one another, in every form that one of the models takes.

    Attributes:
        images: form -> float32 of shape (items, height, width, channels).
    """

    images: Mapping[ImageForm, NDArray[Any]] = field(repr=False)

    def stored(self, specs: Sequence[TensorSpec]) -> tuple[NDArray[Any], ...]:
        """The images in the form and the type of `specs`.

        Raises:
            ValueError: `specs` are not those of images.
        """
        return (specs[0].store_image(self.images[image_size(specs)]),)
