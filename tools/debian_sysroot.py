"""Debian packages of another architecture, unpacked under build/: CPython's headers, its library and its interpreter.

Sources of packages come the same way. APT believes nothing that Debian's signed lists have no checksum of.

APT is told of the other architecture in a configuration of its own, with lists, a cache and a package state of their
own, so the machine's packages and sources stay as they are and nothing needs root.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

_Found = TypeVar("_Found")

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")


class SysrootError(Exception):
    """What can't be had from Debian, and the way around it."""


@dataclass(frozen=True)
class DebianSysroot:
    """Packages of one architecture and one release, such as "bookworm", unpacked below `root`."""

    root: Path
    architecture: str
    suite: str

    def require(self, packages: Sequence[str]) -> None:
        """Unpack the packages that are not there yet.

        Raises:
            SysrootError: there is no APT, no Debian among its sources, or the packages can't be fetched.
        """
        missing = self._missing(packages)
        if not missing:
            return
        print(f"unpacking for {self.architecture}, from Debian {self.suite}: {' '.join(missing)}", flush=True)
        downloads = self._fetch("deb", "download", *missing)
        self._prepare_merged_usr()
        for archive in sorted(downloads.iterdir()):
            self._unpack(archive)
        for package in missing:
            self._mark(package).touch()
        shutil.rmtree(downloads)

    def source(self, package: str) -> Path:
        """Fetch what a source package is made of upstream, and return the archive, which lies there until the next one.

        Raises:
            SysrootError: as `require` raises it.
        """
        print(f"fetching the source of {package}, from Debian {self.suite}", flush=True)
        downloads = self._fetch("deb-src", "source", "--download-only", package)
        return next(path for path in downloads.glob(f"{package}_*.orig.tar.*") if path.suffix != ".asc")

    def _fetch(self, kind: str, *command: str) -> Path:
        """Let apt-get put into a folder of its own what it is asked for, of packages ("deb") or sources ("deb-src")."""
        downloads = self._state / "downloads"
        shutil.rmtree(downloads, ignore_errors=True)
        downloads.mkdir(parents=True)
        variables = {**os.environ, "APT_CONFIG": str(self._write_configuration(kind))}
        try:
            for step in (("--error-on=any", "update"), command):
                subprocess.run(
                    ["apt-get", "--quiet=2", *step], check=True, env=variables, cwd=downloads, stdin=subprocess.DEVNULL
                )
        except subprocess.CalledProcessError as failure:
            raise SysrootError(
                f"Debian {self.suite}'s packages for {self.architecture} can't be fetched "
                f"({' '.join(word for word in command[1:] if not word.startswith('-'))}); the reason stands above"
            ) from failure
        return downloads

    def has(self, packages: Sequence[str]) -> bool:
        """Tell whether the packages were all unpacked before."""
        return not self._missing(packages)

    def _missing(self, packages: Sequence[str]) -> list[str]:
        return [package for package in packages if not self._mark(package).exists()]

    @property
    def _state(self) -> Path:
        return self.root / "var" / "apt"

    def _mark(self, package: str) -> Path:
        return self._state / f"{package}.unpacked"

    def _unpack(self, archive: Path) -> None:
        # dpkg-deb's own extraction would replace the links of _prepare_merged_usr by directories.
        contents = subprocess.run(["dpkg-deb", "--fsys-tarfile", archive], check=True, stdout=subprocess.PIPE).stdout
        subprocess.run(
            ["tar", "--extract", "--keep-directory-symlink", "--no-same-owner", f"--directory={self.root}"],
            check=True,
            input=contents,
        )

    def _prepare_merged_usr(self) -> None:
        """Let /lib be /usr/lib, as on an installed Debian: older packages have files in one, newer in the other."""
        for name in ("lib", "bin", "sbin"):
            (self.root / "usr" / name).mkdir(parents=True, exist_ok=True)
            link = self.root / name
            if not link.is_symlink():
                link.symlink_to(Path("usr") / name)

    def _write_configuration(self, kind: str) -> Path:
        for folder in ("lists/partial", "cache/archives/partial"):
            (self._state / folder).mkdir(parents=True, exist_ok=True)
        (self._state / "status").touch()
        signed_by = f"[signed-by={KEYRING}] " if KEYRING.exists() else ""
        sources = self._state / "sources.list"
        sources.write_text(f"{kind} {signed_by}{debian_archive()} {self.suite} main\n", encoding="utf-8")
        settings = {
            "APT::Architecture": self.architecture,
            "APT::Architectures": self.architecture,
            # As root, apt-get would change to a user who can't write here.
            "APT::Sandbox::User": "root",
            # Translations and the like: nobody reads them here.
            "Acquire::Languages": "none",
            "Dir::State::Lists": self._state / "lists",
            "Dir::State::status": self._state / "status",
            "Dir::Cache": self._state / "cache",
            "Dir::Etc::SourceList": sources,
            "Dir::Etc::SourceParts": "-",
        }
        configuration = self._state / "apt.conf"
        lines = [f'{name} "{value}";\n' for name, value in settings.items()]
        configuration.write_text("".join(lines), encoding="utf-8")
        return configuration


def require_from_any(sysroots: Sequence[DebianSysroot], packages: Sequence[str]) -> DebianSysroot:
    """Unpack the packages in the first of the sysroots whose release has them, and return it.

    An archive whose lists of one release are half renewed refuses that release, for one architecture only, and may do
    so for days. What was unpacked before is taken without asking the archive.

    Raises:
        SysrootError: none of the releases has the packages; it names them all, and each one's reason stands above.
    """
    for sysroot in sysroots:
        if sysroot.has(packages):
            return sysroot

    def required(sysroot: DebianSysroot) -> DebianSysroot:
        sysroot.require(packages)
        return sysroot

    return _from_any(sysroots, f"{' '.join(packages)} for {sysroots[0].architecture}", required)


def source_from_any(sysroots: Sequence[DebianSysroot], package: str) -> Path:
    """Fetch the source of a package from the first of the sysroots whose release gives it, and return the archive.

    Raises:
        SysrootError: none of the releases gives it; it names them all, and each one's reason stands above.
    """
    return _from_any(sysroots, f"the source of {package}", lambda sysroot: sysroot.source(package))


def _from_any(sysroots: Sequence[DebianSysroot], what: str, find: Callable[[DebianSysroot], _Found]) -> _Found:
    failures = []
    for sysroot in sysroots:
        try:
            return find(sysroot)
        except SysrootError as failure:
            print(failure, flush=True)
            failures.append(failure)
    suites = ", ".join(sysroot.suite for sysroot in sysroots)
    raise SysrootError(f"none of Debian's releases {suites} gives {what}; the reasons stand above") from failures[-1]


def debian_archive() -> str:
    """Return the address of the Debian archive that this machine's APT uses.

    Raises:
        SysrootError: this is no Debian, or it has no source of Debian's main archive.
    """
    if not shutil.which("apt-get") or not shutil.which("dpkg-deb"):
        raise SysrootError("this machine has no apt-get; build on Debian 12, for example in its container image")
    targets = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(ORIGIN)|$(LABEL)|$(REPO_URI)", "Created-By: Packages"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.splitlines()
    for line in targets:
        origin, label, address = line.split("|", 2)
        # Before the first `apt-get update` only the addresses are known.
        if (origin, label) == ("Debian", "Debian") or (
            not origin.isalpha() and address.endswith(("/debian", "/debian/"))
        ):
            return address
    raise SysrootError(
        "APT knows no Debian archive on this machine; build on Debian 12, for example in its container image"
    )
