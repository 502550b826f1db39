"""Running the application: sockets, signals, and the way to an orderly end."""

from __future__ import annotations

import asyncio
import math
import os
import socket
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from types import FrameType
from typing import Any

import uvicorn

from zerolite.serving.core import InferenceServer
from zerolite.serving.http.app import http_app
from zerolite.serving.http.connections import connections_possible, limited_protocol
from zerolite.serving.http.middleware import AccessLog
from zerolite.serving.settings import ServingSettings

__all__ = ["Address", "run_server"]

_BACKLOG = 2048


@dataclass(frozen=True, kw_only=True)
class Address:
    """Where a server listens, and to whom; see `serve`."""

    host: str
    port: int
    certificate: str | os.PathLike[str] | None
    private_key: str | os.PathLike[str] | None
    max_connections: int
    grpc_port: int | None


def run_server(
    core: InferenceServer,
    settings: ServingSettings,
    address: Address,
    *,
    drain_s: float,
    access_log: str | os.PathLike[str] | None,
    on_ready: Callable[[list[str]], object] | None,
) -> None:
    """Serve with uvicorn until a signal; see `serve`.

    Raises:
        OSError: nothing can listen there, or a file can't be read.
        ValueError: no model can be loaded.
    """
    log = None if access_log is None else AccessLog(access_log)
    most = connections_possible(address.max_connections, transports=1 if address.grpc_port is None else 2)
    config = uvicorn.Config(
        http_app(core, settings, access_log=log),
        http=limited_protocol(settings.receive_timeout_s, most),
        ws="none",
        lifespan="off",  # the models are loaded here, so that what fails is raised and not only logged
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=most + 1,  # from so many on it refuses
        timeout_graceful_shutdown=math.ceil(max(settings.deadline_s, settings.receive_timeout_s)),
        ssl_certfile=address.certificate,
        ssl_keyfile=None if address.private_key is None else os.fspath(address.private_key),
    )
    with ExitStack() as stack:
        if log is not None:
            stack.callback(log.close)
        config.load()  # reads the files for TLS
        listener = stack.enter_context(_listen(address.host, address.port))
        scheme = "https" if config.is_ssl else "http"
        url = f"{scheme}://{_shown(address.host)}:{listener.getsockname()[1]}"
        _Server(
            config, core, settings, address, most_connections=most, drain_s=drain_s, url=url, on_ready=on_ready
        ).run(sockets=[listener])


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        return socket.create_server(address[:2], family=family, backlog=_BACKLOG)
    except (OSError, OverflowError) as error:
        raise OSError(f"nothing can listen at port {port} of {host}: {error}; choose another host or port") from error


class _Server(uvicorn.Server):
    def __init__(
        self,
        config: uvicorn.Config,
        core: InferenceServer,
        settings: ServingSettings,
        address: Address,
        *,
        most_connections: int,
        drain_s: float,
        url: str,
        on_ready: Callable[[list[str]], object] | None,
    ) -> None:
        super().__init__(config)
        self._core = core
        self._settings = settings
        self._address = address
        self._most_connections = most_connections
        self._drain_s = drain_s
        self._urls = [url]
        self._on_ready = on_ready
        self._grpc: Any = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        self._grpc = self._grpc_server()
        await self._core.start()
        if self._grpc is not None:
            await self._grpc.start()
        await super().startup(sockets)
        if self._on_ready is not None:
            self._on_ready(self._urls)

    def _grpc_server(self) -> Any:
        address = self._address
        if address.grpc_port is None:
            return None
        from zerolite.serving.grpc.service import grpc_server

        server, port = grpc_server(
            self._core,
            self._settings,
            host=address.host,
            port=address.grpc_port,
            certificate=address.certificate,
            private_key=address.private_key,
            max_connections=self._most_connections,
        )
        self._urls.append(f"{'grpcs' if self.config.is_ssl else 'grpc'}://{_shown(address.host)}:{port}")
        return server

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        if self._grpc is None:
            await super().shutdown(sockets)
        else:
            grace = 0.0 if self.force_exit else self.config.timeout_graceful_shutdown
            await asyncio.gather(super().shutdown(sockets), self._grpc.stop(grace))
        await self._core.stop()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002
        # uvicorn would raise the signal again at the end, and an orderly end is no failure.
        if self._core.draining or not self._core.ready:
            self.should_exit = self.force_exit = True
            if self._grpc is not None:
                self._loop.call_soon_threadsafe(lambda: self._loop.create_task(self._grpc.stop(None)))
        elif self._drain_s > 0:
            self._core.draining = True
            self._loop.call_soon_threadsafe(self._loop.call_later, self._drain_s, self._exit)
        else:
            self._core.draining = True
            self._exit()

    def _exit(self) -> None:
        self.should_exit = True
