"""Who may ask: bearer tokens."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

from starlette.responses import JSONResponse

from zerolite.serving.errors import UnauthorizedError

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

__all__ = ["OPEN_PATHS", "RequireToken", "is_authorized"]

#: Whoever starts and watches servers asks these without a token; they tell nothing of the models.
OPEN_PATHS = ("/v2/health/live", "/v2/health/ready")


def is_authorized(header: bytes, token: str | None) -> bool:
    """Whether the value of an Authorization header holds the token; found out in the same time whatever it holds."""
    return token is None or hmac.compare_digest(header, b"Bearer " + token.encode())


class RequireToken:
    """The middleware that refuses requests without the token, before anything of them is looked at."""

    def __init__(self, app: ASGIApp, *, token: str | None) -> None:
        """Ask for `token`, or let everybody in without one."""
        self._app = app
        self._token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse the request, or pass it on."""
        if scope["type"] == "http" and scope["path"] not in OPEN_PATHS:
            header = next((value for name, value in scope["headers"] if name == b"authorization"), b"")
            if not is_authorized(header, self._token):
                refusal = JSONResponse(
                    {"error": "this server asks for a bearer token"},
                    UnauthorizedError.status,
                    {"WWW-Authenticate": "Bearer"},
                )
                await refusal(scope, receive, send)
                return
        await self._app(scope, receive, send)
