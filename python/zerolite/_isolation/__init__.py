"""Trying a model out in a process of its own, before this one is risked for it."""

from zerolite._isolation.trial import require_survival

__all__ = ["require_survival"]
