"""Opening data, of whatever kind, as a source of samples."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from zerolite._data.array_files import read_arrays
from zerolite._data.arrays import ArraySamples
from zerolite._data.images import ImageSamples
from zerolite._data.source import SampleSource
from zerolite._data.streams import StreamedSamples
from zerolite._runners import TensorSpec

if TYPE_CHECKING:
    from zerolite.vision import OnCorrupt, Resampling

__all__ = ["INPUT_NAMES", "LABEL_NAMES", "open_samples"]

#: What the labels in a file of arrays are called, and the inputs of a model with one.
LABEL_NAMES = ("labels", "y", "y_test")
INPUT_NAMES = ("inputs", "x", "x_test")
_PAIR = 2


def open_samples(
    data: Any,
    labels: Any,
    models: Sequence[Sequence[TensorSpec]],
    *,
    size: tuple[int, int] | None = None,
    preprocessing: str | None = None,
    resampling: Resampling = "nearest",
    on_corrupt: OnCorrupt = "raise",
    class_names: Sequence[str] | None = None,
    on_positions: Callable[[], object] = lambda: None,
) -> SampleSource:
    """Make a source of samples from whatever `evaluate` takes as data.

    Args:
        data: the data.
        labels: its labels, where they are apart.
        models: the inputs of each model. Images come in the form that each of them takes; arrays are named, and streams
            are read, as the first one's inputs tell.
        size: height and width of images, for models that leave them open.
        preprocessing: of images.
        resampling: of images.
        on_corrupt: of images.
        class_names: the classes in the order of the models' outputs.
        on_positions: called when several inputs come in order, without names.

    Raises:
        TypeError: it is nothing that holds samples.
        ValueError: it holds none, or parts don't fit together.
        OSError: a file or folder can't be read.
    """
    specs = models[0]
    if isinstance(data, str | os.PathLike):
        path = Path(data)
        if path.is_dir():
            if labels is not None:
                raise ValueError(f"the folder {path} tells labels by its classes' folders; leave labels out")
            return ImageSamples(
                path,
                models,
                size=size,
                preprocessing=preprocessing,
                resampling=resampling,
                on_corrupt=on_corrupt,
                class_names=class_names,
            )
        data, labels = _from_file(path, labels, specs)
    if size is not None:
        raise ValueError("size is for a folder of images, and the data is arrays, which have their sizes; leave it out")
    if isinstance(labels, str | os.PathLike):
        labels = read_arrays(Path(labels), mapped=True)
        if isinstance(labels, dict):
            labels = labels[_only(labels, LABEL_NAMES)]
    names = () if class_names is None else class_names
    if labels is None and isinstance(data, tuple) and len(data) == _PAIR:
        data, labels = data
        if isinstance(data, list) and len(specs) > 1:
            data = tuple(data)
        return _arrays(data, labels, names, on_positions)
    if isinstance(data, np.ndarray | Mapping | tuple) or labels is not None:
        return _arrays(data, labels, names, on_positions)
    if isinstance(data, list):
        return (
            StreamedSamples(data, specs, class_names=names, on_positions=on_positions)
            if data and _is_pair(data[0])
            else ArraySamples(data, None)
        )
    if isinstance(data, Iterable):
        return StreamedSamples(data, specs, class_names=names, on_positions=on_positions)
    array = np.asarray(data)
    if array.dtype.kind == "O":
        raise TypeError(
            f"can't evaluate over a {type(data).__name__}; give arrays, the path of an .npz file or of a folder of "
            "images, or an iterable of (inputs, labels)"
        )
    return ArraySamples(array, None, class_names=names)


def _arrays(data: Any, labels: Any, class_names: Sequence[str], on_positions: Callable[[], object]) -> ArraySamples:
    if isinstance(data, tuple) and len(data) > 1:
        on_positions()
    return ArraySamples(data, labels, class_names=class_names)


def _is_pair(element: Any) -> bool:
    """Whether it is (inputs, labels) rather than numbers in a list."""
    return isinstance(element, tuple) and len(element) == _PAIR


def _from_file(path: Path, labels: Any, specs: Sequence[TensorSpec]) -> tuple[Any, Any]:
    """The inputs and the labels of a file of arrays."""
    content = read_arrays(path, mapped=True)
    if not isinstance(content, dict):
        return content, labels
    if labels is None:
        present = [name for name in LABEL_NAMES if name in content]
        labels = content.pop(present[0]) if present else None
    names = [spec.name for spec in specs]
    if set(names) <= set(content):
        return {name: content[name] for name in names}, labels
    if len(specs) > 1:
        raise ValueError(f"{path} holds {', '.join(content) or 'no inputs'}; the model's inputs are {', '.join(names)}")
    return content[_only(content, INPUT_NAMES, path)], labels


def _only(arrays: Mapping[str, Any], preferred: Sequence[str], path: Path | None = None) -> str:
    """Which of the names the file has."""
    for name in preferred:
        if name in arrays:
            return name
    if len(arrays) == 1:
        return next(iter(arrays))
    raise ValueError(
        f"{path or 'the file'} holds {', '.join(arrays) or 'nothing'}; name the array that is meant {preferred[0]}"
    )
