"""Metadata on the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zerolite.cli.output import print_table, say

if TYPE_CHECKING:
    from zerolite.metadata import Metadata, Normalization, TensorMetadata

__all__ = ["Facts", "print_metadata"]

_NUMBERS_SHOWN = 4


def print_metadata(metadata: Metadata) -> None:
    """Print what is known of a model, of its tensors and of its files."""
    for field in ("name", "description", "version", "author", "license"):
        value = getattr(metadata, field)
        if value:
            say(f"{field}: {value}")
    if metadata.min_parser_version:
        say(f"schema: {metadata.min_parser_version} or newer")
    for number, graph in enumerate(metadata.subgraphs):
        sides = (("input", graph.inputs), ("output", graph.outputs))
        lines = [(side, *_tensor_line(tensor)) for side, tensors in sides for tensor in tensors]
        if lines:
            title = "tensors" if len(metadata.subgraphs) == 1 else f"tensors of graph {number}"
            print_table(("", "name", "content", "processing", "description"), lines, title=title, left=5)
        units = (("inputs", graph.input_process_units), ("outputs", graph.output_process_units))
        for side, found in units:
            if found:
                say(f"all {side}: {', '.join(unit_words(unit) for unit in found)}")
        for custom in graph.custom:
            say(f"custom: {custom.name}, {len(custom.data):,} bytes")
    described = {file.name: file for file in metadata.all_files}
    names = [*metadata.attached_files, *(name for name in described if name not in metadata.attached_files)]
    if names:
        lines = []
        for name in names:
            known = described.get(name)
            words = (known.kind, known.locale, known.description) if known is not None else ("", "", "")
            lines.append((name, *words, "yes" if name in metadata.attached_files else "no"))
        print_table(("file", "kind", "locale", "description", "packed"), lines, title="files", left=5)
    if not any((metadata.name, metadata.description, metadata.subgraphs, names)):
        say("The file has no metadata.")


@dataclass(frozen=True, slots=True)
class Facts:
    """What a file says of how it is fed, and of its classes.

    Attributes:
        metadata: all that it says; None where that can't be read.
        labels: output -> the names of its classes.
        error: why it can't be read; None where it can.
    """

    metadata: Metadata | None
    labels: Mapping[str, Sequence[str]]
    error: str | None

    @classmethod
    def read(cls, path: Path) -> Facts:
        """Read them; what is broken is told, and no failure."""
        from zerolite import metadata

        try:
            known = metadata.read(path)
            found: dict[str, Sequence[str]] = {}
            for number, tensor in enumerate(known.outputs):
                if any(file.kind in ("axis_labels", "value_labels") for file in tensor.associated_files):
                    found[tensor.name or f"output {number}"] = metadata.read_labels(path, output_index=number) or []
            if not found:
                names = metadata.read_labels(path)
                found = {} if names is None else {"the output": names}
        except ValueError as error:
            return cls(None, {}, str(error))
        return cls(known, found, None)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "metadata": None if self.metadata is None else self.metadata.to_dict(),
            "labels": {name: list(labels) for name, labels in self.labels.items()},
            "error": self.error,
        }

    def print(self) -> None:
        """Print a line for each fact; nothing where the file tells none."""
        if self.error is not None:
            say(self.error)
        known = self.metadata
        if known is not None and known.name:
            say(f"name: {known.name}")
        for number, tensor in enumerate(() if known is None else known.inputs):
            if tensor.normalization is not None:
                name = tensor.name or f"input {number}"
                say(f"normalization of {name}: {normalization_words(tensor.normalization)}")
        for name, labels in self.labels.items():
            shown = ", ".join(label for label in labels[:_NUMBERS_SHOWN])
            more = ", ..." if len(labels) > _NUMBERS_SHOWN else ""
            say(f"labels of {name}: {len(labels):,}, {shown}{more}")


def content_words(tensor: TensorMetadata) -> str:
    """What a tensor holds, in a few words."""
    from zerolite.metadata import AudioProperties, BoundingBoxProperties, FeatureProperties, ImageProperties

    found = None if tensor.content is None else tensor.content.properties
    if isinstance(found, ImageProperties):
        size = "" if found.default_size is None else f", {found.default_size[0]} x {found.default_size[1]}"
        return "image" + ("" if found.color_space == "unknown" else f", {found.color_space}") + size
    if isinstance(found, AudioProperties):
        return f"audio, {found.sample_rate} Hz, {found.channels} channel{'s' * (found.channels != 1)}"
    if isinstance(found, BoundingBoxProperties):
        return f"boxes, {found.kind.replace('_', ' ')}, {found.coordinates}"
    if isinstance(found, FeatureProperties):
        return "features"
    return "" if found is None else "of a newer schema"


def normalization_words(normalization: Normalization) -> str:
    """A normalization as a formula."""
    return f"(x - {_numbers(normalization.mean or (0.0,))}) / {_numbers(normalization.std or (1.0,))}"


def unit_words(unit: object) -> str:
    """What is done to values, in a few words."""
    from zerolite import metadata

    match unit:
        case metadata.Normalization():
            words = normalization_words(unit)
        case metadata.ScoreThresholding():
            words = f"scores from {unit.threshold:g} on"
        case metadata.ScoreCalibration():
            way = unit.transformation.replace("_", " ")
            words = f"calibrated scores ({way}, otherwise {unit.default_score:g})"
        case metadata.BertTokenizer():
            words = "BERT tokenizer"
        case metadata.SentencePieceTokenizer():
            words = "SentencePiece tokenizer"
        case metadata.RegexTokenizer():
            words = f"tokenizer that cuts at {unit.delimiter_pattern}"
        case _:
            words = "of a newer schema"
    return words


def _tensor_line(tensor: TensorMetadata) -> tuple[str, ...]:
    words = [unit_words(unit) for unit in tensor.process_units]
    if tensor.stats is not None:
        words.append(f"from {_numbers(tensor.stats.min)} to {_numbers(tensor.stats.max)}")
    return (tensor.name, content_words(tensor), ", ".join(words), tensor.description)


def _numbers(numbers: Sequence[float]) -> str:
    shown = [f"{number:g}" for number in numbers[:_NUMBERS_SHOWN]]
    if len(numbers) == 1:
        return shown[0]
    return f"[{', '.join(shown)}{', ...' if len(numbers) > _NUMBERS_SHOWN else ''}]"
