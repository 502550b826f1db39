"""Trying a model out in a process of its own, before this one is risked for it."""

from zerolite.isolation.survival import require_survival

__all__ = ["require_survival"]
