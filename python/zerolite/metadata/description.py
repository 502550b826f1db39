"""What TensorFlow Lite Metadata says, as plain values."""

# ruff: noqa: RUF009 - what stands for a default makes a dataclasses.field

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from zerolite.metadata.associated_file import AssociatedFile
from zerolite.metadata.content import Content
from zerolite.metadata.flatbuffer.fields import binary, numbers, record, records, text, texts
from zerolite.metadata.flatbuffer.records import from_plain, plain
from zerolite.metadata.process_units import (
    BertTokenizer,
    Normalization,
    ProcessUnit,
    RegexTokenizer,
    SentencePieceTokenizer,
    units,
)

__all__ = ["CustomMetadata", "Metadata", "Stats", "SubgraphMetadata", "TensorGroup", "TensorMetadata"]


@dataclass(frozen=True, slots=True)
class Stats:
    """The range of a tensor's values.

    Attributes:
        max: one number, or one for each channel.
        min: one number, or one for each channel.
    """

    max: tuple[float, ...] = numbers(0, "<f")
    min: tuple[float, ...] = numbers(1, "<f")


@dataclass(frozen=True, slots=True)
class TensorMetadata:
    """What is known of one input or output.

    Attributes:
        name: its name, which need not be that in the signature.
        description: what it is, in words.
        dimension_names: a name for each of its dimensions.
        content: what it holds, such as an image; None where nothing is told.
        process_units: what is done to its values before a run, or after it.
        stats: the range of its values; None where nothing is told.
        associated_files: the files that belong to it.
    """

    name: str = text(0)
    description: str = text(1)
    dimension_names: tuple[str, ...] = texts(2)
    content: Content | None = record(3, Content)
    process_units: tuple[ProcessUnit, ...] = units(4)
    stats: Stats | None = record(5, Stats)
    associated_files: tuple[AssociatedFile, ...] = records(6, AssociatedFile)

    @property
    def normalization(self) -> Normalization | None:
        """How counts become its values; None where nothing is told."""
        found = [unit for unit in self.process_units if isinstance(unit, Normalization)]
        return found[0] if found and (found[0].mean or found[0].std) else None


@dataclass(frozen=True, slots=True)
class TensorGroup:
    """Tensors that belong together, such as the boxes, classes and scores of a detector.

    Attributes:
        name: its name.
        tensor_names: the names of its tensors.
    """

    name: str = text(0)
    tensor_names: tuple[str, ...] = texts(1)


@dataclass(frozen=True, slots=True)
class CustomMetadata:
    """Bytes that only one application knows the meaning of.

    Attributes:
        name: its name.
        data: the bytes.
    """

    name: str = text(0)
    data: bytes = binary(1, 16)


@dataclass(frozen=True, slots=True)
class SubgraphMetadata:
    """What is known of one graph of a model.

    Attributes:
        name: its name.
        description: what it does, in words.
        inputs: its inputs, in the order of the graph.
        outputs: its outputs, in that order.
        associated_files: the files that belong to it.
        input_process_units: what makes all of its inputs at once, such as a tokenizer.
        output_process_units: what is done to all of its outputs at once.
        input_groups: inputs that belong together.
        output_groups: outputs that belong together.
        custom: bytes of applications.
    """

    name: str = text(0)
    description: str = text(1)
    inputs: tuple[TensorMetadata, ...] = records(2, TensorMetadata)
    outputs: tuple[TensorMetadata, ...] = records(3, TensorMetadata)
    associated_files: tuple[AssociatedFile, ...] = records(4, AssociatedFile)
    input_process_units: tuple[ProcessUnit, ...] = units(5)
    output_process_units: tuple[ProcessUnit, ...] = units(6)
    input_groups: tuple[TensorGroup, ...] = records(7, TensorGroup)
    output_groups: tuple[TensorGroup, ...] = records(8, TensorGroup)
    custom: tuple[CustomMetadata, ...] = records(9, CustomMetadata)


@dataclass(frozen=True, slots=True)
class Metadata:
    """What is known of a model; what the file does not tell is empty.

    Attributes:
        name: the model's name.
        description: what it does, in words.
        version: the version that its makers gave it.
        subgraphs: what is known of its graphs, the main one first.
        author: who made it.
        license: its licence.
        associated_files: the files that belong to the whole model.
        min_parser_version: the oldest version of the metadata's schema that has everything that is used; `write` finds
            it out.
        attached_files: the names of all files that are packed into the model's file, whether described or not. `read`
            tells them; `write` takes files as an argument of its own, so two metadata are equal whatever stands here.
    """

    name: str = text(0)
    description: str = text(1)
    version: str = text(2)
    subgraphs: tuple[SubgraphMetadata, ...] = records(3, SubgraphMetadata)
    author: str = text(4)
    license: str = text(5)
    associated_files: tuple[AssociatedFile, ...] = records(6, AssociatedFile)
    min_parser_version: str = text(7)
    attached_files: tuple[str, ...] = field(default=(), compare=False)

    @property
    def inputs(self) -> tuple[TensorMetadata, ...]:
        """The inputs of the main graph, in its order."""
        return self.subgraphs[0].inputs if self.subgraphs else ()

    @property
    def outputs(self) -> tuple[TensorMetadata, ...]:
        """The outputs of the main graph, in its order."""
        return self.subgraphs[0].outputs if self.subgraphs else ()

    @property
    def all_files(self) -> tuple[AssociatedFile, ...]:
        """The files that are named anywhere: for the model, its graphs, their tensors, or a tokenizer."""
        return tuple(_files_of(self))

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; bytes are in base64."""
        return {**plain(self), "attached_files": list(self.attached_files)}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Metadata:
        """The metadata of which `to_dict` makes these values; fields may be left out.

        Raises:
            TypeError: a value is of another type than its field.
            ValueError: there is a field that metadata does not have, or a value that is not possible.
        """
        return from_plain(cls, values, "metadata", ignored=("attached_files",))


def _files_of(metadata: Metadata) -> Iterator[AssociatedFile]:
    yield from metadata.associated_files
    for graph in metadata.subgraphs:
        yield from graph.associated_files
        for tensor in (*graph.inputs, *graph.outputs):
            yield from tensor.associated_files
            yield from _files_of_units(tensor.process_units)
        yield from _files_of_units(graph.input_process_units)
        yield from _files_of_units(graph.output_process_units)


def _files_of_units(units: tuple[ProcessUnit, ...]) -> Iterator[AssociatedFile]:
    for unit in units:
        if isinstance(unit, SentencePieceTokenizer):
            yield from unit.model_files
        if isinstance(unit, BertTokenizer | SentencePieceTokenizer | RegexTokenizer):
            yield from unit.vocabulary_files
