"""What TensorFlow Lite Metadata says, as plain values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["AssociatedFile", "ModelMetadata", "Normalization", "TensorMetadata"]


@dataclass(frozen=True, slots=True)
class Normalization:
    """How counts become what a model takes: `(counts - mean) / std`.

    Attributes:
        mean: one number, or one for each channel.
        std: one number, or one for each channel.
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]

    def apply(self, counts: NDArray[Any]) -> NDArray[np.float32]:
        """Normalize images.

        Args:
            counts: numbers from 0 to 255, shape (..., channels).

        Returns:
            A new float32 array of the same shape.

        Raises:
            ValueError: there are several means or deviations, and not one for each channel.
        """
        channels = counts.shape[-1]
        for name, numbers in (("mean", self.mean), ("std", self.std)):
            if len(numbers) not in (1, channels):
                raise ValueError(
                    f"the model's metadata has {len(numbers)} numbers as {name} for images of {channels} channels; "
                    "name the preprocessing yourself with preprocessing="
                )
        values = counts.astype(np.float32) - np.asarray(self.mean, dtype=np.float32)
        values /= np.asarray(self.std, dtype=np.float32)
        return values


@dataclass(frozen=True, slots=True)
class AssociatedFile:
    """A file that belongs to a model or a tensor.

    Attributes:
        name: its name in the archive at the end of the model's file.
        description: what it is, in words.
        kind: "unknown", "descriptions", "axis_labels", "value_labels", "score_calibration" or "vocabulary".
        locale: the language of its words, such as "en"; empty where none is told.
    """

    name: str
    description: str
    kind: str
    locale: str


@dataclass(frozen=True, slots=True)
class TensorMetadata:
    """What is known of one input or output.

    Attributes:
        name: its name, which need not be that in the signature.
        description: what it is, in words.
        normalization: how counts become its values; None where nothing is told.
        associated_files: the files that belong to it.
    """

    name: str
    description: str
    normalization: Normalization | None
    associated_files: tuple[AssociatedFile, ...]


@dataclass(frozen=True, slots=True)
class ModelMetadata:
    """What is known of a model; what the file does not tell is empty.

    Attributes:
        name: the model's name.
        description: what it does, in words.
        version: the version that its makers gave it.
        author: who made it.
        license: its licence.
        inputs: its inputs, in the order of the main subgraph.
        outputs: its outputs, in that order.
        associated_files: the files that belong to the whole model.
        attached_files: the names of all files that are packed into the model's file, whether described or not.
    """

    name: str = ""
    description: str = ""
    version: str = ""
    author: str = ""
    license: str = ""
    inputs: tuple[TensorMetadata, ...] = ()
    outputs: tuple[TensorMetadata, ...] = ()
    associated_files: tuple[AssociatedFile, ...] = ()
    attached_files: tuple[str, ...] = ()
