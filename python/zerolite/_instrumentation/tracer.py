"""The tracer: it runs a signature and takes a trace."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from zerolite import _native
from zerolite._instrumentation.trace import Trace, TracedTensor
from zerolite._runtime.positions import caller_level
from zerolite._runtime.quantization import quantization_of

__all__ = ["builtin_replica", "trace_replica", "trace_signature"]


def trace_signature(signature: _native.Signature, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Trace:
    """Trace one run of a replica on builtin kernels; see `Signature.trace`."""
    if len(args) > 1:
        signature._warn_of_positions(caller_level())
    replica = builtin_replica(signature)
    replica._settle_positions()
    return trace_replica(replica, args, kwargs)


def builtin_replica(signature: _native.Signature) -> _native.Signature:
    """A second instance that runs on TensorFlow Lite's own kernels, with the inputs' shapes of the first."""
    replica = _native.replica(signature, kernels="builtin")
    _native.take_inputs(replica, signature)
    return replica


def trace_replica(replica: _native.Signature, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Trace:
    """Run a replica over given inputs and keep what it computes."""
    _native.fill_inputs(replica, *args, **kwargs)
    subgraph, tensors = _native.trace_run(replica)
    return Trace(
        replica.key,
        subgraph,
        [
            TracedTensor(
                name=name,
                operator=operator,
                subgraph=graph,
                index=index,
                values=values,
                quantization=quantization_of(parameters, values.dtype),
                times=times,
            )
            for graph, index, name, operator, values, parameters, times in tensors
        ],
    )
