"""What stands before the application: the log of requests, and the question for the token."""

from __future__ import annotations

import json
import os
import time
from contextlib import suppress
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse

from zerolite.serving.errors import UnauthorizedError

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from zerolite.serving.settings import ServingSettings

__all__ = ["AccessLog", "LogRequests", "RequireToken"]

# Whoever starts and watches servers asks these without a token; they tell nothing of the models.
_OPEN_PATHS = ("/v2/health/live", "/v2/health/ready")

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


class RequireToken:
    """The middleware that refuses requests without the token, before anything of them is looked at."""

    def __init__(self, app: ASGIApp, *, settings: ServingSettings) -> None:
        """Ask for the token of the settings, if there is one."""
        self._app = app
        self._settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse the request, or pass it on."""
        if scope["type"] == "http" and scope["path"] not in _OPEN_PATHS:
            header = next((value for name, value in scope["headers"] if name == b"authorization"), b"")
            if not self._settings.admits(header):
                refusal = JSONResponse(
                    {"error": "this server asks for a bearer token"},
                    UnauthorizedError.status,
                    {"WWW-Authenticate": "Bearer"},
                )
                await refusal(scope, receive, send)
                return
        await self._app(scope, receive, send)
