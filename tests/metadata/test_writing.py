"""Metadata is written, and the model stays what it was."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

import zerolite as zl
from tests.metadata.test_golden import EVERYTHING, FILES, GOLDEN, MODEL
from tests.models.generate.graph_builder import GraphBuilder, Op, edit
from tests.support import model_zoo
from zerolite.metadata import (
    AssociatedFile,
    Content,
    CustomMetadata,
    FeatureProperties,
    ImageProperties,
    Metadata,
    Normalization,
    Stats,
    SubgraphMetadata,
    TensorMetadata,
    Unknown,
)

LABELS = {"labels.txt": b"cat\ndog"}
NAMED = Metadata(name="a model", associated_files=(AssociatedFile("labels.txt", kind="axis_labels"),))


def inputs_of(name: str) -> dict[str, Any]:
    rng = np.random.default_rng(3)
    with zl.load(model_zoo.model_path(name)) as model:
        return {one.name: rng.integers(-9, 9, one.shape).astype(one.dtype) for one in model.inputs.values()}


def answers(model: Any, inputs: dict[str, Any]) -> dict[str, Any]:
    with zl.load(model) as loaded:
        found = loaded(**inputs)
    return found if isinstance(found, dict) else {"only": found}


def stored(content: bytes) -> schema.ModelT:
    return schema.ModelT.InitFromPackedBuf(bytearray(content))


def alike(one: Any, other: Any) -> bool:
    """Whether two objects of the schema say the same, to the last number."""
    if isinstance(one, list | np.ndarray):
        return len(one) == len(other) and all(alike(a, b) for a, b in zip(one, other, strict=True))
    if hasattr(one, "__dict__"):
        return type(one) is type(other) and all(alike(value, vars(other)[name]) for name, value in vars(one).items())
    return bool(one == other)


@pytest.mark.parametrize("entry", [one for one in model_zoo.models() if one.runs], ids=str)
def test_every_model_stays_the_same(entry: model_zoo.ModelEntry) -> None:
    content = entry.path.read_bytes()
    written = zl.metadata.write(entry.path, NAMED, LABELS)
    assert written.index(content) % 64 == 0, "weights stay where kernels expect them"
    assert zl.metadata.read(written) == Metadata(**{**fields(NAMED), "min_parser_version": "1.0.0"})
    before, after = stored(content), stored(written)
    for name in ("version", "operatorCodes", "subgraphs", "description", "signatureDefs", "metadataBuffer"):
        assert alike(vars(before)[name], vars(after)[name]), name
    assert alike(before.buffers, after.buffers[: len(before.buffers)])
    assert alike(before.metadata or [], after.metadata[:-1])
    assert len(after.buffers) == max(1, len(before.buffers)) + 1


def fields(metadata: Metadata) -> dict[str, Any]:
    return {name: getattr(metadata, name) for name in Metadata.__dataclass_fields__}


@pytest.mark.parametrize("name", ["small_cnn", "dense_2layer_int8", "svdf", "two_inputs_three_outputs"])
def test_runs_are_the_same_to_the_bit(name: str, tmp_path: Path) -> None:
    path = model_zoo.model_path(name)
    inputs = inputs_of(name)
    written = tmp_path / "m.tflite"
    zl.metadata.write(path, NAMED, LABELS, path=written)
    for model in (written, written.read_bytes()):
        expected, found = answers(path, inputs), answers(model, inputs)
        assert expected.keys() == found.keys()
        assert all(np.array_equal(expected[one], found[one]) for one in expected)


def test_what_is_written_again_takes_its_place() -> None:
    first = zl.metadata.write(MODEL, NAMED, LABELS)
    long = zl.metadata.write(first, Metadata(description="secret" * 2000))
    assert len(long) > len(first) + 10000
    short = zl.metadata.write(long, NAMED, LABELS)
    assert b"secret" not in short
    assert short == first
    assert zl.metadata.read_attached(long, "labels.txt") == LABELS["labels.txt"], "files are kept"
    assert zl.metadata.read(zl.metadata.write(first, Metadata(name="b"), {})).attached_files == ()


@pytest.mark.parametrize("description", ["", "x" * 5000], ids=["shorter", "longer"])
def test_their_metadata_is_replaced_where_it_is(description: str) -> None:
    """It is in the middle of the FlatBuffer that they made anew."""
    graph = GOLDEN.read_bytes()
    written = zl.metadata.write(GOLDEN, Metadata(description=description), {})
    assert zl.metadata.read(written).description == description
    assert b"what to look at" in graph
    assert b"what to look at" not in written
    assert alike(stored(graph).subgraphs, stored(written).subgraphs)
    assert len(stored(written).buffers) == len(stored(graph).buffers)


def test_a_buffer_that_a_tensor_has_as_well_stays() -> None:
    def share(model: schema.ModelT) -> None:
        entry = schema.MetadataT()
        entry.name, entry.buffer = "TFLITE_METADATA", model.subgraphs[0].tensors[1].buffer
        model.metadata = [entry]

    builder = GraphBuilder()
    source = builder.tensor("x", (2,))
    weights = builder.constant("w", np.array([1, 2], np.float32))
    target = builder.tensor("y", (2,))
    builder.operator(Op.ADD, [source, weights], [target])
    builder.interface([source], [target])
    content = edit(builder.finish(), share)
    written = zl.metadata.write(content, NAMED, LABELS)
    assert zl.metadata.read(written).name == "a model"
    np.testing.assert_array_equal(answers(written, {"x": np.ones(2, np.float32)})["only"], [2, 3])


def test_a_name_twice_is_there_once_then() -> None:
    """Readers differ in which of two they take."""

    def twice(model: schema.ModelT) -> None:
        model.metadata = [*model.metadata, *model.metadata]

    content = zl.metadata.write(MODEL, NAMED, LABELS)
    written = zl.metadata.write(edit(content, twice), Metadata(name="once"), {})
    assert [one.name for one in stored(written).metadata].count(b"TFLITE_METADATA") == 1
    assert zl.metadata.read(written).name == "once"


def behind(content: bytes) -> bytes:
    """A model whose buffers stand behind its FlatBuffer, as in those of more than 2 GiB."""
    model = stored(content)
    model.metadata, front = None, b""
    data = [bytes(bytearray(one.data)) if one.data is not None else b"" for one in model.buffers]
    place = 0
    for _ in range(2):  # the first time for the size of what is in front
        end = place
        for one, packed in zip(model.buffers, data, strict=True):
            one.data, one.offset, one.size = None, 0, 0
            if packed:
                one.offset, one.size = end or 1 << 40, len(packed)
                end += len(packed) + -len(packed) % 64
        builder = flatbuffers.Builder(1024)
        builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
        front = bytes(builder.Output())
        place = len(front) + -len(front) % 64
    return front.ljust(place, b"\0") + b"".join(packed + bytes(-len(packed) % 64) for packed in data)


def test_places_behind_the_flatbuffer_are_moved(tmp_path: Path) -> None:
    content = behind(model_zoo.model_path("dense_2layer").read_bytes())
    inputs = inputs_of("dense_2layer")
    expected = answers(model_zoo.model_path("dense_2layer"), inputs)
    written = zl.metadata.write(content, NAMED, LABELS)
    rewritten = zl.metadata.write(written, Metadata(description="x" * 5000))
    for model in (content, written, rewritten, zl.metadata.write(rewritten, NAMED)):
        found = answers(model, inputs)
        assert all(np.array_equal(expected[one], found[one]) for one in expected)
    assert zl.metadata.read(rewritten).description == "x" * 5000
    assert b"a model" in written
    assert b"a model" not in rewritten
    assert written.index(content[-64:]) % 4096 == content.index(content[-64:]) % 4096, "pages stay pages"


def test_a_model_without_metadata_stays_without() -> None:
    assert zl.metadata.write(MODEL, zl.metadata.read(MODEL)) == MODEL.read_bytes()


def test_over_its_own_file(tmp_path: Path) -> None:
    path = tmp_path / "m.tflite"
    path.write_bytes(MODEL.read_bytes())
    labels = tmp_path / "labels.txt"
    labels.write_bytes(b"cat\ndog")
    returned = zl.metadata.write(path, NAMED, {"labels.txt": labels}, path=path)
    assert path.read_bytes() == returned
    assert zl.metadata.read_attached(path, "labels.txt") == b"cat\ndog"
    with pytest.raises(FileNotFoundError, match="create it first"):
        zl.metadata.write(path, NAMED, path=tmp_path / "nowhere" / "m.tflite")


def test_a_compiled_model_is_not_moved() -> None:
    builder = GraphBuilder()
    source, target = builder.tensor("x", (2,)), builder.tensor("y", (2,))
    builder.custom_operator("DISPATCH_OP", [source], [target])
    builder.interface([source], [target])
    with pytest.raises(ValueError, match=r"compiled for an NPU.*write the metadata before that"):
        zl.metadata.write(builder.finish(), NAMED, LABELS)


def tensors(count: int, **what: Any) -> Metadata:
    return Metadata(subgraphs=(SubgraphMetadata(inputs=(TensorMetadata(**what),) * count),))


@pytest.mark.parametrize(
    ("metadata", "error", "message"),
    [
        (tensors(3), ValueError, "describes 3 inputs, and the graph of .* has 2; describe each of them"),
        (Metadata(subgraphs=(SubgraphMetadata(),) * 2), ValueError, "describes 2 graphs, and .* has 1"),
        (NAMED, ValueError, r"names the file 'labels\.txt', which is not packed"),
        (Metadata(name=3), TypeError, r"metadata\.name is a string; came 3"),  # type: ignore[arg-type]
        (Metadata(name="\ud800"), ValueError, r"metadata\.name has characters that UTF-8 has not"),
        (Metadata(subgraphs=["x"]), TypeError, r"subgraphs\[0\] is of SubgraphMetadata; came 'x'"),  # type: ignore[arg-type]
        (Metadata(associated_files="labels.txt"), TypeError, "is a tuple or list"),  # type: ignore[arg-type]
        (
            tensors(2, stats=Stats(max=(1e39,))),
            ValueError,
            r"stats\.max takes numbers of the form float32; came \[1e\+39\]",
        ),
        (tensors(2, stats=Stats(max=("1",))), ValueError, r"stats\.max takes numbers"),  # type: ignore[arg-type]
        (
            tensors(2, content=Content(ImageProperties("red"))),  # type: ignore[arg-type]
            ValueError,
            r"color_space is one of unknown, rgb, grayscale; came 'red'",
        ),
        (tensors(2, content=Content(ImageProperties(default_size=(1, -2)))), ValueError, "default_size takes numbers"),
        (tensors(2, content=Content(FeatureProperties(), (1, 2, 3))), ValueError, "dimensions is two whole numbers"),  # type: ignore[arg-type]
        (tensors(2, content=Content(Unknown(9))), ValueError, "number 9 of a newer schema, .*leave it out"),
        (tensors(2, process_units=(None,)), TypeError, r"process_units\[0\] is None"),
        (tensors(2, process_units=(Stats(),)), TypeError, r"process_units\[0\] is one of Normalization, "),
        (Metadata(subgraphs=(SubgraphMetadata(custom=(CustomMetadata("a", "b"),)),)), TypeError, "data is bytes"),  # type: ignore[arg-type]
    ],
)
def test_what_can_not_be_written(metadata: Metadata, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        zl.metadata.write(MODEL, metadata)


@pytest.mark.parametrize("name", ["", "/etc/passwd", "../up", "a/../b", "a//b", "C:x", "a\\b", "a\nb", "x" * 256])
def test_names_that_can_not_be_packed(name: str) -> None:
    with pytest.raises(ValueError, match="is not possible for a packed file"):
        zl.metadata.write(MODEL, Metadata(), {name: b""})


def test_files_are_bytes_or_paths() -> None:
    with pytest.raises(TypeError, match=r"as its bytes, or as a pathlib\.Path .*; came str"):
        zl.metadata.write(MODEL, Metadata(), {"a.txt": "a"})  # type: ignore[dict-item]


@pytest.mark.parametrize("numbers", [((float("nan"),), (1.0,)), ((0.0,), (0.0,)), ((0.0,), (float("inf"),))])
def test_no_normalization(numbers: tuple[tuple[float], tuple[float]]) -> None:
    with pytest.raises(ValueError, match="a normalization has finite numbers and no deviation of 0"):
        Normalization(*numbers)


def test_a_broken_model_is_refused() -> None:
    for content in (b"", b"no model", MODEL.read_bytes()[:200], struct.pack("<I4s", 8, b"TFL3")):
        with pytest.raises(ValueError, match="the model in memory is no sound model"):
            zl.metadata.write(content, Metadata())


@pytest.mark.parametrize(
    ("values", "error", "message"),
    [
        ([], ValueError, "metadata is an object with the fields of Metadata; came"),
        ({"nme": "a"}, ValueError, "unknown field 'nme'; its fields are name, description"),
        (
            {"subgraphs": [{"inputs": [{"content": {"properties": {"type": "film"}}}]}]},
            ValueError,
            "type is one of feature",
        ),
        ({"subgraphs": [{"inputs": [{"process_units": [{}]}]}]}, ValueError, "is an object with a type"),
        ({"associated_files": [{}]}, ValueError, r"associated_files\[0\] has no field 'name'"),
        ({"associated_files": ["a"]}, ValueError, r"associated_files\[0\] is an object with the fields"),
        ({"subgraphs": [{"custom": [{"data": "?"}]}]}, ValueError, "is bytes in base64"),
        ({"subgraphs": [{"inputs": [{"stats": {"max": ["a"]}}]}]}, TypeError, r"max\[0\] is a number; came 'a'"),
        ({"name": None}, TypeError, "name is a string; came None"),
    ],
)
def test_plain_values_that_are_no_metadata(values: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        Metadata.from_dict(values)


def test_round_trip_of_a_changed_one() -> None:
    from dataclasses import replace

    changed = replace(EVERYTHING, name="changed", author="")
    written = zl.metadata.write(GOLDEN, changed)
    assert zl.metadata.read(written) == changed
    assert set(zl.metadata.read(written).attached_files) == set(FILES)
