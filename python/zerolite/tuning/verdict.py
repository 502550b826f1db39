"""How a search ended."""

from __future__ import annotations

from dataclasses import dataclass

from zerolite._timing.ratio import Ratio
from zerolite.tuned import Setting

__all__ = ["Verdict"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
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
