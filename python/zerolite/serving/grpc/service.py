"""The service of the protocol over gRPC, on the same core as HTTP."""

from __future__ import annotations

import math
import os
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import grpc
import grpc.aio

from zerolite.serving.core import InferenceServer
from zerolite.serving.errors import (
    DeadlineError,
    ForbiddenError,
    InvalidRequestError,
    OverloadError,
    RequestError,
    TooLargeError,
    UnauthorizedError,
    UnavailableError,
    UnknownModelError,
)
from zerolite.serving.grpc.messages import METHODS, SERVICE, parameters_of, read_request, response_of
from zerolite.serving.protocol import string_parameter, timeout_of
from zerolite.serving.settings import ServingSettings

__all__ = ["grpc_server"]

_CODES = {
    InvalidRequestError: grpc.StatusCode.INVALID_ARGUMENT,
    UnauthorizedError: grpc.StatusCode.UNAUTHENTICATED,
    ForbiddenError: grpc.StatusCode.PERMISSION_DENIED,
    UnknownModelError: grpc.StatusCode.NOT_FOUND,
    TooLargeError: grpc.StatusCode.RESOURCE_EXHAUSTED,
    OverloadError: grpc.StatusCode.RESOURCE_EXHAUSTED,
    UnavailableError: grpc.StatusCode.UNAVAILABLE,
    DeadlineError: grpc.StatusCode.DEADLINE_EXCEEDED,
}
# Whoever starts and watches servers asks these without a token; they tell nothing of the models.
_OPEN_METHODS = ("ServerLive", "ServerReady")


def grpc_server(
    core: InferenceServer,
    settings: ServingSettings,
    *,
    host: str,
    port: int,
    certificate: str | os.PathLike[str] | None = None,
    private_key: str | os.PathLike[str] | None = None,
    max_connections: int = 1024,
) -> tuple[grpc.aio.Server, int]:
    """A server that is not started yet, and its port; made in the event loop that it runs in.

    Args:
        core: answers.
        settings: how large requests may be, and the token.
        host: the address to listen at.
        port: the port to listen at; 0 takes a free one.
        certificate: a file of PEM certificates, for TLS.
        private_key: the file of their private key, where it is not in the same file.
        max_connections: how many connections may be open, and how many requests under way; further ones are refused.

    Raises:
        OSError: nothing can listen there, or a file can't be read.
    """
    server = grpc.aio.server(
        options=[
            ("grpc.max_receive_message_length", settings.max_request_bytes),
            ("grpc.max_send_message_length", -1),
            ("grpc.so_reuseport", 0),  # two servers at one port would take turns
            # Without these, connections that say nothing stay for two minutes, as many as there are descriptors.
            ("grpc.max_allowed_incoming_connections", max_connections),
            ("grpc.server_handshake_timeout_ms", math.ceil(1000 * settings.receive_timeout_s)),
        ],
        maximum_concurrent_rpcs=max_connections,
    )
    service = _Service(core, settings)
    handlers = {
        name: grpc.unary_unary_rpc_method_handler(
            partial(service.answer, name),
            request_deserializer=request.FromString,
            response_serializer=answer.SerializeToString,
        )
        for name, (request, answer) in METHODS.items()
    }
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, handlers),))
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    try:
        if certificate is None:
            return server, server.add_insecure_port(address)
        chain = Path(certificate).read_bytes()
        key = chain if private_key is None else Path(private_key).read_bytes()
        return server, server.add_secure_port(address, grpc.ssl_server_credentials([(key, chain)]))
    except RuntimeError as error:
        raise OSError(f"nothing can listen for gRPC at port {port} of {host}; choose another host or port") from error


class _Service:
    """The methods of the service, by their names in the protocol."""

    def __init__(self, core: InferenceServer, settings: ServingSettings) -> None:
        self._core = core
        self._settings = settings

    async def answer(self, name: str, request: Any, context: Any) -> Any:
        """The answer of the method of this name, or the end of the call with the status of an error."""
        method: Callable[[Any, Any], Awaitable[Any]] = getattr(self, f"_{name}")
        try:
            if name not in _OPEN_METHODS:
                self._require_token(context)
            return await method(request, context)
        except RequestError as error:
            trailing = (("retry-after", str(error.retry_after_s)),) if isinstance(error, OverloadError) else ()
            code = _CODES.get(type(error), grpc.StatusCode.INTERNAL)
            await context.abort(code, str(error), trailing)

    def _require_token(self, context: Any) -> None:
        if self._settings.token is None:
            return
        given = next((value for key, value in context.invocation_metadata() if key == "authorization"), "")
        if not self._settings.admits(given if isinstance(given, bytes) else given.encode()):
            raise UnauthorizedError("this server asks for a bearer token")

    async def _ServerLive(self, _request: Any, _context: Any) -> Any:  # noqa: N802 - as the protocol names it
        return METHODS["ServerLive"][1](live=True)

    async def _ServerReady(self, _request: Any, _context: Any) -> Any:  # noqa: N802
        return METHODS["ServerReady"][1](ready=self._core.ready)

    async def _ServerMetadata(self, _request: Any, _context: Any) -> Any:  # noqa: N802
        return METHODS["ServerMetadata"][1](**self._core.metadata())

    async def _ModelReady(self, request: Any, _context: Any) -> Any:  # noqa: N802
        try:
            self._core.repository.find(request.name, request.version)
        except UnavailableError:
            return METHODS["ModelReady"][1](ready=False)
        return METHODS["ModelReady"][1](ready=True)

    async def _ModelMetadata(self, request: Any, _context: Any) -> Any:  # noqa: N802
        return METHODS["ModelMetadata"][1](**self._core.model_metadata(request.name, request.version))

    async def _RepositoryIndex(self, request: Any, _context: Any) -> Any:  # noqa: N802
        return METHODS["RepositoryIndex"][1](models=self._core.index(only_ready=request.ready))

    async def _RepositoryModelLoad(self, request: Any, _context: Any) -> Any:  # noqa: N802
        await self._core.load(request.model_name, parameters=request.parameters)
        return METHODS["RepositoryModelLoad"][1]()

    async def _RepositoryModelUnload(self, request: Any, _context: Any) -> Any:  # noqa: N802
        await self._core.unload(request.model_name)
        return METHODS["RepositoryModelUnload"][1]()

    async def _SystemSharedMemoryStatus(self, request: Any, _context: Any) -> Any:  # noqa: N802
        answer = METHODS["SystemSharedMemoryStatus"][1]()
        for region in self._core.shared_memory.status(request.name or None):
            for key, value in region.items():
                setattr(answer.regions[region["name"]], key, value)
        return answer

    async def _SystemSharedMemoryRegister(self, request: Any, _context: Any) -> Any:  # noqa: N802
        self._core.shared_memory.register(
            request.name, key=request.key, offset=request.offset, byte_size=request.byte_size
        )
        return METHODS["SystemSharedMemoryRegister"][1]()

    async def _SystemSharedMemoryUnregister(self, request: Any, _context: Any) -> Any:  # noqa: N802
        self._core.shared_memory.unregister(request.name or None)
        return METHODS["SystemSharedMemoryUnregister"][1]()

    async def _ModelInfer(self, request: Any, context: Any) -> Any:  # noqa: N802
        name, version = request.model_name, request.model_version
        with self._core.noted(name, version, "grpc", lambda: _text_of(context)):
            document = {"parameters": parameters_of(request)}
            limits = [limit for limit in (timeout_of(document), context.time_remaining()) if limit is not None]
            result = await self._core.infer(
                name,
                version,
                partial(read_request, request, self._core.shared_memory),
                signature=string_parameter(document, "signature"),
                timeout_s=min(limits, default=None),
            )
            return response_of(
                result.outputs, result.request, model=result.model.name, version=str(result.model.version)
            )


def _text_of(context: Any) -> dict[str, str]:
    """The metadata that came with a call, but for binary values."""
    return {key: value for key, value in context.invocation_metadata() or () if isinstance(value, str)}
