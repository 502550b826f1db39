"""What is known about a model's survival, or else found out."""

from __future__ import annotations

import os
from typing import Any

from zerolite import _native
from zerolite._isolation.trial_cache import Verdicts
from zerolite._isolation.trial_process import try_in_a_process

__all__ = ["require_survival"]


def require_survival(content: memoryview, *, name: bytes, settings: dict[str, Any]) -> None:
    """Refuse a model that ends a process.

    Args:
        content: the model.
        name: what it is called in an error.
        settings: how it is going to be loaded, as the native core takes it.

    Raises:
        InvalidModelError: the model is not sound, or a process that loaded and ran it died or did not end within its
            limits.
        Error: no process could be started.
    """
    check_in_full(content, name)
    # Files of packed weights are written by those who keep the model, and not by a trial.
    settings = {key: value for key, value in settings.items() if not key.startswith("weight_cache")}
    verdicts = Verdicts(content, settings)
    death = verdicts.known
    if death is None:
        death, is_final = try_in_a_process(content, settings)
        if is_final:
            verdicts.keep(death)
    if death:
        raise _native.InvalidModelError(
            f"{os.fsdecode(name)} is not a sound TensorFlow Lite model: a process that loaded it and ran it once "
            f"{death}; convert or download it again"
        )


def check_in_full(content: memoryview, name: bytes) -> None:
    """Refuse what can be seen to be unsound, for which no process is needed.

    Raises:
        InvalidModelError: the model is not sound.
    """
    _native.verify_model(content, name, _native.Verification.full)
