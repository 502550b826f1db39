"""What a converted model's file says of itself: labels and normalization, and what its source said."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from zerolite.metadata import Metadata, Normalization, annotate, read, read_attached
from zerolite.vision.labels import load_labels

__all__ = ["ClassNames", "Description", "MeanAndStd"]

#: The names of a model's classes, or the path of a file that has them.
ClassNames: TypeAlias = Sequence[str] | str | os.PathLike[str]
#: A mean and a deviation, each one number or one for each channel.
MeanAndStd: TypeAlias = Normalization | tuple[float | Sequence[float], float | Sequence[float]]


@dataclass(frozen=True, slots=True)
class Description:
    """What is to be said of a model, checked before it is converted."""

    class_names: Sequence[str] | None
    normalization: Normalization | None
    metadata: Metadata | None
    files: dict[str, bytes]

    @classmethod
    def checked(
        cls, class_names: ClassNames | None, normalization: MeanAndStd | None, source: Path | None
    ) -> Description:
        """Read the names, and what a .tflite file that is the source says already.

        Raises:
            OSError: the file of labels can't be read.
            ValueError: it holds no labels, or the numbers are no normalization.
            TypeError: the normalization is no pair.
        """
        names = load_labels(class_names) if isinstance(class_names, str | os.PathLike) else class_names
        numbers = None if normalization is None else _normalization(normalization)
        metadata, files = None, {}
        if source is not None:
            try:
                metadata = read(source)
                files = {name: read_attached(source, name) for name in metadata.attached_files}
            except ValueError as error:
                warnings.warn(f"{error}; the result goes without it", UserWarning, stacklevel=3)
                metadata = Metadata()
        return cls(names, numbers, metadata, files)

    def written(self, content: bytes) -> bytes:
        """A converted model with what is to be said of it.

        Raises:
            ValueError: the names or the normalization don't fit the model.
        """
        if (
            self.class_names is None
            and self.normalization is None
            and not self.files
            and self.metadata in (None, Metadata())
        ):
            return content
        return annotate(
            content,
            class_names=self.class_names,
            normalization=self.normalization,
            metadata=self.metadata,
            files=self.files,
        )


def _normalization(given: MeanAndStd) -> Normalization:
    if isinstance(given, Normalization):
        return given
    try:
        mean, std = (tuple(map(float, one)) if isinstance(one, Sequence) else (float(one),) for one in given)
    except (TypeError, ValueError) as error:
        raise TypeError(f"normalization is a mean and a deviation, as (127.5, 127.5); came {given!r}") from error
    return Normalization(mean, std)
