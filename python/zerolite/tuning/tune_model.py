"""The function `tune`."""

from __future__ import annotations

import math
import os
import time
from typing import TYPE_CHECKING, Any, get_args

from zerolite._inference.model import CompiledModel, signature_of
from zerolite._inference.source import ModelSource, read_source
from zerolite._platform.machine import usable_cores
from zerolite._runtime.validation import positive_int
from zerolite.delegates.choice import MOST_THREADS, DelegateChoice
from zerolite.delegates.openvino import openvino_release
from zerolite.delegates.xnnpack import XNNPack
from zerolite.tuned import Goal, Setting, TuningIdentity
from zerolite.tuning.candidates import BatchCandidate, CallCandidate
from zerolite.tuning.inputs import batch_of, largest_chunk, samples_for
from zerolite.tuning.result import TuningResult
from zerolite.tuning.search import Search
from zerolite.tuning.search_space import Limits, stages_for
from zerolite.tuning.tolerance import Tolerance

if TYPE_CHECKING:
    from zerolite._timing.interleaved import ProgressCallback
    from zerolite.tuning.candidates import Candidate

__all__ = ["tune"]

# A search needs some time, even if it only finds that this is up.
_SHORTEST_S = 1e-3


def tune(
    model: ModelSource,
    data: Any = None,
    *,
    goal: Goal = "latency",
    budget_s: float = 10.0,
    signature: str | None = None,
    tolerance: float = 1e-4,
    steps: int = 1,
    max_threads: int | None = None,
    max_workers: int | None = None,
    seed: int = 0,
    progress: ProgressCallback | None = None,
) -> TuningResult:
    """Find out how a model runs the fastest on this machine, without other results.

    Tries threads, kernels, dequantized weights where the model has such, XNNPACK's flags, and OpenVINO where it is
    installed and takes the graph, which opens its library in this process; for throughput also replicas in a `Pool` and
    how many items of a batch go through one run. Settings are timed in turns with the default, and the winner once more
    at the end: where it does not beat the default by more than the default differs from itself, the default is the
    result.

    Args:
        model: the path of a .tflite file, or its bytes.
        data: items as `evaluate` takes them, labels left out, of which the first 16 runs are used; real numbers are
            quantized where an input is. None makes random inputs, which fit the types and the quantization and say
            little of a model that decides by its inputs' values what it computes.
        goal: "latency" for the time of a call, from arrays in to new arrays out; "throughput" for items of a batch a
            second, through `map` or through a `Pool`.
        budget_s: seconds that it may take. A few rounds of all settings should fit; with a slow model and a small
            budget some are not tried, and where nothing could be confirmed the default is the result.
        signature: the signature to run; None is the default one.
        tolerance: how far real outputs may be from the default's, as a part of the largest value of the output over
            all items; 0 allows no difference.
        steps: how far quantized outputs may be from the default's, in quantization steps. Outputs that are neither real
            nor quantized have to be equal.
        max_threads: how many threads may run at once, those of all replicas together; None is as many as there are
            usable cores.
        max_workers: how many replicas there may be; 1 for what `load` alone can apply; None is `max_threads`.
        seed: random inputs depend on it and on nothing else.
        progress: called as ``progress(done, total)`` while it goes on.

    Returns:
        The setting, what was tried, and what can be saved for ``load(model, tuned=path)``.

    Raises:
        ValueError: an option is none of its values, the model has no such signature, or the data does not fit.
        TypeError: `model` is neither a path nor a buffer, or the data is nothing that holds items.
        OSError: the model or the data can't be read.
        InvalidModelError: the bytes are not a sound model.
        Error: the model can't be loaded or run with the default setting.
    """
    if goal not in get_args(Goal):
        raise ValueError(f"goal is {goal!r}, and must be one of {', '.join(map(repr, get_args(Goal)))}")
    if not 0 < budget_s < math.inf:
        raise ValueError(f"budget_s is {budget_s!r}, and must be a number of seconds above 0")
    threads = usable_cores() if max_threads is None else positive_int("max_threads", max_threads, most=MOST_THREADS)
    workers = threads if max_workers is None else positive_int("max_workers", max_workers, most=MOST_THREADS)
    workers = min(workers, threads)
    begin = time.monotonic()
    # Read once: the file may change meanwhile, and the result belongs to these bytes.
    content, name = read_source(model)
    with CompiledModel(content, name=name) as base:
        chosen = signature_of(base, signature)
        key = chosen.key
        allowed = Tolerance(
            relative=tolerance,
            steps=steps,
            quantized={tensor.name for tensor in chosen.outputs.values() if tensor.quantization is not None},
        )
        samples = samples_for(chosen, data, seed=seed)
        batch = {} if goal == "latency" else batch_of(chosen, samples, workers=workers, budget_s=budget_s)
        limits = Limits(
            threads=threads,
            workers=workers,
            chunk=largest_chunk(chosen, batch) if batch else None,
            dequantized=_can_be_dequantized(base),
            openvino=bool(openvino_release()),
        )

        def opener(setting: Setting) -> Candidate:
            if goal == "latency":
                return CallCandidate(base, setting, signature=key, samples=samples)
            return BatchCandidate(base, content, setting, signature=key, batch=batch)

        left = max(_SHORTEST_S, budget_s - (time.monotonic() - begin))
        search = Search(opener, allowed, budget_s=left, clock=time.monotonic, progress=progress)
        found = search.run(stages_for(goal, limits))
    return TuningResult(
        model=os.fsdecode(name),
        goal=goal,
        signature=key,
        setting=found.setting,
        reason=found.reason,
        ratio=found.ratio,
        control=found.control,
        trials=tuple(search.trials.values()),
        budget_s=budget_s,
        elapsed_s=time.monotonic() - begin,
        identity=TuningIdentity.of(content),
    )


def _can_be_dequantized(model: CompiledModel) -> bool:
    # Only operators that XNNPACK does not take as they are have such weights.
    if model.delegation.complete:
        return False
    choice = DelegateChoice(XNNPack(weights="dequantized"), threads=None)
    with CompiledModel(model, choice=choice) as replica:
        return replica.delegation.dequantized_bytes > 0
