"""Whether a process survives loading and running a model: remembered from before, or tried."""

from __future__ import annotations

import os
import signal
from typing import Any, NamedTuple

from zerolite import _native
from zerolite._isolation.trial_cache import TrialCache
from zerolite._isolation.trial_settings import TrialSettings
from zerolite._platform.fresh_python import Ended, Limits, run

__all__ = ["TrialOutcome", "require_survival", "try_in_a_process"]

# Far more than a sound model of this size needs, and little enough to do no harm to the machine.
_SECONDS = 60.0
_SECONDS_PER_GIGABYTE = 60.0
_ADDRESS_SPACE = 8 << 30
_ADDRESS_SPACE_PER_BYTE = 4

_PROGRAM = "from zerolite._isolation.trial_program import main; main({settings!r})"


class TrialOutcome(NamedTuple):
    """How a trial ended.

    Attributes:
        death: how the process died, as the rest of a sentence; "" when it survived.
        is_final: whether another trial would end in the same way. Running out of time or memory depends on the machine.
    """

    death: str
    is_final: bool


def try_in_a_process(content: memoryview, settings: dict[str, Any]) -> TrialOutcome:
    """Load and run a model in a process of its own, with limits to its memory and time.

    Raises:
        Error: the process can't be started, or can't import zerolite.
    """
    limits = Limits(
        seconds=_SECONDS + _SECONDS_PER_GIGABYTE * content.nbytes / (1 << 30),
        address_space=_ADDRESS_SPACE + _ADDRESS_SPACE_PER_BYTE * content.nbytes,
    )
    program = _PROGRAM.format(settings=TrialSettings(settings).to_json())
    environment = {"ZEROLITE_RUNTIME": _native.runtime_path()}
    try:
        ended = run(program, stdin=content.cast("B"), environment=environment, limits=limits)
    except RuntimeError as error:
        raise _native.Error(f"a trial runs in another Python process, and {error}") from error
    except OSError as error:
        raise _native.Error(f"no process could be started to try the model in: {error}") from error
    if ended.code is None:
        return TrialOutcome(f"did not end within {limits.seconds:.0f} s", is_final=False)
    return _judged(ended, ended.code)


def _judged(ended: Ended, code: int) -> TrialOutcome:
    last_words = f" ({ended.last_words})" if ended.last_words else ""
    if code == 0:
        return TrialOutcome("", is_final=True)
    if code == TrialSettings.OUT_OF_MEMORY or any("bad_alloc" in line for line in ended.lines):
        return TrialOutcome("needed more memory than it was given", is_final=False)
    if code < 0:
        number = -code
        name = signal.Signals(number).name
        if number == signal.SIGXCPU:
            return TrialOutcome("used up its time", is_final=False)
        # The system kills a process when memory runs out, too.
        return TrialOutcome(f"died of {name}{last_words}", is_final=number != signal.SIGKILL)
    if code in (TrialSettings.NOT_BEGUN, 1):
        raise _native.Error(f"the process to try the model in did not get as far as the model{last_words}")
    return TrialOutcome(f"ended with exit code {code}{last_words}", is_final=True)


def require_survival(content: memoryview, *, name: bytes, settings: dict[str, Any]) -> None:
    """Refuse a model that crashes a process, or keeps it busy for too long.

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
    cache = TrialCache(content, settings)
    death = cache.known
    if death is None:
        death, is_final = try_in_a_process(content, settings)
        if is_final:
            cache.keep(death)
    if death:
        raise _native.InvalidModelError(
            f"{os.fsdecode(name)} is not a sound TensorFlow Lite model: a process that loaded it and ran it once "
            f"{death}; convert or download it again"
        )


def check_in_full(content: memoryview, name: bytes) -> None:
    """Refuse a model that a full check finds unsound; that needs no process.

    Raises:
        InvalidModelError: the model is not sound.
    """
    _native.verify_model(content, name, _native.Verification.full)
