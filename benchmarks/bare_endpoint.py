"""A server to compare with: one starlette endpoint that calls tf.lite's interpreter, and no protocol around it.

`python -m benchmarks.bare_endpoint MODEL` prints its URL and answers the bytes of an input with those of the output.
"""

from __future__ import annotations

import sys
import threading

import numpy as np
import uvicorn
from ai_edge_litert.interpreter import Interpreter
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


def endpoint(model: str) -> Starlette:
    interpreter = Interpreter(model)
    interpreter.allocate_tensors()
    given, answer = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    one_at_a_time = threading.Lock()

    def run(body: bytes) -> bytes:
        with one_at_a_time:
            interpreter.set_tensor(given["index"], np.frombuffer(body, given["dtype"]).reshape(given["shape"]))
            interpreter.invoke()
            output: bytes = interpreter.get_tensor(answer["index"]).tobytes()
            return output

    async def answer_request(request: Request) -> Response:
        return Response(await run_in_threadpool(run, await request.body()))

    return Starlette(routes=[Route("/", answer_request, methods=["POST"])])


def main() -> None:
    config = uvicorn.Config(endpoint(sys.argv[1]), port=0, http="httptools", log_config=None, access_log=False)
    listener = config.bind_socket()
    print(f"Serving at http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
