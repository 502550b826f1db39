"""What TensorFlow's converter says when it refuses a model, in words of whoever made the model."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence

from zerolite.conversion.operators import UnsupportedOperator, refused_operators
from zerolite.conversion.request import ConversionRequest
from zerolite.conversion.result import ConversionError, first_line
from zerolite.conversion.samples.input_spec import InputSpec

__all__ = ["refusal"]

# A size for an open axis in an example of a shape.
_SOME_SIZE = 16
# The compiler names the place in the graph first, with all calls that lead there.
_PLACE = re.compile(r"^.*?error: (?:loc\(.*\)|<?[\w.]+>?:\d+:\d+): (?:error: )?(?=')")
_NODE = re.compile(r'fused\["\w+:", "([^"@]+)')


def refusal(error: Exception, request: ConversionRequest, specs: Sequence[InputSpec]) -> ConversionError:
    """The error of a conversion.

    Args:
        error: what the converter raised.
        request: what was asked for.
        specs: the inputs of the model.
    """
    words = str(error)
    start = f"TensorFlow's converter refused '{request.name}' with quantize='{request.quantize}'"
    refused = refused_operators(words)
    if refused:
        return ConversionError(f"{start}: {_told(refused)}", log="", unsupported=refused)
    if "TensorList" in words and "element_shape" in words:
        return ConversionError(f"{start}: {_open_batch(request, specs)}", log="")
    return ConversionError(f"{start}: {_compiler_words(error)}", log="")


def _told(refused: Sequence[UnsupportedOperator]) -> str:
    """Each advice once, with the operators that it is for."""
    by_advice: dict[str, list[str]] = {}
    for one in refused:
        by_advice.setdefault(one.advice, []).append(one.name)
    return "; ".join(
        f"operator{'s' if len(names) > 1 else ''} {', '.join(names)}: {advice}" for advice, names in by_advice.items()
    )


def _open_batch(request: ConversionRequest, specs: Sequence[InputSpec]) -> str:
    """A recurrent layer keeps its steps in a list, whose elements need a fixed shape, batch included."""
    shapes = {spec.name: tuple(_size(place, size) for place, size in enumerate(spec.shape)) for spec in specs}
    example = f"input_shapes={shapes}"
    flags = " ".join("--input " + shlex.quote(f"{name}={','.join(map(str, shape))}") for name, shape in shapes.items())
    invented = any(None in spec.shape[1:] for spec in specs)
    size = f", with the size that you need in place of {_SOME_SIZE}" if invented else ""
    what = "a recurrent layer, such as LSTM or GRU, can't be converted with an open batch"
    if request.origin in ("functions", "saved_model"):
        what += ", and a graph that was traced with one keeps it"
    if request.origin == "functions":
        made = ", ".join(
            f"tf.TensorSpec({shape}, tf.{spec.dtype}, name='{spec.name}')"
            for spec, shape in zip(specs, shapes.values(), strict=True)
        )
        return f"{what}: trace it anew with a fixed one, as in tf.function(call).get_concrete_function({made}){size}"
    if request.origin == "saved_model":
        return (
            f"{what}: convert the Keras model or its .keras file instead of the SavedModel, with {example} "
            f"({flags}){size}"
        )
    return f"{what}: fix it with {example} ({flags}){size}"


def _size(place: int, size: int | None) -> int:
    if size is not None:
        return size
    return 1 if place == 0 else _SOME_SIZE


def _compiler_words(error: Exception) -> str:
    """The first thing that the converter complains about, and the part of the model that it is in."""
    line = first_line(error)
    said = _PLACE.sub("", line)
    node = _NODE.search(line)
    return f"{said} (at {node[1]})" if node and said != line else said
