"""Programs in an interpreter of their own: what reaches them, what comes back, and that nothing is left of them."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from zerolite._platform.fresh_python import FreshPython, Limits, last_told_line, run

ROOMY = Limits(seconds=60.0, address_space=4 << 30)
ECHO = "import os, sys; os.write(reply, sys.stdin.buffer.read())"


def is_alive(pid: int) -> bool:
    """Whether a process runs, and is no zombie that nobody has waited for."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_for_end(pid: int) -> None:
    while is_alive(pid):
        time.sleep(0.01)


@pytest.mark.parametrize("limits", [None, ROOMY])
def test_code_and_what_was_printed(limits: Limits | None) -> None:
    program = "import sys; print(' one '); print(); sys.stdout.flush(); print('two', file=sys.stderr); sys.exit(7)"
    assert run(program, limits=limits) == (7, ("one", "two"), "two")
    assert run("pass", limits=limits) == (0, (), "")


def test_signal_is_told() -> None:
    assert run("import os, signal; os.kill(os.getpid(), signal.SIGKILL)").code == -signal.SIGKILL


def test_exception_is_the_last_line() -> None:
    ended = run("raise ValueError('no')")
    assert ended.code == 1
    assert ended.last_words == "ValueError: no"


def test_stdin_and_replies_of_any_size() -> None:
    lines: list[str] = []
    sent = [f"line {number} " + "ü" * (number % 50) for number in range(20000)]
    assert run(ECHO, stdin="\n".join([*sent, ""]).encode(), on_line=lines.append).code == 0
    assert lines == sent


def test_process_that_does_not_read() -> None:
    assert run("import os; os.close(0)", stdin=bytes(1 << 22)).code == 0
    assert run("pass", stdin=memoryview(bytes(1 << 22))).code == 0


def test_stdin_stays_open_between_requests() -> None:
    lines: list[str] = []
    with FreshPython(
        "import os, sys; [os.write(reply, line.encode()) for line in sys.stdin if line != 'end\\n']"
    ) as own:
        own.send(b"one\n")
        own.send(b"two\n")

        def told(line: str) -> None:
            lines.append(line)
            if line == "two":
                own.kill()

        assert own.finish(on_line=told).code == -signal.SIGKILL
    assert lines == ["one", "two"]


def test_what_a_callback_raises_ends_the_process() -> None:
    pids: list[int] = []

    def told(line: str) -> None:
        pids.append(int(line))
        raise LookupError(line)

    with pytest.raises(LookupError):
        run("import os, time; os.write(reply, b'%d\\n' % os.getpid()); time.sleep(600)", on_line=told)
    wait_for_end(pids[0])


def test_time_is_limited() -> None:
    assert run("import time; print('begun', flush=True); time.sleep(600)", limits=Limits(2.0, 4 << 30)) == (
        None,
        ("begun",),
        "begun",
    )
    # Also of a process that neither reads nor writes.
    ended = run("while True: pass", stdin=bytes(1 << 22), limits=Limits(1.0, 4 << 30))
    assert ended.code in (None, -signal.SIGXCPU)


def test_memory_is_limited() -> None:
    assert run("bytes(1 << 30)", limits=Limits(60.0, 1 << 29)).last_words == "MemoryError"
    assert run("bytes(1 << 30)", limits=ROOMY).code == 0


def test_limits_are_no_higher_than_they_were() -> None:
    program = """
import resource
resource.setrlimit(resource.RLIMIT_CPU, (30, 30))
from zerolite._platform.fresh_python import Limits, run
print(run("print(__import__('resource').getrlimit(0))", limits=Limits(60.0, 8 << 30)).last_words)
"""
    assert run(program).last_words == "(30, 30)"


@pytest.mark.parametrize("end", ["pass", "time.sleep(600)"])
def test_what_it_started_ends_with_it(end: str) -> None:
    program = f"""
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print(child.pid, flush=True)
{end}
"""
    ended = run(program, limits=Limits(3.0, 4 << 30) if end != "pass" else None)
    wait_for_end(int(ended.last_words))


def test_environment_and_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "only_here.py").write_text("word = 'found'")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("KEPT", "old")
    monkeypatch.setenv("CHANGED", "old")
    program = "import only_here, os; print(only_here.word, os.environ['KEPT'], os.environ['CHANGED'])"
    assert run(program, environment={"CHANGED": "new"}).last_words == "found old new"


def test_folder_does_not_hide_packages(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "zerolite").mkdir()
    (tmp_path / "zerolite" / "__init__.py").write_text("raise ImportError('of the folder')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if entry])
    assert run("import zerolite").code == 0


def test_no_interpreter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "")
    with pytest.raises(RuntimeError, match=r"sys\.executable names no interpreter"):
        run("pass")
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    descriptors = len([*Path("/proc/self/fd").iterdir()])
    with pytest.raises(FileNotFoundError):
        run("pass")
    assert len([*Path("/proc/self/fd").iterdir()]) == descriptors


@pytest.mark.parametrize(
    ("log", "line"),
    [
        ("", ""),
        ("a first line\nF0000 check failed: size > 0\n", "F0000 check failed: size > 0"),
        # A warning, its further lines, and the code that it is about.
        ("/a/b.py:457: UserWarning:     Warning: old\n    See the guide.\n\n  warnings.warn(_TEXT)\n", ""),
        ("Traceback:\nValueError: no\n/a/b.py:4: FutureWarning: old\n  warnings.warn('old')\n", "ValueError: no"),
        ("LLVM ERROR: out of memory\nINFO: Created a delegate.\nW0000 00:00 old\n", "LLVM ERROR: out of memory"),
    ],
)
def test_warnings_are_no_last_words(log: str, line: str) -> None:
    assert last_told_line(log) == line


def test_last_words_of_a_process_that_warned() -> None:
    program = "import os, sys, warnings; sys.stderr.write('gone\\n'); warnings.warn('old\\n    and long'); os.abort()"
    assert run(program).last_words == "gone"


CALLER = """
from zerolite._platform.fresh_python import run
run(
    "import os, signal; os.write(reply, b'%d\\\\n' % os.getpid()); signal.pause()",
    on_line=lambda line: print(line, flush=True),
)
"""


def test_the_process_ends_with_its_caller() -> None:
    with subprocess.Popen([sys.executable, "-c", CALLER], stdout=subprocess.PIPE, text=True) as caller:
        assert caller.stdout is not None
        child = os.pidfd_open(int(caller.stdout.readline()))
        try:
            caller.kill()
            ended, _, _ = select.select([child], [], [], 30)
            assert ended == [child]
        finally:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(child, signal.SIGKILL)
            os.close(child)
