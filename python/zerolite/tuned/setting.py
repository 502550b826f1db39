"""How a model is run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

from zerolite._runtime.validation import positive_int
from zerolite.delegates.choice import MOST_THREADS
from zerolite.delegates.xnnpack import Kernels, Weights, XNNPack

if TYPE_CHECKING:
    from zerolite.delegates.openvino import OpenVino

__all__ = ["Engine", "Setting"]

Engine = Literal["litert", "openvino"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What can be chosen about running a model on the CPU; without arguments what `load` does unless told otherwise.

    Attributes:
        engine: what runs the graph: LiteRT's kernels, or OpenVINO, whole or in parts; the kernels, the weights and
            the flags are LiteRT's.
        threads: how many threads a run of one replica uses.
        kernels: as `XNNPack` takes it.
        weights: as `XNNPack` takes it.
        flags: XNNPACK's flags that are switched, as pairs of a name and whether it is on, in the order of the names.
        workers: how many replicas run; more than 1 means a `Pool`.
        chunk: how many items of a batch go through one run; None lets `map` measure a few sizes at each first batch.
    """

    engine: Engine = "litert"
    threads: int = 1
    kernels: Kernels = "delegate"
    weights: Weights = "stored"
    flags: tuple[tuple[str, bool], ...] = ()
    workers: int = 1
    chunk: int | None = None

    @property
    def is_default(self) -> bool:
        """Whether it is what `load` does unless told otherwise."""
        return self == Setting()

    @property
    def delegate(self) -> XNNPack | OpenVino:
        """The part of it that `load` and `Pool` take as a delegate."""
        if self.engine == "openvino":
            from zerolite.delegates.openvino import OpenVino

            return OpenVino(threads=self.threads)
        return XNNPack(threads=self.threads, kernels=self.kernels, weights=self.weights, flags=dict(self.flags))

    @property
    def delegates(self) -> list[XNNPack | OpenVino]:
        """The same with what runs the operators that OpenVINO leaves, which has as many threads."""
        return [self.delegate] if self.engine == "litert" else [self.delegate, XNNPack(threads=self.threads)]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "engine": self.engine,
            "threads": self.threads,
            "kernels": self.kernels,
            "weights": self.weights,
            "flags": dict(self.flags),
            "workers": self.workers,
            "chunk": self.chunk,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Setting:
        """The setting that `to_dict` made.

        Raises:
            TypeError, ValueError: the values are no setting, which the message tells.
        """
        flags = values["flags"]
        if not isinstance(flags, dict):
            raise TypeError(f"flags is {flags!r}, and must be an object of true and false by name")
        engine = values.get("engine", "litert")  # the first files do not tell, nor do they have weights
        if engine not in get_args(Engine):
            raise ValueError(f"engine is {engine!r}, and must be one of {', '.join(map(repr, get_args(Engine)))}")
        setting = cls(
            engine=engine,
            threads=_count("threads", values["threads"]),
            kernels=values["kernels"],
            weights=values.get("weights", "stored"),
            flags=tuple(sorted(flags.items())),
            workers=_count("workers", values["workers"]),
            chunk=None if values["chunk"] is None else _whole("chunk", values["chunk"]),
        )
        XNNPack(kernels=setting.kernels, weights=setting.weights, flags=flags)  # which refuses what it does not know
        return setting

    def __str__(self) -> str:
        """What differs from the default, in words."""
        words = ["OpenVINO"] if self.engine == "openvino" else []
        if self.workers > 1:
            words.append(f"{self.workers} workers")
        if self.threads > 1:
            words.append(f"{self.threads} threads{' each' if self.workers > 1 else ''}")
        if self.kernels != "delegate":
            words.append(f"{self.kernels} kernels")
        if self.weights != "stored":
            words.append(f"{self.weights} weights")
        words += [name if on else f"without {name}" for name, on in self.flags]
        if self.chunk is not None:
            words.append(f"chunks of {self.chunk}")
        return ", ".join(words) or "default"


def _count(name: str, value: object) -> int:
    return positive_int(name, _whole(name, value), most=MOST_THREADS)


def _whole(name: str, value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ValueError(f"{name} is {value!r}, and must be a whole number of at least 1")
    return value
