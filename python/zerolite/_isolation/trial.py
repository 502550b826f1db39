"""What is known about a model's survival, or else found out."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from zerolite import _native
from zerolite._isolation.trial_cache import Verdicts
from zerolite._isolation.trial_settings import TrialSettings

__all__ = ["Trial", "require_survival", "try_in_a_process"]

# Far more than a sound model of this size needs, and little enough that a machine survives it.
_SECONDS = 60.0
_SECONDS_PER_GIGABYTE = 60.0
_ADDRESS_SPACE = 8 << 30
_ADDRESS_SPACE_PER_BYTE = 4

# The path comes first: a folder that the user happens to be in must not hide a package.
_PROGRAM = "import sys; sys.path[:] = {path!r}; from zerolite._isolation.trial_program import main; main({settings!r})"


class Trial(NamedTuple):
    """What became of the process.

    Attributes:
        death: what it did instead of ending well, as the rest of a sentence; "" when it survived.
        is_final: whether another trial would end in the same way. Running out of time or memory depends on the machine.
    """

    death: str
    is_final: bool


def try_in_a_process(content: memoryview, settings: dict[str, Any]) -> Trial:
    """Load and run a model in a process of its own, with limits to its memory and time.

    Raises:
        Error: the process can't be started, or can't import zerolite.
    """
    if not sys.executable:
        raise _native.Error("a trial runs in another Python process, and sys.executable names no interpreter")
    seconds = _SECONDS + _SECONDS_PER_GIGABYTE * content.nbytes / (1 << 30)
    limits = TrialSettings(
        address_space=_ADDRESS_SPACE + _ADDRESS_SPACE_PER_BYTE * content.nbytes,
        cpu_seconds=int(seconds) + 1,
        library=_native.runtime_path(),
        native=settings,
    )
    path = [entry or str(Path.cwd()) for entry in sys.path]
    program = _PROGRAM.format(path=path, settings=limits.to_json())
    with tempfile.TemporaryFile() as log:
        try:
            process = subprocess.Popen(
                [sys.executable, "-c", program],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,
                env={**os.environ, "ZEROLITE_RUNTIME": limits.library},
            )
        except OSError as error:
            raise _native.Error(f"no process could be started to try the model in: {error}") from error
        with process:
            try:
                process.communicate(bytes(content), timeout=seconds)
            except subprocess.TimeoutExpired:
                return Trial(f"did not end within {seconds:.0f} s", is_final=False)
            finally:
                process.kill()
        log.seek(0)
        return _judged(process.returncode, log.read().decode(errors="replace"))


def _judged(code: int, log: str) -> Trial:
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    last_words = f" ({lines[-1]})" if lines else ""
    if code == 0:
        return Trial("", is_final=True)
    if code == TrialSettings.OUT_OF_MEMORY or "bad_alloc" in log:
        return Trial("needed more memory than it was given", is_final=False)
    if code < 0:
        number = -code
        name = signal.Signals(number).name
        if number == signal.SIGXCPU:
            return Trial("used up its time", is_final=False)
        # The system kills a process when memory runs out, too.
        return Trial(f"died of {name}{last_words}", is_final=number != signal.SIGKILL)
    if code in (TrialSettings.NOT_BEGUN, 1):
        raise _native.Error(f"the process to try the model in did not get as far as the model{last_words}")
    return Trial(f"ended with exit code {code}{last_words}", is_final=True)


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
