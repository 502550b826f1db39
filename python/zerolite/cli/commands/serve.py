"""The command `zerolite serve`."""

from __future__ import annotations

import logging
import sys
from contextlib import ExitStack
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from zerolite.cli.model_files import model_file_or_folder
from zerolite.cli.options import DelegateOption, ThreadsOption, delegates_of
from zerolite.cli.output import failures_in_one_line, say

__all__ = ["register"]


class _Level(str, Enum):
    structure = "structure"
    full = "full"
    isolated = "isolated"


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command(name="serve")(_serve)


def _serve(
    models: Annotated[
        list[Path],
        typer.Argument(
            metavar="MODEL_OR_DIR...",
            help=".tflite files, and folders: of one model (<version>/*.tflite) or of several.",
            parser=model_file_or_folder,
        ),
    ],
    *,
    host: Annotated[str, typer.Option(help="The address to listen at; others reach this machine at 0.0.0.0.")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port of HTTP; 0 takes a free one.")] = 8000,
    grpc_port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="The port of gRPC; none if not given, and 0 takes a free one.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Replicas of each model; if not given, one for each usable core.")
    ] = None,
    delegate: DelegateOption = None,
    threads: ThreadsOption = None,
    tuned: Annotated[
        str | None,
        typer.Option(
            metavar="auto|FILE", help="The fastest setting, searched for once or from a file, in place of those three."
        ),
    ] = None,
    verify: Annotated[
        _Level | None,
        typer.Option(help="How closely a model is looked at before it is used: full if from the Hub, else structure."),
    ] = None,
    isolate: Annotated[
        bool, typer.Option("--isolate", help="Run each replica in a process of its own, for models that others write.")
    ] = False,
    isolate_memory: Annotated[
        int | None,
        typer.Option(metavar="BYTES", help="What such a process may reserve: 8 GiB and 4 times the model; isolates."),
    ] = None,
    isolate_seconds: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="What a run there may take, 60 by default; isolates.")
    ] = None,
    queue: Annotated[int, typer.Option(min=0, help="Requests of a model that may wait while others run.")] = 128,
    max_batch: Annotated[
        int, typer.Option(min=1, help="Requests of one item that may go through one run; 1 runs each alone.")
    ] = 1,
    batch_delay: Annotated[
        float, typer.Option(min=0, metavar="MILLISECONDS", help="How long a request waits for others to run with.")
    ] = 0.0,
    deadline: Annotated[float, typer.Option(metavar="SECONDS", help="How long a request may take.")] = 60.0,
    receive_timeout: Annotated[
        float, typer.Option(metavar="SECONDS", help="How long a client may take to send a request.")
    ] = 30.0,
    max_request: Annotated[int, typer.Option(min=1, metavar="BYTES", help="The largest request.")] = 64 << 20,
    max_connections: Annotated[
        int, typer.Option(min=1, help="How many connections may be open, over each of HTTP and gRPC.")
    ] = 1024,
    drain: Annotated[
        float,
        typer.Option(min=0, metavar="SECONDS", help="From SIGTERM, which ends readiness, to the last connection."),
    ] = 0.0,
    access_log: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A file that gets a line of JSON for each request.")
    ] = None,
    trace: Annotated[
        bool,
        typer.Option("--trace", help="Send spans of OpenTelemetry over OTLP, as its environment variables say."),
    ] = False,
    model_control: Annotated[
        bool, typer.Option("--model-control", help="Let clients load and unload models of the folders.")
    ] = False,
    shared_memory: Annotated[
        str | None,
        typer.Option(
            metavar="PREFIX",
            help="Let clients have tensors in POSIX shared memory whose name begins so, as /camera_; / is every name.",
        ),
    ] = None,
    token_file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A file with the token that clients must send.", exists=True, dir_okay=False),
    ] = None,
    certificate: Annotated[
        Path | None, typer.Option(metavar="FILE", help="PEM certificates, for TLS.", exists=True, dir_okay=False)
    ] = None,
    private_key: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Their private key.", exists=True, dir_okay=False)
    ] = None,
) -> None:
    """Serve models over the Open Inference Protocol (KServe v2), until SIGTERM or Ctrl-C."""
    delegates = delegates_of(delegate or [])
    with failures_in_one_line(), ExitStack() as stack:
        from zerolite import ProcessIsolation, serving

        logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
        provider = None
        if trace:
            from zerolite.serving.telemetry import otlp_provider

            provider = otlp_provider()
            stack.callback(provider.shutdown)  # sends what it still has
        isolation: ProcessIsolation | None = None
        if isolate or isolate_memory is not None or isolate_seconds is not None:
            isolation = ProcessIsolation(memory=isolate_memory, seconds=isolate_seconds)
        settings = serving.ServingSettings(
            workers=workers,
            delegates=delegates,
            threads=threads,
            tuned=tuned,
            verify=None if verify is None else verify.value,
            isolation=isolation,
            queue_size=queue,
            max_batch=max_batch,
            batch_delay_s=batch_delay / 1000,
            deadline_s=deadline,
            receive_timeout_s=receive_timeout,
            max_request_bytes=max_request,
            model_control="explicit" if model_control else "none",
            tracer_provider=provider,
            shared_memory=shared_memory,
            token=None if token_file is None else token_file.read_text(encoding="utf-8").strip(),
        )
        serving.serve(
            models,
            settings,
            host=host,
            port=port,
            grpc_port=grpc_port,
            certificate=certificate,
            private_key=private_key,
            max_connections=max_connections,
            drain_s=drain,
            access_log=access_log,
            on_ready=lambda urls: say(f"Serving at {' and '.join(urls)}"),
        )
