"""The machines that wheels are built for, with what each is called by Debian, by ELF and by Python's packaging."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class WheelTarget:
    """One processor architecture of Linux with the GNU C library."""

    machine: str
    """As in platform tags: `manylinux_2_34_aarch64`."""
    triplet: str
    """Debian's multiarch triplet, which is also the prefix of the cross compiler and part of module suffixes."""
    debian_architecture: str
    elf_class: int
    """1 for 32-bit files, 2 for 64-bit ones."""
    elf_machine: int
    elf_flags: int = 0
    """Bits of the header's flags that must be set."""

    def module_suffix(self, python: str) -> str:
        """What CPython of this version, such as "3.11", appends to the names of extension modules."""
        return f".cpython-{python.replace('.', '')}-{self.triplet}.so"

    @property
    def cross_compiler_package(self) -> str:
        return f"g++-{self.triplet.replace('_', '-')}"


X86_64 = WheelTarget(
    machine="x86_64", triplet="x86_64-linux-gnu", debian_architecture="amd64", elf_class=2, elf_machine=62
)
AARCH64 = WheelTarget(
    machine="aarch64", triplet="aarch64-linux-gnu", debian_architecture="arm64", elf_class=2, elf_machine=183
)
ARMV7L = WheelTarget(
    machine="armv7l",
    triplet="arm-linux-gnueabihf",
    debian_architecture="armhf",
    elf_class=1,
    elf_machine=40,
    # EABI version 5 with floating-point arguments in registers: a soft-float library loads nowhere on armhf.
    elf_flags=0x05000400,
)
TARGETS = {target.machine: target for target in (X86_64, AARCH64, ARMV7L)}
