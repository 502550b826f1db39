"""How large a model is."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

__all__ = ["model_size"]


def model_size(model: Any) -> int | None:
    """Bytes of a model's file or content, or of the weights of a Keras model in memory; None where nobody knows."""
    if isinstance(model, str | os.PathLike):
        return Path(model).stat().st_size
    if isinstance(model, bytes | bytearray | memoryview):
        return memoryview(model).nbytes
    if hasattr(model, "predict_on_batch"):
        return sum(int(weight.numpy().nbytes) for weight in model.weights)
    size = getattr(model, "size", None)
    return size if isinstance(size, int) else None
