"""The function `compare`."""

from __future__ import annotations

import datetime as dt
import os
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from zerolite._hub.download import local_file
from zerolite._platform.machine import describe_machine
from zerolite._runners import adapt
from zerolite._runners.interpreter import reference_interpreter
from zerolite._runners.keras_file import is_keras_file
from zerolite._runners.score_rule import score_rule
from zerolite.comparison.agreement_counter import AgreementCounter, Predicted
from zerolite.comparison.result import Comparison
from zerolite.comparison.rows import ComparisonRow, RowKey
from zerolite.comparison.worst_samples import WorstSamples
from zerolite.evaluation.evaluate_models import evaluate_together
from zerolite.evaluation.metrics.choice import (
    MetricChoice,
    is_of_classes,
    is_of_labels,
    is_of_numbers,
    metric_makers,
)
from zerolite.evaluation.metrics.metric import Void
from zerolite.evaluation.schedule import ProgressCallback

if TYPE_CHECKING:
    from zerolite._runners import Delegates, Reset
    from zerolite.vision import OnCorrupt, Resampling

__all__ = ["RuntimeName", "compare"]

RuntimeName = Literal["zerolite", "tf.lite", "ai_edge_litert"]

_CONFUSION = "confusion_matrix"


def compare(
    models: Mapping[str, Any],
    data: Any,
    labels: Any = None,
    *,
    metrics: MetricChoice = ("accuracy",),
    runtimes: Sequence[RuntimeName] = ("zerolite",),
    sizes: Mapping[str, int] | None = None,
    worst: int = 24,
    output: str | None = None,
    batch: int | None = None,
    delegates: Delegates | None = None,
    threads: int | None = 1,
    rounds: int = 3,
    warmup: int = 10,
    reset: Reset = "item",
    size: tuple[int, int] | None = None,
    preprocessing: str | None = None,
    resampling: Resampling = "nearest",
    on_corrupt: OnCorrupt = "raise",
    class_names: Sequence[str] | None = None,
    threshold: float | None = None,
    void: Void = "auto",
    progress: ProgressCallback | None = None,
) -> Comparison:
    """Run models over the same data in turns: accuracy, latency, throughput, size, and the difference to the first.

    Args:
        models: name -> model, each as `evaluate` takes it; the others are compared with the first.
        data: as for `evaluate`. One that is an iterator can be gone through only once: give `rounds=1`.
        labels: as for `evaluate`.
        metrics: as for `evaluate`; the first one is what plots show.
        runtimes: what .tflite files and bytes run in: "zerolite", "tf.lite", "ai_edge_litert", one row for each.
        sizes: name -> bytes, for models that don't tell: interpreters, and Keras models, whose weights count otherwise.
        worst: how many of the items that models got most wrong to keep.
        output: as for `evaluate`.
        batch: as for `evaluate`.
        delegates: where zerolite runs .tflite files and bytes, as for `load`. The other runtimes run on the CPU.
        threads: how many threads a run of .tflite files and bytes uses on the CPU, in every runtime.
        rounds: as for `evaluate`.
        warmup: as for `evaluate`.
        reset: as for `evaluate`.
        size: as for `evaluate`.
        preprocessing: as for `evaluate`.
        resampling: as for `evaluate`.
        on_corrupt: as for `evaluate`.
        class_names: the classes' names in the order of the outputs.
        threshold: as for `evaluate`; None is what fits each model.
        void: as for `evaluate`.
        progress: as for `evaluate`.

    Returns:
        The comparison, which makes tables and reports.

    Raises:
        TypeError, ValueError, ImageError, OSError, InvalidModelError, DelegateError: as `evaluate`.
        ImportError: a runtime is not installed (extra "convert" for TensorFlow's).
    """
    began = time.monotonic()
    if worst < 0:
        raise ValueError(f"worst must be at least 0; came {worst}")
    chosen = (metrics,) if isinstance(metrics, str) else metrics
    metric_makers(chosen)  # a metric that does not exist is said before models are loaded
    names = [] if isinstance(chosen, Mapping) else list(chosen)
    by_class = is_of_classes(chosen)
    if by_class and _CONFUSION not in names:
        chosen = (*names, _CONFUSION)
    models = {name: local_file(model) for name, model in models.items()}
    with ExitStack() as stack:
        opened = _open(models, runtimes, output=output, delegates=delegates, threads=threads, reset=reset, stack=stack)
        rows = list(opened)
        first = rows[0]
        rules = {row: score_rule(model, threshold) for row, model in opened.items()}
        predicted = _predicted(chosen)
        to_first = {row: AgreementCounter(row, first, rules=rules, predicted=predicted) for row in rows[1:]}
        parity = {
            row: AgreementCounter(row, other, rules=rules, predicted=predicted) for row, other in _same_files(rows)
        }
        known_names = class_names if class_names is not None else _class_folders(data)
        samples = WorstSamples(rules, keep=worst, classes=by_class, class_names=known_names)
        observers: list[Any] = [*to_first.values(), *parity.values()]
        if by_class or is_of_numbers(chosen):
            observers.append(samples)
        results = evaluate_together(
            {row.name: model for row, model in opened.items()},
            data,
            labels,
            metrics=chosen,
            output=output,
            batch=batch,
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
            keep_outputs=False,
            observers=observers,
            progress=progress,
        )
    known_sizes = sizes or {}
    return Comparison(
        rows=tuple(
            ComparisonRow(
                model=row.model,
                size_bytes=known_sizes.get(row.model, _model_size(models[row.model])),
                result=results[row.name],
                difference=to_first[row].agreement() if row in to_first else None,
                confusion=results[row.name].metrics.get(_CONFUSION) if by_class else None,  # type: ignore[arg-type]
            )
            for row in rows
        ),
        parity=tuple(counter.agreement() for counter in parity.values()),
        worst=samples.samples(),
        wrong=samples.wrong if by_class else None,
        rounds=rounds,
        machine={key: str(value) for key, value in describe_machine().items()},
        created=dt.datetime.now(dt.timezone.utc).isoformat(timespec="seconds"),
        seconds=time.monotonic() - began,
    )


def _predicted(metrics: MetricChoice) -> Predicted:
    """What the outputs predict, as the metrics tell."""
    if is_of_classes(metrics):
        return "class"
    if is_of_labels(metrics):
        return "labels"
    return "numbers" if is_of_numbers(metrics) else "class"


def _model_size(model: Any) -> int | None:
    """Bytes of a model's file or content, or of the weights of a Keras model in memory; None where nobody knows."""
    if isinstance(model, str | os.PathLike):
        return Path(model).stat().st_size
    if isinstance(model, bytes | bytearray | memoryview):
        return memoryview(model).nbytes
    if hasattr(model, "predict_on_batch"):
        return sum(int(weight.numpy().nbytes) for weight in model.weights)
    size = getattr(model, "size", None)
    return size if isinstance(size, int) else None


def _open(
    models: Mapping[str, Any],
    runtimes: Sequence[RuntimeName],
    *,
    output: str | None,
    delegates: Delegates | None,
    threads: int | None,
    reset: Reset,
    stack: ExitStack,
) -> dict[RowKey, Any]:
    """A runner for each row."""
    if not models:
        raise ValueError("there is no model to compare")
    unknown = [runtime for runtime in runtimes if runtime not in ("zerolite", "tf.lite", "ai_edge_litert")]
    if unknown or not runtimes or len(set(runtimes)) < len(runtimes):
        raise ValueError(f"runtimes are zerolite, tf.lite and ai_edge_litert, each once; came {list(runtimes)}")
    files = [name for name, model in models.items() if _is_tflite(model)]
    if delegates is not None and not (files and "zerolite" in runtimes):
        raise ValueError(
            "delegates are for .tflite files that zerolite runs, and no row of the comparison is one; give the file or "
            'the bytes of a .tflite model with "zerolite" among runtimes, or leave delegates out'
        )
    opened: dict[RowKey, Any] = {}
    keras = {name: adapt(model, output=output, reset=reset) for name, model in models.items() if _is_keras(model)}
    heads: Sequence[str] = next((getattr(runner, "output_names", ()) for runner in keras.values()), ())
    for name, model in models.items():
        for runtime in runtimes if name in files else (None,):
            source = model
            known = model if name in files else None
            chosen = delegates if runtime == "zerolite" else None
            if runtime in ("tf.lite", "ai_edge_litert"):
                content = Path(model).read_bytes() if isinstance(model, str | os.PathLike) else bytes(model)
                source = reference_interpreter(content, runtime=runtime, threads=threads)
            try:
                runner = keras.get(name) or adapt(
                    source, output=output, delegates=chosen, threads=threads, reset=reset, source=known
                )
            except ValueError:
                if output not in heads:
                    raise
                # TensorFlow's converter numbers the heads of a Keras model.
                head = f"output_{heads.index(output)}"
                runner = adapt(source, output=head, delegates=chosen, threads=threads, reset=reset, source=known)
            stack.callback(runner.close)
            opened[RowKey(name, runner.runtime)] = runner
    return opened


def _is_tflite(model: Any) -> bool:
    return isinstance(model, str | os.PathLike | bytes | bytearray | memoryview) and not is_keras_file(model)


def _is_keras(model: Any) -> bool:
    return is_keras_file(model) or hasattr(model, "predict_on_batch")


def _same_files(rows: Sequence[RowKey]) -> list[tuple[RowKey, RowKey]]:
    """Each row of zerolite's with the rows of the same model in other runtimes."""
    return [
        (row, other)
        for row in rows
        for other in rows
        if row.runtime == "zerolite" and other.model == row.model and other != row
    ]


def _class_folders(data: Any) -> Sequence[str]:
    """The names of the classes of a folder of images; empty for other data."""
    if isinstance(data, str | os.PathLike) and Path(data).is_dir():
        from zerolite.vision import ImageFolder

        return ImageFolder.by_class(data).class_names
    return ()
