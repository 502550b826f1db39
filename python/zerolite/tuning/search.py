"""The search for the fastest setting."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace

from zerolite._timing.interleaved import ProgressCallback
from zerolite.tuned import Setting
from zerolite.tuning.candidates import OpenCandidates, Opener, Outputs
from zerolite.tuning.measurement import Measurement, PairedMeasurement
from zerolite.tuning.search_space import SearchStage
from zerolite.tuning.tolerance import Tolerance
from zerolite.tuning.trial import Outcome, SearchOutcome, Trial

__all__ = ["Search"]

# The share of the budget that is kept for the final comparison with the default.
_CONFIRMATION_SHARE = 0.3
# The share of a stage's time that loading its settings and checking their outputs may take.
_ADMISSION_SHARE = 0.4
# Replicas of a large model need memory, so no more than these are loaded at once, with the default.
_GROUP = 6
_ROUNDS = 7
_FINAL_ROUNDS = 21
_FEWEST_FINAL_ROUNDS = 5
# What a setting that can't be loaded or run raises. The default's own errors go to the caller.
_FAILURES = (RuntimeError, ValueError, OSError, MemoryError)
_PERCENT = 100


class Search:
    """Tries settings stage by stage, by successive halving, and confirms the winner against the default.

    In each rung of a stage the settings that are left are timed in turns with the default. The better half of them,
    without those that take longer than the default in three of four rounds, has twice the time each in the next one.
    What wins has to beat the default once more, by more than the default differs from itself.

    Attributes:
        trials: what came of each setting that was considered, in the order in which they were.
    """

    def __init__(
        self,
        opener: Opener,
        tolerance: Tolerance,
        *,
        budget_s: float,
        clock: Callable[[], float],
        progress: ProgressCallback | None = None,
    ) -> None:
        """Prepare a search.

        Args:
            opener: loads the model with a setting.
            tolerance: how far outputs may be from the default's.
            budget_s: seconds of the clock that all of it may take; one round of the slowest settings may go beyond.
            clock: tells the time in seconds.
            progress: called as ``progress(done, 100)`` with the percents of the budget that are spent.
        """
        self.trials: dict[Setting, Trial] = {}
        self._open = OpenCandidates(opener, clock, most=_GROUP + 1)
        self._tolerance = tolerance
        self._budget_s = budget_s
        self._clock = clock
        self._progress = progress
        self._start = clock()
        self._measurement = PairedMeasurement(self._open, clock, self._advance)

    @property
    def elapsed_s(self) -> float:
        """Seconds since the search was made."""
        return self._clock() - self._start

    def run(self, stages: Sequence[SearchStage]) -> SearchOutcome:
        """Find the best setting.

        Raises:
            Error: the model can't be run with the default setting.
        """
        with closing(self._open):
            return self._run(stages)

    def _run(self, stages: Sequence[SearchStage]) -> SearchOutcome:
        best = default = Setting()
        self.trials[default] = Trial(setting=default, outcome="measured")
        expected = self._open.group([default])[0].outputs()
        begin, end = self.elapsed_s, (1 - _CONFIRMATION_SHARE) * self._budget_s
        for number, stage in enumerate(stages):
            # Later stages try less: each has half of what is left, and the last one all of it.
            share = 1.0 if number == len(stages) - 1 else 0.5
            deadline = begin + share * max(0.0, end - begin)
            settings = [setting for setting in stage(best) if setting not in self.trials]
            best = self._best_of(self._admitted(settings, expected, begin, deadline), best, deadline)
            begin = self.elapsed_s
        outcome = self._confirmed(best)
        if self._progress is not None:
            self._progress(_PERCENT, _PERCENT)
        return outcome

    def _admitted(self, settings: list[Setting], expected: Outputs, begin: float, deadline: float) -> list[Setting]:
        """The settings whose outputs are good."""
        last_start = begin + _ADMISSION_SHARE * (deadline - begin)
        admitted = []
        for setting in settings:
            if self.elapsed_s >= last_start:
                self._note(setting, "untried", "the time was up")
                continue
            try:
                _, candidate = self._open.group([Setting(), setting])
                problem = self._tolerance.difference(expected, candidate.outputs())
            except _FAILURES as error:
                self._note(setting, "failed", str(error))
                continue
            finally:
                self._advance()
            if problem is None:
                self._note(setting, "untried", "the time was up")  # until it is timed
                admitted.append(setting)
            else:
                self._note(setting, "differs", problem)
        return admitted

    def _best_of(self, settings: list[Setting], incumbent: Setting, deadline: float) -> Setting:
        """Halve the settings, with the best one so far among them, until one is left."""
        if not settings:
            return incumbent
        left = [*settings, *([] if incumbent.is_default else [incumbent])]
        best = incumbent
        while left and (seconds := deadline - self.elapsed_s) > 0:
            rungs = max(1, math.ceil(math.log2(len(left))))
            measurements = self._timed(left, seconds / rungs)
            ranked = sorted(measurements, key=lambda setting: measurements[setting].ratio.median)
            # A setting that is slower than the default in three rounds of four will not win with more time.
            ranked = [setting for setting in ranked if measurements[setting].ratio.quartiles[0] < 1]
            best = self._cheapest_of_the_best(ranked, measurements)
            if not ranked:
                break
            if len(left) <= 2:  # noqa: PLR2004 - of two the better one has been found
                break
            left = ranked[: math.ceil(len(left) / 2)]
        return best

    @staticmethod
    def _cheapest_of_the_best(ranked: list[Setting], measurements: dict[Setting, Measurement]) -> Setting:
        """The first of the ranked settings that is faster than the default, and else that.

        OpenVINO takes many times as long to load as LiteRT does, so that it has to win by more than the noise: one of
        LiteRT's settings goes before it that is as fast as three of four rounds of OpenVINO's.
        """
        if not ranked or measurements[ranked[0]].ratio.median >= 1:
            return Setting()
        first = ranked[0]
        if first.engine == "litert":
            return first
        bound = min(1.0, measurements[first].ratio.quartiles[1])
        near = (one for one in ranked if one.engine == "litert" and measurements[one].ratio.median <= bound)
        return next(near, first)

    def _timed(self, settings: list[Setting], seconds: float) -> dict[Setting, Measurement]:
        """The measurements of the settings, a few of them at a time."""
        groups = [settings[start : start + _GROUP] for start in range(0, len(settings), _GROUP)]
        end = self.elapsed_s + seconds
        measurements: dict[Setting, Measurement] = {}
        for number, group in enumerate(groups):
            share = max(0.0, end - self.elapsed_s) / (len(groups) - number)
            measurements |= self._group_timed(group, share)
        return measurements

    def _group_timed(self, group: list[Setting], seconds: float) -> dict[Setting, Measurement]:
        """The measurements of settings that are loaded together; of each alone, where one of them fails."""
        end = self.elapsed_s + seconds
        try:
            timed = self._measurement.run(group, seconds=seconds, rounds=_ROUNDS)
        except _FAILURES as error:
            self._open.close()
            if len(group) > 1:
                measurements: dict[Setting, Measurement] = {}
                for number, setting in enumerate(group):
                    share = max(0.0, end - self.elapsed_s) / (len(group) - number)
                    measurements |= self._group_timed([setting], share)
                return measurements
            self._note(group[0], "failed", str(error))
            return {}
        if timed is None:
            return {}
        for setting, measurement in zip(group, timed[1], strict=True):
            self._note_measurement(setting, measurement)
        return dict(zip(group, timed[1], strict=True))

    def _confirmed(self, best: Setting) -> SearchOutcome:
        """The best setting if it beats the default once more, and else the default."""
        default = Setting()
        if best.is_default:
            seconds = max(0.0, min(self._budget_s - self.elapsed_s, _CONFIRMATION_SHARE * self._budget_s / 3))
            timed = self._measurement.run([], seconds=seconds, rounds=_ROUNDS)
            if timed is not None:
                self._note_measurement(default, timed[0])
            if any(trial.ratio is not None for trial in self.trials.values()):
                return SearchOutcome(setting=default, reason="no setting that was tried was faster")
            return SearchOutcome(
                setting=default, reason="no other setting could be timed; see what came of each of them"
            )
        seconds = max(0.0, self._budget_s - self.elapsed_s)
        # Loaded again: where its memory happens to lie makes one replica faster than another.
        self._open.close()
        try:
            timed = self._measurement.run([best, default], seconds=seconds, rounds=_FINAL_ROUNDS)
        except _FAILURES as error:
            self._note(best, "failed", str(error))
            return SearchOutcome(setting=default, reason=f"the best one, {best}, failed in the end: {error}")
        if timed is None or len(timed[0].ratio.by_round) < _FEWEST_FINAL_ROUNDS:
            return SearchOutcome(
                setting=default, reason=f"the time was up before a winner, {best}, could be confirmed; give more of it"
            )
        first, (winner, control) = timed
        self._note_measurement(default, first)
        self._note_measurement(best, winner)
        outcome = SearchOutcome(setting=best, ratio=winner.ratio, control=control.ratio, reason="confirmed")
        if winner.ratio.quartiles[1] < min(1.0, control.ratio.quartiles[0]):
            return outcome
        return replace(
            outcome,
            setting=default,
            reason=f"the best one, {best}, took {winner.ratio} of the default's time in the end, which is within "
            f"what the default differs from itself, {control.ratio}",
        )

    def _note(self, setting: Setting, outcome: Outcome, reason: str) -> None:
        self.trials[setting] = Trial(
            setting=setting, outcome=outcome, reason=reason, load_s=self._open.load_s.get(setting)
        )

    def _note_measurement(self, setting: Setting, measurement: Measurement) -> None:
        ratio = None if setting.is_default else measurement.ratio
        self.trials[setting] = Trial(
            setting=setting,
            outcome="measured",
            per_item_us=measurement.per_item_us,
            ratio=ratio,
            load_s=self._open.load_s.get(setting),
        )

    def _advance(self) -> None:
        if self._progress is not None:
            self._progress(min(_PERCENT - 1, int(_PERCENT * self.elapsed_s / self._budget_s)), _PERCENT)
