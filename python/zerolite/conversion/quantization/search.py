"""Searching for the layers that have to stay in float, so that a quantized model loses no more than it may."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from zerolite._inference.loading import load
from zerolite._timing.interleaved import time_interleaved
from zerolite.conversion.child.kept_process import conversion_process, kept_process
from zerolite.conversion.quantization.goal import LossGoal
from zerolite.conversion.quantization.layer_choice import layers_of
from zerolite.conversion.quantization.layer_loss import LayerLoss, layer_losses
from zerolite.conversion.quantization.least_kept import least_kept
from zerolite.conversion.quantization.search_result import PrecisionSearch
from zerolite.conversion.quantization.trial import PrecisionTrial
from zerolite.conversion.request import ConversionRequest
from zerolite.conversion.result import ConversionError
from zerolite.conversion.samples.input_spec import Specs
from zerolite.conversion.samples.preparation import open_samples
from zerolite.layers.compare import compare_layers

__all__ = ["search_layers"]

# Enough to tell which layers lose much; each is traced through both models.
_SAMPLES_COMPARED = 32
_TIMED_SECONDS = 0.2
_TIMED_ROUNDS = 10

OnStep = Callable[[str], None]


def search_layers(
    request: ConversionRequest, goal: LossGoal, specs: Specs, on_step: OnStep | None
) -> tuple[PrecisionSearch, dict[str, Any], str]:
    """Quantize a float .tflite file so that it loses no more than it may.

    Args:
        request: the quantization of the file; layers that are to stay in float anyhow are named in it. Its result is
            the model that was found.
        goal: how much may be lost, and of what.
        specs: the inputs of the model.
        on_step: told what comes next.

    Returns:
        The search, what the process said of the model that was found, and what its processes printed.

    Raises:
        ConversionError: not even a model with every layer in float reaches the goal, or the quantizer refused it.
        ValueError: the data does not fit.
    """
    with kept_process():
        return _Search(request, goal, specs, on_step or (lambda _: None)).run()


class _Search:
    def __init__(self, request: ConversionRequest, goal: LossGoal, specs: Specs, on_step: OnStep) -> None:
        self._request = request
        self._goal = goal
        self._specs = specs
        self._on_step = on_step
        self._folder = Path(request.result).with_name("trials")
        self._layers = layers_of(Path(request.path).read_bytes())
        self._trials: dict[Path, PrecisionTrial] = {}
        self._exact = 0.0
        self._log = ""

    def run(self) -> tuple[PrecisionSearch, dict[str, Any], str]:
        self._folder.mkdir()
        self._on_step("Evaluating the float model")
        source = Path(self._request.path)
        self._exact = self._goal.value(source)
        self._add(source, "none", (), self._exact)
        losses: list[LayerLoss] = []
        kept: tuple[str, ...] | None = ()
        if not self._is_met(()):
            self._on_step("Comparing layers")
            losses = self._losses()
            kept = least_kept(losses, self._is_met) if losses else None
        if kept is None:
            raise self._out_of_reach()
        self._on_step("Timing")
        self._time()
        chosen = next(trial for trial in self._trials.values() if trial.quantize != "none" and trial.kept_float == kept)
        told = self._quantized(kept, Path(self._request.result), verify=self._request.verify, on_step=self._on_step)
        search = PrecisionSearch(
            metric=self._goal.name,
            max_loss=self._goal.max_loss,
            trials=tuple(self._trials.values()),
            chosen=chosen,
            layers=tuple(losses),
        )
        return search, told, self._log

    def _is_met(self, kept: tuple[str, ...]) -> bool:
        known = [one for one in self._trials.values() if one.quantize != "none" and one.kept_float == kept]
        if not known:
            count = len(kept)
            self._on_step(f"Trying {count} layer{'' if count == 1 else 's'} in float" if kept else "Quantizing")
            path = self._folder / f"{len(self._trials)}.tflite"
            self._quantized(kept, path, verify=False)
            known = [self._add(path, self._request.quantize, kept, self._goal.value(path))]
        return self._goal.is_met(known[0].loss)

    def _add(self, path: Path, quantize: str, kept: tuple[str, ...], value: float) -> PrecisionTrial:
        trial = PrecisionTrial(
            quantize=quantize,
            kept_float=kept,
            value=value,
            loss=self._goal.loss(self._exact, value),
            size=path.stat().st_size,
            latency_us=0.0,
        )
        self._trials[path] = trial
        return trial

    def _quantized(
        self, kept: Sequence[str], path: Path, *, verify: bool, on_step: OnStep | None = None
    ) -> dict[str, Any]:
        """Have the file quantized; activations are calibrated the first time only."""
        request = replace(
            self._request,
            result=str(path),
            keep_float=[*self._request.keep_float, *kept],
            ranges=str(self._folder / "ranges.json"),
            verify=verify,
        )
        with conversion_process() as process:
            told = process.convert(request, on_step)
            self._log += process.log
        return told

    def _losses(self) -> list[LayerLoss]:
        """The layers that can be kept, by what they lose on the representative data, or on the evaluation's."""
        quantized = next(path for path, trial in self._trials.items() if trial.quantize != "none")
        comparison = compare_layers(self._request.path, quantized, self._items(), preprocessing=self._preprocessing())
        return layer_losses(self._layers, comparison)

    def _items(self) -> Any:
        if self._request.samples is None:
            return self._goal.data
        records: Iterable[tuple[str | None, Mapping[str, Any]]] = open_samples(self._request.samples, self._specs)
        samples = [sample for _, sample in islice(records, _SAMPLES_COMPARED)]
        return {name: np.concatenate([sample[name] for sample in samples]) for name in samples[0]}

    def _preprocessing(self) -> str | None:
        return self._goal.preprocessing if self._request.samples is None else None

    def _time(self) -> None:
        with ExitStack() as stack:
            models = {str(path): stack.enter_context(load(path)) for path in self._trials}
            timings = time_interleaved(
                {name: ("run()", {"run": model.run}) for name, model in models.items()},
                seconds=_TIMED_SECONDS,
                rounds=_TIMED_ROUNDS,
                warmup=_TIMED_SECONDS / _TIMED_ROUNDS,
            )
        for path, trial in self._trials.items():
            self._trials[path] = replace(trial, latency_us=timings[str(path)].per_call_us)

    def _out_of_reach(self) -> ConversionError:
        best = min((one for one in self._trials.values() if one.quantize != "none"), key=lambda one: one.loss)
        advice = ""
        if self._request.quantize in ("int8", "int16x8"):
            advice = ", or float32 inputs and outputs (io_dtype='float32')"
        return ConversionError(
            f"no choice of layers keeps the {self._goal.name} of '{self._request.name}' within {self._goal.max_loss:g} "
            f"of the float model's {self._exact:.4g}: the best, with {len(best.kept_float)} layers in float, has "
            f"{best.value:.4g}; allow a larger max_loss{advice}",
            log=self._log,
        )
