"""The log of requests: one line of JSON for each."""

from __future__ import annotations

import json
import os
import time
from contextlib import suppress
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["AccessLog", "LogRequests"]

_LONGEST_PATH = 500


class AccessLog:
    """A file that lines are added to. Where a line can't be written the server goes on without it."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Open the file, or make it.

        Raises:
            OSError: it can't be opened.
        """
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)

    def write(self, entry: dict[str, Any]) -> None:
        """Add a line; one write, so that lines of several processes do not mix."""
        line = json.dumps(entry, separators=(",", ":")).encode() + b"\n"
        with suppress(OSError):  # a full disk, for example
            os.write(self._file, line)

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)


class LogRequests:
    """The middleware that writes a line for each request that was answered or given up."""

    def __init__(self, app: ASGIApp, *, log: AccessLog) -> None:
        """Write into `log`."""
        self._app = app
        self._log = log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and write its line at the end."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = time.perf_counter()
        status: int | None = None
        sent = 0

        async def noted_send(message: Message) -> None:
            nonlocal status, sent
            if message["type"] == "http.response.start":
                status = message["status"]
            sent += len(message.get("body", b""))
            await send(message)

        try:
            await self._app(scope, receive, noted_send)
        finally:
            client = scope.get("client")
            self._log.write(
                {
                    "time": datetime.now(timezone.utc).isoformat(timespec="milliseconds"),
                    "client": client[0] if client else None,
                    "method": scope["method"],
                    "path": scope["path"][:_LONGEST_PATH],
                    "status": status,
                    "bytes": sent,
                    "seconds": round(time.perf_counter() - begun, 6),
                }
            )
