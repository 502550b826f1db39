"""Instrumentation: where the time of a run goes, operator by operator, and the values of every tensor it computes."""

from zerolite._instrumentation.operator_times import ProfiledOperator
from zerolite._instrumentation.profile import Profile
from zerolite._instrumentation.trace import Trace, TracedTensor

__all__ = ["Profile", "ProfiledOperator", "Trace", "TracedTensor"]
