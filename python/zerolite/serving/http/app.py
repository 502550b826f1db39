"""The protocol over HTTP: an ASGI application."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, TypeVar

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from zerolite.serving.core import InferenceServer
from zerolite.serving.errors import (
    InvalidRequestError,
    OverloadError,
    RequestError,
    TooLargeError,
    TooSlowError,
    UnavailableError,
    UnsupportedEncodingError,
)
from zerolite.serving.http.middleware import AccessLog, LogRequests, RequireToken
from zerolite.serving.http.openapi import openapi_document
from zerolite.serving.http.page import model_page, overview_page, refusal_page, result_page
from zerolite.serving.metrics import CONTENT_TYPE
from zerolite.serving.protocol import (
    encode_response,
    parse_object,
    read_request,
    split_body,
    string_parameter,
    timeout_of,
)
from zerolite.serving.settings import ServingSettings

__all__ = ["http_app"]

_T = TypeVar("_T")
_HEADER_LENGTH = "Inference-Header-Content-Length"
_CLIENT_HAS_GONE = 499  # nobody reads it; logs know the number from nginx


def http_app(server: InferenceServer, settings: ServingSettings, *, access_log: AccessLog | None = None) -> Starlette:
    """The application that answers for `server`, and loads its models when it starts; see `create_app`."""

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        await server.start()
        try:
            yield
        finally:
            await server.stop()

    logging = [] if access_log is None else [Middleware(LogRequests, log=access_log)]
    return Starlette(
        routes=_Endpoints(server, settings).routes(),
        lifespan=lifespan,
        middleware=[*logging, Middleware(RequireToken, settings=settings)],
        exception_handlers={
            RequestError: _told,
            HTTPException: _told_by_starlette,
            ClientDisconnect: _unread,
            Exception: _unexpected,
        },
    )


class _Endpoints:
    def __init__(self, server: InferenceServer, settings: ServingSettings) -> None:
        self._server = server
        self._max_request_bytes = settings.max_request_bytes
        self._receive_timeout_s = settings.receive_timeout_s
        self._asks_for_token = settings.token is not None

    def routes(self) -> list[Route]:
        model = "/v2/models/{model}"
        version = f"{model}/versions/{{version}}"
        return [
            # What is asked for most is looked for first.
            Route(f"{model}/infer", self.infer, methods=["POST"]),
            Route(f"{version}/infer", self.infer, methods=["POST"]),
            Route("/v2/health/live", self.live),
            Route("/v2/health/ready", self.ready),
            Route(model, self.model_metadata),
            Route(version, self.model_metadata),
            Route(f"{model}/ready", self.model_ready),
            Route(f"{version}/ready", self.model_ready),
            Route("/v2", self.metadata),
            Route("/v2/repository/index", self.index, methods=["POST"]),
            Route("/v2/repository/models/{model}/load", self.load, methods=["POST"]),
            Route("/v2/repository/models/{model}/unload", self.unload, methods=["POST"]),
            *self._shared_memory_routes(),
            Route("/metrics", self.metrics),
            Route("/openapi.json", self.openapi),
            Route("/", self.page, methods=["GET", "POST"]),
        ]

    async def metadata(self, _request: Request) -> Response:
        return JSONResponse(self._server.metadata())

    async def page(self, request: Request) -> Response:
        name = request.query_params.get("model")
        try:
            if name is None and request.method == "POST":
                raise InvalidRequestError("a form is for a model; name it in the address, as ?model=digits")
            if name is None:
                return overview_page(self._server)
            if request.method != "POST":
                return model_page(self._server, name)
            content_type = request.headers.get("Content-Type", "")
            return await result_page(self._server, name, await self._body(request), content_type)
        except RequestError as error:
            return refusal_page(error)

    async def metrics(self, _request: Request) -> Response:
        return Response(self._server.metrics.exposition(), headers={"Content-Type": CONTENT_TYPE})

    async def openapi(self, _request: Request) -> Response:
        return JSONResponse(openapi_document(token=self._asks_for_token))

    async def live(self, _request: Request) -> Response:
        return JSONResponse({"live": True})

    async def ready(self, _request: Request) -> Response:
        ready = self._server.ready
        return JSONResponse({"ready": ready}, 200 if ready else UnavailableError.status)

    async def model_metadata(self, request: Request) -> Response:
        return JSONResponse(self._server.model_metadata(*_model_of(request)))

    async def model_ready(self, request: Request) -> Response:
        name, version = _model_of(request)
        self._server.repository.find(name, version)
        return JSONResponse({"name": name, "ready": True})

    async def index(self, request: Request) -> Response:
        wanted = parse_object(await self._body(request), empty_is_object=True).get("ready", False)
        if not isinstance(wanted, bool):
            raise InvalidRequestError("'ready' must be true or false")
        return JSONResponse(self._server.index(only_ready=wanted))

    async def load(self, request: Request) -> Response:
        parameters = parse_object(await self._body(request), empty_is_object=True).get("parameters")
        await self._server.load(request.path_params["model"], parameters=parameters)
        return JSONResponse({})

    async def unload(self, request: Request) -> Response:
        parse_object(await self._body(request), empty_is_object=True)
        await self._server.unload(request.path_params["model"])
        return JSONResponse({})

    def _shared_memory_routes(self) -> list[Route]:
        every, region = "/v2/systemsharedmemory", "/v2/systemsharedmemory/region/{region}"
        return [
            Route(f"{region}/register", self.register_region, methods=["POST"]),
            *(Route(f"{base}/status", self.regions) for base in (every, region)),
            *(Route(f"{base}/unregister", self.unregister_regions, methods=["POST"]) for base in (every, region)),
        ]

    async def regions(self, request: Request) -> Response:
        return JSONResponse(self._server.shared_memory.status(request.path_params.get("region")))

    async def register_region(self, request: Request) -> Response:
        document = parse_object(await self._body(request), empty_is_object=True)
        self._server.shared_memory.register(
            request.path_params["region"],
            key=document.get("key"),
            offset=document.get("offset", 0),
            byte_size=document.get("byte_size"),
        )
        return JSONResponse({})

    async def unregister_regions(self, request: Request) -> Response:
        parse_object(await self._body(request), empty_is_object=True)
        self._server.shared_memory.unregister(request.path_params.get("region"))
        return JSONResponse({})

    async def infer(self, request: Request) -> Response:
        name, version = _model_of(request)
        with self._server.noted(name, version, "http", lambda: request.headers):
            return await self._infer(request, name, version)

    async def _infer(self, request: Request, name: str, version: str | None) -> Response:
        model, _ = self._server.repository.find(name, version)
        model.scheduler.require_room()  # before anything is received for nothing
        body = await self._body(request)
        header, binary = split_body(body, request.headers.get(_HEADER_LENGTH))
        document = parse_object(header)
        result = await _while_connected(
            request,
            self._server.infer(
                name,
                version,
                partial(read_request, document, binary, self._server.shared_memory),
                signature=string_parameter(document, "signature"),
                timeout_s=timeout_of(document),
            ),
        )
        content, parts = encode_response(
            result.outputs, result.request, model=result.model.name, version=str(result.model.version)
        )
        if not any(output.binary for output in result.request.outputs):
            return Response(content, media_type="application/json")
        return Response(
            content + parts, media_type="application/octet-stream", headers={_HEADER_LENGTH: str(len(content))}
        )

    async def _body(self, request: Request) -> bytes:
        """The body, which is received here and not by a worker, and never beyond what the server takes."""
        if request.headers.get("Content-Encoding", "identity") != "identity":
            raise UnsupportedEncodingError("compressed requests are not supported; send the request as it is")
        if int(request.headers.get("Content-Length", "0")) > self._max_request_bytes:
            raise self._too_large()
        with _Deadline(self._receive_timeout_s):
            return await self._received(request)

    async def _received(self, request: Request) -> bytes:
        parts: list[bytes] = []
        left = self._max_request_bytes
        async for part in request.stream():
            left -= len(part)
            if left < 0:
                raise self._too_large()
            if part:
                parts.append(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)  # images are large, and each copy of them takes time

    def _too_large(self) -> TooLargeError:
        return TooLargeError(f"the request is larger than the {self._max_request_bytes} bytes that this server takes")


class _Deadline:
    """Cancels what runs in a with statement when its time is over; anyio's takes five times as long to set up."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._over = False

    def __enter__(self) -> None:
        self._task = asyncio.current_task()
        self._timer = asyncio.get_running_loop().call_later(self._seconds, self._end)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        """Raise what the client is told.

        Raises:
            TooSlowError: the time is over.
        """
        self._timer.cancel()
        if self._over and isinstance(error, asyncio.CancelledError):
            raise TooSlowError(f"the request did not arrive within {self._seconds:g} s") from error

    def _end(self) -> None:
        self._over = True
        if self._task is not None:
            self._task.cancel()


async def _while_connected(request: Request, work: Coroutine[Any, Any, _T]) -> _T:
    """The result of `work`, which is cancelled when the client goes before.

    Raises:
        ClientDisconnect: the client has gone.
    """
    task = asyncio.current_task()
    over = False

    def cancel(gone: asyncio.Future[Any]) -> None:
        if task is not None and not over and not gone.cancelled():
            task.cancel()

    gone = asyncio.ensure_future(request.receive())  # the body is received, so that nothing else can come
    gone.add_done_callback(cancel)
    try:
        return await work
    except asyncio.CancelledError:
        if not gone.done() or gone.cancelled():
            raise
        raise ClientDisconnect from None
    finally:
        over = True
        gone.cancel()


def _model_of(request: Request) -> tuple[str, str | None]:
    return request.path_params["model"], request.path_params.get("version")


async def _told(_request: Request, error: Exception) -> Response:
    status = error.status if isinstance(error, RequestError) else UnavailableError.status
    headers = {}
    if isinstance(error, OverloadError):
        headers["Retry-After"] = str(error.retry_after_s)
    if isinstance(error, TooLargeError | TooSlowError):
        headers["Connection"] = "close"  # what follows of the request is not read
    return JSONResponse({"error": str(error)}, status, headers)


async def _told_by_starlette(request: Request, error: Exception) -> Response:
    status, headers = (error.status_code, error.headers) if isinstance(error, HTTPException) else (404, None)
    return JSONResponse({"error": f"there is no {request.method} {request.url.path[:200]}"}, status, headers)


async def _unread(_request: Request, _error: Exception) -> Response:
    return Response(status_code=_CLIENT_HAS_GONE)


async def _unexpected(_request: Request, _error: Exception) -> Response:
    """What is a bug of the server: the ASGI server writes it to its log, with the traceback."""
    return JSONResponse({"error": "the server failed; its log says why"}, RequestError.status)
