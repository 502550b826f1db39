"""Whether a process survives loading and running a model: remembered from before, or tried."""

from __future__ import annotations

import json
import os
import signal
import tempfile
from typing import TYPE_CHECKING, Any, NamedTuple

from zerolite import _native
from zerolite._isolation.confined_python import (
    ConfinedPython,
    errors_of_starting,
    refusal_of,
    sealed_model,
    seconds_for,
)
from zerolite._isolation.limits import ProcessIsolation
from zerolite._isolation.model_settings import ModelSettings
from zerolite._isolation.trial_cache import TrialCache
from zerolite._platform.fresh_python import Ended, Limits

if TYPE_CHECKING:
    from zerolite.operators import CustomOp, FunctionOp

__all__ = ["TrialOutcome", "UntriedError", "require_survival", "try_in_a_process"]


class UntriedError(_native.Error):
    """No run of a model finished in its trial, so that nobody knows whether a process survives it."""


class TrialOutcome(NamedTuple):
    """How a trial ended.

    Attributes:
        death: how the process died, as the rest of a sentence; "" when it survived.
        is_final: whether another trial would end in the same way. Running out of time or memory depends on the machine.
        refusal: what the process says when an error kept it from trying all there is; None when it tried all.
    """

    death: str
    is_final: bool
    refusal: _native.Error | None = None


def try_in_a_process(content: memoryview, settings: dict[str, Any], *, name: bytes) -> TrialOutcome:
    """Load and run a model in a process of its own, with limits to its memory and time.

    Raises:
        Error: the process can't be started, or can't import zerolite.
    """
    limits = Limits(
        seconds=seconds_for(content.nbytes), address_space=ProcessIsolation().address_space_for(content.nbytes)
    )
    reports: list[str] = []
    with errors_of_starting(), tempfile.TemporaryDirectory(prefix="zerolite-trial-") as folder:
        model = sealed_model(content)
        try:
            process = ConfinedPython(
                model,
                content.nbytes,
                settings=ModelSettings(settings),
                name=name,
                verification="structure",  # it was looked at more closely before
                limits=limits,
                folder=folder,
            )
            with process:
                ended = process.finish(on_line=reports.append)
        finally:
            os.close(model)
    if ended.code is None:
        return TrialOutcome(f"did not end within {limits.seconds:.0f} s", is_final=False)
    return _judged(ended, ended.code, reports, os.fsdecode(name), limits)


def _judged(ended: Ended, code: int, reports: list[str], name: str, limits: Limits) -> TrialOutcome:
    last_words = f" ({ended.last_words})" if ended.last_words else ""
    if code == 0 and len(reports) == 1:
        return _told(reports[0], name, limits)
    if code == 0:
        return TrialOutcome(f"ended before its work was done{last_words}", is_final=True)
    if code == ModelSettings.OUT_OF_MEMORY or any("bad_alloc" in line for line in ended.lines):
        return TrialOutcome("needed more memory than it was given", is_final=False)
    if code < 0:
        number = -code
        signal_name = signal.Signals(number).name
        if number == signal.SIGXCPU:
            return TrialOutcome("used up its time", is_final=False)
        # The system kills a process when memory runs out, too.
        return TrialOutcome(f"died of {signal_name}{last_words}", is_final=number != signal.SIGKILL)
    if code in (ModelSettings.NOT_BEGUN, 1):
        raise _native.Error(f"the process to try the model in did not get as far as the model{last_words}")
    return TrialOutcome(f"ended with exit code {code}{last_words}", is_final=True)


def _told(line: str, name: str, limits: Limits) -> TrialOutcome:
    """What a process that came to its end says, which may be anything: the model may have taken it over."""
    try:
        refusal = _refusal(json.loads(line), name, limits)
    except (ValueError, TypeError, LookupError):
        return TrialOutcome("took over what tells of it", is_final=True)
    return TrialOutcome("", is_final=refusal is None, refusal=refusal)


def _refusal(report: dict[str, str], name: str, limits: Limits) -> _native.Error | None:
    """What to raise for a trial that an error ended before it had tried all.

    This process may get further than that one, where it has more memory for example, and what comes then was not tried.

    Raises:
        ValueError, TypeError, LookupError: it is no such report.
    """
    more = (
        f' (in the process that verify="isolated" tries it in, with {limits.address_space / (1 << 30):.0f} GiB of '
        'addresses; if it needs more and you trust where it comes from, load it with verify="full")'
    )
    refusal = refusal_of(report, more)
    if refusal is not None:
        return refusal
    if "untried" in report:
        return UntriedError(
            f"{name} could not be tried in a process of its own: {report['untried']}; nobody knows what comes after "
            'that, so load it with verify="full" only if you trust where it comes from'
        )
    if report:
        raise ValueError("no report of a trial")
    return None


def require_survival(
    content: memoryview,
    *,
    name: bytes,
    settings: dict[str, Any],
    custom_ops: tuple[CustomOp | FunctionOp, ...] = (),
) -> None:
    """Refuse a model that crashes a process, or keeps it busy for too long.

    Args:
        content: the model.
        name: what it is called in an error.
        settings: how it is going to be loaded, as the native core takes it.
        custom_ops: the kernels for custom operators in it. Nobody knows whether they are the same the next time, so
            that each load with such is tried.

    Raises:
        InvalidModelError: the model is not sound, or a process that loaded and ran it died or did not end within its
            limits.
        Error: no process could be started, or an error kept it from trying all there is; or another process can't
            have the function of a custom operator.
    """
    check_in_full(content, name)
    if custom_ops:
        settings = {**settings, "custom_operators": list(custom_ops)}
    cache = TrialCache(content, settings)
    death = None if custom_ops else cache.known
    if death is None:
        death, is_final, refusal = try_in_a_process(content, settings, name=name)
        if is_final and not custom_ops:
            cache.keep(death)
        if refusal is not None:
            raise refusal
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
