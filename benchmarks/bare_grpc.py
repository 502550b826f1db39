"""A server to compare with: a method of grpc.aio that sends back the bytes that it gets, and reads none of them.

`python -m benchmarks.bare_grpc` prints its URL. What it takes is what grpcio takes of every request.
"""

from __future__ import annotations

import grpc
import grpc.aio
import uvloop

_SERVICE = "inference.GRPCInferenceService"


async def answer(request: bytes, _context: object) -> bytes:
    return request


async def main() -> None:
    server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
    handlers = {"ModelInfer": grpc.unary_unary_rpc_method_handler(answer)}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(_SERVICE, handlers),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(f"Serving at grpc://127.0.0.1:{port}", flush=True)
    await server.wait_for_termination()


if __name__ == "__main__":
    uvloop.run(main())
