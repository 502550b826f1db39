"""`zl.Interpreter` in the place of `tf.lite.Interpreter`: the loop that every TFLite program has."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.comparisons import REFERENCES, timing_figure
from benchmarks.models import DENSE, model_path
from benchmarks.outcome import Outcome
from benchmarks.settings import Settings
from zerolite.benchmarking import time_interleaved
from zerolite.interpreter import Interpreter

__all__ = ["run"]

_LOOP = "interpreter.set_tensor(source, value); interpreter.invoke(); interpreter.get_tensor(target)"


def run(settings: Settings) -> Outcome:
    """Time set_tensor, invoke and get_tensor in both classes: a model that is all overhead, and two that are not."""
    from zerolite._platform.output_capture import import_tensorflow

    import_tensorflow()
    import tensorflow as tf

    models = {
        "two-layer dense": (DENSE, 0.45),
        "small CNN": (model_path("small_cnn", settings), 1.0),
        "digits CNN": (model_path("digits_cnn", settings), 1.0),
    }
    figures, details = [], {}
    for title, (path, target) in models.items():
        works = {"zerolite": _work(Interpreter, path), "tf": _work(tf.lite.Interpreter, path)}
        works["again"] = _work(Interpreter, path)
        timings = time_interleaved(
            works, seconds=settings.seconds(1.0), rounds=settings.rounds, warmup=settings.seconds(0.3)
        )
        own = ("zerolite", timings["zerolite"])
        figures.append(
            timing_figure(title, own, (REFERENCES["tf"], timings["tf"]), target=target, noise=0.02 * (target == 1.0))
        )
        figures.append(timing_figure(f"noise: {title} twice", own, ("zerolite", timings["again"])))
        details[title] = {name: timing.to_dict() for name, timing in timings.items()}
    return Outcome(
        title="zl.Interpreter in the place of tf.lite.Interpreter",
        method=(
            "set_tensor, invoke and get_tensor of one float32 input and output, one thread. Tight loops in one "
            "process, the classes in turns; TensorFlow is imported in the same process."
        ),
        figures=figures,
        details=details,
    )


def _work(make: Callable[..., Any], path: Path) -> tuple[str, dict[str, Any]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # tf.lite says that it has moved to ai_edge_litert
        interpreter = make(model_path=str(path), num_threads=1)
    interpreter.allocate_tensors()
    (source,), (target,) = interpreter.get_input_details(), interpreter.get_output_details()
    value = np.random.default_rng(0).random(tuple(source["shape"]), np.float32)
    names = {"interpreter": interpreter, "source": source["index"], "target": target["index"], "value": value}
    return _LOOP, names
