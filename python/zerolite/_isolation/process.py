"""A process that has loaded a model for good, is ended with this one, and replaced when it dies."""

from __future__ import annotations

import contextlib
import fcntl
import json
import mmap
import os
import signal
import struct
from typing import Any

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
from zerolite._isolation.stand_in import stand_in
from zerolite._platform.fresh_python import FreshPython, Limits
from zerolite._platform.lasting_thread import run_in_lasting_thread

__all__ = ["ModelProcess"]

#: What each run may take, in seconds.
_SECONDS_A_RUN = 60.0
#: As `SharedChannel` in the core has it: where the space for tensors begins.
_CHANNEL = 4096 + 16384 * 8


class ModelProcess:
    """Starts the process of a model, and others in its place when it has died.

    The process computes, and nothing else: it opens no files or sockets, starts no processes, and has limits to its
    memory; how long it may compute is up to those who ask it.

    Attributes:
        description: what the process says of the model.
        content: the model's bytes, until it is closed.
        size: how many there are.
        isolation: what it may take.
    """

    def __init__(
        self,
        content: memoryview,
        *,
        name: bytes,
        settings: dict[str, Any],
        verification: _native.Verification,
        isolation: ProcessIsolation,
    ) -> None:
        """Start the first process.

        Raises:
            InvalidModelError, DelegateError, Error: as loading the model raises them; also Error when the process died
                of it, or can't be started.
            ValueError: a delegate that needs more than the CPU.
        """
        for delegate in (*settings["before_xnnpack"], *settings["after_xnnpack"]):
            if not isinstance(delegate, _native.ExternalSettings):
                raise ValueError(
                    "a model that is isolated in a process computes on the CPU, and GPUs, NPUs and OpenVINO need files "
                    "and devices that it can't open; leave them out, or load it without isolation"
                )
        kernels = {name: value for name, value in settings.items() if name != "custom_operators"}
        self._settings = ModelSettings(kernels)
        self.isolation = isolation
        self._name = name
        self._verification = verification.name
        self.size = content.nbytes
        self._owner = os.getpid()
        self._process: FreshPython | None = None
        self._memory = self._pidfd = -1
        self._model = sealed_model(content)
        self._mapping = mmap.mmap(self._model, self.size, access=mmap.ACCESS_READ)
        self.content = memoryview(self._mapping)
        self._address_space = isolation.address_space_for(self.size)
        self.description: dict[str, Any] = {}
        self._is_fresh = False
        try:
            self._begin()
        except BaseException:
            self.close()
            raise
        self._is_fresh = True

    def delegate(self) -> _native.IsolatedSettings:
        """What makes a stand-in ask this process."""
        signatures = [
            (
                [tensor["shape"] for tensor in signature["inputs"]],
                signature["known"],
                [(tensor["shape"], tensor["size"]) for tensor in signature["outputs"]],
                signature["varies"],
                signature["steps"],
            )
            for signature in self.description["signatures"]
        ]
        remote = _native.RemoteModel(
            launcher=self,
            signatures=signatures,
            keeps_state=self.description["keeps_state"],
            seconds=_SECONDS_A_RUN if self.isolation.seconds is None else self.isolation.seconds,
            bytes=self._address_space,
        )
        return _native.IsolatedSettings(model=remote)

    def stand_in(self) -> bytes:
        """The model that this process has in the place of the other one's."""
        return stand_in(self.description["signatures"])

    def start(self) -> tuple[int, int]:
        """Start a process, unless one is there that nobody has used; the descriptors of its memory and of itself.

        Raises:
            Error: it could not load the model, or can't be started.
        """
        if self._model < 0:
            raise _native.Error("its process was ended when the model was closed; load it again to use it")
        if not self._is_fresh:
            self._begin()
        self._is_fresh = False
        return self._memory, self._pidfd

    def end(self) -> str:
        """End the process, if it is there. How it ended, as the rest of a sentence; "" without any."""
        process, self._process = self._process, None
        memory, pidfd, self._memory, self._pidfd = self._memory, self._pidfd, -1, -1
        self._is_fresh = False
        for descriptor in (memory, pidfd):
            if descriptor >= 0:
                os.close(descriptor)
        if process is None or os.getpid() != self._owner:  # a fork's parent goes on with it
            return ""
        how = _ending(process)
        process.__exit__(None, None, None)
        return how

    def close(self) -> None:
        """End the process for good; its descriptors are given back."""
        self.end()
        model, self._model = self._model, -1
        if model >= 0:
            os.close(model)
            with contextlib.suppress(BufferError):  # somebody still looks at it
                self.content.release()
                self._mapping.close()

    def __del__(self) -> None:
        """End the process."""
        with contextlib.suppress(AttributeError):  # it failed before it had anything
            self.close()

    def _begin(self) -> None:
        self._memory = os.memfd_create("zerolite-tensors", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        os.ftruncate(self._memory, _CHANNEL)
        # What is looked at here must not go away.
        fcntl.fcntl(self._memory, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK)
        try:
            with errors_of_starting():
                process = ConfinedPython(
                    self._model,
                    self.size,
                    settings=self._settings,
                    name=self._name,
                    verification=self._verification,
                    limits=Limits(seconds=None, address_space=self._address_space),
                    memory=self._memory,
                )
                run_in_lasting_thread(process.__enter__)
                self._process = process
                self._pidfd = os.pidfd_open(process.pid)
                line = process.next_line(seconds_for(self.size))
        except BaseException:
            self.end()
            raise
        if line is None:
            raise _native.Error(f"{os.fsdecode(self._name)}: its process {self.end() or 'ended'} while it loaded it")
        try:
            self._take(json.loads(line))
        except BaseException:
            self.end()
            raise

    def _take(self, description: dict[str, Any]) -> None:
        """Note what the process says, which may be anything: the model may have taken it over."""
        try:
            refusal = refusal_of(description)
            if refusal is not None:
                raise refusal
            stand_in(description["signatures"])
        except (TypeError, ValueError, LookupError, AttributeError, struct.error) as error:
            if isinstance(error, _native.Error):
                raise
            name = os.fsdecode(self._name)
            raise _native.Error(f"{name}: its process describes it in a way that is none ({error})") from error
        if self.description and description["signatures"] != self.description["signatures"]:
            raise _native.Error(f"{os.fsdecode(self._name)}: its next process describes it in another way")
        self.description = description


def _ending(process: FreshPython) -> str:
    code = process.exit_code()
    if code is None:
        return "was ended"
    last_words = f" ({process.last_words})" if process.last_words else ""
    if code < 0:
        return f"died of {signal.Signals(-code).name}{last_words}"
    if code == ModelSettings.OUT_OF_MEMORY:
        return "needed more memory than it was given"
    return f"ended with exit code {code}{last_words}"
