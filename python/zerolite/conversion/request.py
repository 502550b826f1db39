"""What a conversion's process is told, as plain values."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from zerolite.vision.loading import RaiseOrSkip

__all__ = ["ConversionRequest", "SampleFile"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleFile:
    """Where the samples are.

    Attributes:
        kind: "spool" for what `SampleSpool` wrote, "arrays" for a .npy or .npz file, "images" for a folder.
        path: the file or folder.
        preprocessing: the name of the preprocessing of images.
        on_corrupt: what happens to an image that can't be read.
        limit: how many samples of each signature are taken, from the first; None for all.
    """

    kind: Literal["spool", "arrays", "images"]
    path: str
    preprocessing: str = ""
    on_corrupt: RaiseOrSkip = "raise"
    limit: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversionRequest:
    """One conversion.

    Attributes:
        kind: "saved_model", "keras_file", "tflite", "application", "torch_program", "jax_program" or "onnx_file".
        name: what errors call the source.
        origin: what the caller gave, a `SourceKind`: models of its process come as SavedModels.
        path: the source's file or folder; an application has none.
        application: the fields of a `KerasApplication`.
        result: where to write the model.
        quantize: a key of `QUANTIZATION_MODES`.
        io_dtype: the type of inputs and outputs, or one for either; None is the mode's default.
        block_size: how many weights share a scale; None for all of a channel.
        keep_float: types, names and patterns of layers that stay as they are.
        kept_as: the type of their activations, "float32" or "int16".
        ranges: a file that keeps the ranges of activations, for further quantizations of the same model with the same
            samples; "" for none.
        samples: the representative data.
        inputs: fixed shapes by input's name.
        outputs: the outputs to keep; empty for all.
        signatures: the signatures to convert; empty for the default.
        select_tf_ops: whether TensorFlow's own kernels may be called for.
        allow_custom_ops: whether custom operators may be in the file.
        verify: whether source and result are compared.
        custom_objects: a Python file that defines a Keras file's own layers; "" for none.
        safe_mode: whether Python code in a Keras file is left alone.
        layout: "source", or "nhwc" for channels last.
        orders: by signature, the names of inputs and those of outputs in the source's order, as far as they are known.
    """

    kind: str
    name: str
    origin: str = ""
    path: str = ""
    application: Mapping[str, Any] | None = None
    result: str
    quantize: str
    io_dtype: str | Sequence[str] | None = None
    block_size: int | None = None
    keep_float: Sequence[str] = ()
    kept_as: str = "float32"
    ranges: str = ""
    samples: SampleFile | None = None
    inputs: Mapping[str, Sequence[int]] = field(default_factory=dict)
    outputs: Sequence[str] = ()
    signatures: Sequence[str] = ()
    select_tf_ops: bool = False
    allow_custom_ops: bool = False
    verify: bool = True
    custom_objects: str = ""
    safe_mode: bool = True
    layout: str = "source"
    orders: Mapping[str, tuple[Sequence[str], Sequence[str]]] = field(default_factory=dict)

    @property
    def result_path(self) -> Path:
        """`result` as a path."""
        return Path(self.result)

    def to_json(self) -> str:
        """One line of JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, line: str) -> ConversionRequest:
        """The request that `to_json` wrote."""
        document = json.loads(line)
        samples = document.pop("samples")
        return cls(samples=None if samples is None else SampleFile(**samples), **document)
