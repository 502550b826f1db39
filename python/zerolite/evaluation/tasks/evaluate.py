"""The function `evaluate_task`."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from zerolite.evaluation.latencies import Latencies
from zerolite.evaluation.metrics.choice import MetricChoice, metric_makers
from zerolite.evaluation.result import EvaluationResult
from zerolite.evaluation.schedule import ProgressCallback
from zerolite.evaluation.tasks.answers import AnswerScores, questions_of
from zerolite.evaluation.tasks.detections import MAX_RESULTS, MIN_SCORE, AnnotatedPictures
from zerolite.evaluation.tasks.texts import texts_of
from zerolite.tasks import Detections, Detector, QuestionAnswerer, TextClassifier
from zerolite.tasks.image_task import kept_results
from zerolite.vision import ImageError, OnCorrupt
from zerolite.vision.loading import check_on_corrupt

if TYPE_CHECKING:
    from zerolite.evaluation.metrics.metric import MetricValue
    from zerolite.tasks import Task

__all__ = ["evaluate_task"]

_Result = TypeVar("_Result")


def evaluate_task(
    task: Task,
    data: Any,
    labels: Any = None,
    *,
    metrics: MetricChoice | None = None,
    on_corrupt: OnCorrupt = "raise",
    progress: ProgressCallback | None = None,
) -> EvaluationResult:
    """Let a task answer for data whose answers are known; measure how right and how quick it is.

    Args:
        task: a detector, a classifier of texts, or what answers questions; `zerolite.tasks.load` makes them. Models
            that classify pictures, or segment them, are for `evaluate`.
        data: what it answers for:

            - of a detector: the folder that the file names of the annotations begin in;
            - of a classifier of texts: a .csv or .tsv file with the columns "text" and "label", a file of JSON lines
              with these keys, or pairs of a text and a label. Labels are names of classes or their numbers;
            - of what answers questions: a .json file in SQuAD's format (1.1 or 2.0), rows with "question", "text" and
              "answer" as for texts, or tuples of question, text and right answers.
        labels: of a detector: annotations in COCO's format, as a .json file or what it holds. Categories are the
            classes of the same name; for a detector that knows no names, its classes in the order of their ids.
        metrics: which ones. None is all of a detector ("map", over overlaps from 0.50 to 0.95, "map_50", "map_75",
            "map_small", "map_medium", "map_large", "mar_1", "mar_10", "mar_100", "mar_small", "mar_medium",
            "mar_large", "map_by_class") and all of answers ("exact_match", "f1"), and "accuracy" of texts, which take
            every metric of classes that `evaluate` knows.
        on_corrupt: of pictures: what becomes of one that can't be decoded, as for `Detector.map`.
        progress: called with the items done and the items in all.

    Returns:
        Metrics and latencies, each from the item to its answer: reading a file and decoding it are part of it. Items
        are answered one after another.

    Raises:
        TypeError: the task or the data is of no known kind.
        ValueError: the data is in another format, there are no items, or there is no such metric.
        OSError: a file can't be read.
        ImageError: a picture is corrupt.
        ImportError: `faster-coco-eval` is needed and not installed (extra "evaluate").
        Error: the model fails or is closed.
    """
    if isinstance(task, Detector):
        return _of_detector(task, data, labels, metrics, on_corrupt=on_corrupt, progress=progress)
    if labels is not None:
        raise TypeError("labels are for a detector; texts and questions come with theirs in the data")
    if isinstance(task, QuestionAnswerer):
        return _of_answers(task, data, metrics, progress)
    if isinstance(task, TextClassifier):
        return _of_texts(task, data, metrics, progress)
    raise TypeError(
        "evaluate_task takes a detector, a classifier of texts, or what answers questions; came "
        f"{type(task).__name__}; evaluate takes models that classify pictures, or segment them, with masks as labels"
    )


def _of_detector(
    detector: Detector,
    folder: Any,
    annotations: Any,
    metrics: MetricChoice | None,
    *,
    on_corrupt: OnCorrupt,
    progress: ProgressCallback | None,
) -> EvaluationResult:
    if annotations is None or not isinstance(folder, str | os.PathLike):
        raise TypeError(
            "a detector is evaluated on a folder of pictures, with labels: a .json file of annotations in COCO's format"
        )
    check_on_corrupt(on_corrupt)
    truth = AnnotatedPictures(folder, annotations)
    latencies = Latencies()
    skipped: list[ImageError] = []

    def skip(error: ImageError) -> None:
        skipped.append(error)
        if callable(on_corrupt):
            on_corrupt(error)

    def detect(place: int, file: Path) -> tuple[int, Detections]:
        return place, _timed(partial(detector, file, min_score=MIN_SCORE, max_results=MAX_RESULTS), latencies)

    answers = (partial(detect, place, file) for place, file in enumerate(truth.files))
    found = dict(kept_results(answers, len(truth.files), "raise" if on_corrupt == "raise" else skip, progress))
    _check_count(len(found))
    return _result(latencies, _chosen(truth.scores(found, detector), metrics), detector.class_names, skipped)


def _of_answers(
    answerer: QuestionAnswerer, data: Any, metrics: MetricChoice | None, progress: ProgressCallback | None
) -> EvaluationResult:
    questions = questions_of(data)
    _check_count(len(questions))
    latencies, scores = Latencies(), AnswerScores()
    for done, one in enumerate(questions, 1):
        told = _timed(partial(answerer, one.question, one.text, max_results=1), latencies)
        scores.update(told, one.answers)
        _tell(progress, done, len(questions))
    return _result(latencies, _chosen(scores.result(), metrics))


def _of_texts(
    classifier: TextClassifier, data: Any, metrics: MetricChoice | None, progress: ProgressCallback | None
) -> EvaluationResult:
    makers = metric_makers(("accuracy",) if metrics is None else metrics)
    texts = texts_of(data, classifier.class_names)
    _check_count(len(texts))
    measures = {name: make() for name, make in makers.items()}
    latencies = Latencies()
    for done, (text, number) in enumerate(texts, 1):
        told = _timed(partial(classifier, text, k=classifier.classes), latencies)
        scores = np.empty((1, classifier.classes))
        for one in told.predictions:
            scores[0, one.class_number] = one.score
        for measure in measures.values():
            measure.update(scores, np.array([number]))
        _tell(progress, done, len(texts))
    return _result(latencies, {name: one.result() for name, one in measures.items()}, classifier.class_names)


def _timed(answer: Callable[[], _Result], latencies: Latencies) -> _Result:
    begin = time.perf_counter_ns()
    result = answer()
    latencies.add(np.array([(time.perf_counter_ns() - begin) / 1e3]))
    return result


def _tell(progress: ProgressCallback | None, done: int, total: int) -> None:
    if progress is not None:
        progress(done, total)


def _check_count(items: int) -> None:
    if items == 0:
        raise ValueError("there are no items to evaluate; give at least one that can be read")


def _chosen(values: Mapping[str, MetricValue], metrics: MetricChoice | None) -> dict[str, MetricValue]:
    names = list(values) if metrics is None else [metrics] if isinstance(metrics, str) else list(metrics)
    for name in names:
        if name not in values:
            raise ValueError(f"there is no metric '{name}' of this task; there are {', '.join(values)}")
    return {name: values[name] for name in names}


def _result(
    latencies: Latencies,
    metrics: Mapping[str, MetricValue],
    class_names: Sequence[str] = (),
    skipped: Sequence[ImageError] = (),
) -> EvaluationResult:
    return EvaluationResult(
        runtime="zerolite",
        items=latencies.count,
        metrics=metrics,
        latencies=latencies,
        runs=latencies.count,
        class_names=class_names,
        skipped=skipped,
    )
