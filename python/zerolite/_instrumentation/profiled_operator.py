"""One line of a profile."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["REST", "ProfiledOperator"]

#: The type of the line for what a delegate's node took beyond the operators that it tells of.
REST = "(rest of the partition)"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfiledOperator:
    """What one operator took, over all profiled runs.

    Attributes:
        name: the first tensor that it computes, by its name in the file; inside a delegate's partition, which does not
            tell, the partition's first tensor with the place of the operator in it: "logits [2]".
        type: the operator's name, as in "CONV_2D"; inside XNNPACK the kernel's, as in "Convolution (NHWC, F32) IGEMM";
            the operators of the partition where the delegate tells nothing more. `REST` is the rest of a partition.
        delegate: who runs it: "XNNPACK", another delegate by its own name, or "builtin".
        subgraph: the position of its graph in the model; 0 is the main one.
        count: how often it ran.
        total_us: how long that took, in microseconds; without the operators that it calls in other graphs.
        share: that part of the time of all operators, from 0 to 1.
    """

    name: str
    type: str
    delegate: str
    subgraph: int
    count: int
    total_us: float
    share: float

    @property
    def mean_us(self) -> float:
        """How long it took each time, in microseconds."""
        return self.total_us / self.count

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "name": self.name,
            "type": self.type,
            "delegate": self.delegate,
            "subgraph": self.subgraph,
            "count": self.count,
            "total_us": self.total_us,
            "mean_us": self.mean_us,
            "share": self.share,
        }
