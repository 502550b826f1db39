"""Which runner a model needs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from zerolite._inference.model import CompiledModel, load
from zerolite._inference.pool import Pool
from zerolite._inference.signature import Signature
from zerolite._inference.source import ModelSource
from zerolite._runners.compiled_model import CompiledModelRunner
from zerolite._runners.fixed_batch import FixedBatchRunner
from zerolite._runners.interpreter import InterpreterRunner
from zerolite._runners.keras import KerasRunner
from zerolite._runners.keras_file import KERAS_FILES, is_keras_file, load_keras_file
from zerolite._runners.pool import PoolRunner
from zerolite._runners.runner import ModelFile, Runner
from zerolite._runtime.validation import Reset, resets_items

__all__ = ["adapt"]


def adapt(
    model: Any,
    *,
    output: str | None = None,
    threads: int | None = None,
    workers: int | None = None,
    reset: Reset = "item",
    source: ModelFile | None = None,
) -> Runner:
    """Make a runner of a model, whatever its runtime.

    Args:
        model: a path to a .tflite file or its bytes (loaded with zerolite and closed by the runner's
            `close`), a `CompiledModel`, one of its signatures, a `Pool`, a `tf.lite.Interpreter` or `ai_edge_litert`
            interpreter, a Keras model or its .keras, .h5 or .hdf5 file, or a runner.
        output: the name of the output to read, for a model with several.
        threads: how many threads a model that is loaded here may use; a loaded one keeps its own.
        workers: of a model that is loaded here, how many replicas to run in a pool; None is one without a pool.
        reset: of a stateful model: whether each item of a batch begins anew ("item"), or goes on from the one before
            ("never"). A single call goes on; `state_reset` tells how to begin anew.
        source: the file or the bytes that an interpreter was made of, where they are known.

    Raises:
        TypeError: `model` is none of these.
        ValueError: the model's inputs and outputs are not what an evaluation can feed, the path is that of a folder, or
            `reset` is no such rule.
        InvalidModelError: the file is not a sound model.
    """
    resets_items(reset)
    runner = _adapted(model, output=output, threads=threads, workers=workers, reset=reset, source=source)
    if runner.inputs[0].shape[0] == 1:
        return runner
    try:
        return FixedBatchRunner(runner, reset=reset)
    except BaseException:
        runner.close()
        raise


def _adapted(
    model: Any,
    *,
    output: str | None,
    threads: int | None,
    workers: int | None,
    reset: Reset,
    source: ModelFile | None,
) -> Runner:
    if isinstance(model, str | os.PathLike) and Path(model).is_dir():
        raise ValueError(
            f"{os.fspath(model)} is a folder, and a model is a .tflite or a Keras file ({', '.join(KERAS_FILES)}); "
            f"if it is a SavedModel, convert it first: zerolite convert {os.fspath(model)}, or zl.convert in Python"
        )
    if is_keras_file(model):
        return KerasRunner(load_keras_file(model), output=output, reset=reset)
    if isinstance(model, str | os.PathLike | bytes | bytearray | memoryview):
        return _loaded(model, output=output, threads=threads, workers=workers, reset=reset)
    if isinstance(model, CompiledModel | Signature):
        return CompiledModelRunner(model, output=output, reset=reset)
    if isinstance(model, Pool):
        return PoolRunner(model, output=output, reset=reset)
    return _adapt_foreign(model, output=output, reset=reset, source=source)


def _adapt_foreign(model: Any, *, output: str | None, reset: Reset, source: ModelFile | None) -> Runner:
    if hasattr(model, "get_input_details") and hasattr(model, "invoke"):
        return InterpreterRunner(model, output=output, reset=reset, source=source)
    if hasattr(model, "predict_on_batch"):
        return KerasRunner(model, output=output, reset=reset)
    if isinstance(model, Runner):
        return model
    raise TypeError(
        f"can't evaluate a {type(model).__name__}; give the path of a .tflite file, a "
        "zerolite.CompiledModel or Pool, an interpreter or a Keras model"
    )


def _loaded(
    source: ModelSource, *, output: str | None, threads: int | None, workers: int | None, reset: Reset
) -> Runner:
    loaded = load(source, threads=threads) if workers is None else Pool(source, workers=workers)
    try:
        if isinstance(loaded, Pool):
            return PoolRunner(loaded, output=output, owned=True, reset=reset, source=source)
        return CompiledModelRunner(loaded, output=output, owned=True, reset=reset, source=source)
    except BaseException:
        loaded.close()
        raise
