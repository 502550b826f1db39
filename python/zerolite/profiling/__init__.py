"""Profiling: where the time of a run goes, operator by operator."""

from zerolite.profiling.profile import Profile
from zerolite.profiling.profiled_operator import ProfiledOperator

__all__ = ["Profile", "ProfiledOperator"]
