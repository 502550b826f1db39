"""Profiled runs in the Trace Event Format."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from zerolite._instrumentation.kernel_operators import operators_of_kernels
from zerolite._instrumentation.profiled_run import NodeName, ProfiledRun, TimedNode

__all__ = ["chrome_trace"]

# One process and one thread: runs follow one another.
_PLACE = {"pid": 1, "tid": 1}


def chrome_trace(model: str, names: Mapping[tuple[int, int], NodeName], runs: Sequence[ProfiledRun]) -> dict[str, Any]:
    """All runs on one time line, one right behind the other; times in the format are microseconds."""
    events: list[dict[str, Any]] = [
        {"ph": "M", "name": "process_name", **_PLACE, "args": {"name": model}},
        {"ph": "M", "name": "thread_name", **_PLACE, "args": {"name": "profiled runs"}},
    ]
    begin_ns = 0
    for number, run in enumerate(runs):
        events.append(_slice(f"run {number}", "run", begin_ns, run.elapsed_ns, {}))
        for node in run.nodes:
            known = names.get((node.subgraph, node.node))
            kind = known.type if known is not None else "unknown"
            delegate = known.delegate if known is not None else "builtin"
            described = {
                "tensor": known.name if known is not None else "",
                "delegate": delegate,
                "subgraph": node.subgraph,
            }
            title = delegate if node.steps else kind
            events.append(_slice(title, "node", begin_ns + node.begin_ns, node.elapsed_ns, described))
            events.extend(_steps(node, begin_ns + node.begin_ns, () if known is None else known.operators))
        begin_ns += run.elapsed_ns
    return {"traceEvents": events, "displayTimeUnit": "ns"}


def _steps(node: TimedNode, begin_ns: int, operators: tuple[tuple[str, str], ...]) -> list[dict[str, Any]]:
    events = []
    tensors = operators_of_kernels(tuple(kernel for kernel, _ in node.steps), operators)
    for place, (kernel, elapsed_us) in enumerate(node.steps):
        described = {"place": place, "tensor": tensors[place] or ""}
        events.append(_slice(kernel, "kernel", begin_ns, 1000 * elapsed_us, described))
        begin_ns += 1000 * elapsed_us
    return events


def _slice(name: str, category: str, begin_ns: int, elapsed_ns: int, arguments: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "ph": "X",
        "name": name,
        "cat": category,
        "ts": begin_ns / 1000,
        "dur": elapsed_ns / 1000,
        **_PLACE,
        "args": dict(arguments),
    }
