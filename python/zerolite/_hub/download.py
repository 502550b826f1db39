"""From what somebody gave as a model to a file of this machine: the only place that fetches one."""

from __future__ import annotations

import hashlib
import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from zerolite._hub.address import HubFile, address_of

__all__ = ["came_from_network", "local_file"]

_Source = TypeVar("_Source")

_SHA256 = re.compile(r"[0-9a-f]{64}")
_GIT_SHA1 = re.compile(r"[0-9a-f]{40}")
_BLOCK = 1 << 20
_UNAUTHORIZED = (401, 403)


def local_file(source: _Source) -> _Source | str:
    """The path of a model's file on this machine, downloaded if the source is an address; any other source as it is.

    huggingface-hub keeps what it downloads in its cache, a folder for each commit, and asks the Hub whether a branch
    has moved on. Without a network it takes the commit that the branch had last. The file is held against the digest
    that the Hub has for it, each time; one that was damaged in the cache is downloaded once more.

    Args:
        source: hf://owner/name/file, with @revision after the name for a branch, a tag or a commit; the address of
            such a file on huggingface.co; or anything that is no address.

    Raises:
        ValueError: the address is none of a file on the Hub.
        ImportError: huggingface-hub is not installed (extra "hub").
        FileNotFoundError: there is no such repository, revision or file.
        PermissionError: the Hub gives the file to people only who have asked for it.
        ConnectionError: the Hub can't be reached, and the file is not in the cache.
        OSError: it can't be downloaded or written, or is another one than the Hub has.
    """
    address = address_of(source)
    if address is None:
        return source
    file = HubFile.parse(address)
    path = _download(file, again=False)
    if not _is_whole(path):
        try:
            path = _download(file, again=True)
        except OSError as error:
            raise OSError(
                f"{path}, where {file} is kept, is damaged, and can't be downloaded again here; connect to the "
                "network, or give another file"
            ) from error
        if not _is_whole(path):
            raise OSError(
                f"{file} was downloaded to {path}, and is another file than the Hub has a digest of; delete the "
                "file and try again"
            )
    return str(path)


def came_from_network(path: bytes | str) -> bool:
    """Whether a file lies in the cache of huggingface-hub, however it was named."""
    return HubFile.of_cached(os.path.abspath(os.fsdecode(path))) is not None  # noqa: PTH100 - no Path for each load


def _download(file: HubFile, *, again: bool) -> Path:
    try:
        # Its parts set the level of its log when they are first imported (2.4): before that level is changed here.
        from huggingface_hub import hf_hub_download
        from huggingface_hub.utils.tqdm import tqdm
    except ImportError as error:
        raise ImportError(
            f"loading {file} needs huggingface-hub; install it with: pip install 'zerolite[hub]'"
        ) from error

    class SilentBar(tqdm):
        """The progress of a download, shown to nobody."""

        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **{**options, "disable": True})  # type: ignore[no-untyped-call]

    try:
        with _without_warnings():
            return Path(
                hf_hub_download(
                    file.repository,
                    file.path,
                    revision=file.revision,
                    library_name="zerolite",
                    force_download=again,
                    tqdm_class=SilentBar,
                )
            )
    except Exception as error:
        if isinstance(error, OSError) and error.errno is not None and not isinstance(error, ConnectionError):
            raise  # of this machine's files, as on a full disk
        raise _told(file, error) from error


def _told(file: HubFile, error: Exception) -> Exception:
    """What was wrong, in a sentence; from the most specific of huggingface-hub's errors to the least."""
    from huggingface_hub import errors

    where = f"revision '{file.revision or 'main'}'"
    locked = PermissionError(
        f"the Hub gives {file} only to people who may have it; ask for access at {_page(file, '')}, and log in with "
        "'hf auth login'"
    )
    unreachable = ConnectionError(
        f"{file} is not in the cache of this machine, and the Hub can't be reached; check the network, unset "
        "HF_HUB_OFFLINE if it is set, or download the file elsewhere and give its path"
    )
    known: tuple[tuple[type[Exception], Exception], ...] = (
        (errors.GatedRepoError, locked),
        (
            errors.RepositoryNotFoundError,
            FileNotFoundError(
                f"the Hub has no repository of models {file.repository} for {file}; check the name, or log in with "
                "'hf auth login' if it is a private one"
            ),
        ),
        (
            errors.RevisionNotFoundError,
            FileNotFoundError(f"{file.repository} has no {where} for {file}; see {_page(file, 'commits/main')}"),
        ),
        (errors.LocalEntryNotFoundError, unreachable),
        (ConnectionError, unreachable),  # OfflineModeIsEnabled among them
        (TimeoutError, unreachable),
        (
            errors.EntryNotFoundError,
            FileNotFoundError(
                f"{file.repository} has no file {file.path} at {where} for {file}; its files are listed at "
                f"{_page(file, 'tree/' + (file.revision or 'main'))}"
            ),
        ),
        (errors.HFValidationError, ValueError(f"{file} is no address that the Hub knows: {_first_line(error)}")),
    )
    for kind, told in known:
        if isinstance(error, kind):
            return told
    status = getattr(getattr(error, "response", None), "status_code", None)
    if status in _UNAUTHORIZED:
        return locked
    if status is not None:
        return OSError(f"the Hub answered with the error {status} when asked for {file}; try again later")
    return OSError(f"{file} can't be downloaded: {_first_line(error)}")


@contextmanager
def _without_warnings() -> Iterator[None]:
    """Context manager: huggingface-hub says nothing of new attempts on stderr, unless its log was asked for."""
    logger = logging.getLogger("huggingface_hub")
    level = logger.level
    if level in (logging.NOTSET, logging.WARNING):
        logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def _is_whole(path: Path) -> bool:
    """Whether a file is the one that the cache's link names by its digest: SHA-256 of large files, Git's of others."""
    if not path.is_symlink():
        # Without links, as on some file systems, the cache does not keep the digest; the size was checked.
        return True
    name = path.readlink().name
    try:
        if _SHA256.fullmatch(name):
            digest: Any = hashlib.sha256()
        elif _GIT_SHA1.fullmatch(name):
            digest = hashlib.sha1(f"blob {path.stat().st_size}\0".encode(), usedforsecurity=False)
        else:
            return True
        with path.open("rb") as content:
            while block := content.read(_BLOCK):
                digest.update(block)
    except FileNotFoundError:  # the link leads nowhere
        return False
    return bool(digest.hexdigest() == name)


def _page(file: HubFile, what: str) -> str:
    from huggingface_hub import constants

    return "/".join(filter(None, (constants.ENDPOINT, file.repository, what)))


def _first_line(error: BaseException) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
