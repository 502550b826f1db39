"""What runs in the process of an isolated model: it loads the model, shuts the doors, and serves runs until it ends."""

from __future__ import annotations

import importlib.util
import json
import mmap
import os
import resource
import sys
from typing import Any

from zerolite import _native
from zerolite._isolation.served_signature import ServedSignature
from zerolite._isolation.stand_in import stand_in
from zerolite._isolation.trial_settings import TrialSettings

__all__ = ["main"]

_LONGEST_MESSAGE = 4096
#: An operator that needs nothing but a tensor, by its number in TensorFlow Lite's schema.
_ABS = 101
#: Of what the process prints, in bytes; more of it is of no use to anybody.
_MOST_PRINTED = 1 << 20


def main(settings: str, *, name: bytes, verification: str, model: int, size: int, memory: int, reply: int) -> None:
    """Load the model, describe it in one line of JSON, and run it as often as it is asked for.

    Args:
        settings: a text of `TrialSettings`.
        name: what the model is called in errors.
        verification: how closely it is looked at.
        model: the descriptor of its file.
        size: of that file, in bytes.
        memory: the descriptor of the shared memory.
        reply: the descriptor that the description goes to.
    """
    code = TrialSettings.NOT_BEGUN
    loaded: _native.CompiledModel | None = None
    served: list[ServedSignature] = []
    try:
        native = TrialSettings.from_json(settings).native
        content = memoryview(mmap.mmap(model, size, access=mmap.ACCESS_READ))
        server = _native.ModelServer(file=memory)
        code = 1
        try:
            _get_ready(native)
            resource.setrlimit(resource.RLIMIT_FSIZE, (_MOST_PRINTED, _MOST_PRINTED))
            _native.confine_process()
            level = _native.Verification.__members__[verification]
            loaded = _native.CompiledModel(content=content, name=name, verification=level, **native)
            served = [ServedSignature(loaded, index, server, key) for index, key in enumerate(loaded._signature_keys())]
            subgraphs = [signature.subgraph for signature in _native.read_contents(content).signatures]
            description = _description(loaded, served, subgraphs)
        except _native.Error as error:
            description = {"refused": str(error)[:_LONGEST_MESSAGE], "kind": type(error).__name__}
        line = json.dumps(description).encode() + b"\n"
        while line:
            line = line[os.write(reply, line) :]
        if loaded is not None and "refused" not in description:
            _serve(loaded, served, server)
        code = 0
    except MemoryError:
        code = TrialSettings.OUT_OF_MEMORY
    except Exception as error:  # noqa: BLE001 - the last words of this process
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
    finally:
        # Nothing of the model is taken down: it may be broken, and the process is at its end anyway.
        sys.stderr.flush()
        os._exit(code)


def _get_ready(native: dict[str, Any]) -> None:
    """Whatever opens files, before none can be opened any more."""
    for side in ("before_xnnpack", "after_xnnpack"):
        native[side] = [_native.make_delegate(delegate) for delegate in native[side]]
    for module in ("ml_dtypes", "encodings.idna", "encodings.ascii", "encodings.latin_1"):
        if importlib.util.find_spec(module) is not None:
            importlib.import_module(module)
    # XNNPACK and the runtime look at the processor when they first run.
    tensor = {"name": "x", "type": 0, "shape": [1], "shape_signature": [1], "quantization": None}
    signature = {"key": "serving_default", "inputs": [tensor], "outputs": [tensor | {"name": "y"}]}
    tiny = _native.CompiledModel(content=stand_in([signature], builtin=_ABS), name="", cpu=native["cpu"])
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
