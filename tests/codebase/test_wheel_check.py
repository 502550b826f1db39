"""A wheel that would fail on its machine is found before it gets there.

The wheels are made here, byte by byte, with one thing wrong each: what cross-builds were seen to do without a word.
"""

from __future__ import annotations

import base64
import hashlib
import struct
import zipfile
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tools.wheel_check import WheelError, check_wheel, find_problems
from tools.wheel_target import AARCH64, ARMV7L, TARGETS, X86_64, WheelTarget

PYTHON = "3.11"


def library(target: WheelTarget, flags: int | None = None) -> bytes:
    """The header of a shared library, which is all that is looked at."""
    flags = target.elf_flags if flags is None else flags
    identity = b"\x7fELF" + bytes([target.elf_class, 1, 1]) + bytes(9)
    word = "Q" if target.elf_class == 2 else "I"
    header = struct.pack(f"<HHI{word}{word}{word}I", 3, target.elf_machine, 1, 0, 0, 0, flags)
    return (identity + header).ljust(64, b"\0")


@dataclass(frozen=True)
class Wheel:
    """A wheel to be written; what is None follows from the rest, as in a sound one."""

    library: bytes
    suffix: str
    platform: str
    interpreter: str = "cp311"
    inner_tag: str | None = None
    pure: bool = False
    extra: tuple[tuple[str, bytes], ...] = ()
    changed_after_record: bool = False

    def write(self, folder: Path) -> Path:
        tag = f"{self.interpreter}-{self.interpreter}-{self.platform}"
        metadata = (
            f"Wheel-Version: 1.0\nGenerator: a test\nRoot-Is-Purelib: {str(self.pure).lower()}\n"
            f"Tag: {self.inner_tag or tag}\n"
        )
        members = {
            f"zerolite/_native{self.suffix}": self.library,
            "zerolite/__init__.py": b"",
            "zerolite-1.0.dist-info/WHEEL": metadata.encode(),
            **dict(self.extra),
        }
        record = "".join(f"{name},sha256={digest(content)},{len(content)}\n" for name, content in members.items())
        record += "zerolite-1.0.dist-info/RECORD,,\n"
        if self.changed_after_record:
            members["zerolite/__init__.py"] = b"import zerolite._native\n"
        path = folder / f"zerolite-1.0-{tag}.whl"
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in (*members.items(), ("zerolite-1.0.dist-info/RECORD", record.encode())):
                archive.writestr(name, content)
        return path


def digest(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()


def sound(target: WheelTarget, platform: str = "manylinux_2_34") -> Wheel:
    return Wheel(library(target), target.module_suffix(PYTHON), f"{platform}_{target.machine}")


def problems(wheel: Wheel, target: WheelTarget, folder: Path) -> list[str]:
    return list(find_problems(wheel.write(folder), target, PYTHON))


@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)
@pytest.mark.parametrize("platform", ["linux", "manylinux_2_34", "manylinux2014"])
def test_sound_wheel_passes(target: WheelTarget, platform: str, tmp_path: Path) -> None:
    check_wheel(sound(target, platform).write(tmp_path), target, PYTHON)


def test_suffixes_are_those_of_cpython() -> None:
    assert X86_64.module_suffix("3.12") == ".cpython-312-x86_64-linux-gnu.so"
    assert AARCH64.module_suffix("3.11") == ".cpython-311-aarch64-linux-gnu.so"
    assert ARMV7L.module_suffix("3.13") == ".cpython-313-arm-linux-gnueabihf.so"


def test_x86_library_under_an_arm_tag(tmp_path: Path) -> None:
    found = problems(replace(sound(AARCH64), library=library(X86_64)), AARCH64, tmp_path)
    assert len(found) == 1
    assert "is a 64-bit library for x86_64, where aarch64 was to be built" in found[0]


def test_arm_library_under_an_x86_tag(tmp_path: Path) -> None:
    """What a toolchain file alone gives: the interpreter that runs the build names tag and module."""
    wheel = replace(sound(X86_64, "linux"), library=library(AARCH64))
    found = problems(wheel, AARCH64, tmp_path)
    assert len(found) == 2
    assert "is tagged linux_x86_64, where aarch64 was to be built" in found[0]
    assert "looks for zerolite/_native.cpython-311-aarch64-linux-gnu.so" in found[1]
    assert any("is a 64-bit library for aarch64" in problem for problem in problems(wheel, X86_64, tmp_path))


@pytest.mark.parametrize(
    "suffix",
    [
        X86_64.module_suffix(PYTHON),
        AARCH64.module_suffix("3.12"),
        ARMV7L.module_suffix(PYTHON),
        ".cpython-311.so",
        ".so",
    ],
)
def test_wrong_suffix_under_the_right_tag(suffix: str, tmp_path: Path) -> None:
    """What naming the platform alone gives."""
    found = problems(replace(sound(AARCH64), suffix=suffix), AARCH64, tmp_path)
    expected = "zerolite/_native.cpython-311-aarch64-linux-gnu.so"
    assert found == [f"has zerolite/_native{suffix}, where an interpreter looks for {expected}"]


def test_no_module_and_two_modules(tmp_path: Path) -> None:
    found = problems(replace(sound(AARCH64), suffix=".txt"), AARCH64, tmp_path)
    assert "has no extension module" in found[0]
    other = f"zerolite/_native{X86_64.module_suffix(PYTHON)}"
    found = problems(replace(sound(AARCH64), extra=((other, library(X86_64)),)), AARCH64, tmp_path)
    assert len(found) == 2
    assert other in found[0]
    assert f"{other} is a 64-bit library for x86_64" in found[1]


@pytest.mark.parametrize(("target", "other"), [(AARCH64, ARMV7L), (ARMV7L, AARCH64)])
def test_32_and_64_bits(target: WheelTarget, other: WheelTarget, tmp_path: Path) -> None:
    found = problems(replace(sound(target), library=library(other)), target, tmp_path)
    assert [f"library for {other.machine}, where {target.machine}" in problem for problem in found] == [True]


@pytest.mark.parametrize("flags", [0x05000200, 0x04000400, 0])
def test_soft_float_and_old_abi(flags: int, tmp_path: Path) -> None:
    found = problems(replace(sound(ARMV7L), library=library(ARMV7L, flags)), ARMV7L, tmp_path)
    assert len(found) == 1
    assert "hard float" in found[0]


def test_other_python(tmp_path: Path) -> None:
    found = problems(replace(sound(AARCH64), interpreter="cp312"), AARCH64, tmp_path)
    assert found == ["is tagged cp312-cp312, where cp311-cp311 was to be built"]


def test_metadata_of_another_tag(tmp_path: Path) -> None:
    found = problems(replace(sound(AARCH64), inner_tag="cp311-cp311-linux_x86_64"), AARCH64, tmp_path)
    assert len(found) == 1
    assert "its metadata says cp311-cp311-linux_x86_64" in found[0]


def test_marked_as_pure(tmp_path: Path) -> None:
    assert "pure Python" in problems(replace(sound(AARCH64), pure=True), AARCH64, tmp_path)[0]


@pytest.mark.parametrize("content", [b"", b"INPUT(-lm)", b"\x7fELF", bytes([*b"\x7fELF", 2, 2]) + bytes(60)])
def test_what_is_no_library(content: bytes, tmp_path: Path) -> None:
    found = problems(replace(sound(AARCH64), library=content), AARCH64, tmp_path)
    assert len(found) == 1
    assert "is no ELF file" in found[0] or "byte order that no target has" in found[0]


def test_record_that_does_not_fit(tmp_path: Path) -> None:
    found = problems(replace(sound(AARCH64), changed_after_record=True), AARCH64, tmp_path)
    assert found == ["zerolite/__init__.py is not what the RECORD says"]


def test_archive_cut_short(tmp_path: Path) -> None:
    path = sound(AARCH64).write(tmp_path)
    path.write_bytes(path.read_bytes()[:-30])
    assert "is not a whole archive" in next(find_problems(path, AARCH64, PYTHON))


def test_everything_is_said_at_once(tmp_path: Path) -> None:
    path = replace(sound(X86_64), pure=True).write(tmp_path)
    with pytest.raises(WheelError) as refusal:
        check_wheel(path, AARCH64, PYTHON)
    lines = str(refusal.value).splitlines()
    assert len(lines) == 4
    assert all(line.startswith(path.name) for line in lines)
