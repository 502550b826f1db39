"""What `zerolite info` tells of the inside of a model is what the reference's details say; its pictures show it."""

from __future__ import annotations

import io
import json
import re
import shutil
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zerolite as zl
from tests.support import model_zoo
from zerolite import _native
from zerolite.cli import main
from zerolite.inspection import ModelStructure, draw_graph, read_signatures, read_structure

pytest.importorskip("rich", reason="needs the extra cli")

needs_graphviz = pytest.mark.skipif(shutil.which("dot") is None, reason="needs Graphviz")


def structure(name: str) -> ModelStructure:
    return read_structure(model_zoo.model_path(name).read_bytes())


def tell(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str, str]:
    code = main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


# The reference's Python (2.3.0) has no dtype for bfloat16 and fails over its details.
@pytest.mark.parametrize("name", [entry.name for entry in model_zoo.models() if entry.name != "bfloat16_inside"])
def test_tensors_are_those_of_the_reference(name: str) -> None:
    read = structure(name)
    interpreter = model_zoo.reference_interpreter(
        model_zoo.model_path(name), experimental_op_resolver_type=_without_delegates()
    )
    main_graph = read.subgraphs[0]
    for index, details in enumerate(interpreter.get_tensor_details()[: len(main_graph.tensors)]):
        tensor = main_graph.tensors[details["index"]]
        assert tensor.name == details["name"], index
        assert tensor.scales == len(details["quantization_parameters"]["scales"])
        if tensor.dtype not in ("string", "resource", "variant", "int4", "uint4", "int2", "bfloat16"):
            known = {"bool": np.bool_, "float8_e4m3fn": np.uint8, "float8_e5m2": np.uint8}
            assert np.dtype(known.get(tensor.dtype, tensor.dtype)).itemsize == np.dtype(details["dtype"]).itemsize
    names = Counter(details["op_name"] for details in interpreter._get_ops_details())
    ours = Counter(one.name for one in main_graph.operators if not one.custom)
    assert {name: names[name] for name in ours if name in names} == {name: ours[name] for name in ours if name in names}
    assert sum(read.operators.values()) == sum(len(graph.operators) for graph in read.subgraphs)
    json.dumps(read.to_dict(), allow_nan=False)


def _without_delegates() -> Any:
    from ai_edge_litert.interpreter import OpResolverType

    return OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("small_cnn", "none"),
        ("small_cnn_float16", "float16 weights, computed in float32"),
        ("small_cnn_dynamic_range", "int8 weights, computed in float (dynamic range or weights only)"),
        ("small_cnn_int8", "int8 weights, int8 in between"),
        ("small_cnn_int16x8", "int8 weights, int16 in between, with float parts"),
        ("small_cnn_int8_float_io", "int8 weights, int8 in between, with float parts"),
    ],
)
def test_quantization_in_words(name: str, words: str) -> None:
    assert structure(name).quantization == words


def test_document(capsys: pytest.CaptureFixture[str]) -> None:
    path = model_zoo.model_path("small_cnn_int8")
    code, out, err = tell(capsys, "info", path, "--json")
    assert (code, err) == (0, "")
    document = json.loads(out)
    assert document["min_runtime_version"] == "1.14.0"
    assert {entry["name"] for entry in document["metadata"]} == {"min_runtime_version", "CONVERSION_METADATA"}
    assert {"name": "CONV_2D", "version": 3, "count": 2} in document["operators"]
    assert document["constant_bytes"]["int8"] > document["constant_bytes"]["int32"] > 0
    assert sum(document["constant_bytes"].values()) < document["size_bytes"]
    assert [graph["operators"] for graph in document["subgraphs"]] == [sum(op["count"] for op in document["operators"])]


def test_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    path = model_zoo.model_path("small_cnn_int8")
    code, out, err = tell(capsys, "info", path)
    assert (code, err) == (0, "")
    for part in ("CONV_2D", "quantization: int8 weights", "needs TensorFlow Lite 1.14.0", "constants: int8"):
        assert part in out
    assert "constant bytes" not in out
    code, out, err = tell(capsys, "info", path, "--tensors")
    assert (code, err) == (0, "")
    for tensor in structure("small_cnn_int8").subgraphs[0].tensors:
        assert re.sub(r"\s", "", tensor.name)[:60] in re.sub(r"\s", "", out)


def test_attached_files() -> None:
    content = model_zoo.model_path("small_cnn").read_bytes()
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("labels.txt", "a\nb\n")
    assert read_structure(content + archive.getvalue()).attached_files == ("labels.txt",)
    assert read_structure(content).attached_files == ()


def test_broken_content_is_one_error() -> None:
    content = model_zoo.model_path("small_cnn").read_bytes()
    for length in range(0, len(content), len(content) // 40):
        try:
            read_structure(content[:length])
        except ValueError as error:
            assert "structure can't be read" in str(error)  # noqa: PT017 - most lengths fail, not all


def test_any_bytes_are_read_or_refused() -> None:
    crashers = sorted((model_zoo.MODELS.parent / "mutations" / "crashers").iterdir())
    content = model_zoo.model_path("multi_signature").read_bytes()
    rng = np.random.default_rng(7)
    flipped = [_flipped(content, int(rng.integers(len(content)))) for _ in range(500)]
    answers = Counter(_outcome(bytes_) for bytes_ in [*flipped, *(path.read_bytes() for path in crashers)])
    assert answers.keys() == {"read", "refused"}


def _flipped(content: bytes, position: int) -> bytes:
    return content[:position] + bytes([content[position] ^ 0xFF]) + content[position + 1 :]


def _outcome(content: bytes) -> str:
    try:
        read_structure(content)
    except ValueError as error:
        assert "structure can't be read" in str(error)  # noqa: PT017 - which of them are refused is not the point
        return "refused"
    return "read"


@pytest.mark.parametrize(
    "name", ["unknown_custom_op", "schema_version", "no_subgraph", "signature_tensor_out_of_range"]
)
def test_what_can_not_be_run_can_be_read(name: str) -> None:
    read = structure(name)
    assert read.description == "zerolite test model"
    assert bool(read.custom_operators) == (name == "unknown_custom_op")


def test_contents_are_read_only_and_of_one_piece() -> None:
    content = model_zoo.model_path("multi_signature").read_bytes()
    contents = _native.read_contents(memoryview(content))
    assert {signature.key for signature in contents.signatures} == {"decode", "encode", "mean"}
    with pytest.raises(AttributeError):
        contents.subgraphs = ()  # type: ignore[misc]
    with pytest.raises(TypeError):
        contents.metadata["own"] = b""  # type: ignore[index]
    with pytest.raises(ValueError, match="do not follow each other"):
        _native.read_contents(memoryview(content)[::2])
    with pytest.raises(_native.Error, match="not initialized"):
        _ = _native.ModelContents.__new__(_native.ModelContents).subgraphs


REFUSED = [entry.name for entry in model_zoo.models("refused", runs=False)]
# Which tensors and operators there are can't be told of these.
UNREADABLE = {"buffer_out_of_range", "input_out_of_range", "opcode_out_of_range"}


@pytest.mark.parametrize("name", [name for name in REFUSED if name not in UNREADABLE])
def test_what_can_not_be_run_is_told_and_drawn(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("graphviz")
    path, picture = model_zoo.model_path(name), tmp_path / "graph.dot"
    code, out, err = tell(capsys, "info", path, "--tensors", "--delegates", "--graph", picture)
    assert (code, err) == (0, "")
    assert picture.read_bytes().startswith(b"digraph")
    for (operator, _), count in structure(name).operators.items():
        assert re.search(rf"^{operator} +\d+ +{count}$", out, re.M)
        assert operator.encode() in picture.read_bytes()
    reason = re.findall(r"^can't be run here: (.+)$", out, re.M)
    assert len(reason) == (name != "unsupported_type")  # whose operator is refused by a run only

    code, out, err = tell(capsys, "info", path, "--json")
    assert (code, err) == (0, "")
    document = json.loads(out)
    assert [" ".join(words.split()) for words in [document["refusal"]] if words] == reason


@pytest.mark.parametrize("name", sorted(UNREADABLE))
def test_what_can_not_be_read_is_one_line(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = tell(capsys, "info", model_zoo.model_path(name))
    assert (code, out) == (1, "")
    assert err.count("\n") == 1


@pytest.mark.parametrize("name", [entry.name for entry in model_zoo.models()])
def test_stored_signatures_are_those_of_the_loaded_model(name: str) -> None:
    path = model_zoo.model_path(name)
    stored = read_signatures(path.read_bytes())
    try:
        model = zl.load(path)
    except zl.Error:
        pytest.skip("can't be loaded here")
    with model:
        assert stored.keys() == model.signatures.keys()
        for key, signature in model.signatures.items():
            for side, tensors in (("inputs", signature.inputs), ("outputs", signature.outputs)):
                ours = {tensor["name"]: tensor for tensor in stored[key][side]}
                assert ours.keys() == tensors.keys()
                for tensor in tensors.values():
                    told = ours[tensor.name]
                    assert told["shape_signature"] in (None, list(tensor.shape_signature))
                    assert (told["quantization"] is None) == (tensor.quantization is None)
                    if tensor.quantization is not None:
                        assert told["quantization"]["scales"] == list(tensor.quantization.scales)
                        assert told["quantization"]["zero_points"] == list(tensor.quantization.zero_points)


def test_a_delegate_that_is_not_there_is_no_refusal_of_the_model(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = tell(capsys, "info", model_zoo.model_path("flex_op"), "--delegate", "absent.so")
    assert (code, out) == (1, "")
    assert "absent.so" in err


# Pictures


@needs_graphviz
@pytest.mark.parametrize("name", ["small_cnn_int8", "conditional", "names_missing", "multi_signature", "lstm"])
def test_graph_shows_every_operator(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("graphviz")
    picture = tmp_path / "graph.svg"
    code, out, err = tell(capsys, "info", model_zoo.model_path(name), "--graph", picture)
    assert (code, err) == (0, "")
    assert f"{picture} written." in out
    text = picture.read_text(encoding="utf-8")
    assert text.startswith("<?xml")
    shown = Counter(re.findall(r">([A-Z][A-Z0-9_]+)</text>", text))
    for (operator, _), count in structure(name).operators.items():
        assert shown[operator] >= count
    assert len(re.findall(r'class="node"', text)) == sum(
        len(graph.operators) + len(graph.inputs) + len(graph.outputs) for graph in structure(name).subgraphs
    )


@needs_graphviz
def test_graph_in_every_format(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("graphviz")
    for suffix, begins in ((".png", b"\x89PNG"), (".pdf", b"%PDF"), (".dot", b"digraph")):
        picture = tmp_path / f"graph{suffix}"
        code, _, err = tell(capsys, "info", model_zoo.model_path("small_cnn"), "--graph", picture)
        assert (code, err) == (0, "")
        assert picture.read_bytes().startswith(begins)
    with pytest.raises(ValueError, match="can be drawn as"):
        draw_graph(structure("small_cnn"), image_format="gif")


def test_graphs_without_graphviz(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pytest.importorskip("graphviz")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert draw_graph(structure("small_cnn"), image_format="dot").startswith(b"digraph")
    with pytest.raises(RuntimeError, match="apt-get install graphviz"):
        draw_graph(structure("small_cnn"))


@pytest.mark.parametrize(
    ("graph", "code", "message"), [("graph.gif", 2, "must end in"), ("absent/graph.svg", 1, "create it first")]
)
def test_graph_used_wrongly(graph: str, code: int, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    answer, out, err = tell(capsys, "info", model_zoo.model_path("small_cnn"), "--graph", graph)
    assert (answer, out) == (code, "")
    assert message in err
