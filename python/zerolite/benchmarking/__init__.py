"""Measuring models: `benchmark`, and the parts it is made of for measurements of another kind."""

from zerolite._platform.machine_description import describe_machine
from zerolite._timing.interleaved import time_interleaved
from zerolite._timing.ratio import Ratio
from zerolite._timing.stopwatch import Stopwatch, Work
from zerolite._timing.timing import LATENCY_STATISTICS, Timing
from zerolite.benchmarking.compare_runtimes import benchmark
from zerolite.benchmarking.first_result import FIRST_RESULT_FIGURES, FirstResult, FirstResults
from zerolite.benchmarking.first_results import first_results_in_turns
from zerolite.benchmarking.fresh_process import FreshProcess
from zerolite.benchmarking.inputs import InputValues, make_inputs
from zerolite.benchmarking.quiet_session import open_quietly
from zerolite.benchmarking.result import RATIO_FIGURES, BenchmarkResult
from zerolite.benchmarking.runtime_result import RuntimeResult
from zerolite.benchmarking.session import RUNTIMES, Session

__all__ = [
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
