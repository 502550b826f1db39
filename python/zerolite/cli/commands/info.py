"""The command `zerolite info`."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer

from zerolite.cli.metadata_tables import Facts
from zerolite.cli.options import DELEGATE_HELP, ModelArgument, delegates_of
from zerolite.cli.output import failures_in_one_line, print_json, print_table
from zerolite.cli.tables import print_delegation, print_operators, print_summary, print_tensors
from zerolite.inspection import GRAPH_SUFFIXES, draw_graph, read_structure
from zerolite.inspection.structure import shape_words

if TYPE_CHECKING:
    from zerolite import Tensor

__all__ = ["register"]

# A per-channel tensor can have thousands of scales; a table shows a few.
_SCALES_SHOWN = 3
_RUNS_UNTIL_SETTLED = 3


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command(name="info")(_info)


def _info(
    model_file: ModelArgument,
    *,
    tensors: Annotated[bool, typer.Option("--tensors", help="Also list every tensor of every graph.")] = False,
    graph: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Draw the model: .svg, .png or .pdf with Graphviz, or .dot without."),
    ] = None,
    delegates: Annotated[
        bool, typer.Option("--delegates", help="Also list the parts of the graph that delegates run.")
    ] = False,
    delegate: Annotated[list[str] | None, typer.Option(metavar="NAME", help=DELEGATE_HELP)] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")] = False,
) -> None:
    """Show what is inside a model and how it will be run; draw its graph.

    Signatures, operators, quantization, sizes, metadata, labels, and the oldest runtime that it needs.
    """
    if graph is not None and graph.suffix not in GRAPH_SUFFIXES:
        raise typer.BadParameter(f"{graph} must end in {', '.join(GRAPH_SUFFIXES)}.", param_hint="--graph")
    chosen_delegates = delegates_of(delegate or [])
    with failures_in_one_line():
        from zerolite import Error, load
        from zerolite._platform.files import check_writable_target, write_atomically

        if graph is not None:
            check_writable_target(graph)
        # Loaded first: only a model that was found sound is read any further.
        content = model_file.read_bytes()
        with load(model_file, delegates=chosen_delegates) as model:
            signatures = {
                name: {"inputs": _tensors(signature.inputs), "outputs": _tensors(signature.outputs)}
                for name, signature in model.signatures.items()
            }
            # Over zeros. The first run decides whether later ones are direct; the second one does so in a graph whose
            # shapes are known only while it runs.
            with contextlib.suppress(Error):
                for _ in range(_RUNS_UNTIL_SETTLED):
                    model.run()
            dispatch = model.dispatch
            delegation = model.delegation
            document = {
                "file": str(model_file),
                "size_bytes": len(content),
                "dispatch": {"path": str(dispatch), "reason": dispatch.reason},
                "delegation": delegation.to_dict(),
                "signatures": signatures,
            }
        structure = read_structure(content)
        facts = Facts.read(model_file)
        if graph is not None:
            write_atomically(graph, draw_graph(structure, image_format=graph.suffix[1:]))
        if as_json:
            described = {"tflite_metadata": facts.to_dict(), "graph": None if graph is None else str(graph)}
            print_json({**document, **structure.to_dict(), **described})
            return
        typer.echo(f"{model_file}, {document['size_bytes']:,} bytes")
        print_summary(structure)
        facts.print()
        typer.echo(f"dispatch: {dispatch}, {dispatch.reason}")
        for name, signature in signatures.items():
            print_table(
                ("", "name", "dtype", "shape", "quantization"),
                [
                    (
                        side[:-1],
                        tensor["name"],
                        tensor["dtype"],
                        shape_words(tensor["shape_signature"]),
                        _quantization_words(tensor),
                    )
                    for side, tensors in signature.items()
                    for tensor in tensors
                ],
                title=f"signature {name}",
                left=5,
            )
        print_operators(structure)
        if delegates:
            print_delegation(delegation)
        if tensors:
            print_tensors(structure)
        if graph is not None:
            typer.echo(f"{graph} written.")


def _tensors(tensors: Mapping[str, Tensor]) -> list[dict[str, Any]]:
    return [_tensor(tensor) for tensor in tensors.values()]


def _tensor(tensor: Tensor) -> dict[str, Any]:
    parameters = tensor.quantization
    return {
        "name": tensor.name,
        "dtype": np.dtype(tensor.dtype).name,
        "shape": list(tensor.shape),
        "shape_signature": list(tensor.shape_signature),
        "quantization": None
        if parameters is None
        else {
            "scales": [float(scale) for scale in parameters.scales],
            "zero_points": [int(zero_point) for zero_point in parameters.zero_points],
            "axis": parameters.axis,
        },
    }


def _quantization_words(tensor: Mapping[str, Any]) -> str:
    parameters = tensor["quantization"]
    if parameters is None:
        return "-"
    pairs = list(zip(parameters["scales"], parameters["zero_points"], strict=True))
    words = ", ".join(f"scale {scale:.6g}, zero point {zero_point}" for scale, zero_point in pairs[:_SCALES_SHOWN])
    if len(pairs) > _SCALES_SHOWN:
        words += f", ... ({len(pairs)} along axis {parameters['axis']})"
    return words
