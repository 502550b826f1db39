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
from zerolite._runners.runner import Runner

__all__ = ["adapt"]


def adapt(model: Any, *, output: str | None = None, threads: int | None = None, workers: int | None = None) -> Runner:
    """Make a runner of a model, whatever its runtime.

    Args:
        model: a path to a .tflite file or its bytes (loaded with zerolite and closed by the runner's
            `close`), a `CompiledModel`, one of its signatures, a `Pool`, a `tf.lite.Interpreter` or `ai_edge_litert`
            interpreter, a Keras model or its .keras, .h5 or .hdf5 file, or a runner.
        output: the name of the output to read, for a model with several.
        threads: how many threads a model that is loaded here may use; a loaded one keeps its own.
        workers: of a model that is loaded here, how many replicas to run in a pool; None is one without a pool.

    Raises:
        TypeError: `model` is none of these.
        ValueError: the model's inputs and outputs are not what an evaluation can feed, or the path is that of a folder.
        InvalidModelError: the file is not a sound model.
    """
    runner = _adapted(model, output=output, threads=threads, workers=workers)
    if runner.inputs[0].shape[0] == 1:
        return runner
    try:
        return FixedBatchRunner(runner)
    except BaseException:
        runner.close()
        raise


def _adapted(model: Any, *, output: str | None, threads: int | None, workers: int | None) -> Runner:
    if isinstance(model, str | os.PathLike) and Path(model).is_dir():
        raise ValueError(
            f"{os.fspath(model)} is a folder, and a model is a .tflite or a Keras file ({', '.join(KERAS_FILES)}); "
            f"if it is a SavedModel, convert it first: zerolite convert {os.fspath(model)}, or zl.convert in Python"
        )
    if is_keras_file(model):
        return KerasRunner(load_keras_file(model), output=output)
    if isinstance(model, str | os.PathLike | bytes | bytearray | memoryview):
        return _loaded(model, output=output, threads=threads, workers=workers)
    if isinstance(model, CompiledModel | Signature):
        return CompiledModelRunner(model, output=output)
    if isinstance(model, Pool):
        return PoolRunner(model, output=output)
    return _adapt_foreign(model, output=output)


def _adapt_foreign(model: Any, *, output: str | None) -> Runner:
    if hasattr(model, "get_input_details") and hasattr(model, "invoke"):
        return InterpreterRunner(model, output=output)
    if hasattr(model, "predict_on_batch"):
        return KerasRunner(model, output=output)
    if isinstance(model, Runner):
        return model
    raise TypeError(
        f"can't evaluate a {type(model).__name__}; give the path of a .tflite file, a "
        "zerolite.CompiledModel or Pool, an interpreter or a Keras model"
    )


def _loaded(source: ModelSource, *, output: str | None, threads: int | None, workers: int | None) -> Runner:
    loaded = load(source, threads=threads) if workers is None else Pool(source, workers=workers)
    try:
        if isinstance(loaded, Pool):
            return PoolRunner(loaded, output=output, owned=True)
        return CompiledModelRunner(loaded, output=output, owned=True)
    except BaseException:
        loaded.close()
        raise
