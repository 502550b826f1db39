"""Evaluation: metrics and latencies of models over a set of items, in one runtime or in several at once."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from zerolite.evaluation_result import EvaluationResult
from zerolite.runners import Runner, adapt

__all__ = ["Metric", "evaluate", "evaluate_together"]

#: Takes the outputs, shape (items, *output shape), and the labels, shape (items, ...); returns one number.
Metric = Callable[[NDArray[Any], NDArray[Any]], float]

#: Called as (runs done, runs in all) now and then while an evaluation works.
ProgressCallback = Callable[[int, int], None]

# Items that one model runs before the next one's turn: long enough for caches to settle on a model,
# short enough for a slow moment of the machine to hit all of them.
_TURN = 60


def evaluate(
    model: Any,
    inputs: ArrayLike,
    labels: ArrayLike | None = None,
    *,
    metrics: Sequence[str] | Mapping[str, Metric] = ("accuracy",),
    output: str | None = None,
    rounds: int = 1,
    warmup: int = 10,
    threads: int | None = None,
    progress: ProgressCallback | None = None,
) -> EvaluationResult:
    """Run a model over `inputs` one by one; measure how right and how quick it is.

    Args:
        model: a path or bytes of a .tflite file, a `CompiledModel`, an interpreter of `tf.lite` or
            `ai_edge_litert`, or a Keras model.
        inputs: shape (items, *input shape without its batch). Real numbers are quantized for a quantized
            input with the tensor's own scale and zero point.
        labels: shape (items, ...), for "accuracy" the class numbers, shape (items,); None measures latency
            only.
        metrics: names of built-in metrics ("accuracy"), or a mapping of names to functions of outputs and
            labels.
        output: the name of the output to read, for a model with several.
        rounds: how often the items are run; outputs are kept from the first round, latencies from all.
        warmup: runs before the clock starts.
        threads: how many threads a model given as a path or bytes may use.
        progress: called with the runs done and the runs in all.

    Returns:
        Outputs, metrics and latencies.

    Raises:
        TypeError: `model` is of no known kind, or the inputs' type can't become the model's without loss.
        ValueError: shapes, labels, metrics or counts don't fit together.
        InvalidModelError: the file is not a sound model.
    """
    return evaluate_together(
        {"model": model},
        inputs,
        labels,
        metrics=metrics,
        output=output,
        rounds=rounds,
        warmup=warmup,
        threads=threads,
        progress=progress,
    )["model"]


def evaluate_together(
    models: Mapping[str, Any],
    inputs: ArrayLike,
    labels: ArrayLike | None = None,
    *,
    metrics: Sequence[str] | Mapping[str, Metric] = ("accuracy",),
    output: str | None = None,
    rounds: int = 1,
    warmup: int = 10,
    threads: int | None = None,
    progress: ProgressCallback | None = None,
) -> dict[str, EvaluationResult]:
    """Evaluate several models over the same items so that their timings can be compared.

    The models take turns of a few dozen items, and each turn starts with another model, so that a slow or
    quick moment of the machine falls on all alike.

    Args:
        models: name -> model, each as `evaluate` takes it.
        inputs: as for `evaluate`.
        labels: as for `evaluate`.
        metrics: as for `evaluate`.
        output: as for `evaluate`.
        rounds: as for `evaluate`.
        warmup: runs of each model before the clock starts.
        threads: as for `evaluate`.
        progress: as for `evaluate`.

    Returns:
        name -> result, in the order of `models`.

    Raises:
        TypeError, ValueError, InvalidModelError: as `evaluate`.
    """
    if rounds < 1 or warmup < 0:
        raise ValueError(f"rounds must be at least 1 and warmup at least 0; came {rounds} and {warmup}")
    if not models:
        raise ValueError("there is no model to evaluate")
    items = np.asarray(inputs)
    if items.ndim == 0 or len(items) == 0:
        raise ValueError(f"inputs needs at least one item along its leading axis; its shape is {items.shape}")
    label_values = None if labels is None else np.asarray(labels)
    if label_values is not None and (label_values.ndim == 0 or len(label_values) != len(items)):
        raise ValueError(f"{len(items)} inputs need as many labels; the labels' shape is {label_values.shape}")
    metric_functions = _metric_functions(metrics)

    with ExitStack() as stack:
        runners = [
            stack.enter_context(closing(adapt(model, output=output, threads=threads))) for model in models.values()
        ]
        outputs, latencies = _run_in_turns(runners, items, rounds=rounds, warmup=warmup, progress=progress)
        results = {}
        for name, runner, stored, latency in zip(models, runners, outputs, latencies, strict=True):
            real = runner.output.real(stored)
            measured: dict[str, float] = {}
            if label_values is not None:
                measured = {
                    metric: float(function(real, label_values)) for metric, function in metric_functions.items()
                }
            results[name] = EvaluationResult(runner.runtime, real, measured, latency)
        return results


def _run_in_turns(
    runners: Sequence[Runner],
    items: NDArray[Any],
    *,
    rounds: int,
    warmup: int,
    progress: ProgressCallback | None,
) -> tuple[list[NDArray[Any]], list[NDArray[np.float64]]]:
    """Outputs as stored, (items, ...), and latencies in µs, (rounds, items), of each runner."""
    stored_items = [_single_items(runner.input.store(items)) for runner in runners]
    outputs = [np.empty((len(items), *runner.output.shape[1:]), dtype=runner.output.dtype) for runner in runners]
    latencies = [np.empty((rounds, len(items)), dtype=np.float64) for _ in runners]
    for runner, single_items in zip(runners, stored_items, strict=True):
        for index in range(warmup):
            runner.function(single_items[index % len(single_items)])

    done, total, turn = 0, rounds * len(items) * len(runners), 0
    for round_index in range(rounds):
        for start in range(0, len(items), _TURN):
            stop = min(start + _TURN, len(items))
            for place in range(len(runners)):
                chosen = (place + turn) % len(runners)
                _run_turn(
                    runners[chosen].function,
                    stored_items[chosen][start:stop],
                    outputs[chosen][start:stop] if round_index == 0 else None,
                    latencies[chosen][round_index, start:stop],
                )
                done += stop - start
                if progress is not None:
                    progress(done, total)
            turn += 1
    return outputs, latencies


def _single_items(stored: NDArray[Any]) -> list[NDArray[Any]]:
    return [stored[index : index + 1] for index in range(len(stored))]


def _run_turn(
    function: Callable[[NDArray[Any]], NDArray[Any]],
    items: Sequence[NDArray[Any]],
    outputs: NDArray[Any] | None,
    latencies: NDArray[np.float64],
) -> None:
    clock = time.perf_counter_ns
    nanoseconds = []
    for index, item in enumerate(items):
        begin = clock()
        output = function(item)
        nanoseconds.append(clock() - begin)
        if outputs is not None:
            if output.shape[0] != 1 or output.shape[1:] != outputs.shape[1:]:
                raise ValueError(
                    f"the model returned an array of shape {output.shape} for one item; "
                    f"expected (1, {', '.join(map(str, outputs.shape[1:]))})"
                )
            outputs[index] = output[0]
    latencies[:] = np.asarray(nanoseconds, dtype=np.float64) / 1000


def _metric_functions(metrics: Sequence[str] | Mapping[str, Metric]) -> dict[str, Metric]:
    if isinstance(metrics, Mapping):
        return dict(metrics)
    if isinstance(metrics, str):
        metrics = (metrics,)
    unknown = [name for name in metrics if name not in _BUILT_IN_METRICS]
    if unknown:
        raise ValueError(
            f"there is no metric '{unknown[0]}'; built in: {', '.join(_BUILT_IN_METRICS)}; "
            "another one can be given as a mapping of its name to a function of outputs and labels"
        )
    return {name: _BUILT_IN_METRICS[name] for name in metrics}


def _accuracy(outputs: NDArray[Any], labels: NDArray[Any]) -> float:
    if labels.ndim != 1 or labels.dtype.kind not in "iu":
        raise ValueError(
            f"accuracy needs class numbers as labels, integers of shape (items,); came {labels.dtype} of "
            f"shape {labels.shape}"
        )
    if outputs.ndim != 2:  # noqa: PLR2004 - rows of scores
        raise ValueError(f"accuracy needs outputs of shape (items, classes); these have shape {outputs.shape}")
    return float(np.mean(np.argmax(outputs, axis=1) == labels))


_BUILT_IN_METRICS: dict[str, Metric] = {"accuracy": _accuracy}
