"""Trying a model out in a process of its own, before this one is risked for it."""

from zerolite._isolation.limits import ProcessIsolation
from zerolite._isolation.trial import UntriedError, require_survival

__all__ = ["ProcessIsolation", "UntriedError", "require_survival"]
