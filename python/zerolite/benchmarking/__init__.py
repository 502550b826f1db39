"""Measuring models: `benchmark`, and the parts it is made of for measurements of another kind."""

from zerolite.benchmarking.benchmark_result import RATIO_FIGURES, BenchmarkResult
from zerolite.benchmarking.compare_runtimes import benchmark
from zerolite.benchmarking.first_result import FIRST_RESULT_FIGURES, FirstResult, FirstResults
from zerolite.benchmarking.first_results import first_results_in_turns
from zerolite.benchmarking.fresh_process import FreshProcess
from zerolite.benchmarking.inputs import InputValues, make_inputs
from zerolite.benchmarking.interleaved import time_interleaved
from zerolite.benchmarking.machine import describe_machine
from zerolite.benchmarking.quietly import open_quietly
from zerolite.benchmarking.ratio import Ratio
from zerolite.benchmarking.runtime_result import RuntimeResult
from zerolite.benchmarking.session import RUNTIMES, Session, Work
from zerolite.benchmarking.stopwatch import Stopwatch
from zerolite.benchmarking.timing import LATENCY_STATISTICS, Timing

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
