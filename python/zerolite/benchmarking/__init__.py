"""Measuring models: `benchmark`, and the parts it is made of for measurements of another kind."""

from zerolite._platform.machine import describe_machine
from zerolite._timing.interleaved import time_interleaved
from zerolite._timing.ratio import Ratio
from zerolite._timing.stopwatch import Stopwatch, Work
from zerolite._timing.timing import LATENCY_STATISTICS, Timing
from zerolite.benchmarking.compare_runtimes import benchmark
from zerolite.benchmarking.engines import ENGINES
from zerolite.benchmarking.first_result import (
    FIRST_RESULT_FIGURES,
    FirstResult,
    FirstResults,
    FreshProcess,
    first_results_in_turns,
)
from zerolite.benchmarking.inputs import InputValues, make_inputs
from zerolite.benchmarking.quiet_session import open_quietly
from zerolite.benchmarking.result import RATIO_FIGURES, BenchmarkResult, RuntimeResult
from zerolite.benchmarking.session import RUNTIMES, Session

__all__ = [
    "ENGINES",
    "FIRST_RESULT_FIGURES",
    "LATENCY_STATISTICS",
    "RATIO_FIGURES",
    "RUNTIMES",
    "BenchmarkResult",
    "FirstResult",
    "FirstResults",
    "FreshProcess",
    "InputValues",
    "Ratio",
    "RuntimeResult",
    "Session",
    "Stopwatch",
    "Timing",
    "Work",
    "benchmark",
    "describe_machine",
    "first_results_in_turns",
    "make_inputs",
    "open_quietly",
    "time_interleaved",
]
