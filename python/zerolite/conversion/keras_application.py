"""Networks that come with Keras, as something to convert."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["KerasApplication"]


@dataclass(frozen=True, slots=True, kw_only=True)
class KerasApplication:
    """A network of `keras.applications`, built and converted in the conversion's own process.

    Attributes:
        name: the constructor's name, as "MobileNetV2".
        weights: "imagenet" downloads trained weights, once; "none" makes random ones from a fixed seed.
        image_size: height and width of the input in pixels; None is the network's own.

    Raises:
        ValueError: the weights are neither of these, or the size is not positive.
    """

    name: str
    weights: Literal["imagenet", "none"] = "imagenet"
    image_size: int | None = None

    def __post_init__(self) -> None:
        if not self.name.isidentifier():
            raise ValueError(f"'{self.name}' is no name of a Keras application; give one such as 'MobileNetV2'")
        if self.weights not in ("imagenet", "none"):
            raise ValueError(f"weights must be 'imagenet' or 'none'; came '{self.weights}'")
        if self.image_size is not None and self.image_size < 1:
            raise ValueError(f"image_size must be at least 1; came {self.image_size}")
