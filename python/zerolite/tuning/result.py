"""What a tuning found."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from typing import Any

from zerolite._plots.plottable import Plottable
from zerolite._timing.ratio import Ratio
from zerolite.tuned import Goal, Setting, TunedFile, TuningIdentity
from zerolite.tuning.trial import Trial

__all__ = ["SCHEMA", "TuningResult"]

#: The version of the layout of `TuningResult.to_dict`. It grows when a key changes its meaning or goes away.
SCHEMA = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class TuningResult(Plottable):
    """The fastest setting of those that were tried, and what came of the others.

    The plot shows the time of each measured setting as a part of the default's, with the spread of its rounds.

    Attributes:
        model: the path of the model, or "the model in memory".
        goal: "latency" or "throughput".
        signature: the key of the signature that was run.
        setting: the setting that won; the default where none beat it. ``setting.delegate`` is a delegate for `load`.
        reason: why it was chosen, in words.
        ratio: in the final comparison, the time of the best setting as a part of the default's, round by round; None
            where there was no comparison. The default may have been kept all the same, see `reason`.
        control: in the same rounds, what a second replica with the default setting took as a part of the first one:
            the noise.
        trials: every setting that was considered, the default first.
        budget_s: seconds that it was allowed to take.
        elapsed_s: seconds that it took.
        identity: the model, the machine and the runtime that it belongs to.
    """

    model: str
    goal: Goal
    signature: str
    setting: Setting
    reason: str
    ratio: Ratio | None
    control: Ratio | None
    trials: tuple[Trial, ...]
    budget_s: float
    elapsed_s: float
    identity: TuningIdentity

    @property
    def improved(self) -> bool:
        """Whether another setting than the default won."""
        return not self.setting.is_default

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; `SCHEMA` is the version of this layout."""
        return {
            "schema": SCHEMA,
            "model": self.model,
            "goal": self.goal,
            "signature": self.signature,
            "setting": self.setting.to_dict(),
            "description": str(self.setting),
            "improved": self.improved,
            "reason": self.reason,
            "ratio": None if self.ratio is None else self.ratio.to_dict(),
            "control": None if self.control is None else self.control.to_dict(),
            "trials": [trial.to_dict() for trial in self.trials],
            "budget_s": self.budget_s,
            "elapsed_s": self.elapsed_s,
            "belongs_to": asdict(self.identity),
        }

    def to_json(self) -> str:
        """`to_dict` as indented JSON."""
        return json.dumps(self.to_dict(), indent=2, allow_nan=False)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the setting, and what it belongs to, for ``load(model, tuned=path)`` and ``Pool(model, tuned=path)``.

        Nobody ever sees half of the file.

        Raises:
            OSError: the file can't be written.
        """
        TunedFile(
            goal=self.goal,
            signature=self.signature,
            setting=self.setting,
            ratio=None if self.ratio is None or not self.improved else self.ratio.median,
            identity=self.identity,
        ).write(path)

    def _draw(self, image_format: str) -> bytes:
        from zerolite.tuning.plot import tuning_plot

        return tuning_plot(self.trials, self.setting, self.control, goal=self.goal, image_format=image_format)

    def __str__(self) -> str:
        """The setting, what it is worth, and how many were tried."""
        measured = sum(trial.outcome == "measured" for trial in self.trials)
        worth = f": {self.ratio} of the default's time" if self.improved and self.ratio is not None else ""
        why = "" if self.improved else f" ({self.reason})"
        return f"{self.goal}: {self.setting}{worth}{why}; {measured} of {len(self.trials)} settings measured"
