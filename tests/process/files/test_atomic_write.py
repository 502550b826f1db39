"""A file is there as a whole or not at all."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from tests.support.python_process import answer_of
from zerolite._platform.files import check_writable_target, write_atomically


def test_writes_and_replaces(tmp_path: Path) -> None:
    target = tmp_path / "model.tflite"
    write_atomically(target, b"first")
    write_atomically(target, b"second")
    assert target.read_bytes() == b"second"
    assert list(tmp_path.iterdir()) == [target]


def test_permissions_follow_the_umask(tmp_path: Path) -> None:
    target, plain = tmp_path / "atomic", tmp_path / "plain"
    write_atomically(target, b"")
    plain.write_bytes(b"")
    assert target.stat().st_mode == plain.stat().st_mode


def test_failure_leaves_the_old_file_and_nothing_beside_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "model.tflite"
    target.write_bytes(b"old")

    def full_disk(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(OSError, match=r"can't write .*model\.tflite: No space left on device; nothing was changed"):
        write_atomically(target, b"new")
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


def test_file_that_may_not_grow(tmp_path: Path) -> None:
    """As on a full disk, in the middle of the content."""
    target = tmp_path / "model.tflite"
    target.write_bytes(b"old")
    program = """
import resource, signal, sys
from pathlib import Path
from zerolite._platform.files import write_atomically

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
try:
    write_atomically(Path(sys.argv[1]), bytes(100000))
except OSError as error:
    print(error.errno, error.strerror)
"""
    message = f"{errno.EFBIG} can't write {target}: File too large; nothing was changed\n"
    assert answer_of(program, str(target)) == message
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


def test_targets_that_can_not_be_written(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="absent does not exist"):
        check_writable_target(tmp_path / "absent" / "model.tflite")
    with pytest.raises(IsADirectoryError, match="is a folder"):
        check_writable_target(tmp_path)


def test_read_only_folder_is_told_before() -> None:
    """For everybody but root, who may write everywhere: the program gives that up first."""
    program = """
import os, sys, tempfile
from pathlib import Path
from zerolite._platform.files import check_writable_target

with tempfile.TemporaryDirectory() as folder:
    os.chmod(folder, 0o555)
    if os.geteuid() == 0:
        os.seteuid(65534)
    try:
        check_writable_target(Path(folder) / "model.tflite")
    except PermissionError as error:
        print(str(error).partition(": ")[2].replace(folder, "FOLDER"))
    finally:
        os.seteuid(os.getuid())
"""
    assert answer_of(program) == "the folder FOLDER is read-only; choose another one\n"
