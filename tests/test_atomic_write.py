"""A file is there as a whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from zerolite.atomic_write import check_writable_target, write_atomically


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
    with pytest.raises(OSError, match="No space left"):
        write_atomically(target, b"new")
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


def test_targets_that_can_not_be_written(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="absent does not exist"):
        check_writable_target(tmp_path / "absent" / "model.tflite")
    with pytest.raises(IsADirectoryError, match="is a folder"):
        check_writable_target(tmp_path)
