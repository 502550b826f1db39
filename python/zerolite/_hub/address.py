"""Addresses of files on the Hugging Face Hub: hf://owner/name/file, with @revision after the name."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

__all__ = ["HubFile", "address_of"]

_SCHEME = "hf://"
# A path object has made one slash of several.
_COLLAPSED_SCHEME = "hf:/"
_EXAMPLE = "hf://owner/name/model.tflite, or hf://owner/name@revision/model.tflite"
# What the Hub allows: letters, digits, "-", "_" and ".", no ".." or "--", neither "-" nor "." at an end.
_PART = re.compile(r"(?!.*(?:\.\.|--))[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?")
_LONGEST_REPOSITORY = 96
# Pages and downloads of the Hub's site: /owner/name/blob/main/file, /owner/name/resolve/main/file.
_SITES = ("huggingface.co", "www.huggingface.co", "hf.co")
_SITE_PATH = re.compile(r"/(?P<repository>[^/]+/[^/]+)/(?:blob|resolve|raw)/(?P<revision>[^/]+)/(?P<path>.+)")
# How the cache of huggingface-hub lays out what it holds.
_CACHED = re.compile(r".*/models--(?P<repository>[^/]+)/snapshots/(?P<revision>[0-9a-f]{40})/(?P<path>.+)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class HubFile:
    """One file of one repository of models.

    Attributes:
        repository: "owner/name".
        path: the file's path in the repository.
        revision: a branch, a tag or a commit; None is the main branch.
    """

    repository: str
    path: str
    revision: str | None = None

    def __str__(self) -> str:
        """The address that it has in zerolite."""
        revision = "" if self.revision is None else f"@{self.revision}"
        return f"{_SCHEME}{self.repository}{revision}/{self.path}"

    @classmethod
    def parse(cls, address: str) -> HubFile:
        """Read an address.

        Args:
            address: hf://owner/name/path or hf://owner/name@revision/path, where slashes of a revision are written
                as %2F; or the address of such a file on huggingface.co.

        Raises:
            ValueError: it is no such address.
        """
        if not address.startswith(_SCHEME):
            return cls._of_site(address)
        owner, _, rest = address.removeprefix(_SCHEME).partition("/")
        name_and_revision, _, path = rest.partition("/")
        name, at, revision = name_and_revision.partition("@")
        return cls(f"{owner}/{name}", path, unquote(revision) if at else None)._checked(address)

    @classmethod
    def _of_site(cls, address: str) -> HubFile:
        parts = urlsplit(address)
        found = _SITE_PATH.fullmatch(parts.path)
        if parts.hostname not in _SITES or found is None:
            raise ValueError(
                f"{address} is no address of a file on the Hugging Face Hub, and zerolite loads from no other place in "
                f"the network: download the file and give its path, or give {_EXAMPLE}"
            )
        revision = unquote(found["revision"])
        return cls(found["repository"], unquote(found["path"]), revision)._checked(address)

    @classmethod
    def of_cached(cls, path: str) -> HubFile | None:
        """What the cache of huggingface-hub holds at a path, with its commit; None for a path elsewhere."""
        found = _CACHED.fullmatch(path)
        if found is None:
            return None
        return cls(found["repository"].replace("--", "/", 1), found["path"], found["revision"])

    def _checked(self, address: str) -> HubFile:
        owner, _, name = self.repository.partition("/")
        steps = self.path.split("/")
        wrong = None
        if not (_PART.fullmatch(owner) and _PART.fullmatch(name)) or len(self.repository) > _LONGEST_REPOSITORY:
            wrong = f"'{self.repository}' is no owner and name of a repository"
        elif self.revision is not None and not self.revision.strip():
            wrong = "no revision follows the @"
        elif not self.path:
            wrong = "it names no file in the repository"
        elif any(step in ("", ".", "..") for step in steps) or not self.path.isprintable() or "\\" in self.path:
            wrong = f"{self.path!r} is no path of a file in a repository"
        if wrong is not None:
            raise ValueError(f"{address!r} is no address of a file on the Hugging Face Hub: {wrong}; give {_EXAMPLE}")
        return self


def address_of(source: Any) -> str | None:
    """The address that somebody gave in the place of a path; None where it is a path, or something else."""
    if isinstance(source, str):
        return source if source.startswith((_SCHEME, "https://", "http://")) else None
    if isinstance(source, os.PathLike):
        path = os.fspath(source)
        if isinstance(path, str) and path.startswith(_COLLAPSED_SCHEME):
            return _SCHEME + path.removeprefix(_COLLAPSED_SCHEME).lstrip("/")
    return None
