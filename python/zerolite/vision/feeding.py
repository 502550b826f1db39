"""How a model is fed with images: as the caller says, or as the model's own file tells."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from zerolite.metadata import Normalization, read
from zerolite.vision.preprocessing import check_preprocessing, preprocess

if TYPE_CHECKING:
    from zerolite._runners import TensorSpec

__all__ = ["Feeding"]


class Feeding:
    """Makes a model's input of decoded images.

    With a named preprocessing, every model is fed with that. Without one, the normalization in the metadata of the
    model's file counts; without that, an 8-bit input takes the pixels as they are; a real one takes what is usual for
    its kind of model or, where that is not known either, counts from 0 to 255, with a warning, since nothing tells the
    range that the model was trained on.
    """

    def __init__(self, preprocessing: str | None, *, usual: str | None = None) -> None:
        """Check the choice.

        Args:
            preprocessing: a name of `PREPROCESSINGS`; None leaves it to the model's file.
            usual: the preprocessing of models of this kind, for a real input of which the file does not tell.

        Raises:
            ValueError: there is no such preprocessing.
        """
        if preprocessing is not None:
            check_preprocessing(preprocessing)
        self._name = preprocessing
        self._usual = usual
        # By the identity of the source, which is kept alive here.
        self._known: dict[int, tuple[Any, Normalization | None]] = {}
        self._has_warned = False

    def prepare(self, counts: NDArray[np.float32]) -> NDArray[np.float32]:
        """Counts of shape (count, height, width, channels), with the named preprocessing: the same for all models."""
        return counts if self._name is None else preprocess(counts, self._name)

    def store(self, spec: TensorSpec, images: NDArray[Any]) -> NDArray[Any]:
        """Prepared images as the input stores them.

        Raises:
            ValueError: the metadata of the model's file is broken or does not fit the images.
        """
        if self._name is not None:
            return spec.store_image(images)
        normalization = self._normalization(spec)
        if normalization is not None:
            return spec.store_image(normalization.apply(images))
        if spec.quantization is not None and spec.dtype.itemsize == 1:
            counts = np.clip(np.rint(images), 0, 255).astype(np.int16)
            shifted: NDArray[Any] = (counts + (np.iinfo(spec.dtype).min if spec.dtype.kind == "i" else 0)).astype(
                spec.dtype
            )
            return spec.store(shifted)
        if self._usual is not None and spec.dtype.kind == "f":
            return spec.store_image(preprocess(images, self._usual))
        if not self._has_warned and (spec.dtype.kind == "f" or spec.quantization is not None):
            self._has_warned = True
            warnings.warn(
                f"nothing tells the range that input '{spec.name}' was trained on, and it gets counts from 0 to 255; "
                "name its preprocessing, such as 'unit' for 0 to 1, 'tf' for -1 to 1, or 'none' where the counts are "
                "right",
                UserWarning,
                stacklevel=2,
            )
        return spec.store_image(images)

    def _normalization(self, spec: TensorSpec) -> Normalization | None:
        if spec.source is None:
            return None
        if id(spec.source) not in self._known:
            inputs = read(spec.source).inputs
            self._known[id(spec.source)] = (spec.source, inputs[0].normalization if len(inputs) == 1 else None)
        return self._known[id(spec.source)][1]
