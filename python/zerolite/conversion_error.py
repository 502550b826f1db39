"""What `convert` raises when the converter refuses a model."""

from __future__ import annotations

from zerolite._native import Error

__all__ = ["ConversionError"]


class ConversionError(Error):
    """The converter refused a model. `log` holds everything that it printed."""

    def __init__(self, message: str, *, log: str) -> None:
        super().__init__(message)
        self.log = log
