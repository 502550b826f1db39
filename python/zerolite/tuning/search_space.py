"""Which settings are worth a try."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from zerolite import _native
from zerolite.tuned import Goal, Setting

__all__ = ["Limits", "SearchStage", "chunks", "flags", "openvino", "parallelism", "stages_for", "weights"]

#: The settings to try once an earlier stage has found its best one.
SearchStage = Callable[[Setting], list[Setting]]

# Flags that can make a model faster. The others are for memory or equal bits, or change nothing with LiteRT 2.3.0.
_FLAGS = (
    ("dynamic_fully_connected", True),
    ("force_fp16", True),
    ("qs8", False),
    ("qu8", False),
    ("disable_dynamically_quantized_ops", True),
    ("transient_indirection_buffer", True),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What the settings may use.

    Attributes:
        threads: how many threads run at most, those of all replicas together.
        workers: how many replicas there are at most.
        chunk: how many items go through one run at most; None where the model's leading axis can't be resized.
        dequantized: whether the model has weights that can be dequantized.
        openvino: whether OpenVINO is installed.
    """

    threads: int
    workers: int
    chunk: int | None
    dequantized: bool = False
    openvino: bool = False


def stages_for(goal: Goal, limits: Limits) -> list[SearchStage]:
    """The stages for a goal, each of which starts from the best setting of those before."""
    if goal == "latency":
        alone = replace(limits, workers=1)
        return [lambda _: parallelism(alone), lambda best: [*openvino(best, alone), *_on_top(best, limits)]]
    return [
        lambda _: parallelism(limits),
        lambda best: [*openvino(best, limits), *_on_top(best, limits)],
        lambda best: chunks(best, limits.chunk),
    ]


def parallelism(limits: Limits) -> list[Setting]:
    """Threads, replicas and kernels together, since which kernels are fast depends on how many share the caches."""
    shapes = [
        (workers, threads)
        for workers in _counts(limits.workers)
        for threads in _counts(limits.threads)
        if workers * threads <= limits.threads
    ]
    # Those that keep most cores busy come first, in case the time is too short for all.
    shapes.sort(key=lambda shape: -shape[0] * shape[1])
    settings = [Setting(workers=workers, threads=threads) for workers, threads in shapes]
    alone = [(1, 1), (1, limits.threads), (min(limits.workers, limits.threads), 1)]
    settings += [Setting(workers=workers, threads=threads, kernels="builtin") for workers, threads in _unique(alone)]
    return [setting for setting in settings if not setting.is_default]


def openvino(best: Setting, limits: Limits) -> list[Setting]:
    """OpenVINO, with the threads and replicas of the best setting, and with all threads for each replica."""
    if not limits.openvino:
        return []
    threads = _unique([(best.workers, best.threads), (best.workers, max(1, limits.threads // best.workers))])
    return [Setting(engine="openvino", workers=workers, threads=each) for workers, each in threads]


def weights(best: Setting, limits: Limits) -> list[Setting]:
    """Dequantized weights, with the threads and replicas of the best setting: kernels are XNNPACK's with them."""
    return [replace(best, kernels="delegate", weights="dequantized", flags=())] if limits.dequantized else []


def flags(best: Setting) -> list[Setting]:
    """Each of XNNPACK's flags that can make a model faster, on top of the best setting."""
    if best.kernels != "delegate":
        return []
    return [replace(best, flags=(flag,)) for flag in _FLAGS]


def chunks(best: Setting, most: int | None) -> list[Setting]:
    """Sizes of chunks, on top of the best setting."""
    return [] if most is None else [replace(best, chunk=chunk) for chunk in _native.candidate_chunks(most)]


def _on_top(best: Setting, limits: Limits) -> list[Setting]:
    return [*weights(best, limits), *flags(best)]


def _counts(most: int) -> list[int]:
    """The powers of two, and the largest number itself."""
    powers = [1 << power for power in range(most.bit_length()) if 1 << power <= most]
    return sorted({*powers, most})


def _unique(shapes: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    return list(dict.fromkeys(shapes))
