"""The search behind `zl.tune`, over candidates whose speed is known and a clock that they move."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import zerolite as zl
from tests.support.model_zoo import Array
from zerolite.tuned import Setting
from zerolite.tuning.candidates import Outputs
from zerolite.tuning.search import Search
from zerolite.tuning.search_space import Limits, SearchStage, chunks, flags, openvino, parallelism, stages_for, weights
from zerolite.tuning.tolerance import Tolerance
from zerolite.tuning.trial import SearchOutcome

DEFAULT = Setting()
TWO, FOUR = Setting(threads=2), Setting(threads=4)
BUILTIN = Setting(kernels="builtin")
MICROSECOND = 1e3


@dataclass
class Bench:
    """A machine on which a run of a setting takes a known time, in nanoseconds, and drifts as it likes."""

    per_call: dict[Setting, float]
    answers: dict[Setting, Array] = field(default_factory=dict)
    failing: frozenset[Setting] = frozenset()
    breaking: dict[Setting, float] = field(default_factory=dict)  # setting -> from when on a run fails
    drift: Callable[[float], float] = lambda _: 1.0
    noise: float = 0.0
    loading: float = 0.01
    now: float = 0.0
    open: int = 0
    most_open: int = 0
    rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(0))

    def clock(self) -> float:
        return self.now

    def opener(self, setting: Setting) -> Runner:
        if setting in self.failing:
            raise zl.Error("there is no such kernel")
        self.now += self.loading
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        return Runner(self, setting)


@dataclass
class Runner:
    bench: Bench
    setting: Setting

    def outputs(self) -> Outputs:
        return [{"y": self.bench.answers.get(self.setting, np.ones(4, np.float32))}]

    def time(self, seconds: float) -> float:
        bench = self.bench
        if bench.now >= bench.breaking.get(self.setting, float("inf")):
            raise MemoryError("no memory is left")
        taken = bench.per_call[self.setting] * bench.drift(bench.now)
        taken *= float(np.exp(bench.rng.normal(0, bench.noise)))
        calls = max(1, round(1e9 * seconds / taken))
        bench.now += calls * taken / 1e9
        return taken

    def close(self) -> None:
        self.bench.open -= 1


def search(
    bench: Bench, *stages: Iterable[Setting], budget_s: float = 10.0, progress: Callable[[int, int], None] | None = None
) -> tuple[SearchOutcome, Search]:
    tolerance = Tolerance(relative=1e-4, steps=1, quantized=set())
    made = Search(bench.opener, tolerance, budget_s=budget_s, clock=bench.clock, progress=progress)

    def stage(chosen: Sequence[Setting]) -> SearchStage:
        return lambda _: list(chosen)

    return made.run([stage(list(chosen)) for chosen in stages]), made


def test_the_fastest_wins() -> None:
    bench = Bench(
        {DEFAULT: 90 * MICROSECOND, TWO: 50 * MICROSECOND, FOUR: 30 * MICROSECOND, BUILTIN: 400 * MICROSECOND}
    )
    verdict, made = search(bench, [TWO, FOUR, BUILTIN])
    assert verdict.setting == FOUR
    assert verdict.reason == "confirmed"
    assert verdict.ratio is not None
    assert verdict.ratio.median == pytest.approx(1 / 3)
    assert verdict.control is not None
    assert verdict.control.median == pytest.approx(1)
    assert [trial.outcome for trial in made.trials.values()] == ["measured"] * 4
    trial = made.trials[BUILTIN]
    assert trial.per_item_us == pytest.approx(400)
    assert trial.ratio is not None
    assert trial.ratio.median == pytest.approx(400 / 90)
    assert made.trials[DEFAULT].per_item_us == pytest.approx(90)
    assert made.trials[DEFAULT].ratio is None


def test_later_stages_start_from_the_best_one() -> None:
    seen = []

    def second(best: Setting) -> list[Setting]:
        seen.append(best)
        return [FOUR]

    bench = Bench({DEFAULT: 9e5, TWO: 5e5, FOUR: 6e5})
    made = Search(
        bench.opener, Tolerance(relative=0, steps=0, quantized=set()), budget_s=10, clock=bench.clock, progress=None
    )
    assert made.run([lambda _: [TWO], second]).setting == TWO, "the best one so far runs along"
    assert seen == [TWO]


OPENVINO = Setting(engine="openvino", threads=2)


def test_openvino_has_to_win_by_more_than_the_noise() -> None:
    clear, _ = search(Bench({DEFAULT: 9e5, TWO: 6e5, OPENVINO: 4e5}), [TWO, OPENVINO])
    assert clear.setting == OPENVINO
    for times in ({DEFAULT: 9e5, TWO: 6e5, OPENVINO: 5.95e5}, {DEFAULT: 9e5, TWO: 5.95e5, OPENVINO: 6e5}):
        near, _ = search(Bench(times, noise=0.05), [TWO, OPENVINO])
        assert near.setting == TWO


def test_openvino_is_tried_where_it_is_installed() -> None:
    limits = Limits(threads=4, workers=4, chunk=None, openvino=True)
    assert openvino(TWO, limits) == [OPENVINO, replace(OPENVINO, threads=4)]
    assert openvino(FOUR, limits) == [replace(OPENVINO, threads=4)]
    two_each = Setting(engine="openvino", workers=2, threads=2)
    assert openvino(Setting(workers=2, threads=2), limits) == [two_each]
    for goal in ("latency", "throughput"):
        tried = {one.engine for stage in stages_for(goal, limits) for one in stage(TWO)}
        assert tried == {"litert", "openvino"}
        without = replace(limits, openvino=False)
        assert {one.engine for stage in stages_for(goal, without) for one in stage(TWO)} == {"litert"}
    assert str(two_each) == "OpenVINO, 2 workers, 2 threads each"


def test_the_default_is_kept_where_nothing_is_faster() -> None:
    verdict, made = search(Bench({DEFAULT: 5e5, TWO: 6e5, FOUR: 5e5}), [TWO, FOUR])
    assert verdict == SearchOutcome(setting=DEFAULT, reason="no setting that was tried was faster")
    assert made.trials[DEFAULT].per_item_us == pytest.approx(500)


def test_a_gain_within_the_noise_is_none() -> None:
    kept = [
        search(Bench({DEFAULT: 1e5, TWO: 0.99e5}, noise=0.2, rng=np.random.default_rng(seed)), [TWO])[0]
        for seed in range(20)
    ]
    assert sum(verdict.setting == DEFAULT for verdict in kept) >= 19
    told = next(verdict for verdict in kept if verdict.ratio is not None)
    assert "within what the default differs from itself" in told.reason


@pytest.mark.parametrize("seed", range(5))
def test_a_machine_that_slows_down_slows_all(seed: int) -> None:
    # The first half of the time is four times as fast as the rest: what ran in it must not win for that.
    bench = Bench({DEFAULT: 1e5, TWO: 1.2e5, FOUR: 0.5e5}, drift=lambda now: 1.0 if now < 3 else 4.0, noise=0.02)
    bench.rng = np.random.default_rng(seed)
    verdict, _ = search(bench, [TWO, FOUR])
    assert verdict.setting == FOUR
    assert verdict.ratio is not None
    assert verdict.ratio.median == pytest.approx(0.5, rel=0.1)


def test_other_outputs_never_win() -> None:
    bench = Bench({DEFAULT: 9e5, TWO: 1e5, FOUR: 5e5}, answers={TWO: np.array([1, 1, 1, 1.001], np.float32)})
    verdict, made = search(bench, [TWO, FOUR])
    assert verdict.setting == FOUR
    assert made.trials[TWO].outcome == "differs"
    assert made.trials[TWO].reason == "output 'y' is off by 1.0e-03 of its largest value"
    assert made.trials[TWO].ratio is None


def test_the_default_is_kept_where_all_others_differ() -> None:
    ones = {setting: np.full(4, 2, np.float32) for setting in (TWO, FOUR)}
    verdict, _ = search(Bench({DEFAULT: 9e5, TWO: 1e5, FOUR: 5e5}, answers=ones), [TWO, FOUR])
    assert verdict.setting == DEFAULT
    assert verdict.reason == "no other setting could be timed; see what came of each of them"


def test_what_fails_is_told_and_left() -> None:
    verdict, made = search(Bench({DEFAULT: 9e5, FOUR: 5e5}, failing=frozenset({TWO})), [TWO, FOUR])
    assert verdict.setting == FOUR
    assert (made.trials[TWO].outcome, made.trials[TWO].reason) == ("failed", "there is no such kernel")


def test_what_fails_later_takes_nothing_with_it() -> None:
    bench = Bench({DEFAULT: 9e5, TWO: 7e5, FOUR: 5e5, BUILTIN: 8e5}, breaking={TWO: 0.5})
    verdict, made = search(bench, [TWO, FOUR, BUILTIN])
    assert verdict.setting == FOUR
    assert made.trials[TWO].outcome == "failed"
    assert made.trials[BUILTIN].outcome == "measured"
    verdict, made = search(Bench({DEFAULT: 9e5, TWO: 5e5}, breaking={TWO: 8}), [TWO])
    assert verdict.setting == DEFAULT
    assert verdict.reason == "the best one, 2 threads, failed in the end: no memory is left"


def test_a_default_that_fails_is_the_callers() -> None:
    with pytest.raises(zl.Error, match="no such kernel"):
        search(Bench({}, failing=frozenset({DEFAULT})), [TWO])


def test_a_budget_that_is_too_short_keeps_the_default() -> None:
    second = 1e9
    verdict, made = search(Bench({DEFAULT: second, TWO: 0.1 * second, FOUR: second}), [TWO, FOUR], budget_s=1)
    assert verdict.setting == DEFAULT
    assert made.elapsed_s < 6, "one round may be under way when the time is up"
    verdict, made = search(Bench({DEFAULT: 0.3 * second, TWO: 0.2 * second}), [TWO], budget_s=4)
    assert verdict.setting == DEFAULT
    assert "the time was up before a winner, 2 threads, could be confirmed" in verdict.reason


@given(
    speeds=st.lists(st.floats(1e3, 1e7), min_size=0, max_size=30),
    own=st.floats(1e3, 1e7),
    budget=st.floats(0.1, 30),
    noise=st.sampled_from((0.0, 0.1)),
)
@settings(max_examples=60, deadline=None)
def test_never_slower_and_within_the_budget(speeds: list[float], own: float, budget: float, noise: float) -> None:
    others = [Setting(threads=2 + number) for number in range(len(speeds))]
    bench = Bench({DEFAULT: own, **dict(zip(others, speeds, strict=True))}, noise=noise)
    verdict, made = search(bench, others, budget_s=budget)
    assert bench.per_call[verdict.setting] <= own * (1 + noise)
    # Loading, and a turn of each that is loaded, may be under way when the time is up.
    assert made.elapsed_s <= budget + 2 * (8 * bench.loading + 9 * 1.5 * max([own, *speeds]) / 1e9)
    assert bench.open == 0
    assert bench.most_open <= 7
    assert set(made.trials) == {DEFAULT, *others}


def test_with_all_time_the_fastest_of_many_wins() -> None:
    many = [Setting(threads=threads) for threads in range(2, 34)]
    bench = Bench({DEFAULT: 1e5, **{setting: 1e5 / setting.threads for setting in many}}, noise=0.01, loading=0.001)
    assert search(bench, many)[0].setting == many[-1]


def test_progress_grows_to_the_end() -> None:
    told: list[tuple[int, int]] = []
    search(Bench({DEFAULT: 9e5, TWO: 5e5}), [TWO], progress=lambda done, total: told.append((done, total)))
    assert all(before[0] <= after[0] for before, after in itertools.pairwise(told))
    assert told[-1] == (100, 100)
    assert len(told) > 10


# What is tried


def test_threads_and_workers_share_the_cores() -> None:
    tried = parallelism(Limits(threads=6, workers=6, chunk=None))
    assert all(setting.threads * setting.workers <= 6 for setting in tried)
    assert {(setting.workers, setting.threads) for setting in tried if setting.kernels == "delegate"} == {
        *((1, threads) for threads in (2, 4, 6)),
        *((workers, 1) for workers in (2, 4, 6)),
        (2, 2),
    }
    assert BUILTIN in tried
    assert DEFAULT not in tried
    assert len(set(tried)) == len(tried)


def test_latency_takes_one_replica() -> None:
    stages = stages_for("latency", Limits(threads=4, workers=4, chunk=64))
    best = DEFAULT
    for stage in stages:
        tried = stage(best)
        assert tried
        assert all(setting.workers == 1 and setting.chunk is None for setting in tried)
        best = tried[0]


def test_flags_and_chunks_are_tried_on_top() -> None:
    assert all(setting.threads == 2 and len(setting.flags) == 1 for setting in flags(TWO))
    assert flags(BUILTIN) == [], "flags are XNNPACK's"


def test_dequantized_weights_go_with_the_kernels_of_xnnpack() -> None:
    limits = Limits(threads=2, workers=1, chunk=None, dequantized=True)
    for best in (TWO, replace(TWO, kernels="builtin")):
        assert weights(best, limits) == [Setting(threads=2, weights="dequantized")]
        for goal in ("latency", "throughput"):
            assert stages_for(goal, limits)[1](best)[0] == Setting(threads=2, weights="dequantized")
    assert weights(TWO, replace(limits, dequantized=False)) == []


def test_what_loading_costs_is_told() -> None:
    bench = Bench({DEFAULT: 10 * MICROSECOND, TWO: 5 * MICROSECOND}, loading=0.25, failing=frozenset({FOUR}))
    _, made = search(bench, [TWO, FOUR])
    assert made.trials[DEFAULT].load_s == made.trials[TWO].load_s == 0.25
    assert made.trials[FOUR].load_s is None
    assert [setting.chunk for setting in chunks(TWO, 64)] == [1, 8, 32]
    assert [setting.chunk for setting in chunks(TWO, 512)] == [1, 8, 32, 128, 512]
    assert chunks(TWO, None) == []
    for setting in (*flags(TWO), *chunks(TWO, 8)):
        assert setting.delegate.threads == 2


def test_settings_in_words() -> None:
    assert str(DEFAULT) == "default"
    everything = Setting(threads=2, flags=(("force_fp16", True), ("qs8", False)), workers=3, chunk=16)
    assert str(everything) == "3 workers, 2 threads each, force_fp16, without qs8, chunks of 16"
    assert str(Setting(threads=4, kernels="builtin")) == "4 threads, builtin kernels"
    assert Setting.from_dict(everything.to_dict()) == everything


# How close outputs are


def difference(
    expected: Array, value: Array, *, tolerance: float = 1e-4, steps: int = 1, quantized: bool = False
) -> str | None:
    limits = Tolerance(relative=tolerance, steps=steps, quantized={"y"} if quantized else set())
    return limits.difference([{"y": expected}], [{"y": value}])


def test_real_outputs() -> None:
    right = np.array([0, 1e-6, -2], np.float32)
    assert difference(right, right, tolerance=0) is None
    assert difference(right, right + np.float32(1e-4)) is None
    assert "5.0e-04" in str(difference(right, right + np.float32(1e-3)))
    assert difference(right, right + np.float32(1e-3), tolerance=1e-2) is None
    assert difference(right, np.nextafter(right, np.float32(5)), tolerance=0) is not None
    halves = right.astype(np.float16)
    assert difference(halves, np.nextafter(halves, np.float16(5))) is None
    assert difference(np.zeros(2), np.full(2, 1e-9)) == "output 'y' is off by 1.0e-09 from 0"
    assert difference(right.astype(np.complex64), right.astype(np.complex64) * 1j) is not None


def test_values_that_are_no_numbers() -> None:
    right = np.array([1, np.nan, np.inf], np.float32)
    assert difference(right, right) is None
    for place, value in ((0, np.nan), (0, np.inf), (1, 1.0), (2, -np.inf)):
        other = right.copy()
        other[place] = value
        assert difference(right, other) == "output 'y' is infinite or no number elsewhere"


def test_integers_and_other_values() -> None:
    right = np.array([-128, 0, 127], np.int8)
    other = np.array([127, 0, 127], np.int8)
    assert difference(right, other, quantized=True) == "output 'y' is off by 255 quantization steps"
    one = np.array([-127, 1, 126], np.int8)
    assert difference(right, one, quantized=True) is None
    assert difference(right, one, quantized=True, steps=0) is not None
    assert difference(right, one) == "output 'y' differs, and is neither real nor quantized"
    words = np.array([b"a", b"b"], object)
    assert difference(words, words.copy()) is None
    assert difference(words, words[::-1]) is not None
    assert difference(right, right[:2]) == "output 'y' has the shape (2,) instead of (3,)"


def test_the_tolerance_is_of_all_items() -> None:
    limits = Tolerance(relative=1e-2, steps=1, quantized=set())
    large, small = np.array([100.0]), np.array([0.0])
    assert limits.difference([{"y": large}, {"y": small}], [{"y": large}, {"y": small + 0.5}]) is None
    assert limits.difference([{"y": large}, {"y": small}], [{"y": large}, {"y": small + 2}]) is not None
