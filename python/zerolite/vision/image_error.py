"""A file that is no sound image."""

from __future__ import annotations

from pathlib import Path

__all__ = ["ImageError"]


class ImageError(ValueError):
    """A file can't be decoded as an image; the cause is what the decoder said.

    Attributes:
        path: the file.
    """

    def __init__(self, path: Path, reason: str) -> None:
        """Name the file and what is wrong with it."""
        super().__init__(f"{path} can't be decoded as an image: {reason}; mend or remove it, or skip corrupt images")
        self.path = path
        self._reason = reason

    def __reduce__(self) -> tuple[type, tuple[Path, str]]:
        """Pickle by what it is made of, so that it travels between processes."""
        return type(self), (self.path, self._reason)
