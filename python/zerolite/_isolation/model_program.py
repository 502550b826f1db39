"""What runs in the process of a model: it shuts the doors, loads the model, and runs it for others or as a trial."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import mmap
import os
import resource
import sys
from typing import Any

from zerolite import _native
from zerolite._isolation.model_settings import ModelSettings
from zerolite._isolation.served_signature import ServedSignature
from zerolite._isolation.stand_in import stand_in
from zerolite._isolation.trial_runs import try_signatures

__all__ = ["main"]

_LONGEST_MESSAGE = 4096
#: An operator that needs nothing but a tensor, by its number in TensorFlow Lite's schema.
_ABS = 101
#: Of what the process prints, in bytes; more of it is of no use to anybody.
_MOST_PRINTED = 1 << 20
#: Of what the compilers of GPUs and NPUs write into a file.
_MOST_WRITTEN = 1 << 30


def main(
    settings: str, *, name: bytes, verification: str, model: int, size: int, memory: int | None, reply: int
) -> None:
    """Load the model, say in one line of JSON what came of it, and run it as often as it is asked for.

    A process that ends without that line, whatever its exit code, got no further than the model let it.

    Args:
        settings: a text of `ModelSettings`.
        name: what the model is called in errors.
        verification: how closely it is looked at.
        model: the descriptor of its file.
        size: of that file, in bytes.
        memory: the descriptor of the shared memory; None for a trial, which runs each signature before it answers.
        reply: the descriptor that the line goes to.
    """
    code = ModelSettings.NOT_BEGUN
    loaded: _native.CompiledModel | None = None
    served: list[ServedSignature] = []
    try:
        chosen = ModelSettings.from_json(settings)
        native = chosen.native
        content = memoryview(mmap.mmap(model, size, access=mmap.ACCESS_READ)) if size else memoryview(b"")
        server = None if memory is None else _native.ModelServer(file=memory)
        code = ModelSettings.BEGUN
        try:
            _shut_doors(native, reads=chosen.needs_devices, is_trial=server is None)
            level = _native.Verification.__members__[verification]
            loaded = _native.CompiledModel(content=content, name=name, verification=level, **native)
            if server is None:
                answer = try_signatures(loaded)
            else:
                served = [
                    ServedSignature(loaded, index, server, key) for index, key in enumerate(loaded._signature_keys())
                ]
                subgraphs = [signature.subgraph for signature in _native.read_contents(content).signatures]
                answer = _description(loaded, served, subgraphs)
        except _native.Error as error:
            answer = {"refused": str(error)[:_LONGEST_MESSAGE], "kind": type(error).__name__}
        line = json.dumps(answer).encode() + b"\n"
        while line:
            line = line[os.write(reply, line) :]
        if loaded is not None and server is not None and "refused" not in answer:
            _serve(loaded, served, server)
        code = 0
    except MemoryError:
        code = ModelSettings.OUT_OF_MEMORY
    except Exception as error:  # noqa: BLE001 - the last words of this process
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
    finally:
        # Nothing of the model is taken down: it may be broken, and the process is at its end anyway.
        sys.stderr.flush()
        os._exit(code)


def _shut_doors(native: dict[str, Any], *, reads: bool, is_trial: bool) -> None:
    """Open what is needed, and nothing more from then on.

    Raises:
        Error: the system has no means for that; a trial then has its limits alone, as this is no fault of the model.
    """
    for side in ("before_xnnpack", "after_xnnpack"):
        native[side] = [
            _native.make_delegate(delegate) if isinstance(delegate, _native.ExternalSettings) else delegate
            for delegate in native[side]
        ]
    for module in ("ml_dtypes", "encodings.idna", "encodings.ascii", "encodings.latin_1"):
        if importlib.util.find_spec(module) is not None:
            importlib.import_module(module)
    _warm_up(native if reads else {"cpu": native["cpu"]})
    most = _MOST_WRITTEN if reads else _MOST_PRINTED
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    try:
        _native.confine_process(devices=reads, folder=os.environ["TMPDIR"])
    except _native.Error:
        if not is_trial:
            raise


def _warm_up(native: dict[str, Any]) -> None:
    """XNNPACK and the runtime look at the processor when they first run, and other delegates start their libraries."""
    tensor = {"name": "x", "type": 0, "shape": [1], "shape_signature": [1], "quantization": None}
    signature = {"key": "serving_default", "inputs": [tensor], "outputs": [tensor | {"name": "y"}]}
    settings = {**native, "custom_operators": []}
    with contextlib.suppress(_native.Error):  # a delegate may have no use for such a model
        tiny = _native.CompiledModel(content=stand_in([signature], builtin=_ABS), name="", **settings)
        _native.Signature(tiny, 0).run()


def _description(loaded: _native.CompiledModel, served: list[ServedSignature], subgraphs: list[int]) -> dict[str, Any]:
    return {
        "signatures": [
            signature.description(subgraphs[index] if subgraphs else 0) for index, signature in enumerate(served)
        ],
        "keeps_state": loaded._keeps_state(),
        "unusable": loaded._unusable_signatures(),
        "delegation": loaded._delegation(),
        "unused": loaded._unused_delegates(),
        "threads": loaded.threads,
    }


def _serve(loaded: _native.CompiledModel, served: list[ServedSignature], server: _native.ModelServer) -> None:
    # By `SharedCommand` of the core; 0 is after a run, and the one that is left is to reset.
    work = {
        0: ServedSignature.collect,
        1: ServedSignature.run,
        2: ServedSignature.resize,
        3: ServedSignature.place,
        4: ServedSignature.fetch,
    }
    outcome = _native.Outcome
    while True:
        command, index = server.serve([None if signature.varies else signature.native for signature in served])
        try:
            if command in work:
                work[command](served[index])
            else:
                loaded._reset()
            server.answer(outcome.varies if command == 0 else outcome.done)
        except MemoryError:
            server.answer(outcome.refused, "memory ran out in its process")
        except (_native.Error, ValueError, TypeError) as error:
            server.answer(outcome.refused, str(error))
