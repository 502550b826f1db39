"""From a model's file to the task that it is for."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol, TypeAlias, TypedDict, get_args, overload

from numpy.typing import NDArray

from zerolite._inference.model import Verify
from zerolite._inference.source import ModelSource
from zerolite.tasks.audio import AudioClassifier
from zerolite.tasks.classify import Classifier
from zerolite.tasks.detect import Detector
from zerolite.tasks.embed import Embedder
from zerolite.tasks.pose import PoseEstimator
from zerolite.tasks.segment import Segmenter
from zerolite.tasks.task_model import TaskModel
from zerolite.tasks.text.answer import QuestionAnswerer
from zerolite.tasks.text.classify import TextClassifier
from zerolite.tasks.text.reply import Replier

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from zerolite._runners import Delegates
    from zerolite.operators import CustomOps

__all__ = ["Task", "TaskName", "load"]

TaskName: TypeAlias = Literal["detect", "segment", "classify", "pose", "embed", "text", "answer", "reply", "audio"]


class Task(Protocol):
    """What all tasks can do; each has options of its own.

    Attributes:
        name: the task's name, as `load` takes it.
    """

    name: ClassVar[str]

    @property
    def __call__(self) -> Callable[..., Any]:
        """Answer for one item, such as a picture or a text: a result with `to_dict`."""
        ...

    @property
    def map(self) -> Callable[..., Iterator[Any]]:
        """Answer for many items, one after another; in a pool, for several at once."""
        ...

    def close(self) -> None:
        """Give back the model. Closing twice does nothing."""
        ...

    def __enter__(self) -> Any:
        """Close the task at the end of a with statement."""
        ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close the task."""
        ...


class _Loading(TypedDict, total=False):
    """Options of the model, for all tasks."""

    delegates: Delegates | None
    threads: int | None
    fallback: bool
    verify: Verify | None
    tuned: str | os.PathLike[str] | None
    workers: int | None
    custom_ops: CustomOps | None


class _Kind(Protocol):
    def fits(self, model: TaskModel) -> bool: ...


# How the writers of metadata name a model by its task, and Ultralytics' exporter the task.
_DECLARED: dict[str, TaskName] = {
    "ObjectDetector": "detect",
    "ImageSegmenter": "segment",
    "ImageClassifier": "classify",
    "ImageEmbedder": "embed",
    "AudioClassifier": "audio",
    "NLClassifier": "text",
    "BertNLClassifier": "text",
    "BertQuestionAnswerer": "answer",
    "detect": "detect",
    "pose": "pose",
    "segment": "segment",
    "classify": "classify",
}


@overload
def load(
    model: ModelSource,
    task: Literal["detect"],
    *,
    class_names: Sequence[str] | None = ...,
    preprocessing: str | None = ...,
    size: tuple[int, int] | None = ...,
    scaled_decoding: bool = ...,
    anchors: NDArray[Any] | None = ...,
    **loading: Unpack[_Loading],
) -> Detector: ...
@overload
def load(
    model: ModelSource,
    task: Literal["segment"],
    *,
    class_names: Sequence[str] | None = ...,
    preprocessing: str | None = ...,
    size: tuple[int, int] | None = ...,
    scaled_decoding: bool = ...,
    anchors: None = ...,
    **loading: Unpack[_Loading],
) -> Segmenter: ...
@overload
def load(
    model: ModelSource,
    task: Literal["classify"],
    *,
    class_names: Sequence[str] | None = ...,
    preprocessing: str | None = ...,
    size: tuple[int, int] | None = ...,
    scaled_decoding: bool = ...,
    anchors: None = ...,
    **loading: Unpack[_Loading],
) -> Classifier: ...
@overload
def load(
    model: ModelSource,
    task: Literal["pose"],
    *,
    class_names: Sequence[str] | None = ...,
    preprocessing: str | None = ...,
    size: tuple[int, int] | None = ...,
    scaled_decoding: bool = ...,
    anchors: None = ...,
    **loading: Unpack[_Loading],
) -> PoseEstimator: ...
@overload
def load(
    model: ModelSource,
    task: Literal["embed"],
    *,
    class_names: Sequence[str] | None = ...,
    preprocessing: str | None = ...,
    size: tuple[int, int] | None = ...,
    scaled_decoding: bool = ...,
    anchors: None = ...,
    **loading: Unpack[_Loading],
) -> Embedder: ...
@overload
def load(
    model: ModelSource,
    task: Literal["text"],
    *,
    class_names: Sequence[str] | None = ...,
    vocabulary: str | os.PathLike[str] | None = ...,
    **loading: Unpack[_Loading],
) -> TextClassifier: ...
@overload
def load(
    model: ModelSource,
    task: Literal["answer"],
    *,
    class_names: None = ...,
    vocabulary: str | os.PathLike[str] | None = ...,
    **loading: Unpack[_Loading],
) -> QuestionAnswerer: ...
@overload
def load(
    model: ModelSource, task: Literal["reply"], *, class_names: None = ..., **loading: Unpack[_Loading]
) -> Replier: ...
@overload
def load(
    model: ModelSource,
    task: Literal["audio"],
    *,
    class_names: Sequence[str] | None = ...,
    **loading: Unpack[_Loading],
) -> AudioClassifier: ...
@overload
def load(
    model: ModelSource,
    task: TaskName | None = ...,
    *,
    class_names: Sequence[str] | None = ...,
    preprocessing: str | None = ...,
    size: tuple[int, int] | None = ...,
    scaled_decoding: bool = ...,
    anchors: NDArray[Any] | None = ...,
    vocabulary: str | os.PathLike[str] | None = ...,
    **loading: Unpack[_Loading],
) -> Task: ...
def load(
    model: ModelSource,
    task: TaskName | None = None,
    *,
    class_names: Sequence[str] | None = None,
    preprocessing: str | None = None,
    size: tuple[int, int] | None = None,
    scaled_decoding: bool = False,
    anchors: NDArray[Any] | None = None,
    vocabulary: str | os.PathLike[str] | None = None,
    delegates: Delegates | None = None,
    threads: int | None = None,
    fallback: bool = True,
    verify: Verify | None = None,
    tuned: str | os.PathLike[str] | None = None,
    workers: int | None = None,
    custom_ops: CustomOps | None = None,
) -> Task:
    """Load a model for the task that it was made for.

    >>> detector = zl.tasks.load("ssd.tflite", "detect")
    >>> for one in detector("street.jpg").detections:
    ...     print(one.label, one.score, one.box)

    Args:
        model: the path of a .tflite file, or its bytes.
        task: "detect", "segment", "classify", "pose", "embed", "text", "answer", "reply" or "audio". None finds it
            by the model's outputs and, where these are those of several tasks, by what the metadata says.
        class_names: the names of the classes, by their numbers; None takes those that are packed into the file, or
            calls classes by their numbers.
        preprocessing: a name of `vision.PREPROCESSINGS`, such as "unit". None takes the normalization of the metadata;
            without that, an 8-bit input gets the pixels as they are, and a real one what is usual for the kind of
            model.
        size: height and width in pixels, for a model that leaves them open and whose metadata does not tell them.
        scaled_decoding: whether JPEG files that are much larger than the input are decoded at a half, a quarter or an
            eighth of their size: faster, with slightly other numbers.
        anchors: of a detector that tells boxes by their distance from anchors: the middle's y and x, height and width
            as parts of the input, shape (anchors, 4). None is those of SSD with MobileNet or of EfficientDet.
        vocabulary: of a model for texts, the file that it was trained with: one word a line, with its number or
            without. None is that in the metadata.
        delegates: where the model runs, as for `zerolite.load`.
        threads: how many threads a run uses on the CPU; in a pool, of each replica.
        fallback: whether operators that no delegate of the list takes run on the CPU.
        verify: how closely the file is looked at, as for `zerolite.load`.
        tuned: a file with the fastest setting, as for `zerolite.load`, also one that is for a pool.
        workers: run the model in a pool of so many replicas; then `map` runs several items at once.
        custom_ops: kernels for custom operators, as for `zerolite.load`.

    Returns:
        The task, which owns the model.

    Raises:
        ValueError: the model is for none of the tasks or not for this one, its metadata is broken, or an option is
            wrong or does not fit it.
        OSError: the file can't be read.
        InvalidModelError, Error, DelegateError: as `zerolite.load` raises them.
        ImportError: Pillow is not installed (extra "vision").
    """
    if task is not None and task not in get_args(TaskName):
        raise ValueError(f"there is no task {task!r}; there is {', '.join(get_args(TaskName))}")
    loaded = TaskModel(
        model,
        delegates=delegates,
        threads=threads,
        fallback=fallback,
        verify=verify,
        tuned=tuned,
        workers=workers,
        custom_ops=custom_ops,
        scaled_decoding=scaled_decoding,
    )
    try:
        if loaded.takes_a_picture or (task or "text") in _OF_PICTURES:
            loaded.fit_picture(size)
        chosen = task or _chosen(loaded)
        _refuse_strange(
            chosen,
            loaded.name,
            class_names=class_names,
            preprocessing=preprocessing,
            size=size,
            scaled_decoding=scaled_decoding or None,
            anchors=anchors,
            vocabulary=vocabulary,
        )
        if chosen == "audio":
            return AudioClassifier(loaded, class_names=class_names)
        if chosen == "reply":
            return Replier(loaded)
        if chosen == "answer":
            return QuestionAnswerer(loaded, vocabulary=vocabulary)
        if chosen == "text":
            return TextClassifier(loaded, class_names=class_names, vocabulary=vocabulary)
        if chosen == "detect":
            return Detector(loaded, class_names=class_names, preprocessing=preprocessing, anchors=anchors)
        return _OTHERS[chosen](loaded, class_names=class_names, preprocessing=preprocessing)
    except BaseException:
        loaded.close()
        raise


def _refuse_strange(task: TaskName, name: str, **options: object) -> None:
    """Refuse options that are for other tasks.

    Raises:
        ValueError: there is one.
    """
    for option, tasks in _TASKS_OF_OPTIONS.items():
        if options[option] is not None and task not in tasks:
            meant = " and ".join((", ".join(tasks[:-1]), tasks[-1])) if len(tasks) > 1 else tasks[0]
            raise ValueError(f"{option}= is for {meant}, and {name} is loaded to {task}; leave it out")


def _chosen(model: TaskModel) -> TaskName:
    """The task whose outputs a model has."""
    declared = _DECLARED.get(str(model.exporter.get("task", model.metadata.name)))
    fitting: list[TaskName] = [name for name, kind in _KINDS.items() if kind.fits(model)]
    # Where the outputs are those of no other task, the file is believed: the task says itself what does not fit.
    if declared is not None and (declared in fitting or not fitting):
        return declared
    if fitting:
        return fitting[0]
    raise ValueError(
        f"{model.name} is for none of the tasks {', '.join(_KINDS)}, as far as its outputs tell: "
        f"{model.described_outputs()}; if it is for one of them, name that as the task"
    )


_OF_PICTURES: tuple[TaskName, ...] = ("detect", "segment", "classify", "pose", "embed")
_TASKS_OF_OPTIONS: dict[str, tuple[TaskName, ...]] = {
    "class_names": ("detect", "segment", "classify", "text", "audio"),
    "preprocessing": _OF_PICTURES,
    "size": _OF_PICTURES,
    "scaled_decoding": _OF_PICTURES,
    "anchors": ("detect",),
    "vocabulary": ("text", "answer"),
}
_OTHERS: dict[TaskName, type[Segmenter | Classifier | PoseEstimator | Embedder]] = {
    "pose": PoseEstimator,
    "segment": Segmenter,
    "classify": Classifier,
    "embed": Embedder,
}
# In the order in which a model is asked.
_KINDS: dict[TaskName, _Kind] = {
    "detect": Detector,
    **_OTHERS,
    "audio": AudioClassifier,
    "answer": QuestionAnswerer,
    "reply": Replier,
    "text": TextClassifier,
}
