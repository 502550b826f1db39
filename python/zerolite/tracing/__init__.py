"""Tracing: the values of every tensor that a run computes."""

from zerolite.tracing.trace import Trace
from zerolite.tracing.traced_tensor import TracedTensor

__all__ = ["Trace", "TracedTensor"]
