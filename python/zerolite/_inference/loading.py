"""Loading models, to run in this process or in one of their own."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from zerolite._inference.model import CompiledModel
from zerolite._inference.source import Isolation, ModelSource, Resize, Verify, read_source
from zerolite.delegates.choice import DelegateChoice

if TYPE_CHECKING:
    from zerolite.delegates import Delegates
    from zerolite.operators import CustomOps

__all__ = ["load", "model_class"]


def load(
    source: ModelSource,
    *,
    delegates: Delegates | None = None,
    threads: int | None = None,
    fallback: bool = True,
    verify: Verify | None = None,
    tuned: str | os.PathLike[str] | None = None,
    map: bool | None = None,  # noqa: A002 - the public name
    resize: Resize = "strict",
    isolation: Isolation | None = None,
    custom_ops: CustomOps | None = None,
) -> CompiledModel:
    """Load a TensorFlow Lite model and compile it.

    Args:
        source: the path of a .tflite file, or its bytes. A file of up to 64 MiB is read once, at once: what happens to
            it later does not matter. See `map` for larger ones. Also the address of a file on the Hugging Face Hub,
            hf://owner/name/model.tflite or hf://owner/name@revision/model.tflite, which is downloaded into the cache
            of huggingface-hub (extra "hub") once for each commit, and held against the Hub's digest each time.
        delegates: where the model runs, in order of preference: each delegate takes the operators that it knows of
            those that are left. XNNPACK on the CPU is the last of them when it is not in the list.
        threads: how many threads a run uses on the CPU; None is the setting of `XNNPack`, which by default is 1.
        fallback: whether operators that no delegate of the list takes run on the CPU, by XNNPACK or by TensorFlow
            Lite's own kernels. Without it they are an error.
        verify: how closely the model is looked at before it is used, since the runtime can crash on a file that is
            broken or made to break it. "structure": that what it refers to exists and fits, within and between its
            tables. "full": also what the kernels of its operators rely on. "isolated": also that a process of its own,
            of limited memory and time, survives loading it and running it; the verdict is kept in the user's cache.
            None is "full" for a file from the Hub, and "structure" for any other.
        tuned: a file that `tune` found the fastest setting for and ``result.save(path)`` wrote; in the place of
            `delegates` and `threads`. `map` takes its chunks, too, where it is not told their size. "auto" searches for
            that setting itself, as `tune` does with its defaults, in a process of its own and for 3 s at most, and
            keeps it in the user's cache by the model's content, the machine and the versions: the first load takes as
            long, later ones do not search. Where the search comes to nothing, the model is loaded as without it.
        map: True uses the file where it lies on disk instead of a copy: what is not read costs no memory, and models
            and processes that map one file share its pages. Then the file must not be written to in place while it is
            in use: a new model is put there by renaming, as `convert` does it. Where the file was overwritten, another
            replica is refused with InvalidModelError; where it was cut off, the system ends the process with SIGBUS,
            as with tf.lite.Interpreter. False reads a copy. None maps files above 64 MiB; those that `tuned` or
            "isolated" looks at first are read.
        resize: "strict" refuses a call with other shapes than the tensors have, and says how to resize. "auto" runs it
            where the file leaves the axes open, on a replica that is prepared for its shapes, and so does `map`, also
            for lists of arrays of different shapes, of which it runs together those of one shape. The four replicas
            used last are kept, each with its own memory and packed weights (`XNNPack(weight_cache=...)` shares those).
            The model's own tensors, views and bindings keep their shapes. One with state is resized itself.
        isolation: "process" runs the model in a process of its own for good, which can open no file, no network and no
            other process, and whose memory is limited: for models of others. Where it dies, or a run takes more than
            60 s, that is an `Error`, and the next call starts another process; variables begin anew then. On Linux, on
            x86-64 and aarch64, with XNNPACK, the builtin kernels and external delegates. `ProcessIsolation` is such a
            process with limits of your own.
        custom_ops: kernels for custom operators that the runtime does not have, or in the place of those it has:
            `CustomOp` for one in a library, what `custom_op` makes of a Python function, or a list of them.

    Raises:
        OSError: the file can't be read (FileNotFoundError, IsADirectoryError, PermissionError), or not mapped; or it
            can't be downloaded (ConnectionError, and FileNotFoundError where the Hub has none of that name).
        ImportError: the source is an address on the Hub, and huggingface-hub is not installed (extra "hub").
        InvalidModelError: the bytes are not a sound model, as far as `verify` looks.
        Error: the runtime can't compile the model, because it does not know an operator for example; or a custom
            operator's library can't be used.
        DelegateError: a delegate's library can't be used, or fails with this model; or, without the fallback, some
            operators are left, which it names.
        ValueError: `threads` is not from 1 to 1024, a delegate or a custom operator occurs twice, the model has no
            operator of the name of a custom one, or `verify`, `resize` or `isolation` is
            no such word; `tuned` is damaged, belongs to another model, machine or runtime, is for a pool, or came with
            other settings; `map` is True, and there is no file to map, or it has to be read first; `isolation` does
            not go with a delegate or a custom operator.
        TypeError: `source` is neither a path nor a buffer, or `delegates` holds something else.
    """
    file = None
    if tuned is not None:
        from zerolite.tuned import TunedFile, tuning_for

        TunedFile.refuse_beside(delegates=delegates, threads=threads)
        file = tuning_for(tuned, lambda: read_source(source)[0], goal="latency")
    if file is not None:
        file.require_one_replica()
        delegates = file.setting.delegates
    choice = DelegateChoice(delegates, threads=threads, fallback=fallback, custom_ops=custom_ops)
    return model_class(isolation)(source, choice=choice, verify=verify, tuned=file, map=map, resize=resize)


def model_class(isolation: Isolation | None) -> Callable[..., CompiledModel]:
    """What makes models that run there: a class, or one with what its processes may take.

    Raises:
        ValueError: `isolation` is no such way.
    """
    if isolation is None:
        return CompiledModel
    from zerolite._inference.isolated import IsolatedModel
    from zerolite._isolation.limits import ProcessIsolation

    if isinstance(isolation, ProcessIsolation):
        return partial(IsolatedModel, isolation=isolation)
    if isolation != "process":
        raise ValueError(
            f"isolation is {isolation!r}, and must be 'process', a ProcessIsolation, or None for this process"
        )
    return IsolatedModel
