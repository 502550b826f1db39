"""Tensors in POSIX shared memory: Triton's extension "system_shared_memory".

Regions are read and written with the calls for files and never mapped. One that its owner makes smaller meanwhile would
end the server with SIGBUS if it were mapped, and one that changes during a run would change what the model sees.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from zerolite.serving.errors import (
    ForbiddenError,
    InvalidRequestError,
    TooLargeError,
    UnavailableError,
    UnknownModelError,
)

__all__ = ["Place", "SharedMemory", "refuse_overlaps", "region_prefix"]

# Where shm_open has its names, on Linux.
_FOLDER = "/dev/shm"
_MOST_REGIONS = 256
_LONGEST_NAME = 255
_FULL = (errno.EMFILE, errno.ENFILE, errno.ENOMEM)


def region_prefix(prefix: str) -> str:
    """What the keys of regions begin with, without the slash that shm_open takes before a name.

    Raises:
        ValueError: no name can begin so.
    """
    name = prefix.removeprefix("/")
    if not prefix or "/" in name or "\0" in name or len(os.fsencode(name)) > _LONGEST_NAME:
        raise ValueError(
            f"{prefix!r} can't begin the name of shared memory, which is one slash and a name without any, as "
            "'/camera_'; '/' alone is every name"
        )
    return name


@dataclass
class _Region:
    key: str
    offset: int
    byte_size: int
    descriptor: int | None

    def opened(self, name: str) -> int:
        if self.descriptor is None:
            raise InvalidRequestError(f"shared memory {name!r} was unregistered before the request had its answer")
        return self.descriptor


@dataclass(frozen=True)
class Place:
    """Where a tensor lies, from a request: some bytes of a region.

    Attributes:
        name: what the client calls the region.
        offset: the first byte, from the begin of the region.
        size: how many bytes there are.
    """

    name: str
    offset: int
    size: int
    _region: _Region

    @property
    def _start(self) -> int:
        return self._region.offset + self.offset

    def read(self) -> bytes:
        """A copy of the bytes.

        Raises:
            InvalidRequestError: the region was unregistered, or is smaller now than it was.
        """
        descriptor = self._region.opened(self.name)
        content = os.pread(descriptor, self.size, self._start)
        while 0 < len(content) < self.size:  # one call reads two gigabytes at most
            more = os.pread(descriptor, self.size - len(content), self._start + len(content))
            if not more:
                break
            content += more
        if len(content) < self.size:
            raise self._smaller()
        return content

    def write(self, content: bytes, *, tensor: str) -> dict[str, str | int]:
        """Put an output there, and say so in the words of the protocol: the parameters of its tensor.

        Raises:
            InvalidRequestError: the output does not fit, or the region was unregistered, or is smaller now than it was.
            UnavailableError: the system has no memory for it.
        """
        if len(content) > self.size:
            raise InvalidRequestError(
                f"output {tensor!r} has {len(content)} bytes, and its place in shared memory {self.name!r} {self.size}"
            )
        descriptor = self._region.opened(self.name)
        if os.fstat(descriptor).st_size < self._start + len(content):
            raise self._smaller()
        left, end = memoryview(content), self._start + len(content)
        try:
            while left:
                left = left[os.pwrite(descriptor, left, end - len(left)) :]
        except OSError as error:  # pages that nobody has touched yet are only taken now
            raise UnavailableError(
                f"there is no memory for output {tensor!r} in shared memory {self.name!r}"
            ) from error
        return {
            "shared_memory_region": self.name,
            "shared_memory_offset": self.offset,
            "shared_memory_byte_size": len(content),
        }

    def overlaps(self, other: Place) -> bool:
        """Whether some bytes are of both."""
        return (
            self._region.key == other._region.key
            and self._start < other._start + other.size
            and other._start < self._start + self.size
        )

    def _smaller(self) -> InvalidRequestError:
        return InvalidRequestError(f"shared memory {self.name!r} is smaller than when it was registered")


class SharedMemory:
    """The regions that clients have registered, by their names for them; used from one event loop only."""

    def __init__(self, prefix: str | None, *, most_bytes: int) -> None:
        """Let clients register regions whose key begins with `prefix`, and none if it is None.

        Args:
            prefix: as `region_prefix` gives it.
            most_bytes: how large the inputs of a request may be together.
        """
        self._prefix = prefix
        self._most_bytes = most_bytes
        self._regions: dict[str, _Region] = {}

    @property
    def is_open(self) -> bool:
        """Whether clients may use shared memory at all."""
        return self._prefix is not None

    def register(self, name: Any, *, key: Any, offset: Any, byte_size: Any) -> None:
        """Open a region, which exists already.

        Args:
            name: what requests will call it.
            key: its name for shm_open.
            offset: its first byte that is used.
            byte_size: how many bytes are used.

        Raises:
            ForbiddenError: this server takes no shared memory, or none with such a key.
            InvalidRequestError: there is no such region, it is smaller, or the name is taken.
            UnavailableError: there are as many regions as may be.
        """
        prefix = self._required_prefix()
        if not isinstance(name, str) or not 0 < len(name) <= _LONGEST_NAME:
            raise InvalidRequestError(f"the name of a region must be a string of 1 to {_LONGEST_NAME} characters")
        if name in self._regions:
            raise InvalidRequestError(f"there is a region {name!r} already; unregister it first")
        start, size = _size(offset, "offset", least=0), _size(byte_size, "byte_size", least=1)
        file_name = _file_name(key)
        if not file_name.startswith(prefix):
            raise ForbiddenError(f"this server takes shared memory whose key begins with '/{prefix}'")
        if len(self._regions) >= _MOST_REGIONS:
            raise UnavailableError(f"there are {_MOST_REGIONS} regions, which is as many as may be; unregister some")
        descriptor = _opened(file_name, key)
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            os.close(descriptor)
            raise _not_there(key)
        if found.st_size < start + size:
            os.close(descriptor)
            raise InvalidRequestError(
                f"shared memory {key!r} has {found.st_size} bytes, and the region would end at byte {start + size}"
            )
        self._regions[name] = _Region(key, start, size, descriptor)

    def unregister(self, name: str | None) -> None:
        """Close a region, or all of them if it is None; a name that is not there is not missed.

        Raises:
            ForbiddenError: this server takes no shared memory.
        """
        self._required_prefix()
        for gone in list(self._regions) if name is None else [name]:
            self._close(gone)

    def status(self, name: str | None) -> list[dict[str, str | int]]:
        """A region, or all of them if it is None.

        Raises:
            ForbiddenError: this server takes no shared memory.
            UnknownModelError: there is no such region.
        """
        self._required_prefix()
        if name is not None and name not in self._regions:
            raise UnknownModelError(f"there is no region {name[:_LONGEST_NAME]!r} of shared memory")
        return [
            {"name": known, "key": region.key, "offset": region.offset, "byte_size": region.byte_size}
            for known, region in self._regions.items()
            if name in (None, known)
        ]

    def place(self, parameters: Mapping[str, Any]) -> Place | None:
        """Where the parameters of a tensor say that it lies; None if not in shared memory.

        Raises:
            InvalidRequestError: they name no region, or bytes that it does not have.
        """
        name = parameters.get("shared_memory_region")
        if name is None:
            return None
        if not self.is_open:
            raise InvalidRequestError("shared memory is not supported by this server; send the tensors in the request")
        region = self._regions.get(name) if isinstance(name, str) else None
        if region is None:
            raise InvalidRequestError("no region of shared memory has this name; register it first")
        offset = _size(parameters.get("shared_memory_offset", 0), "shared_memory_offset", least=0)
        size = _size(parameters.get("shared_memory_byte_size"), "shared_memory_byte_size", least=0)
        if offset + size > region.byte_size:
            raise InvalidRequestError(
                f"region {name!r} has {region.byte_size} bytes, and a tensor of it would end at byte {offset + size}"
            )
        return Place(name, offset, size, region)

    def require_room(self, places: Sequence[Place]) -> None:
        """Refuse inputs that are too large together, before one of them is read.

        Raises:
            TooLargeError: they are.
        """
        if sum(place.size for place in places) > self._most_bytes:
            raise TooLargeError(f"the inputs are larger than the {self._most_bytes} bytes that this server takes")

    def close(self) -> None:
        """Close all regions."""
        for name in list(self._regions):
            self._close(name)

    def _required_prefix(self) -> str:
        if self._prefix is None:
            raise ForbiddenError(
                "this server takes no shared memory; start it with a prefix of the names that it may use"
            )
        return self._prefix

    def _close(self, name: str) -> None:
        region = self._regions.pop(name, None)
        if region is not None and region.descriptor is not None:
            descriptor, region.descriptor = region.descriptor, None  # requests may still have the region
            with suppress(OSError):
                os.close(descriptor)


def refuse_overlaps(places: Sequence[Place]) -> None:
    """Refuse outputs of a request that would be written over each other.

    Raises:
        InvalidRequestError: two of them share bytes.
    """
    for position, place in enumerate(places):
        for other in places[:position]:
            if place.overlaps(other):
                raise InvalidRequestError(f"two outputs share bytes of shared memory {place.name!r}")


def _size(value: Any, name: str, *, least: int) -> int:
    if type(value) is not int or not least <= value < 2**62:
        raise InvalidRequestError(f"{name!r} must be a whole number from {least} on")
    return value


def _file_name(key: Any) -> str:
    name = key.removeprefix("/") if isinstance(key, str) else ""
    # What is no name for shm_open is no path either; named semaphores of the system lie in the same folder.
    if not name or name in (".", "..") or "/" in name or "\0" in name or name.startswith("sem."):
        raise InvalidRequestError("the key of shared memory must be one slash and a name without any, as '/camera'")
    return name


def _opened(file_name: str, key: str) -> int:
    flags = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        return os.open(f"{_FOLDER}/{file_name}", flags)
    except OSError as error:
        if error.errno in _FULL:
            raise UnavailableError("the server can't open more regions now") from error
        raise _not_there(key) from error
    except ValueError as error:  # half of a surrogate pair
        raise _not_there(key) from error


def _not_there(key: str) -> InvalidRequestError:
    # The same words whether it is not there or belongs to somebody else.
    return InvalidRequestError(f"there is no shared memory {key[:_LONGEST_NAME]!r} that this server may read and write")
