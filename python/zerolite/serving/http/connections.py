"""Connections of HTTP: how many there may be, and which of them have to go."""

from __future__ import annotations

import asyncio
import resource
from itertools import chain

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

__all__ = ["connections_possible", "limited_protocol"]

# What a server has open beside connections: models and shared memory.
_OTHER_FILES = 512
# What may arrive without being the content of a request: a head, or the trailer of a body in chunks.
_LARGEST_HEAD = 64 << 10
_TOO_LARGE_A_HEAD = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\nContent-Type: application/json\r\nConnection: close\r\n"
    b"Content-Length: 54\r\n\r\n"
    b'{"error":"the head of the request is larger than 64k"}'
)


def connections_possible(wanted: int, *, transports: int = 1) -> int:
    """How many connections can be open over each transport, at most `wanted`.

    Lets this process open more files where it may: connections that say nothing would leave no descriptor to answer
    others with.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = wanted * transports + _OTHER_FILES
    if soft != resource.RLIM_INFINITY and soft < needed:
        soft = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return wanted
    return max(soft - _OTHER_FILES, soft // 2) // transports


def limited_protocol(header_timeout_s: float, most: int) -> type[asyncio.Protocol]:
    """HTTP for clients whose heads have to come in time and to have an end; uvicorn (0.54) takes them without either.

    Heads that a proxy could read in another way than this server are refused, besides those that the parser refuses.

    Where more than `most` connections are open, the oldest that has sent no head yet is closed, and if there is none,
    the one that has asked for nothing for the longest time: so those who open many and say nothing keep nobody out.
    """
    silent: dict[LimitedProtocol, None] = {}  # in order, and quick to leave
    idle: dict[LimitedProtocol, None] = {}

    class LimitedProtocol(HttpToolsProtocol):
        _timer: asyncio.TimerHandle | None = None
        _unread = 0  # bytes since the last that were content

        def data_received(self, data: bytes) -> None:
            self._unread += len(data)
            super().data_received(data)
            if self._unread > len(data) + _LARGEST_HEAD and not self.transport.is_closing():
                self.transport.write(_TOO_LARGE_A_HEAD)
                self.transport.close()

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self._await_head()
            while len(self.connections) > most:
                gone = next(chain(silent, idle))  # this one at the latest is among the silent
                if gone is self:
                    gone = next(iter(idle), self)
                if gone is self:
                    break  # all others have requests under way, and it is told so
                gone._give_up()

        def on_message_begin(self) -> None:
            super().on_message_begin()
            self._unread = 0
            self._await_head()

        def on_body(self, body: bytes) -> None:
            self._unread = 0
            super().on_body(body)

        def on_headers_complete(self) -> None:
            names = [name for name, _ in self.headers]
            codings = [value.lower() for name, value in self.headers if name == b"transfer-encoding"]
            if names.count(b"host") > 1 or codings not in ([], [b"chunked"]):
                raise ValueError("the head can be read in two ways")  # which the parser makes a 400 of
            self._unread = 0
            self._stop_timer()
            silent.pop(self, None)
            super().on_headers_complete()

        def on_response_complete(self) -> None:
            super().on_response_complete()
            if self.cycle.response_complete and self not in silent:
                idle[self] = None

        def connection_lost(self, exc: Exception | None) -> None:
            self._forget()
            super().connection_lost(exc)

        def _await_head(self) -> None:
            self._stop_timer()
            self._timer = self.loop.call_later(header_timeout_s, self.transport.close)
            idle.pop(self, None)
            silent[self] = None

        def _give_up(self) -> None:
            self._forget()
            self.connections.discard(self)  # it is only told later that the connection is lost
            self.transport.abort()

        def _forget(self) -> None:
            self._stop_timer()
            silent.pop(self, None)
            idle.pop(self, None)

        def _stop_timer(self) -> None:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None

    return LimitedProtocol
