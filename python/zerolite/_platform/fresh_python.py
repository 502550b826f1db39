"""Programs in a Python interpreter of their own, which is gone when they are done."""

from __future__ import annotations

import contextlib
import os
import re
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, NamedTuple

__all__ = ["Ended", "FreshPython", "Limits", "kill_group", "last_told_line", "printed_lines", "run"]

_PART = 1 << 16  # bytes that go through a pipe at once
_LONGEST_LINE = 64 << 20  # bytes
_LAST_MOMENT = 0.05  # seconds

# The beginnings of lines that tell of what goes well or may go wrong, and never why a process ended.
_WARNING = re.compile(r"\S.*:\d+: \w*Warning: ")
_NOTICE = re.compile(r"(INFO|WARNING|DEBUG)\b|[IW]\d{4} ")

# The path comes first: a folder that the user happens to be in must not hide a package.
_PROGRAM = "import sys; sys.path[:] = {path!r}; reply = {reply}\n{ending}{limits}{program}"
# The kernel ends the process when its caller is killed, which can end nobody any more: 1 is PR_SET_PDEATHSIG, 9 is
# SIGKILL. A caller that was gone before that has left it to another parent.
_ENDING = """
import ctypes, os
ctypes.CDLL(None).prctl(1, 9)
if os.getppid() != {parent}:
    os._exit(0)
"""
# Set in the process itself, before it imports anything.
_LIMITS = """
import resource
def limit(kind, value):
    most = resource.getrlimit(kind)[1]
    resource.setrlimit(kind, (value if most == resource.RLIM_INFINITY else min(value, most), most))
limit(resource.RLIMIT_CORE, 0)
limit(resource.RLIMIT_AS, {address_space})
limit(resource.RLIMIT_CPU, {cpu_seconds} or resource.RLIM_INFINITY)
"""


class Limits(NamedTuple):
    """What a process may use.

    Attributes:
        seconds: how long it may run; None is without a limit. It may also compute for as long, and a second more: a
            process that sleeps and one that is busy both come to an end.
        address_space: bytes that it may reserve.
    """

    seconds: float | None
    address_space: int


class Ended(NamedTuple):
    """How a process ended.

    Attributes:
        code: its exit code, or minus the number of the signal that ended it; None when its time was up.
        lines: what it printed to stdout and stderr, without empty lines and the space around the others.
        last_words: the last of them that is no warning; "" without any.
    """

    code: int | None
    lines: tuple[str, ...]
    last_words: str


class FreshPython:
    """Context manager: a program that runs in an interpreter of its own until it ends, or the block does.

    The interpreter is started and not forked, so that it has none of this process's threads and libraries, but it
    imports from the same places. Its group of processes is its own: an interrupt from the terminal reaches this process
    alone, which ends the others. It ends with the thread that started it, so that a process that is killed leaves none
    behind: that thread has to stay in the block.

    The program can write lines to the descriptor `reply`, a name that it finds defined. What it prints goes to the log.
    """

    def __init__(
        self,
        program: str,
        *,
        environment: Mapping[str, str] | None = None,
        limits: Limits | None = None,
        descriptors: Sequence[int] = (),
    ) -> None:
        """Choose what to run.

        Args:
            program: Python code.
            environment: variables that it gets besides this process's.
            limits: what it may use; None is without limits.
            descriptors: files of this process that it gets, under the same numbers.

        Raises:
            RuntimeError: `sys.executable` names no interpreter.
        """
        if not sys.executable:
            raise RuntimeError("sys.executable names no interpreter")
        self._program = program
        self._environment = {**os.environ, **(environment or {})}
        self._limits = limits
        self._descriptors = tuple(descriptors)
        self._unfinished = b""  # the beginning of a line

    def __enter__(self) -> FreshPython:
        """Start the process.

        Raises:
            OSError: it can't be started.
        """
        self._log = tempfile.TemporaryFile()
        replies, reply = os.pipe()  # after the file: had that failed, both ends would have stayed open
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-c", self._code(reply)],
                stdin=subprocess.PIPE,
                stdout=self._log,
                stderr=self._log,
                pass_fds=(reply, *self._descriptors),
                start_new_session=True,
                env=self._environment,
                bufsize=0,
            )
        except BaseException:
            os.close(replies)
            self._log.close()
            raise
        finally:
            os.close(reply)
        self._replies = replies
        self._is_killed = False
        seconds = None if self._limits is None else self._limits.seconds
        self._deadline = None if seconds is None else time.monotonic() + seconds
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """End the process, if it is still there, and all that it has started."""
        self.kill()
        self._process.wait()
        self._stdin.close()
        os.close(self._replies)
        self._log.close()

    @property
    def log(self) -> str:
        """What the process has printed so far."""
        size = os.fstat(self._log.fileno()).st_size
        return os.pread(self._log.fileno(), size, 0).decode("utf-8", errors="replace")

    def send(self, content: bytes) -> None:
        """Write to the process's stdin, which stays open. It may have ended: `finish` tells of that."""
        with contextlib.suppress(BrokenPipeError):
            while content:
                content = content[self._stdin.write(content) :]

    def finish(
        self, stdin: bytes | memoryview | None = None, *, on_line: Callable[[str], object] | None = None
    ) -> Ended:
        """Wait until the process ends, or its time is up.

        Args:
            stdin: what it reads until the end of its stdin; None leaves its stdin open.
            on_line: called with each line that the process writes to `reply`. What it raises ends the waiting.
        """
        in_time = self._exchange(stdin, on_line)
        code = None
        if in_time:
            with contextlib.suppress(subprocess.TimeoutExpired):
                code = self._process.wait(self._remaining())
        self.kill()
        lines = printed_lines(self.log)
        return Ended(code, lines, last_told_line(self.log))

    @property
    def pid(self) -> int:
        """The number of the process, which is its own until the block ends."""
        return self._process.pid

    @property
    def last_words(self) -> str:
        """The last line that the process has printed and that is no warning; "" without any."""
        return last_told_line(self.log)

    def next_line(self, seconds: float | None = None) -> str | None:
        """The next line that the process writes to `reply`; None when it ends, or that long has passed, before.

        Of a line that is longer than 64 MiB nothing is given either.
        """
        end = None if seconds is None else time.monotonic() + seconds
        with selectors.DefaultSelector() as selector:
            selector.register(self._replies, selectors.EVENT_READ)
            while b"\n" not in self._unfinished:
                if not selector.select(None if end is None else max(0.0, end - time.monotonic())):
                    return None
                read = os.read(self._replies, _PART)
                if not read or len(self._unfinished) > _LONGEST_LINE:
                    return None
                self._unfinished += read
        line, self._unfinished = self._unfinished.split(b"\n", 1)
        return line.decode()

    def exit_code(self) -> int | None:
        """Its exit code, or minus the number of the signal that ended it; None of one that has not ended by itself."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            # One that has closed its descriptors is as good as gone.
            return self._process.wait(_LAST_MOMENT)
        return None

    def kill(self) -> None:
        """End the process, and all that it has started. What it has written can still be read."""
        if not self._is_killed:  # later, the number may belong to others
            kill_group(self._process)
        self._is_killed = True

    def _code(self, reply: int) -> str:
        path = [entry or str(Path.cwd()) for entry in sys.path]
        limits = ""
        if self._limits is not None:
            cpu_seconds = None if self._limits.seconds is None else int(self._limits.seconds) + 1
            limits = _LIMITS.format(address_space=self._limits.address_space, cpu_seconds=cpu_seconds)
        ending = _ENDING.format(parent=os.getpid())
        return _PROGRAM.format(path=path, reply=reply, ending=ending, limits=limits, program=self._program)

    @property
    def _stdin(self) -> IO[bytes]:
        if self._process.stdin is None:
            raise RuntimeError("the process has no stdin")
        return self._process.stdin

    def _remaining(self) -> float | None:
        return None if self._deadline is None else max(0.0, self._deadline - time.monotonic())

    def _exchange(self, stdin: bytes | memoryview | None, on_line: Callable[[str], object] | None) -> bool:
        """Write stdin and read replies until both are at their end; False when the time was up before."""
        unsent, unfinished = memoryview(stdin or b""), b""
        with selectors.DefaultSelector() as selector:
            selector.register(self._replies, selectors.EVENT_READ)
            if stdin is not None:
                os.set_blocking(self._stdin.fileno(), False)
                selector.register(self._stdin, selectors.EVENT_WRITE)
            while selector.get_map():
                ready = selector.select(self._remaining())
                if not ready:
                    return False
                for key, _ in ready:
                    if key.fd != self._replies:
                        unsent = self._write(unsent)
                        if not unsent:
                            selector.unregister(self._stdin)
                            self._stdin.close()
                        continue
                    read = os.read(self._replies, _PART)
                    if not read:
                        selector.unregister(self._replies)
                    *lines, unfinished = (unfinished + read).split(b"\n")
                    for line in lines:
                        if on_line is not None:
                            on_line(line.decode())
        return True

    def _write(self, content: memoryview) -> memoryview:
        try:
            return content[os.write(self._stdin.fileno(), content[:_PART]) :]
        except BrokenPipeError:
            return memoryview(b"")  # nobody reads it any more


def run(
    program: str,
    *,
    stdin: bytes | memoryview = b"",
    environment: Mapping[str, str] | None = None,
    limits: Limits | None = None,
    on_line: Callable[[str], object] | None = None,
) -> Ended:
    """Run a program in an interpreter of its own, as `FreshPython` does, and wait for its end.

    Args:
        program: Python code.
        stdin: what it reads from stdin.
        environment: variables that it gets besides this process's.
        limits: what it may use; None is without limits.
        on_line: called with each line that it writes to the descriptor `reply`.

    Raises:
        RuntimeError: `sys.executable` names no interpreter.
        OSError: the process can't be started.
    """
    with FreshPython(program, environment=environment, limits=limits) as process:
        return process.finish(stdin, on_line=on_line)


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """End a process that leads a group of its own, and all others of the group."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def printed_lines(log: str) -> tuple[str, ...]:
    """The lines of a log that have something in them."""
    return tuple(line.strip() for line in log.splitlines() if line.strip())


def last_told_line(log: str) -> str:
    """The last line of a log that may be why its process ended: none of a warning, or a notice; "" without any."""
    last, in_warning = "", False
    for line in log.splitlines():
        if _WARNING.match(line):
            in_warning = True
        elif line[:1].strip():  # the rest of a warning, and the code that it is about, are indented
            in_warning = False
        if line.strip() and not in_warning and not _NOTICE.match(line):
            last = line.strip()
    return last
