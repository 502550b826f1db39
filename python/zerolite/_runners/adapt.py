"""Which runner a model needs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zerolite._hub.download import local_file
from zerolite._inference.loading import load
from zerolite._inference.model import CompiledModel
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

if TYPE_CHECKING:
    from zerolite.delegates import Delegates

__all__ = ["adapt"]


def adapt(
    model: Any,
    *,
    output: str | None = None,
    delegates: Delegates | None = None,
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
        delegates: where a model that is loaded here runs, as for `load`.
        threads: how many threads a run uses on the CPU, of a model that is loaded here; in a pool, of each replica.
            A loaded one keeps its own.
        workers: of a model that is loaded here, how many replicas to run in a pool; None is one without a pool.
        reset: of a stateful model: whether each item of a batch begins anew ("item"), or goes on from the one before
            ("never"). A single call goes on; `state_reset` tells how to begin anew.
        source: the file or the bytes that an interpreter was made of, where they are known.

    Raises:
        TypeError: `model` is none of these, or `delegates` holds something else.
        ValueError: the model's inputs and outputs are not what an evaluation can feed, the path is that of a folder,
            `reset` is no such rule, or `delegates` came with a model that is not loaded here.
        InvalidModelError: the file is not a sound model.
        DelegateError: a delegate's library can't be used, or fails with this model.
    """
    resets_items(reset)
    model, source = local_file(model), local_file(source)
    if isinstance(model, str | os.PathLike | bytes | bytearray | memoryview) and not is_keras_file(model):
        runner = _loaded(model, output=output, delegates=delegates, threads=threads, workers=workers, reset=reset)
    elif delegates is not None:
        raise ValueError(
            f"delegates are for a .tflite file that is loaded here, and the model is {_described(model)}; give the "
            "file or the bytes of a .tflite model, or leave delegates out"
        )
    else:
        runner = _adapted(model, output=output, reset=reset, source=source)
    if runner.inputs[0].shape[0] == 1:
        return runner
    try:
        return FixedBatchRunner(runner, reset=reset)
    except BaseException:
        runner.close()
        raise


def _adapted(model: Any, *, output: str | None, reset: Reset, source: ModelFile | None) -> Runner:
    if is_keras_file(model):
        return KerasRunner(load_keras_file(model), output=output, reset=reset)
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


def _described(model: Any) -> str:
    return f"{os.fspath(model)}" if isinstance(model, str | os.PathLike) else f"a {type(model).__name__}"


def _loaded(
    source: ModelSource,
    *,
    output: str | None,
    delegates: Delegates | None,
    threads: int | None,
    workers: int | None,
    reset: Reset,
) -> Runner:
    if isinstance(source, str | os.PathLike) and Path(source).is_dir():
        raise ValueError(
            f"{os.fspath(source)} is a folder, and a model is a .tflite or a Keras file ({', '.join(KERAS_FILES)}); "
            f"if it is a SavedModel, convert it first: zerolite convert {os.fspath(source)}, or zl.convert in Python"
        )
    loaded: CompiledModel | Pool
    if workers is None:
        loaded = load(source, delegates=delegates, threads=threads)
    else:
        loaded = Pool(source, workers=workers, delegates=delegates, threads=threads)
    try:
        if isinstance(loaded, Pool):
            return PoolRunner(loaded, output=output, owned=True, reset=reset, source=source)
        return CompiledModelRunner(loaded, output=output, owned=True, reset=reset, source=source)
    except BaseException:
        loaded.close()
        raise
