"""Clients that ask a server the same thing again and again, each as soon as it has its answer.

`python -m benchmarks.serving_client` reads one line of JSON (url, request, clients, seconds, rate, process) and writes
one with the seconds that each answer took, and what the server's process took of the processor meanwhile. With a rate,
requests come at random times, so many in a second, and each takes the next client that is free; its time counts from
when it should have been asked.

The request is what goes over the wire, in base64: with its head for HTTP, and the message for gRPC, so that next to
none of the time is the client's.
"""

from __future__ import annotations

import asyncio
import base64
import json
import random
import re
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from urllib.parse import urlsplit

import grpc.aio

_METHOD = "/inference.GRPCInferenceService/ModelInfer"
Ask = Callable[[], Awaitable[object]]


async def over_http(stack: AsyncExitStack, url: str, request: bytes) -> Ask:
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    stack.callback(writer.close)

    async def ask() -> None:
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
        if not head.startswith(b"HTTP/1.1 200 ") or length is None:
            raise RuntimeError(f"the server answered {head!r}")
        await reader.readexactly(int(length[1]))

    return ask


async def over_grpc(stack: AsyncExitStack, url: str, request: bytes) -> Ask:
    # A connection for each client, as they are different programs.
    options = [("grpc.use_local_subchannel_pool", 1)]
    channel = await stack.enter_async_context(grpc.aio.insecure_channel(urlsplit(url).netloc, options=options))
    method = channel.unary_unary(_METHOD)
    return lambda: method(request)


async def ask_until(end: float, ask: Ask) -> list[float]:
    taken: list[float] = []
    while not taken or time.perf_counter() < end:
        begun = time.perf_counter()
        await ask()
        taken.append(time.perf_counter() - begun)
    return taken


async def ask_at_random(end: float, rate: float, clients: list[Ask]) -> list[float]:
    free: asyncio.Queue[Ask] = asyncio.Queue()
    for ask in clients:
        free.put_nowait(ask)
    taken: list[float] = []

    async def ask_once(due: float) -> None:
        ask = await free.get()
        await ask()
        taken.append(time.perf_counter() - due)
        free.put_nowait(ask)

    pauses = random.Random(0)
    due = time.perf_counter()
    asked = []
    while due < end:
        due += pauses.expovariate(rate)
        await asyncio.sleep(due - time.perf_counter())
        asked.append(asyncio.ensure_future(ask_once(due)))
    await asyncio.gather(*asked)
    return taken


def processor_seconds(process: int) -> float:
    """What all threads of a process have taken of the processor so far."""
    threads = Path(f"/proc/{process}/task").iterdir()
    return sum(int(thread.joinpath("schedstat").read_text().split()[0]) for thread in threads) / 1e9


async def main() -> None:
    order = json.loads(sys.stdin.readline())
    request = base64.b64decode(order["request"])
    connect = over_grpc if order["url"].startswith("grpc") else over_http
    async with AsyncExitStack() as stack:
        clients = [await connect(stack, order["url"], request) for _ in range(order["clients"])]
        await asyncio.gather(*(ask() for ask in clients))  # so that all are connected
        begun, used = time.perf_counter(), processor_seconds(order["process"])
        end = begun + order["seconds"]
        if order["rate"] is None:
            answers = await asyncio.gather(*(ask_until(end, ask) for ask in clients))
        else:
            answers = [await ask_at_random(end, order["rate"], clients)]
        seconds, used = time.perf_counter() - begun, processor_seconds(order["process"]) - used
    print(
        json.dumps(
            {"seconds": seconds, "processor_seconds": used, "answers": [taken for own in answers for taken in own]}
        )
    )


if __name__ == "__main__":
    asyncio.run(main())
