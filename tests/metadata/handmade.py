"""TensorFlow Lite Metadata, written into models for tests."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence

import flatbuffers
from ai_edge_litert import schema_py_generated as schema

from tests.models.generate.graph_builder import edit

_AXIS_LABELS = 2


def described(mean: Sequence[float] = (), std: Sequence[float] = (), *, label_file: str = "") -> bytes:
    """Metadata of a model with one normalized input, and with one output that has a file of labels."""
    builder = flatbuffers.Builder(256)
    name = builder.CreateString("a classifier")
    image = builder.CreateString("the image")
    file_name = builder.CreateString(label_file)
    options = _table(builder, (_floats(builder, mean), _floats(builder, std)))
    builder.StartObject(2)
    builder.PrependUint8Slot(0, 1, 0)
    builder.PrependUOffsetTRelativeSlot(1, options, 0)
    units = _tables(builder, [builder.EndObject()])
    source = _table(builder, (image, 0, 0, 0, units, 0, 0))
    files = 0
    if label_file:
        builder.StartObject(4)
        builder.PrependUOffsetTRelativeSlot(0, file_name, 0)
        builder.PrependInt8Slot(2, _AXIS_LABELS, 0)
        files = _tables(builder, [builder.EndObject()])
    target = _table(builder, (0, 0, 0, 0, 0, 0, files))
    inputs, outputs = _tables(builder, [source]), _tables(builder, [target])
    graphs = _tables(builder, [_table(builder, (0, 0, inputs, outputs))])
    builder.Finish(_table(builder, (name, 0, 0, graphs)), file_identifier=b"M001")
    return bytes(builder.Output())


def with_metadata(model: bytes, metadata: bytes | None, files: Mapping[str, str] | None = None) -> bytes:
    """`model` with metadata, and with files packed into it."""

    def add(content: schema.ModelT) -> None:
        buffer, entry = schema.BufferT(), schema.MetadataT()
        buffer.data = list(metadata or b"")
        entry.name, entry.buffer = "TFLITE_METADATA", len(content.buffers)
        content.buffers.append(buffer)
        content.metadata = [*(content.metadata or []), entry]

    stream = io.BytesIO(model if metadata is None else edit(model, add))
    if files:
        with zipfile.ZipFile(stream, "a") as archive:
            for name, text in files.items():
                archive.writestr(name, text)
    return stream.getvalue()


def _table(builder: flatbuffers.Builder, offsets: Sequence[int]) -> int:
    builder.StartObject(len(offsets))
    for field, offset in enumerate(offsets):
        builder.PrependUOffsetTRelativeSlot(field, offset, 0)
    return int(builder.EndObject())


def _tables(builder: flatbuffers.Builder, offsets: Sequence[int]) -> int:
    builder.StartVector(4, len(offsets), 4)
    for offset in reversed(offsets):
        builder.PrependUOffsetTRelative(offset)
    return int(builder.EndVector())


def _floats(builder: flatbuffers.Builder, numbers: Sequence[float]) -> int:
    builder.StartVector(4, len(numbers), 4)
    for number in reversed(numbers):
        builder.PrependFloat32(number)
    return int(builder.EndVector())
