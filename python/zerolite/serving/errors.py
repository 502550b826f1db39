"""What a server answers when it can't do what it was asked for."""

from __future__ import annotations

__all__ = [
    "DeadlineError",
    "ForbiddenError",
    "InvalidRequestError",
    "OverloadError",
    "RequestError",
    "TooLargeError",
    "TooSlowError",
    "UnauthorizedError",
    "UnavailableError",
    "UnknownModelError",
    "UnsupportedEncodingError",
]


class RequestError(Exception):
    """A request fails, and its client is told why; the message tells nothing about the machine.

    Attributes:
        status: the status code of HTTP.
    """

    status = 500


class InvalidRequestError(RequestError):
    """The request is not what the protocol or the model takes."""

    status = 400


class UnauthorizedError(RequestError):
    """The request came without the token, or with another one."""

    status = 401


class ForbiddenError(RequestError):
    """The server was not started to do this for its clients."""

    status = 403


class UnknownModelError(RequestError):
    """There is no such model, version or signature."""

    status = 404


class TooSlowError(RequestError):
    """The request did not arrive in time."""

    status = 408


class TooLargeError(RequestError):
    """The request is larger than the server takes."""

    status = 413


class UnsupportedEncodingError(RequestError):
    """The body is compressed."""

    status = 415


class OverloadError(RequestError):
    """As many requests wait as may wait.

    Attributes:
        retry_after_s: when to come again, in seconds.
    """

    status = 429
    retry_after_s = 1


class UnavailableError(RequestError):
    """The model could not be loaded or failed, or the server is about to end."""

    status = 503


class DeadlineError(RequestError):
    """The result was not there when the client's deadline, or the server's, was over."""

    status = 504
