"""The command `zerolite run`."""

from __future__ import annotations

import io
import math
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray

from zerolite.cli.failure import failures_in_one_line
from zerolite.cli.output import print_json, print_table

if TYPE_CHECKING:
    from zerolite import CompiledModel, Signature

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command(name="run")(_run)


def _run(
    model_file: Annotated[
        Path,
        typer.Argument(metavar="MODEL", help="A .tflite file.", exists=True, dir_okay=False, readable=True),
    ],
    inputs: Annotated[
        list[str] | None,
        typer.Option(
            "--input",
            metavar="[NAME=]FILE",
            help="A .npy file for one input, by name when there are several, or an .npz file with all "
            "of them by name. Repeatable.",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(help="An .npz file for all outputs by name, or a .npy file for the only one.", dir_okay=False),
    ] = None,
    signature_name: Annotated[
        str | None,
        typer.Option("--signature", metavar="NAME", help="The signature to run, if not the default."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Run a model once on arrays from files."""
    if output is not None and output.suffix not in (".npz", ".npy"):
        raise typer.BadParameter(f"{output} must end in .npz or .npy.", param_hint="--output")
    with failures_in_one_line():
        from zerolite import load

        with load(model_file) as model:
            signature = _signature(model, signature_name)
            arrays = _load_inputs(inputs or [], list(signature.inputs))
            _resize_where_open(signature, arrays)
            result = signature(arrays)
            names = list(signature.outputs)
            outputs = dict(result) if isinstance(result, Mapping) else {names[0]: result}
        if output is not None:
            _write(output, outputs)
        if as_json:
            print_json(
                {
                    "outputs": [_described(name, array, values=output is None) for name, array in outputs.items()],
                    "file": None if output is None else str(output),
                }
            )
            return
        print_table(("output", "dtype", "shape", "min", "max"), [_line(*item) for item in outputs.items()], left=3)
        if output is not None:
            typer.echo(f"{output} written.")


def _signature(model: CompiledModel, name: str | None) -> CompiledModel | Signature:
    """The signature called `name`; the model itself is its default one."""
    if name is None:
        return model
    if name not in model.signatures:
        raise typer.BadParameter(
            f"The model has no signature '{name}'; it has {', '.join(model.signatures)}.",
            param_hint="--signature",
        )
    return model.signatures[name]


def _load_inputs(arguments: Sequence[str], names: Sequence[str]) -> dict[str, NDArray[Any]]:
    """Input name -> array, complete.

    Raises:
        typer.BadParameter: an argument names no input, or an input is missing or given twice.
        OSError, ValueError: a file can't be read, or holds no arrays.
    """
    arrays: dict[str, NDArray[Any]] = {}
    for argument in arguments:
        name, equals, rest = argument.partition("=")
        named = bool(equals) and name in names
        path = Path(rest if named else argument)
        if not path.is_file():
            raise typer.BadParameter(
                f"There is no file {path}. The model's inputs are {', '.join(names) or 'none'}.",
                param_hint="--input",
            )
        for key, array in _arrays(path).items():
            target = name if named else names[0] if not key and len(names) == 1 else key
            if target not in names:
                came = f"for an input '{key}'" if key else "without a name"
                raise typer.BadParameter(
                    f"{path} holds an array {came}; the model's inputs are {', '.join(names) or 'none'}. "
                    "Name one as NAME=FILE.",
                    param_hint="--input",
                )
            if target in arrays:
                raise typer.BadParameter(f"Input '{target}' came twice.", param_hint="--input")
            arrays[target] = array
    missing = [name for name in names if name not in arrays]
    if missing:
        raise typer.BadParameter(f"Missing for: {', '.join(missing)}.", param_hint="--input")
    return arrays


def _arrays(path: Path) -> dict[str, NDArray[Any]]:
    """The arrays of a file by name; "" names the only one of a .npy file. Nothing in it is ever unpickled."""
    try:
        with path.open("rb") as file:
            content = np.load(file, allow_pickle=False)
            if isinstance(content, np.ndarray):
                return {"": content}
            return {name: content[name] for name in content.files}
    except (ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(f"{path} is no sound .npy or .npz file of plain arrays: {error}") from error


def _resize_where_open(signature: CompiledModel | Signature, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Resize the inputs whose open axes the arrays fill with other sizes."""
    shapes = {}
    for tensor in signature.inputs.values():
        wanted, allowed = arrays[tensor.name].shape, tuple(tensor.shape_signature)
        fits = len(wanted) == len(allowed) and all(
            size in (-1, want) for size, want in zip(allowed, wanted, strict=True)
        )
        if fits and wanted != tuple(tensor.shape):
            shapes[tensor.name] = wanted
    if shapes:
        signature.resize(shapes)


def _write(path: Path, outputs: Mapping[str, NDArray[Any]]) -> None:
    from zerolite.atomic_write import write_atomically

    content = io.BytesIO()
    if path.suffix == ".npy":
        if len(outputs) != 1:
            raise ValueError(f"{path} can hold one output, and the model has {len(outputs)}; write an .npz file")
        (array,) = outputs.values()
        np.save(content, array, allow_pickle=False)
    else:
        # Not numpy.savez, whose own parameters an output's name could collide with.
        with zipfile.ZipFile(content, "w") as archive:
            for name, array in outputs.items():
                with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                    np.lib.format.write_array(member, array, allow_pickle=False)
    write_atomically(path, content.getvalue())


def _described(name: str, array: NDArray[Any], *, values: bool) -> dict[str, Any]:
    document: dict[str, Any] = {"name": name, "dtype": array.dtype.name, "shape": list(array.shape)}
    if values:
        document["values"] = _plain(array.tolist())
    return document


def _plain(value: Any) -> Any:
    """`value` in types that JSON knows: bytes become text, and numbers that are not finite become null."""
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="replace")
    if isinstance(value, complex):
        return [_plain(value.real), _plain(value.imag)]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _line(name: str, array: NDArray[Any]) -> tuple[str, ...]:
    shape = " x ".join(map(str, array.shape)) or "scalar"
    if array.size == 0 or array.dtype.kind not in "iuf":
        return (name, array.dtype.name, shape, "-", "-")
    return (name, array.dtype.name, shape, f"{array.min():.6g}", f"{array.max():.6g}")
