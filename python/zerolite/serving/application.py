"""What programs call: the application of a server, and the server."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from zerolite.serving.repository import Sources
from zerolite.serving.settings import ServingSettings

if TYPE_CHECKING:
    from starlette.applications import Starlette

__all__ = ["create_app", "serve"]

_EXTRA = ("google", "grpc", "httptools", "prometheus_client", "starlette", "uvicorn")


def create_app(models: Sources, settings: ServingSettings | None = None) -> Starlette:
    """An ASGI application that serves models over the Open Inference Protocol (KServe v2).

    The models are loaded when the application starts, by the lifespan protocol of ASGI; mounted within another
    application, its lifespan has to be run there. `serve` runs it with uvicorn.

    Args:
        models: a `.tflite` file, a folder of models, or several of them. A file is version 1 of a model with its name.
            A folder whose folders are numbers, each with one `.tflite` file, is one model with versions; any other
            folder is a repository of such files and folders.
        settings: how models are loaded and requests are treated.

    Raises:
        FileNotFoundError: a path does not exist.
        ValueError: a path holds no model, or two models have the same name.
        ModuleNotFoundError: the extra "serve" is not installed.
    """
    try:
        from zerolite.serving.core import InferenceServer
        from zerolite.serving.http.app import http_app
    except ModuleNotFoundError as error:
        raise _of_the_extra(error) from error

    settings = settings or ServingSettings()
    return http_app(InferenceServer(models, settings), settings)


def serve(
    models: Sources,
    settings: ServingSettings | None = None,
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    grpc_port: int | None = None,
    certificate: str | os.PathLike[str] | None = None,
    private_key: str | os.PathLike[str] | None = None,
    max_connections: int = 1024,
    drain_s: float = 0.0,
    access_log: str | os.PathLike[str] | None = None,
    on_ready: Callable[[list[str]], object] | None = None,
) -> None:
    """Serve models over the Open Inference Protocol (KServe v2) until SIGTERM or SIGINT.

    At the signal the server is not ready any more; `drain_s` later it takes no more connections, answers what it has
    begun with, and returns. A second signal ends it at once. Signals are only heard in the main thread.

    Args:
        models: what to serve, as for `create_app`.
        settings: how models are loaded and requests are treated.
        host: the address to listen at; only this machine reaches the default one.
        port: the port to listen at for HTTP; 0 takes a free one.
        grpc_port: the port to listen at for gRPC; 0 takes a free one, and None is no gRPC.
        certificate: a file of PEM certificates, for TLS.
        private_key: the file of their private key, where it is not in the same file.
        max_connections: how many connections may be open over each of HTTP and gRPC, and how many requests of gRPC
            under way; further requests are refused with 503 and RESOURCE_EXHAUSTED. Over HTTP, connections without a
            request make room first; over gRPC, further ones are closed. The process lets itself open as many files as
            that takes, or takes fewer connections where it may not.
        drain_s: seconds between the signal and the last new connection, for those who watch readiness.
        access_log: a file that gets a line of JSON for each request over HTTP; nothing is logged without one.
        on_ready: called with the URLs of the server, of HTTP and gRPC, once it is ready for requests.

    Raises:
        OSError: nothing can listen at this address, or a file can't be read.
        ValueError: as `create_app` raises it, or no model can be loaded.
        ModuleNotFoundError: the extra "serve" is not installed.
    """
    try:
        from zerolite.serving.core import InferenceServer
        from zerolite.serving.http.server import Address, run_server
    except ModuleNotFoundError as error:
        raise _of_the_extra(error) from error

    settings = settings or ServingSettings()
    address = Address(
        host=host,
        port=port,
        grpc_port=grpc_port,
        certificate=certificate,
        private_key=private_key,
        max_connections=max_connections,
    )
    core = InferenceServer(models, settings)
    run_server(core, settings, address, drain_s=drain_s, access_log=access_log, on_ready=on_ready)


def _of_the_extra(error: ModuleNotFoundError) -> ModuleNotFoundError:
    package = (error.name or "").partition(".")[0]
    if package not in _EXTRA:
        return error
    return ModuleNotFoundError(
        f"serving needs the package {package}, which is not installed; pip install 'zerolite[serve]'",
        name=error.name,
    )
