"""Tables on the terminal: comparisons, delegations and what is inside a file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from zerolite.cli.output import print_table, say

if TYPE_CHECKING:
    from zerolite import Delegation
    from zerolite.comparison import Comparison
    from zerolite.evaluation import EvaluationResult
    from zerolite.inspection import ModelStructure

__all__ = ["print_comparison", "print_delegation", "print_operators", "print_skipped", "print_summary", "print_tensors"]


def print_comparison(comparison: Comparison) -> None:
    """Print the tables."""
    from zerolite.comparison.report.tables import difference_table, main_table, parity_table

    headings, lines = main_table(comparison.rows)
    print_table(headings, lines, left=2)
    if len(comparison.rows) > 1:
        headings, lines = difference_table(comparison.rows)
        title = f"beside {comparison.first.name}"
        print_table(headings, lines, title=title, left=2)
    if comparison.parity:
        headings, lines = parity_table(comparison.rows, comparison.parity)
        print_table(headings, lines, title="the same file in other runtimes", left=2)


def print_delegation(delegation: Delegation) -> None:
    """Print a line for each part of the graph that runs as a whole, and for what is left to the builtin kernels."""
    print_table(
        ("delegate", "graph", "positions", "operators", "count"),
        [
            (
                part.delegate,
                str(part.subgraph),
                _ranges(part.indices),
                ", ".join(f"{count} {name}" for name, count in Counter(part.operators).most_common()),
                f"{len(part.operators):,}",
            )
            for part in (*delegation.partitions, *delegation.builtin)
        ],
        title=f"delegation, {delegation.threads} thread{'s' * (delegation.threads != 1)}",
        left=4,
    )
    if delegation.dequantized_bytes:
        say(f"dequantized weights: {delegation.dequantized_bytes:,} bytes for a copy of the model with them")
    for name, reason in delegation.unused:
        say(f"{name} is not used: {reason}")


def print_skipped(result: EvaluationResult) -> None:
    """Name the images that were left out."""
    for error in result.skipped:
        say(f"skipped: {error.path}")


def print_summary(structure: ModelStructure) -> None:
    """Print a line on each thing that is known of the whole model."""
    operators = sum(len(graph.operators) for graph in structure.subgraphs)
    tensors = sum(len(graph.tensors) for graph in structure.subgraphs)
    graphs = len(structure.subgraphs)
    say(f"{operators:,} operators and {tensors:,} tensors in {graphs} graph{'s' * (graphs != 1)}")
    say(f"quantization: {structure.quantization}")
    if structure.constant_bytes:
        sizes = ", ".join(f"{dtype} {size:,} bytes" for dtype, size in structure.constant_bytes.items())
        say(f"constants: {sizes}")
    if structure.min_runtime_version is not None:
        say(f"needs TensorFlow Lite {structure.min_runtime_version} or newer")
    if structure.custom_operators:
        say(f"needs kernels for the custom operators {', '.join(structure.custom_operators)}")
    if structure.description:
        say(f"description: {structure.description}")
    if structure.metadata:
        entries = ", ".join(f"{name} ({size:,} bytes)" for name, size in structure.metadata.items())
        say(f"metadata: {entries}")
    if structure.attached_files:
        say(f"attached files: {', '.join(structure.attached_files)}")


def print_operators(structure: ModelStructure) -> None:
    """Print how many there are of each operator."""
    print_table(
        ("operator", "version", "count"),
        [(name, str(version), f"{count:,}") for (name, version), count in structure.operators.items()],
        title="operators",
    )


def print_tensors(structure: ModelStructure) -> None:
    """Print every tensor."""
    for number, graph in enumerate(structure.subgraphs):
        print_table(
            ("", "name", "dtype", "shape", "scales", "constant bytes"),
            [
                (
                    str(index),
                    tensor.name,
                    tensor.dtype,
                    tensor.shape_words,
                    "-" if not tensor.scales else str(tensor.scales),
                    f"{tensor.constant_bytes:,}" if tensor.constant_bytes else "-",
                )
                for index, tensor in enumerate(graph.tensors)
            ],
            title=f"tensors of graph {number}, {graph.name}" if graph.name else f"tensors of graph {number}",
            left=4,
        )


def _ranges(indices: Sequence[int]) -> str:
    """Positions in short: "0-4, 7"."""
    ranges: list[list[int]] = []
    for index in sorted(indices):
        if ranges and ranges[-1][1] == index - 1:
            ranges[-1][1] = index
        else:
            ranges.append([index, index])
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in ranges)
