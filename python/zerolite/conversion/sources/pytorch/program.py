"""A program of torch.export that is converted, and run to verify the result."""

from __future__ import annotations

import inspect
import re
import warnings
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zerolite.conversion.request import ConversionRequest
from zerolite.conversion.result import ConversionError, first_line
from zerolite.conversion.samples.input_spec import InputSpec, Specs, shown_shape
from zerolite.conversion.signature_order import SignatureOrder
from zerolite.conversion.sources.channel_order import TO_FIRST, TO_LAST, channels_last_shape, has_channels

__all__ = ["TorchProgram"]

_SIGNATURE = "serving_default"
# LiteRT's converter stores 64-bit numbers in 32 bits, unless it is told otherwise (litert-torch 0.10).
_NARROWED = {"int64": "int32", "float64": "float32", "bfloat16": "float32"}
_SOME_SIZE = 2


class TorchProgram:
    """One program, with the shapes and outputs that were chosen.

    Attributes:
        specs: the inputs in the order of the source, under the names of its parameters, in the wanted order of axes.
        order: the names of inputs and outputs in that order.
    """

    def __init__(self, request: ConversionRequest) -> None:
        """Read it.

        Raises:
            ConversionError: the file holds no program that this PyTorch can read.
            ValueError: there is no such input or output, or a shape does not fit.
            ImportError: the program needs operators of a package that is not there.
        """
        import torch

        self._request = request
        try:
            program = torch.export.load(Path(request.path))
        except (OSError, MemoryError):
            raise
        except Exception as error:
            raise ConversionError(
                f"PyTorch {torch.__version__} can't read '{request.name}' as a program of torch.export: "
                f"{first_line(error)}; write it with torch.export.save(torch.export.export(module, inputs), file)",
                log="",
            ) from error
        self._call = program.module()
        self._structure = program.call_spec.in_spec
        self._read_inputs(program)
        outputs = _output_names(program.call_spec.out_spec)
        missing = [name for name in request.outputs if name not in outputs]
        if missing:
            raise ValueError(f"the model has no output '{missing[0]}'; it has {', '.join(outputs)}")
        self._outputs = outputs
        self._kept = [name for name in outputs if not request.outputs or name in request.outputs]
        self._is_last = request.layout == "nhwc"
        wanted = [replace(one, shape=channels_last_shape(one.shape)) for one in self._specs]
        self.specs: Specs = {_SIGNATURE: wanted if self._is_last else self._specs}
        self.order = SignatureOrder([spec.name for spec in self._specs], self._kept)

    def convert(self) -> bytes:
        """The .tflite file's bytes, in float32.

        Raises:
            ConversionError: torch.export or LiteRT's converter refused the program.
        """
        import litert_torch

        samples = {spec.name: self._example(spec) for spec in self.specs[_SIGNATURE]}
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                model = litert_torch.convert(_named(self), sample_kwargs=samples, dynamic_shapes=self._dynamic_shapes())
                return bytes(_content(model, Path(self._request.result).with_name("converted.tflite")))
        except (OSError, MemoryError):
            raise
        except Exception as error:
            raise ConversionError(
                f"LiteRT's converter for PyTorch refused '{self._request.name}': {_reason(error)}", log=""
            ) from error

    def run(self, signature: str | None, inputs: Mapping[str, NDArray[Any]]) -> Mapping[str, NDArray[Any]]:  # noqa: ARG002 - there is one
        """The outputs of one sample by name."""
        import torch

        tensors = {
            name: torch.from_numpy(np.array(array)).to(self._tensors[name].dtype) for name, array in inputs.items()
        }
        with torch.inference_mode():
            answer = self.answer(tensors)
        return {name: _array(value) for name, value in answer.items()}

    def answer(self, tensors: Mapping[str, Any]) -> dict[str, Any]:
        """The outputs by name, of inputs by name."""
        from torch.utils import _pytree as pytree

        if self._is_last:
            # LiteRT's converter takes these transpositions back into the layers that want channels last.
            tensors = {name: _with_channels(one, TO_FIRST) for name, one in tensors.items()}
        leaves = [tensors.get(str(name), constant) for name, constant in self._leaves]
        args, kwargs = pytree.tree_unflatten(leaves, self._structure)
        values, _ = pytree.tree_flatten(self._call(*args, **kwargs))
        kept = {name: value for name, value in zip(self._outputs, values, strict=True) if name in self._kept}
        return {name: _with_channels(value, TO_LAST) for name, value in kept.items()} if self._is_last else kept

    def _read_inputs(self, program: Any) -> None:
        """The leaves of a call in order: inputs, which are tensors, and what the program was exported with."""
        import torch

        nodes = {node.name: node.meta.get("val") for node in program.graph.nodes if node.op == "placeholder"}
        inputs = [one for one in program.graph_signature.input_specs if one.kind.name == "USER_INPUT"]
        self._leaves: list[tuple[str | None, Any]] = []
        self._tensors: dict[str, Any] = {}
        for one in inputs:
            value = nodes.get(one.arg.name)
            is_input = isinstance(value, torch.Tensor)
            self._leaves.append((one.arg.name if is_input else None, getattr(one.arg, "value", None)))
            if is_input:
                self._tensors[one.arg.name] = value
        unknown = [name for name in self._request.inputs if name not in self._tensors]
        if unknown:
            raise ValueError(f"the model has no input '{unknown[0]}'; it has {', '.join(self._tensors)}")
        self._specs = [self._spec(name, tensor) for name, tensor in self._tensors.items()]

    def _spec(self, name: str, tensor: Any) -> InputSpec:
        dtype = str(tensor.dtype).removeprefix("torch.")
        known = tuple(size if isinstance(size, int) else None for size in tensor.shape)
        wanted = self._request.inputs.get(name)
        if wanted is not None and not (
            len(wanted) == len(known) and all(size in (None, came) for size, came in zip(known, wanted, strict=True))
        ):
            raise ValueError(
                f"'{self._request.name}' does not take inputs of these shapes: input '{name}' was exported with "
                f"{shown_shape(known)}, and {shown_shape(tuple(wanted))} is asked for; export it with inputs of that "
                "shape, or with dynamic_shapes"
            )
        return InputSpec(name, known if wanted is None else tuple(map(int, wanted)), _NARROWED.get(dtype, dtype))

    def _example(self, spec: InputSpec) -> Any:
        import torch

        shape = [_SOME_SIZE if size is None else size for size in spec.shape]
        return torch.zeros(shape, dtype=self._tensors[spec.name].dtype)

    def _dynamic_shapes(self) -> Any:
        """The axes that stay open, by input; None where there are none."""
        from torch.export import Dim

        opened = {
            spec.name: {place: Dim.DYNAMIC for place, size in enumerate(spec.shape) if size is None}
            for spec in self.specs[_SIGNATURE]
        }
        return {name: axes or None for name, axes in opened.items()} if any(opened.values()) else None


def _named(program: TorchProgram) -> Any:
    """A module that takes and gives tensors by name: the converter names what has no name by its position."""
    import torch

    class Named(torch.nn.Module):  # type: ignore[misc, unused-ignore] # it has no types where it is not installed
        def __init__(self) -> None:
            super().__init__()
            self.call = program._call

        def forward(self, **inputs: Any) -> dict[str, Any]:
            return program.answer(inputs)

    # With `inputs` alone, torch.export 2.13 can't tell which input an open axis belongs to.
    names = [inspect.Parameter(spec.name, inspect.Parameter.KEYWORD_ONLY) for spec in program.specs[_SIGNATURE]]
    self = inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    Named.forward.__signature__ = inspect.Signature([self, *names])  # type: ignore[attr-defined]
    named = Named()
    named.training = False  # an exported program refuses `eval`
    return named


def _with_channels(tensor: Any, axes: tuple[int, ...]) -> Any:
    return tensor.permute(axes) if has_channels(tensor.shape) else tensor


def _content(model: Any, path: Path) -> bytes:
    model.export(str(path))
    content = path.read_bytes()
    path.unlink()
    return content


def _output_names(structure: Any) -> list[str]:
    """Names of outputs: the keys of a mapping, "output_0" and so on otherwise."""
    from torch.utils import _pytree as pytree

    leaves = range(structure.num_leaves)
    paths, _ = pytree.tree_flatten_with_path(pytree.tree_unflatten(list(leaves), structure))
    names = []
    for place, (path, _) in enumerate(paths):
        words = [str(getattr(step, "key", getattr(step, "name", getattr(step, "idx", place)))) for step in path]
        named = any(hasattr(step, "key") or hasattr(step, "name") for step in path)
        names.append("_".join(words) if named else f"output_{'_'.join(words) or place}")
    return names


def _array(value: Any) -> NDArray[Any]:
    import torch

    if value.dtype in (torch.bfloat16, torch.float16):
        value = value.float()
    return np.asarray(value.detach().cpu().numpy())


def _reason(error: Exception) -> str:
    """What stands in the way: the operator, where the converter names one."""
    words = str(error)
    operator = re.search(r"(?:Lowering not found|No lowering|not implemented|unsupported)[^\n]*", words, re.IGNORECASE)
    return operator[0] if operator else first_line(error)
