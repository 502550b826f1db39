"""The functions `evaluate`, for one model, and `evaluate_together`, for several in interleaved rounds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from zerolite._data.block import SampleBlock
from zerolite._data.open import open_samples
from zerolite._runners import Positions, adapt
from zerolite._runners.caller_warning import warn_of_nan
from zerolite._runners.classes import check_class_names
from zerolite._runners.input_range import warn_of_range
from zerolite._runners.score_rule import score_rule
from zerolite.evaluation.metrics.choice import MetricChoice, is_of_classes, metric_makers
from zerolite.evaluation.metrics.metric import Metric, MetricValue, Reading, Void
from zerolite.evaluation.result import EvaluationResult
from zerolite.evaluation.schedule import Observer, ProgressCallback, Schedule

if TYPE_CHECKING:
    from zerolite._runners import Delegates, Reset
    from zerolite.vision import OnCorrupt, Resampling

__all__ = ["evaluate", "evaluate_together"]


def evaluate(
    model: Any,
    data: Any,
    labels: Any = None,
    *,
    metrics: MetricChoice = ("accuracy",),
    output: str | None = None,
    batch: int | None = None,
    workers: int | None = None,
    delegates: Delegates | None = None,
    threads: int | None = None,
    rounds: int = 1,
    warmup: int = 10,
    reset: Reset = "item",
    size: tuple[int, int] | None = None,
    preprocessing: str | None = None,
    resampling: Resampling = "nearest",
    on_corrupt: OnCorrupt = "raise",
    class_names: Sequence[str] | None = None,
    threshold: float | None = None,
    void: Void = "auto",
    keep_outputs: bool | None = None,
    progress: ProgressCallback | None = None,
) -> EvaluationResult:
    """Run a model over data; measure how right and how quick it is in the same run.

    Args:
        model: a path or bytes of a .tflite file, a `CompiledModel`, one of its signatures, a `Pool`, an interpreter of
            `tf.lite` or `ai_edge_litert`, or a Keras model.
        data: the items, as one of

            - an array of shape (items, *input shape without its batch), or a pair of it and the labels;
            - for several inputs a mapping from their names to arrays, or, paired with labels, a tuple of arrays;
            - the path of an .npz file: the labels are called "labels", "y" or "y_test", inputs by the model's names, or
              "inputs", "x" or "x_test" for the only one; or of an .npy file, which is read as it is needed;
            - the path of a folder of images with one folder for each class;
            - a `tf.data.Dataset` or another iterable of inputs or of (inputs, labels), items or batches, which is never
              held in memory.

            Real numbers are quantized for a quantized input with the tensor's own scale and zero point.
        labels: shape (items, ...) or the path of an .npy file, where they don't come with the data. For metrics of
            classes: class numbers, one-hot rows, or soft labels, whose rows sum to 1 and stand for their largest class.
            For multi-label metrics: rows of 0 and 1. For errors: numbers. For pixels: masks of class numbers. A metric
            that the labels don't fit is refused. Without labels only latency is measured.
        metrics: names of built-in metrics, or a mapping from names to functions of all outputs and labels, or to
            classes with `update` and `result` (`Metric`). Built in are

            - of classes: "accuracy", "balanced_accuracy", "top-K" for any K, "confusion_matrix", "per_class";
              "precision", "recall", "f1" (means over the classes); "precision_binary" and so on, of class 1 of two;
            - of several labels: "subset_accuracy", "hamming_loss", "per_label"; "precision", "recall", "f1", "jaccard"
              with "_micro", "_macro", "_weighted" or "_samples", which also take class numbers, as scikit-learn's;
            - of the order of scores: "roc_auc", "average_precision"; of numbers: "mse", "rmse", "mae", "r2";
            - of pixels: "mean_iou", "pixel_accuracy".

            What is NaN has no prediction, which is never right; `nan_items` of the result counts such items.
        output: the name of the output to read, for a model with several.
        batch: how many items one timed call runs through the native batch loop; None is one, and for a pool 32 for each
            worker.
        workers: run a model given as a path or bytes in a pool of so many replicas.
        delegates: where a model given as a path or bytes runs, as for `load`.
        threads: how many threads a run of a model given as a path or bytes uses on the CPU; in a pool, of each replica.
        rounds: how often the items are run; metrics come from the first round, latencies from all.
        warmup: calls before the clock starts.
        reset: of a stateful model. "item": the items do not depend on one another, and each begins with the variables
            of a model just loaded, which is not timed (an interpreter of `tf.lite` can't reset resources). "never": the
            data is one stream, which begins anew in each round.
        size: of images: height and width in pixels, for a model that leaves them open. Without it, such a model takes
            each picture in its own size; a size that the model was given with `resize` counts.
        preprocessing: of images: a name of `vision.PREPROCESSINGS`, such as "mobilenet_v2"; None is what the model's
            metadata says, as for `vision.classify`.
        resampling: of images: how they are resized to the model's input.
        on_corrupt: of images: what becomes of a file that can't be decoded: "raise", "skip" (`skipped` of the result
            names it), or a function that is called with its error.
        class_names: of images: the classes' folders in the order of the model's outputs; None is alphabetical.
        threshold: the score above which a single score is class 1, the second of two scores is, or a label applies;
            None is 0.5 for probabilities and 0 for logits, as the model's last operator tells them apart.
        void: the number of pixels that metrics of pixels leave out; None for none. "auto" is 255, but not for masks of
            0 and 255 with a model of two classes, where 255 is class 1.
        keep_outputs: whether the result has all outputs; None keeps them where the data is an array in memory.
        progress: called with the runs done and the runs in all (None while that is not known).

    Returns:
        Metrics, latencies and, where kept, outputs.

    Raises:
        TypeError: `model` or `data` is of no known kind, or values can't become the model's without loss.
        ValueError: shapes, labels, metrics or counts don't fit together, there are no items, or `delegates` came with a
            model that is not loaded here.
        ImageError: an image is corrupt, and none is to be skipped.
        OSError: a file can't be read.
        InvalidModelError: the file is not a sound model.
        DelegateError: a delegate's library can't be used, or fails with this model.
        ImportError: Pillow is needed and not installed (extra "vision").
    """
    return evaluate_together(
        {"model": model},
        data,
        labels,
        metrics=metrics,
        output=output,
        batch=batch,
        workers=workers,
        delegates=delegates,
        threads=threads,
        rounds=rounds,
        warmup=warmup,
        reset=reset,
        size=size,
        preprocessing=preprocessing,
        resampling=resampling,
        on_corrupt=on_corrupt,
        class_names=class_names,
        threshold=threshold,
        void=void,
        keep_outputs=keep_outputs,
        progress=progress,
    )["model"]


def evaluate_together(
    models: Mapping[str, Any],
    data: Any,
    labels: Any = None,
    *,
    metrics: MetricChoice = ("accuracy",),
    output: str | None = None,
    batch: int | None = None,
    workers: int | None = None,
    delegates: Delegates | None = None,
    threads: int | None = None,
    rounds: int = 1,
    warmup: int = 10,
    reset: Reset = "item",
    size: tuple[int, int] | None = None,
    preprocessing: str | None = None,
    resampling: Resampling = "nearest",
    on_corrupt: OnCorrupt = "raise",
    class_names: Sequence[str] | None = None,
    threshold: float | None = None,
    void: Void = "auto",
    keep_outputs: bool | None = None,
    observers: Sequence[Observer] = (),
    progress: ProgressCallback | None = None,
) -> dict[str, EvaluationResult]:
    """Evaluate several models over the same items so that their timings can be compared.

    The models take turns of a few dozen items, and each turn starts with another model, so that a slow or
    quick moment of the machine falls on all alike.

    Args:
        models: name -> model, each as `evaluate` takes it.
        data: as for `evaluate`; images are resized for each model.
        labels: as for `evaluate`.
        metrics: as for `evaluate`.
        output: as for `evaluate`.
        batch: as for `evaluate`.
        workers: as for `evaluate`.
        delegates: as for `evaluate`.
        threads: as for `evaluate`.
        rounds: as for `evaluate`.
        warmup: calls of each model before the clock starts.
        reset: as for `evaluate`.
        size: as for `evaluate`.
        preprocessing: as for `evaluate`.
        resampling: as for `evaluate`.
        on_corrupt: as for `evaluate`.
        class_names: as for `evaluate`.
        threshold: as for `evaluate`.
        void: as for `evaluate`.
        keep_outputs: as for `evaluate`.
        observers: are shown every item with what all models make of it, once.
        progress: as for `evaluate`.

    Returns:
        name -> result, in the order of `models`.

    Raises:
        TypeError, ValueError, ImageError, OSError, InvalidModelError, DelegateError, ImportError: as `evaluate`.
    """
    if rounds < 1 or warmup < 0:
        raise ValueError(f"rounds must be at least 1 and warmup at least 0; came {rounds} and {warmup}")
    if batch is not None and batch < 1:
        raise ValueError(f"batch must be at least 1; came {batch}")
    if not models:
        raise ValueError("there is no model to evaluate")
    makers = metric_makers(metrics)
    with ExitStack() as stack:
        runners = {
            name: stack.enter_context(
                closing(adapt(model, output=output, delegates=delegates, threads=threads, workers=workers, reset=reset))
            )
            for name, model in models.items()
        }
        positions = Positions(runners)
        source = open_samples(
            data,
            labels,
            positions.specs,
            size=size,
            preprocessing=preprocessing,
            resampling=resampling,
            on_corrupt=on_corrupt,
            class_names=class_names,
            on_positions=positions.warn,
        )
        if is_of_classes(metrics):
            for runner in runners.values():
                check_class_names(source.class_names, runner.output)
        keeps = source.in_memory if keep_outputs is None else keep_outputs
        rules = {name: score_rule(runner, threshold) for name, runner in runners.items()}
        measures = {
            name: _ModelMeasures(
                name,
                {metric: make(Reading(rules[name], void)) for metric, make in makers.items()},
                keep_outputs=keeps,
            )
            for name in runners
        }
        schedule = Schedule(runners, source, batch=batch, resets_items=reset == "item", order=positions.order)
        schedule.run([*measures.values(), *observers], rounds=rounds, warmup=warmup, progress=progress)
        for name, runner in runners.items():
            of = "" if len(runners) == 1 else f" of {name}"
            warn_of_nan(f"the output '{runner.output.name}'{of}", measures[name].nan_items, schedule.items)
            for key, found in schedule.input_ranges(name).items():
                warn_of_range(f"the input '{key}'{of}", found)
        return {
            name: EvaluationResult(
                runtime=runner.runtime,
                items=schedule.items,
                metrics=measures[name].values,
                latencies=schedule.latencies[name],
                items_per_call=schedule.items_per_call[name],
                runs=schedule.runs,
                kept_outputs=measures[name].outputs,
                class_names=source.class_names,
                skipped=source.skipped,
                nan_items=measures[name].nan_items,
                input_ranges=schedule.input_ranges(name),
                score_rule=rules[name],
            )
            for name, runner in runners.items()
        }


class _ModelMeasures:
    """Feeds metrics with one model's outputs, and keeps these where wanted."""

    def __init__(self, name: str, metrics: Mapping[str, Metric], *, keep_outputs: bool) -> None:
        self._name = name
        self._metrics = metrics
        self._kept: list[NDArray[Any]] | None = [] if keep_outputs else None
        self._labelled = False
        self.nan_items = 0

    def observe(self, block: SampleBlock, outputs: Mapping[str, NDArray[Any]]) -> None:
        """Take in the model's outputs for some items."""
        own = outputs[self._name]
        if own.dtype.kind in "fc":
            self.nan_items += int(np.isnan(own).reshape(len(own), -1).any(axis=1).sum())
        if block.labels is not None:
            self._labelled = True
            for metric in self._metrics.values():
                metric.update(own, block.labels)
        if self._kept is not None:
            self._kept.append(own)

    @property
    def values(self) -> dict[str, MetricValue]:
        """Metric name -> value; empty without labels."""
        return {name: metric.result() for name, metric in self._metrics.items()} if self._labelled else {}

    @property
    def outputs(self) -> NDArray[Any] | None:
        """All outputs, (items, ...); None where they are not kept."""
        return None if self._kept is None else np.concatenate(self._kept)
