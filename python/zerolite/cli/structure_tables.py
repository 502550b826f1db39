"""The structure of a model on the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from zerolite.cli.output import print_table

if TYPE_CHECKING:
    from zerolite.inspection import ModelStructure

__all__ = ["print_operators", "print_summary", "print_tensors"]


def print_summary(structure: ModelStructure) -> None:
    """Print a line on each thing that is known of the whole model."""
    operators = sum(len(graph.operators) for graph in structure.subgraphs)
    tensors = sum(len(graph.tensors) for graph in structure.subgraphs)
    graphs = len(structure.subgraphs)
    typer.echo(f"{operators:,} operators and {tensors:,} tensors in {graphs} graph{'s' * (graphs != 1)}")
    typer.echo(f"quantization: {structure.quantization}")
    if structure.constant_bytes:
        sizes = ", ".join(f"{dtype} {size:,} bytes" for dtype, size in structure.constant_bytes.items())
        typer.echo(f"constants: {sizes}")
    if structure.min_runtime_version is not None:
        typer.echo(f"needs TensorFlow Lite {structure.min_runtime_version} or newer")
    if structure.custom_operators:
        typer.echo(f"needs kernels for the custom operators {', '.join(structure.custom_operators)}")
    if structure.description:
        typer.echo(f"description: {structure.description}")
    if structure.metadata:
        entries = ", ".join(f"{name} ({size:,} bytes)" for name, size in structure.metadata.items())
        typer.echo(f"metadata: {entries}")
    if structure.attached_files:
        typer.echo(f"attached files: {', '.join(structure.attached_files)}")


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
