"""The command `zerolite info`."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer

from zerolite.cli.metadata_tables import Facts
from zerolite.cli.model_files import shown_file
from zerolite.cli.options import CustomOpOption, DelegateOption, ModelsArgument, custom_ops_of, delegates_of
from zerolite.cli.output import failures_in_one_line, print_json, print_table, say, wrong_use
from zerolite.cli.tables import print_delegation, print_operators, print_summary, print_tensors
from zerolite.inspection import GRAPH_SUFFIXES, draw_graph, read_signatures, read_structure
from zerolite.inspection.structure import shape_words

if TYPE_CHECKING:
    from zerolite import Delegation, Dispatch, Tensor
    from zerolite.inspection import ModelStructure

__all__ = ["register"]

# A per-channel tensor can have thousands of scales; a table shows a few.
_SCALES_SHOWN = 3
_RUNS_UNTIL_SETTLED = 3


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command(name="info")(_info)


def _info(
    model_files: ModelsArgument,
    *,
    tensors: Annotated[bool, typer.Option("--tensors", help="Also list every tensor of every graph.")] = False,
    graph: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Draw the model: .svg, .png or .pdf with Graphviz, or .dot without."),
    ] = None,
    delegates: Annotated[
        bool, typer.Option("--delegates", help="Also list the parts of the graph that delegates run.")
    ] = False,
    delegate: DelegateOption = None,
    custom_op: CustomOpOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")] = False,
) -> None:
    """Show what is inside models and how they will be run; draw the graph of one.

    Signatures, operators, quantization, sizes, metadata, labels, and the oldest runtime that it needs. A model that
    can't be run here is shown too, with the reason.
    """
    if graph is not None and graph.suffix not in GRAPH_SUFFIXES:
        raise wrong_use(f"{graph} must end in {', '.join(GRAPH_SUFFIXES)}.", param_hint="--graph")
    if graph is not None and len(model_files) > 1:
        raise wrong_use(f"One file is drawn, and {len(model_files)} models came.", param_hint="--graph")
    options = {"delegates": delegates_of(delegate or []), "custom_ops": custom_ops_of(custom_op)}
    documents: list[dict[str, Any]] = []
    failed = False
    for place, model_file in enumerate(model_files):
        if place > 0 and not as_json:
            say("")
        # With several files, one that is no model does not hide the others.
        try:
            with failures_in_one_line():
                found = _look_into(model_file, options, graph)
        except typer.Exit:
            if len(model_files) == 1:
                raise
            failed = True
            continue
        if as_json:
            documents.append({**found.to_dict(), "graph": None if graph is None else str(graph)})
        else:
            _print(found, tensors=tensors, delegates=delegates)
            if graph is not None:
                say(f"{graph} written.")
    if as_json:
        print_json(documents[0] if len(model_files) == 1 else documents)
    if failed:
        raise typer.Exit(1)


@dataclass(frozen=True, kw_only=True)
class _Found:
    """What is inside a file, and how it is run."""

    file: Path
    size_bytes: int
    structure: ModelStructure
    running: _Running
    facts: Facts

    def to_dict(self) -> dict[str, Any]:
        document = {"file": shown_file(self.file), "size_bytes": self.size_bytes}
        described = {"tflite_metadata": self.facts.to_dict()}
        return {**document, **self.running.to_dict(), **self.structure.to_dict(), **described}


def _look_into(model_file: Path, options: Mapping[str, Any], graph: Path | None) -> _Found:
    from zerolite._platform.files import check_writable_target, write_atomically

    if graph is not None:
        check_writable_target(graph)
    content = model_file.read_bytes()
    running = _running(model_file, content, options)
    structure = read_structure(content)
    if graph is not None:
        write_atomically(graph, draw_graph(structure, image_format=graph.suffix[1:]))
    return _Found(
        file=model_file,
        size_bytes=len(content),
        structure=structure,
        running=running,
        facts=Facts.read(model_file),
    )


def _print(found: _Found, *, tensors: bool, delegates: bool) -> None:
    running = found.running
    say(f"{shown_file(found.file)}, {found.size_bytes:,} bytes")
    print_summary(found.structure)
    found.facts.print()
    if running.refusal is not None:
        say(f"can't be run here: {' '.join(running.refusal.split())}")
    for key, reason in running.unusable_signatures.items():
        say(f"signature {key} can't be used: {reason}")
    if running.dispatch is not None:
        say(f"dispatch: {running.dispatch}, {running.dispatch.reason}")
    for name, signature in running.signatures.items():
        print_table(
            ("", "name", "dtype", "shape", "quantization"),
            [
                (
                    side[:-1],
                    tensor["name"],
                    tensor["dtype"],
                    "unknown rank" if tensor["shape_signature"] is None else shape_words(tensor["shape_signature"]),
                    _quantization_words(tensor),
                )
                for side, tensors in signature.items()
                for tensor in tensors
            ],
            title=f"signature {name}",
            left=5,
        )
    print_operators(found.structure)
    if delegates and running.delegation is not None:
        print_delegation(running.delegation)
    if tensors:
        print_tensors(found.structure)


@dataclass(frozen=True, kw_only=True)
class _Running:
    """How a model is run; without a dispatch and a delegation where it is refused."""

    signatures: dict[str, dict[str, list[dict[str, Any]]]]
    dispatch: Dispatch | None = None
    delegation: Delegation | None = None
    refusal: str | None = None
    unusable_signatures: Mapping[str, str] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        dispatch = None if self.dispatch is None else {"path": str(self.dispatch), "reason": self.dispatch.reason}
        return {
            "dispatch": dispatch,
            "delegation": None if self.delegation is None else self.delegation.to_dict(),
            "refusal": self.refusal,
            "signatures": self.signatures,
            "unusable_signatures": dict(self.unusable_signatures),
        }


def _running(model_file: Path, content: bytes, options: Mapping[str, Any]) -> _Running:
    """Load the model; where that fails, take from its file what a look inside is wanted for.

    Raises:
        Error: the file can't be read either, or the delegate that was asked for is the reason.
    """
    from zerolite import DelegateError, Error, load

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of signatures that can't be used, which stand in the answer
            model = load(model_file, **options)
        with model:
            signatures = {
                name: {"inputs": _tensors(signature.inputs), "outputs": _tensors(signature.outputs)}
                for name, signature in model.signatures.items()
            }
            # Over zeros. The first run decides whether later ones are direct; the second one does so in a graph whose
            # shapes are known only while it runs.
            with contextlib.suppress(Error):
                for _ in range(_RUNS_UNTIL_SETTLED):
                    model.run()
            return _Running(
                signatures=signatures,
                dispatch=model.dispatch,
                delegation=model.delegation,
                unusable_signatures=model._unusable_signatures(),
            )
    except Error as error:
        if options["delegates"] and isinstance(error, DelegateError):
            raise
        try:
            signatures = read_signatures(content)
        except ValueError:
            raise error from None
        return _Running(signatures=signatures, refusal=str(error))


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
