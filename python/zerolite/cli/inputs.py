"""Inputs of a model from the command line: files of arrays, pictures, the standard input, and values themselves."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from zerolite._data.array_files import ARRAY_SUFFIXES, parse_arrays, read_arrays
from zerolite._runners.compiled_model import tensor_spec
from zerolite.cli.output import wrong_use

if TYPE_CHECKING:
    from zerolite import CompiledModel, Signature, Tensor
    from zerolite._runners import TensorSpec
    from zerolite.vision import Resampling

__all__ = ["fill_inputs", "read_inputs"]

_STANDARD_INPUT = "-"
_HINT = "--input"


def fill_inputs(signature: CompiledModel | Signature, arguments: Sequence[str]) -> None:
    """Put what the arguments name into the inputs, which are resized where their axes are open.

    Raises:
        typer.BadParameter: an argument names no input, or an input is missing or given twice.
        OSError, TypeError, ValueError: a file can't be read, or its values do not fit.
    """
    from zerolite import _native

    _native.fill_inputs(signature, read_inputs(signature, arguments))


def read_inputs(
    signature: CompiledModel | Signature,
    arguments: Sequence[str],
    *,
    model_file: Path | None = None,
    preprocessing: str | None = None,
    resampling: Resampling = "nearest",
) -> dict[str, NDArray[Any]]:
    """Input name -> array, complete, in the types of the inputs, which are resized where their axes are open.

    Args:
        signature: whose inputs.
        arguments: each [NAME=]FILE, [NAME=]- for the standard input, or [NAME=]VALUE.
        model_file: the model's file, whose metadata may tell how pictures are fed.
        preprocessing: of pictures, as for `zerolite.vision.classify`.
        resampling: of pictures.

    Raises:
        typer.BadParameter: an argument names no input, or an input is missing or given twice.
        OSError, TypeError, ValueError: a file can't be read, or its values do not fit.
    """
    tensors = dict(signature.inputs.items())
    arrays: dict[str, NDArray[Any]] = {}
    for argument in arguments:
        name, equals, rest = argument.partition("=")
        target = name if equals and name in tensors else None
        source = rest if target is not None else argument
        path = Path(source)
        if _is_file(path) and path.suffix.lower() not in ARRAY_SUFFIXES and _is_picture(path):
            tensor = _image_input(signature, target)
            found = {tensor.name: _picture(path, tensor_spec(tensor, model_file), preprocessing, resampling)}
        else:
            found = _arrays_of(source, signature)
        for key, array in found.items():
            chosen = target or key or (next(iter(tensors)) if len(tensors) == 1 else "")
            if chosen not in tensors:
                came = f"for an input '{key}'" if key else "without a name"
                raise wrong_use(
                    f"{source} holds an array {came}; the model's inputs are {', '.join(tensors) or 'none'}. "
                    "Name one as NAME=FILE.",
                    param_hint=_HINT,
                )
            if chosen in arrays:
                raise wrong_use(f"Input '{chosen}' came twice.", param_hint=_HINT)
            arrays[chosen] = _fitted(array, tensors[chosen], source)
    missing = [name for name in tensors if name not in arrays]
    if missing:
        raise wrong_use(
            f"Missing for: {', '.join(missing)}. Give a file, a value, or - for the standard input, as NAME=FILE.",
            param_hint=_HINT,
        )
    _resize_where_open(signature, arrays)
    return arrays


def _arrays_of(source: str, signature: CompiledModel | Signature) -> dict[str, NDArray[Any]]:
    """The arrays by name, "" where they have none."""
    content: NDArray[Any] | dict[str, NDArray[Any]] | None
    if source == _STANDARD_INPUT:
        content = parse_arrays(io.BytesIO(sys.stdin.buffer.read()), "the standard input", delimiter=",")
    elif _is_file(Path(source)):
        content = read_arrays(Path(source))
    else:
        content = _literal(source)
        if content is None:
            raise wrong_use(
                f"There is no file {source}, and it is no value such as 3 or [[1, 2]]. The model's inputs are "
                f"{', '.join(signature.inputs) or 'none'}.",
                param_hint=_HINT,
            )
    return content if isinstance(content, dict) else {"": content}


def _literal(text: str) -> NDArray[Any] | None:
    """A number, a truth value, a string in quotes, or lists of them, in the notation of JSON."""
    try:
        value = json.loads(text)
    except ValueError:
        return None
    if value is None or isinstance(value, dict):
        return None
    try:
        array = np.array(value)
    except ValueError as error:
        raise wrong_use(f"The lists in {text} are of different lengths.", param_hint=_HINT) from error
    if array.dtype.kind == "U":
        return np.array([word.encode() for word in array.ravel().tolist()], object).reshape(array.shape)
    return array if array.dtype.kind in "biuf" else None


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # values may be longer than any name of a file
        return False


def _is_picture(path: Path) -> bool:
    from zerolite.vision.image import pillow

    try:
        with pillow().open(path):
            return True
    except (OSError, ImportError, SyntaxError, ValueError):
        return False


def _image_input(signature: CompiledModel | Signature, target: str | None) -> Tensor:
    tensors = signature.inputs
    if target is None and len(tensors) != 1:
        raise wrong_use(
            f"Name the input of a picture as NAME=FILE; the model's inputs are {', '.join(tensors)}.", param_hint=_HINT
        )
    return tensors[target] if target is not None else tensors[0]


def _picture(path: Path, spec: TensorSpec, preprocessing: str | None, resampling: Resampling) -> NDArray[Any]:
    """A picture as the input stores it, of its own size where the input leaves that open."""
    from zerolite.vision.feeding import Feeding
    from zerolite.vision.image import decode_image, image_form

    size, color = image_form([spec])
    counts = decode_image(path, size=size, color=color, resampling=resampling)[np.newaxis]
    feeding = Feeding(preprocessing)
    return feeding.store(spec, feeding.prepare(counts))


def _fitted(array: NDArray[Any], tensor: Tensor, source: str) -> NDArray[Any]:
    """The array in the tensor's type and with its number of axes.

    Numbers that people type or keep in text, and float64, which is what NumPy makes of them, are rounded to the
    floats of the input; whole numbers keep their value or are refused; real numbers for a quantized input are
    quantized.
    """
    dtype = np.dtype(tensor.dtype)
    axes = len(tensor.shape)
    if array.size == 1 and np.prod(tensor.shape) == 1:
        array = array.reshape(tensor.shape)
    elif array.ndim < axes:
        array = array.reshape((1,) * (axes - array.ndim) + array.shape)
    if array.dtype == dtype or array.dtype.kind not in "biuf" or dtype.kind not in "biuf":
        return array
    if tensor.quantization is not None and array.dtype.kind == "f":
        return tensor.quantization.quantize(array)
    with np.errstate(all="ignore"):
        converted = array.astype(dtype)
        # Real numbers are rounded, but not out of range; whole ones come back the same.
        between_floats = array.dtype.kind == dtype.kind == "f"
        kept = (
            np.isfinite(converted) | ~np.isfinite(array) if between_floats else converted.astype(array.dtype) == array
        )
    if not np.all(kept):
        lost = array[~kept].flat[0]
        raise ValueError(
            f"{source} holds {lost}, which input '{tensor.name}' of type {dtype} can't hold; give values of that type"
        )
    return converted


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
