"""The command `zerolite run`."""

from __future__ import annotations

import io
import math
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray

from zerolite.cli.inputs import read_inputs
from zerolite.cli.options import (
    CustomOpOption,
    InputOption,
    ModelArgument,
    PreprocessingOption,
    ResamplingOption,
    SignatureOption,
    chosen_signature,
    custom_ops_of,
    resampling_of,
)
from zerolite.cli.output import failures_in_one_line, print_json, print_table, say, wrong_use
from zerolite.inspection.structure import shape_words

__all__ = ["register"]

# More values than this are told by their least and their greatest.
_VALUES_SHOWN = 16


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command(name="run")(_run)


def _run(
    model_file: ModelArgument,
    *,
    inputs: InputOption = None,
    output: Annotated[
        Path | None,
        typer.Option(help="An .npz file for all outputs by name, or a .npy file for the only one.", dir_okay=False),
    ] = None,
    signature_name: SignatureOption = None,
    preprocessing: PreprocessingOption = None,
    resampling: ResamplingOption = "nearest",
    custom_op: CustomOpOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Run a model once, on arrays from files, pictures, or values given here.

    Numbers are rounded to the floats of the input, and quantized where it is; whole numbers keep their value or are
    refused.
    """
    if output is not None and output.suffix not in (".npz", ".npy"):
        raise wrong_use(f"{output} must end in .npz or .npy.", param_hint="--output")
    chosen_resampling = resampling_of(resampling)
    with failures_in_one_line():
        from zerolite import load

        with load(model_file, custom_ops=custom_ops_of(custom_op)) as model:
            signature = chosen_signature(model, signature_name)
            result = signature(
                read_inputs(
                    signature,
                    inputs or [],
                    model_file=model_file,
                    preprocessing=preprocessing,
                    resampling=chosen_resampling,
                )
            )
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
        if all(array.size <= _VALUES_SHOWN for array in outputs.values()):
            headings: tuple[str, ...] = ("values",)
            lines = [(*_head(*item), _value_words(item[1])) for item in outputs.items()]
        else:
            headings = ("min", "max")
            lines = [(*_head(*item), *_extremes(item[1])) for item in outputs.items()]
        print_table(("output", "dtype", "shape", *headings), lines, left=3)
        if output is not None:
            say(f"{output} written.")


def _write(path: Path, outputs: Mapping[str, NDArray[Any]]) -> None:
    from zerolite._platform.files import write_atomically

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


def _head(name: str, array: NDArray[Any]) -> tuple[str, ...]:
    return name, array.dtype.name, shape_words(array.shape)


def _value_words(array: NDArray[Any]) -> str:
    return " ".join(
        f"{value:.6g}" if isinstance(value, float) else str(_plain(value)) for value in array.ravel().tolist()
    )


def _extremes(array: NDArray[Any]) -> tuple[str, str]:
    if array.size == 0 or array.dtype.kind not in "iuf":
        return "-", "-"
    return f"{array.min():.6g}", f"{array.max():.6g}"
