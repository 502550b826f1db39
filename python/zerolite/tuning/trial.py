"""The outcome of one setting, and of the whole search."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from zerolite._timing.ratio import Ratio
from zerolite.tuned import Setting

__all__ = ["Outcome", "SearchOutcome", "Trial"]

Outcome = Literal["measured", "differs", "failed", "untried"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What came of one setting.

    Attributes:
        setting: the setting.
        outcome: "measured"; "differs", when its outputs were too far from the default's; "failed", when it could not be
            loaded or run; "untried", when the time was up.
        reason: why it was not measured, in words; empty where it was.
        per_item_us: microseconds per item, the median of the last rounds that it was in; None where it was not timed.
        ratio: its time as a part of the default's in the same rounds; None as before, and for the default itself.
        load_s: seconds that it took to compile the model with it, the model's bytes in memory; None where that failed
            or was not tried.
    """

    setting: Setting
    outcome: Outcome
    reason: str = ""
    per_item_us: float | None = None
    ratio: Ratio | None = None
    load_s: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "setting": self.setting.to_dict(),
            "description": str(self.setting),
            "outcome": self.outcome,
            "reason": self.reason,
            "per_item_us": self.per_item_us,
            "ratio": None if self.ratio is None else self.ratio.to_dict(),
            "load_s": self.load_s,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchOutcome:
    """The setting that a search ends with.

    Attributes:
        setting: the setting; the default where nothing beat it.
        reason: why, in words.
        ratio: in the final comparison, the best setting's time as a part of the default's; None where there was none.
        control: in the same rounds, the time of a second replica with the default setting as a part of the first
            one's: the noise.
    """

    setting: Setting
    reason: str
    ratio: Ratio | None = None
    control: Ratio | None = None
