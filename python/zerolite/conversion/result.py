"""The result of a conversion, how it compares with the source, and the error where there is none."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from zerolite._native import Error
from zerolite._runners.input_range import InputRange
from zerolite.conversion.operators import UnsupportedOperator
from zerolite.conversion.options import Quantize
from zerolite.conversion.sources.channel_order import Layout

if TYPE_CHECKING:
    from zerolite.conversion.quantization.search_result import PrecisionSearch

__all__ = ["ConversionError", "ConversionResult", "OutputDifference", "Quantize", "Verification", "first_line"]


class ConversionError(Error):
    """A model can't be converted.

    Attributes:
        log: everything that was printed on the way, by the converter and by what it is built on.
        unsupported: the operators that stood in the way, each with advice; empty when it was something else.
    """

    def __init__(self, message: str, *, log: str, unsupported: Sequence[UnsupportedOperator] = ()) -> None:
        super().__init__(message)
        self.log = log
        self.unsupported = tuple(unsupported)


def first_line(error: Exception) -> str:
    """The first line of an error's message that says something: converters print pages."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__


@dataclass(frozen=True, slots=True)
class OutputDifference:
    """One output of the source and of the converted model, over the same samples.

    Both count as real numbers: a quantized output is dequantized first.

    Attributes:
        max_abs: the largest absolute difference of two elements; infinite where only one of both is finite.
        mean_abs: the mean over all elements.
        top1_agreement: the share of rows, 0 to 1, in which both have their largest element in the same place;
            None for what does not look like the probabilities of a classifier.
    """

    max_abs: float
    mean_abs: float
    top1_agreement: float | None = None

    def to_dict(self) -> dict[str, float | None]:
        """Plain values for JSON, which has no infinity: None stands for it."""
        return {
            "max_abs": self.max_abs if math.isfinite(self.max_abs) else None,
            "mean_abs": self.mean_abs if math.isfinite(self.mean_abs) else None,
            "top1_agreement": self.top1_agreement,
        }


@dataclass(frozen=True, slots=True)
class Verification:
    """Source and result beside each other.

    Attributes:
        samples: how many samples each signature was run on.
        data: "representative" for samples of the representative data, "random" for normally distributed ones.
            Answers to random inputs tell that the conversion is right, and little about accuracy.
        signatures: signature -> output -> difference.
        inputs: signature -> quantized input -> what it can hold, and how much of the samples it can't. Data of another
            scaling saturates there, whatever the samples do.
    """

    samples: int
    data: Literal["representative", "random"]
    signatures: Mapping[str, Mapping[str, OutputDifference]]
    inputs: Mapping[str, Mapping[str, InputRange]] = field(default_factory=dict)

    @property
    def max_abs(self) -> float:
        """The largest absolute difference of all outputs."""
        return max((one.max_abs for one in self._outputs()), default=0.0)

    @property
    def mean_abs(self) -> float:
        """The largest of the outputs' mean absolute differences."""
        return max((one.mean_abs for one in self._outputs()), default=0.0)

    @property
    def top1_agreement(self) -> float | None:
        """The smallest agreement of the outputs that look like a classifier's; None when none does."""
        return min((one.top1_agreement for one in self._outputs() if one.top1_agreement is not None), default=None)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "samples": self.samples,
            "data": self.data,
            "signatures": {
                key: {name: difference.to_dict() for name, difference in outputs.items()}
                for key, outputs in self.signatures.items()
            },
            "input_ranges": {
                key: {name: found.to_dict() for name, found in inputs.items()} for key, inputs in self.inputs.items()
            },
        }

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Verification:
        """The verification that `to_dict` described."""
        return cls(
            samples=document["samples"],
            data=document["data"],
            signatures={
                key: {
                    name: OutputDifference(
                        math.inf if one["max_abs"] is None else one["max_abs"],
                        math.inf if one["mean_abs"] is None else one["mean_abs"],
                        one["top1_agreement"],
                    )
                    for name, one in outputs.items()
                }
                for key, outputs in document["signatures"].items()
            },
            inputs={
                key: {name: InputRange.from_dict(found) for name, found in inputs.items()}
                for key, inputs in document.get("input_ranges", {}).items()
            },
        )

    def _outputs(self) -> list[OutputDifference]:
        return [difference for outputs in self.signatures.values() for difference in outputs.values()]


@dataclass(frozen=True, slots=True)
class ConversionResult:
    """A converted model.

    Attributes:
        path: where the model was written; None when it was not.
        content: the .tflite file's bytes.
        quantize: how the model was quantized.
        log: what the converter printed.
        source_size: how many bytes the source takes up on disk.
        operators: how often each operator occurs, the most frequent first.
        kept_float: the layers that `keep_float` kept as they were, each by the first tensor that it computes.
        unsupported: operators that zerolite has no kernel for, with advice.
        verification: source and result beside each other; None when they were not compared.
        not_verified: why they were not, although it was asked for; None when they were.
        layout: the order of axes: "source", or "nhwc" where inputs and outputs with four axes have channels last.
        search: how the layers that stay in float were found; None where nothing was to be found.
        seconds: how long the whole conversion took.
        peak_memory: the most memory, in bytes, that the conversion's process had in use.
    """

    path: Path | None
    content: bytes = field(repr=False)
    quantize: Quantize
    log: str = field(default="", repr=False)
    source_size: int = 0
    operators: Mapping[str, int] = field(default_factory=dict)
    kept_float: tuple[str, ...] = ()
    unsupported: tuple[UnsupportedOperator, ...] = ()
    verification: Verification | None = None
    not_verified: str | None = None
    layout: Layout = "source"
    search: PrecisionSearch | None = field(default=None, repr=False)
    seconds: float = 0.0
    peak_memory: int = 0

    @property
    def size(self) -> int:
        """The model's size in bytes."""
        return len(self.content)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON: everything but the bytes and the log."""
        return {
            "file": None if self.path is None else str(self.path),
            "quantize": self.quantize,
            "size_bytes": self.size,
            "source_size_bytes": self.source_size,
            "operators": dict(self.operators),
            "kept_float": list(self.kept_float),
            "unsupported": [{"name": one.name, "advice": one.advice} for one in self.unsupported],
            "verification": None if self.verification is None else self.verification.to_dict(),
            "not_verified": self.not_verified,
            "layout": self.layout,
            "search": None if self.search is None else self.search.to_dict(),
            "seconds": round(self.seconds, 3),
            "peak_memory_bytes": self.peak_memory,
        }
