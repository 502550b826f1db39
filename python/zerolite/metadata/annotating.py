"""Saying of a model, in few words, what its inputs and outputs mean."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace

from zerolite import _native
from zerolite._runtime.renamed import renamed_parameters
from zerolite.metadata.associated_file import AssociatedFile, FileKind
from zerolite.metadata.content import Content, ImageProperties
from zerolite.metadata.description import Metadata, SubgraphMetadata, TensorMetadata
from zerolite.metadata.model_file import ModelFile, name_of, opened
from zerolite.metadata.process_units import Normalization
from zerolite.metadata.reading import LABEL_KINDS, read, read_attached
from zerolite.metadata.writing import PackedFile, write

__all__ = ["annotate"]

_DETECTION = "TFLite_Detection_PostProcess"
_DETECTION_CLASSES = 1  # of its outputs
_CLASSES_OF_ONE_SCORE = 2
_IMAGE_RANK = 4
_GRAYS, _COLORS = 1, 3


@renamed_parameters(labels="class_names")
def annotate(
    model: ModelFile,
    *,
    class_names: Sequence[str] | None = None,
    normalization: Normalization | None = None,
    metadata: Metadata | None = None,
    files: Mapping[str, PackedFile] | None = None,
    path: str | os.PathLike[str] | None = None,
) -> bytes:
    """Write the names of a model's classes, or how its images are normalized, beside what the file says already.

    Args:
        model: the path of a .tflite file, or its bytes.
        class_names: the names of the classes, which are packed as one file. They are those of the output that has as
            many numbers along its last axis, or of a detector's classes.
        normalization: how counts from 0 to 255 become what the model takes: of its only input, or of its only image.
        metadata: what to say besides; None keeps what the file says.
        files: name -> content, or the path of a file with the content; packed beside those that are there.
        path: where to write the model; the file of `model` itself is possible, too. None: nowhere.

    Returns:
        The bytes of the model with the metadata.

    Raises:
        OSError: a file can't be read, or the model can't be written.
        TypeError: a value is of another type.
        ValueError: the file is no sound model, no output or input fits, a name can't be a line of a file, or `write`
            refuses the metadata.
    """
    known = read(model)
    packed: dict[str, PackedFile] = {name: read_attached(model, name) for name in known.attached_files}
    packed.update(files or {})
    known = known if metadata is None else metadata
    if class_names is not None or normalization is not None:
        contents = _contents(model)
        graph = contents.subgraphs[0]
        described = _completed(known.subgraphs[0] if known.subgraphs else SubgraphMetadata(), contents)
        if normalization is not None:
            described = _normalized(described, graph, normalization, name_of(model))
        if class_names is not None:
            output, kind = _classes_output(graph, len(class_names), name_of(model))
            described, replaced = _without_labels(described, output)
            others = replace(known, subgraphs=(described, *known.subgraphs[1:]))
            for name in replaced - {one.name for one in others.all_files}:
                packed.pop(name, None)
            file = AssociatedFile(_free_name(packed), kind=kind)
            packed[file.name] = _lines(class_names)
            described = _with_file(described, output, file)
        known = replace(known, subgraphs=(described, *known.subgraphs[1:]))
    return write(model, known, packed, path=path)


def _contents(model: ModelFile) -> _native.ModelContents:
    with opened(model) as (content, _):
        contents = _native.read_contents(content)
    if not contents.subgraphs:
        raise ValueError(f"{name_of(model)} has no graph to describe")
    return contents


def _completed(described: SubgraphMetadata, contents: _native.ModelContents) -> SubgraphMetadata:
    """A description of every input and output, with the names that it has in a signature, or in the graph."""
    graph = contents.subgraphs[0]
    signatures = [one for one in contents.signatures if one.subgraph == 0][:1]
    inputs = {index: name for one in signatures for name, index in one.inputs.items()}
    outputs = {index: name for one in signatures for name, index in one.outputs.items()}

    def named(indices: Sequence[int], names: Mapping[int, str]) -> tuple[TensorMetadata, ...]:
        return tuple(TensorMetadata(name=names.get(index, graph.tensors[index].name)) for index in indices)

    return replace(
        described,
        inputs=described.inputs or named(graph.inputs, inputs),
        outputs=described.outputs or named(graph.outputs, outputs),
    )


def _normalized(
    described: SubgraphMetadata, graph: _native.StoredSubgraph, normalization: Normalization, name: str
) -> SubgraphMetadata:
    shapes = [graph.tensors[index].shape_signature or () for index in graph.inputs]
    images = [
        index for index, shape in enumerate(shapes) if len(shape) == _IMAGE_RANK and shape[-1] in (_GRAYS, _COLORS)
    ]
    fitting = [0] if len(shapes) == 1 else images
    if len(fitting) != 1:
        raise ValueError(
            f"{name} has {len(shapes)} inputs, of which {len(images)} are images, and a normalization is of one; "
            "describe them with zl.metadata.write"
        )
    (index,) = fitting
    channels = shapes[index][-1] if shapes[index] else 1
    for what, numbers in (("mean", normalization.mean), ("std", normalization.std)):
        if channels > 0 and len(numbers) not in (0, 1, channels):
            raise ValueError(
                f"{len(numbers)} numbers are given as {what} for an input of {channels} channels of {name}; give one, "
                "or one for each channel"
            )
    tensor = described.inputs[index]
    units = tuple(unit for unit in tensor.process_units if not isinstance(unit, Normalization))
    content = tensor.content
    if content is None and index in images:
        content = Content(ImageProperties("rgb" if channels == _COLORS else "grayscale"))
    changed = replace(tensor, process_units=(normalization, *units), content=content)
    return replace(described, inputs=_with_item(described.inputs, index, changed))


def _classes_output(graph: _native.StoredSubgraph, count: int, name: str) -> tuple[int, FileKind]:
    """The output that names are for: its place, and whether they name places along its last axis or values."""
    for operator in graph.operators:
        if operator.custom and operator.name == _DETECTION and len(operator.outputs) > _DETECTION_CLASSES:
            classes = operator.outputs[_DETECTION_CLASSES]
            if classes in graph.outputs:
                return list(graph.outputs).index(classes), "value_labels"
    tensors = [graph.tensors[index] for index in graph.outputs]
    # One score tells two classes apart.
    sizes = (count, 1) if count == _CLASSES_OF_ONE_SCORE else (count,)
    for size in sizes:
        for place, tensor in enumerate(tensors):
            if tensor.shape_signature and tensor.shape_signature[-1] == size:
                return place, "axis_labels"
    shown = ", ".join(f"'{tensor.name}' {list(tensor.shape_signature or ())}" for tensor in tensors)
    raise ValueError(
        f"{count} labels are given for {name}, and none of its outputs has {count} numbers along its last axis: "
        f"{shown}; give one label for each number"
    )


def _without_labels(described: SubgraphMetadata, output: int) -> tuple[SubgraphMetadata, set[str]]:
    """Without the label files that the new one takes the place of, and their names; translations stay."""
    tensor = described.outputs[output]
    replaced = {one for one in tensor.associated_files if one.kind in LABEL_KINDS and not one.locale}
    kept = tuple(one for one in tensor.associated_files if one not in replaced)
    changed = replace(tensor, associated_files=kept)
    return replace(described, outputs=_with_item(described.outputs, output, changed)), {one.name for one in replaced}


def _with_file(described: SubgraphMetadata, output: int, file: AssociatedFile) -> SubgraphMetadata:
    tensor = described.outputs[output]
    changed = replace(tensor, associated_files=(file, *tensor.associated_files))
    return replace(described, outputs=_with_item(described.outputs, output, changed))


def _with_item(items: Sequence[TensorMetadata], place: int, item: TensorMetadata) -> tuple[TensorMetadata, ...]:
    return (*items[:place], item, *items[place + 1 :])


def _free_name(packed: Mapping[str, PackedFile]) -> str:
    names = ("labels.txt", *(f"labels-{number}.txt" for number in range(2, len(packed) + 3)))
    return next(name for name in names if name not in packed)


def _lines(labels: Sequence[str]) -> bytes:
    if isinstance(labels, str) or not all(isinstance(one, str) for one in labels):
        raise TypeError("labels are a list of names, each a string")
    text = "\n".join(labels)
    read_back = [line.strip() for line in text.rstrip().splitlines()]
    if read_back != list(labels):
        differing = [one for one, line in zip(labels, [*read_back, *[None] * len(labels)], strict=False) if one != line]
        raise ValueError(
            f"the label {differing[0]!r} can't be a line of a file; leave out line breaks and spaces around it, and "
            "name the last one"
        )
    return text.encode("utf-8")
