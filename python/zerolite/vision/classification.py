"""Classification of images: the most likely classes of each."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from zerolite._runners import Runner, adapt, replicas_of, state_reset
from zerolite._runners.classes import class_count
from zerolite._runners.runner import ModelFile
from zerolite._runners.score_kind import places, read_model, two_class_scores
from zerolite._runners.score_rule import score_rule
from zerolite._runtime.renamed import renamed_parameters
from zerolite.metadata import read, read_labels
from zerolite.metadata.calibration import Calibration
from zerolite.vision.feeding import Feeding
from zerolite.vision.image import Resampling, decode_image, image_form, pillow
from zerolite.vision.image_folder import ImageFolder
from zerolite.vision.labels import check_labels
from zerolite.vision.loading import OnCorrupt, check_on_corrupt, sound_images

if TYPE_CHECKING:
    from zerolite._runners import Delegates, TensorSpec

__all__ = ["Classification", "Prediction", "classify", "image_files", "top"]

# Probabilities in 8 bits are rounded each, and 1 itself is no number of theirs.
_SUM_TOLERANCE = 0.05


@dataclass(frozen=True, slots=True)
class Prediction:
    """One class that an item may belong to.

    Attributes:
        class_number: the place of the class among the model's outputs.
        label: its name; its number as text where there are no labels.
        score: the model's output for it.
        probability: the score as a probability; None where the model's outputs are no probabilities of classes of
            which one is right, such as those without a softmax at the end.
    """

    class_number: int
    label: str
    score: float
    probability: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "class_number": self.class_number,
            "label": self.label,
            "score": self.score,
            "probability": self.probability,
        }


@renamed_parameters(labels="class_names")
def top(scores: ArrayLike, class_names: Sequence[str] | None = None, *, k: int = 5) -> list[Prediction]:
    """The `k` classes with the largest scores, largest first; on a tie the lower number is first.

    A single score tells two classes apart: one from 0 to 1 is the probability of class 1 (a sigmoid), and class 0 has
    the rest; any other is a logit, whose sigmoid is taken.

    Args:
        scores: one item's real outputs, shape (classes,) or (1, classes).
        class_names: the names of all classes; None names them by their numbers.
        k: how many at most.

    Raises:
        ValueError: `scores` is not one row, `k` is less than 1, or there are fewer or more names than classes.
    """
    row = np.asarray(scores)
    if row.ndim == 2 and row.shape[0] == 1:  # noqa: PLR2004 - a batch of one
        row = row[0]
    if row.ndim != 1 or row.size == 0:
        raise ValueError(f"top takes the scores of one item, shape (classes,); came {row.shape}")
    if k < 1:
        raise ValueError(f"k must be at least 1; came {k}")
    row = row.astype(np.float64)
    if row.size == 1:
        row = two_class_scores(row)[0]
    if class_names is not None:
        check_labels(class_names, row.size)
    are_probabilities = bool((row >= 0).all() and (row <= 1).all() and abs(row.sum() - 1) <= _SUM_TOLERANCE)
    best = np.argsort(-row, kind="stable")[:k]
    return [
        Prediction(
            int(number),
            str(number) if class_names is None else class_names[number],
            float(row[number]),
            float(row[number]) if are_probabilities else None,
        )
        for number in best
    ]


@dataclass(frozen=True, slots=True)
class Classification:
    """The most likely classes of one image.

    Attributes:
        path: the image file.
        predictions: the classes, the most likely first.
    """

    path: Path
    predictions: tuple[Prediction, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "path": str(self.path),
            "predictions": [one.to_dict() for one in self.predictions],
        }


def image_files(sources: Iterable[str | os.PathLike[str]]) -> list[Path]:
    """The image files among files and in folders; those of a folder in the order of their paths.

    Raises:
        FileNotFoundError: there is no such file or folder.
        ValueError: there is no image in a folder.
    """
    files: list[Path] = []
    for source in sources:
        path = Path(source)
        if path.is_dir():
            files += ImageFolder.open(path).files
        elif path.is_file():
            files.append(path)
        else:
            raise FileNotFoundError(f"there is no file or folder {path}")
    return files


@renamed_parameters(labels="class_names")
def classify(
    model: Any,
    images: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    class_names: Sequence[str] | None = None,
    *,
    k: int = 5,
    size: tuple[int, int] | None = None,
    preprocessing: str | None = None,
    resampling: Resampling = "nearest",
    keep_aspect_ratio: bool = False,
    scaled_decoding: bool = False,
    on_corrupt: OnCorrupt = "raise",
    output: str | None = None,
    delegates: Delegates | None = None,
    threads: int | None = None,
    workers: int | None = None,
) -> Iterator[Classification]:
    """Say what is in images, on all cores: while the model runs, the next images are decoded.

    Args:
        model: as for `evaluate`: a path or bytes of a .tflite file, a `CompiledModel`, a `Pool`, ...
        images: a file or a folder, or several.
        class_names: the names of all classes, in the order of the model's outputs; None takes the labels that are
            packed into the model's file, or names classes by their numbers.
        k: how many classes to tell of each image.
        size: height and width in pixels, for a model that leaves them open; None gives such a model each picture in
            its own size, unless it was resized before.
        preprocessing: a name of `PREPROCESSINGS`, such as "mobilenet_v2". None takes the normalization of the model's
            metadata; without that, an 8-bit input gets the pixels as they are, and a real one counts from 0 to 255,
            with a warning.
        resampling: as for `decode_image`.
        keep_aspect_ratio: as for `decode_image`.
        scaled_decoding: as for `decode_image`.
        on_corrupt: as for `load_images`.
        output: the name of the output to read, for a model with several.
        delegates: where a model given as a path or bytes runs, as for `load`.
        threads: how many threads a run of a model given as a path or bytes uses on the CPU; in a pool, of each replica.
        workers: run a model given as a path or bytes in a pool of so many replicas.

    Returns:
        An iterator over the images that could be decoded; model, options and paths are checked at once. Scores are
        calibrated where the metadata of the model's file says how.

    Raises:
        ImageError: a file is no sound image.
        ValueError: the model does not take images, the names are fewer or more than its classes, the calibration in
            its file is broken, or `delegates` came with a model that is not loaded here.
        DelegateError: a delegate's library can't be used, or fails with this model.
        OSError: a file or folder can't be read.
        ImportError: Pillow is not installed (extra "vision").
    """
    pillow()
    feeding = Feeding(preprocessing)
    check_on_corrupt(on_corrupt)
    if k < 1:
        raise ValueError(f"k must be at least 1; came {k}")
    files = image_files([images] if isinstance(images, str | os.PathLike) else images)
    runner = adapt(model, output=output, delegates=delegates, threads=threads, workers=workers)
    try:
        form, color = image_form(runner.inputs, size)
        classes = class_count(np.empty((1, *runner.output.shape[1:])))
        if class_names is None:
            class_names = _packed_labels(runner.output.source, classes)
        else:
            check_labels(class_names, classes)
        calibration = _calibration(runner.output)
        kind = score_rule(runner).kind if calibration is None else "probability"
    except BaseException:
        runner.close()
        raise

    def load(file: Path) -> NDArray[Any]:
        counts = decode_image(
            file,
            size=form,
            color=color,
            resampling=resampling,
            keep_aspect_ratio=keep_aspect_ratio,
            scaled_decoding=scaled_decoding,
        )
        return feeding.store(runner.inputs[0], feeding.prepare(counts[np.newaxis]))

    def load_and_run(file: Path) -> NDArray[Any]:
        return runner.function(load(file))

    def sound(work: Callable[[Path], NDArray[Any]], replicas: int = 1) -> Iterator[tuple[Path, NDArray[Any]]]:
        found = 0
        for position, made in sound_images(files, work, on_corrupt, replicas=replicas):
            found += 1
            yield files[position], made
        if files and not found:
            raise ValueError(f"none of the {len(files)} images can be decoded")

    def outputs() -> Generator[tuple[Sequence[Path], NDArray[Any]], None, None]:
        replicas = replicas_of(runner)
        if form is not None and replicas > 1:
            yield from (((path,), made) for path, made in sound(load_and_run, replicas))
        else:
            yield from _run(runner, sound(load), most=1 if form is None else runner.items_per_call)

    def results() -> Iterator[Classification]:
        with closing(runner), closing(outputs()) as made:
            for paths, stored in made:
                rows = runner.output.real(stored)
                if calibration is not None:
                    rows = calibration.apply(rows.astype(np.float64))
                if rows.shape[1] == 1:
                    rows = two_class_scores(rows[:, 0].astype(np.float64), kind)
                for path, scores in zip(paths, rows, strict=True):
                    yield Classification(path, tuple(top(scores, class_names, k=k)))

    return results()


def _packed_labels(source: ModelFile | None, classes: int) -> list[str] | None:
    """The labels in a model's own file, where it has some that fit."""
    found = None if source is None else read_labels(source)
    return found if found is not None and len(found) == classes else None


def _calibration(output: TensorSpec) -> Calibration | None:
    """What a model's own file says about the scores of an output."""
    if output.source is None:
        return None
    try:
        described = read(output.source).outputs
    except ValueError:
        return None  # where the metadata is needed for more than this, that is refused with advice
    graph, number = next(places(read_model(output.source), output.name, "outputs"), (None, -1))
    position = graph.outputs.index(number) if graph is not None and number in graph.outputs else len(described)
    if position >= len(described):
        return None
    return Calibration.of(output.source, described[position], output.name, output.shape[-1])


def _run(
    runner: Runner, images: Iterator[tuple[Path, NDArray[Any]]], *, most: int
) -> Iterator[tuple[list[Path], NDArray[Any]]]:
    """Paths and outputs, `most` of them together."""
    reset = state_reset(runner)

    def run_one(image: NDArray[Any]) -> NDArray[Any]:
        if reset is not None:
            reset()
        return runner.function(image)

    paths: list[Path] = []
    waiting: list[NDArray[Any]] = []
    for path, image in images:
        paths.append(path)
        waiting.append(image)
        if len(waiting) == most:
            yield paths, run_one(*waiting) if len(waiting) == 1 else runner.map(np.concatenate(waiting))
            paths, waiting = [], []
    if waiting:
        yield paths, runner.map(np.concatenate(waiting))
