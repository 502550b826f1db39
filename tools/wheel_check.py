"""Look for what makes a wheel fail on the machine it is for although the build ended well.

A cross-build goes wrong silently: a toolchain file alone gives a library for ARM whose name and whose wheel's tag say
x86_64, and naming the platform alone gives the right tag over a wrongly named library. pip installs such a wheel
without a word, and the import fails on the board. So the tag, the name of the extension module and the header of every
library in the wheel are compared with the target and with each other.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import re
import struct
import zipfile
from collections.abc import Iterator
from pathlib import Path

from tools.wheel_target import TARGETS, WheelTarget

MODULE = "zerolite/_native"
_ELF_MAGIC = b"\x7fELF"
_SHORTEST_HEADER = 52
# Where the flags stand in the header, by the ELF class.
_FLAGS_OFFSETS = {1: 36, 2: 48}
_ELF_MACHINES = {target.elf_machine: target.machine for target in TARGETS.values()}


class WheelError(Exception):
    """What is wrong with a wheel: everything that was found, a sentence a line."""


def check_wheel(wheel: Path, target: WheelTarget, python: str) -> None:
    """Raise a WheelError unless the wheel is for `target` and this version of CPython, such as "3.11"."""
    problems = list(find_problems(wheel, target, python))
    if problems:
        raise WheelError("\n".join(f"{wheel.name}: {problem}" for problem in problems))


def find_problems(wheel: Path, target: WheelTarget, python: str) -> Iterator[str]:
    """Yield a sentence for each thing that is wrong; nothing for a sound wheel."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            members = {name: archive.read(name) for name in archive.namelist() if not name.endswith("/")}
    except zipfile.BadZipFile as error:
        yield f"is not a whole archive ({error})"
        return
    yield from _wrong_tags(wheel, members, target, python)
    yield from _wrong_module_names(members, target, python)
    for name, content in members.items():
        if re.search(r"\.so(\.\d+)*$", name) or content.startswith(_ELF_MAGIC):
            yield from _wrong_header(name, content, target)
    yield from _wrong_record(members)


def _wrong_tags(wheel: Path, members: dict[str, bytes], target: WheelTarget, python: str) -> Iterator[str]:
    parts = wheel.stem.split("-")
    if wheel.suffix != ".whl" or len(parts) not in (5, 6):
        yield "is not named like a wheel, NAME-VERSION-PYTHON-ABI-PLATFORM.whl"
        return
    interpreter, abi, platforms = parts[-3:]
    expected = f"cp{python.replace('.', '')}"
    if (interpreter, abi) != (expected, expected):
        yield f"is tagged {interpreter}-{abi}, where {expected}-{expected} was to be built"
    for platform in platforms.split("."):
        if not re.fullmatch(rf"(linux|manylinux_\d+_\d+|manylinux2014)_{target.machine}", platform):
            yield f"is tagged {platform}, where {target.machine} was to be built"
    metadata = [name for name in members if re.fullmatch(r"[^/]+\.dist-info/WHEEL", name)]
    if len(metadata) != 1:
        yield "has no .dist-info/WHEEL"
        return
    lines = members[metadata[0]].decode().splitlines()
    inside = {line.removeprefix("Tag: ") for line in lines if line.startswith("Tag: ")}
    outside = {f"{interpreter}-{abi}-{platform}" for platform in platforms.split(".")}
    if inside != outside:
        yield f"is named {', '.join(sorted(outside))}, and its metadata says {', '.join(sorted(inside)) or 'nothing'}"
    if "Root-Is-Purelib: false" not in lines:
        yield "is marked as pure Python, although it has an extension module"


def _wrong_module_names(members: dict[str, bytes], target: WheelTarget, python: str) -> Iterator[str]:
    expected = MODULE + target.module_suffix(python)
    modules = [name for name in members if name.startswith(f"{MODULE}.") and name.endswith(".so")]
    if modules != [expected]:
        yield f"has {', '.join(modules) or 'no extension module'}, where an interpreter looks for {expected}"


def _wrong_header(name: str, content: bytes, target: WheelTarget) -> Iterator[str]:
    if len(content) < _SHORTEST_HEADER or not content.startswith(_ELF_MAGIC):
        yield f"{name} is no ELF file"
        return
    elf_class, byte_order = content[4], content[5]
    if byte_order != 1 or elf_class not in _FLAGS_OFFSETS:
        yield f"{name} has an ELF class or a byte order that no target has"
        return
    (machine,) = struct.unpack_from("<H", content, 18)
    (flags,) = struct.unpack_from("<I", content, _FLAGS_OFFSETS[elf_class])
    if (elf_class, machine) != (target.elf_class, target.elf_machine):
        found = _ELF_MACHINES.get(machine, f"ELF machine {machine}")
        yield f"{name} is a {32 * elf_class}-bit library for {found}, where {target.machine} was to be built"
    elif flags & target.elf_flags != target.elf_flags:
        yield f"{name} has the ELF flags {flags:#x}, where {target.elf_flags:#x} must be set (EABI 5, hard float)"


def _wrong_record(members: dict[str, bytes]) -> Iterator[str]:
    records = [name for name in members if re.fullmatch(r"[^/]+\.dist-info/RECORD", name)]
    if len(records) != 1:
        yield "has no .dist-info/RECORD"
        return
    rows = {row[0]: row[1] for row in csv.reader(members[records[0]].decode().splitlines()) if row}
    for name in sorted(rows.keys() ^ members.keys()):
        yield f"{name} is {'in the RECORD and not in the archive' if name in rows else 'not in the RECORD'}"
    for name, digest in rows.items():
        if name in members and digest and digest != f"sha256={_digest(members[name])}":
            yield f"{name} is not what the RECORD says"


def _digest(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
