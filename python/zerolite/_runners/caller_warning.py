"""Warnings at the line of whoever called zerolite."""

from __future__ import annotations

import warnings

from zerolite._runtime.positions import caller_level

__all__ = ["warn_caller", "warn_of_nan"]


def warn_caller(message: str) -> None:
    """Warn at the line outside of zerolite that led here."""
    warnings.warn(message, UserWarning, stacklevel=caller_level())


def warn_of_nan(what: str, count: int, items: int) -> None:
    """Say that outputs are NaN, where some are.

    Args:
        what: which outputs.
        count: of how many items.
        items: how many there are.
    """
    if count:
        warn_caller(
            f"{what} holds NaN for {count} of {items} items: they have no prediction, and are never right; look for "
            "inputs that the model was not made for, such as negative numbers into a logarithm"
        )
