"""`zerolite metadata`, and what `zerolite info` tells of a file's metadata."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import zerolite as zl
from tests.metadata.test_archives import named
from tests.metadata.test_golden import EVERYTHING, FILES, GOLDEN
from tests.support import model_zoo
from zerolite.cli import main
from zerolite.metadata import Metadata, Normalization, Stats, SubgraphMetadata, TensorMetadata

pytest.importorskip("rich", reason="needs the extra cli")

MODEL = model_zoo.model_path("small_cnn")
NAMES = [f"class {number}" for number in range(10)]


def tell(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str, str]:
    code = main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    path = tmp_path / "names.txt"
    path.write_text("\n".join(NAMES) + "\n", encoding="utf-8")
    return path


def test_show(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = tell(capsys, "metadata", "show", GOLDEN)
    assert (code, err) == (0, "")
    for part in (
        "author: somebody",
        "schema: 1.5.0 or newer",
        "image, rgb, 320 x 240",
        "(x - [127.5, 1, 2]) / [128, 0.5, 4], from [-1, -2, -3] to [1, 2, 3]",
        "audio, 16000 Hz, 1 channel",
        "boxes, center, pixel",
        "calibrated scores (inverse logistic, otherwise 0.25), scores from 0.5 on",
        "BERT tokenizer, SentencePiece tokenizer, tokenizer that cuts at [^\\w']+",
        "custom: own, 3 bytes",
        "value_labels",
    ):
        assert part in out
    code, out, err = tell(capsys, "metadata", "show", GOLDEN, "--json")
    assert (code, err) == (0, "")
    assert Metadata.from_dict(json.loads(out)) == EVERYTHING
    assert tell(capsys, "metadata", "show", MODEL) == (0, "The file has no metadata.\n", "")


def test_texts_of_a_file_do_not_steer_the_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "m.tflite"
    zl.metadata.write(MODEL, Metadata(name="a\x1b[2Jb", author="x\ny"), path=path)
    for command in (["metadata", "show"], ["info"]):
        _, out, _ = tell(capsys, *command, path)
        assert r"name: a\x1b[2Jb" in out
        assert "\x1b[2J" not in out


def test_add(labels: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "m.tflite"
    path.write_bytes(MODEL.read_bytes())
    notes = tmp_path / "notes.md"
    notes.write_bytes(b"trained in May")
    code, out, err = tell(
        capsys, "metadata", "add", path, "--labels", labels, "--normalization", "127.5,128", "--name", "Digits",
        "--author", "us", "--license", "MIT", "--version", "2", "--description", "which digit", "--file", notes,
    )  # fmt: skip
    assert (code, err) == (0, "")
    assert f"{path} written." in out
    known = zl.metadata.read(path)
    assert (known.name, known.author, known.license, known.version) == ("Digits", "us", "MIT", "2")
    assert known.inputs[0].normalization == Normalization((127.5,), (128.0,))
    assert zl.metadata.read_labels(path) == NAMES
    assert zl.metadata.read_attached(path, "notes.md") == b"trained in May"
    other = tmp_path / "other.tflite"
    code, out, err = tell(capsys, "metadata", "add", path, "--author", "them", "--out", other, "--json")
    assert (code, err) == (0, "")
    assert json.loads(out)["metadata"]["author"] == "them"
    assert (zl.metadata.read(other).name, zl.metadata.read(path).author) == ("Digits", "us")


def test_what_show_prints_is_added(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = tell(capsys, "metadata", "show", GOLDEN, "--json")
    values = json.loads(out)
    values["name"] = "edited"
    document, path = tmp_path / "m.json", tmp_path / "m.tflite"
    document.write_text(json.dumps(values), encoding="utf-8")
    assert tell(capsys, "metadata", "add", GOLDEN, "--metadata", document, "--out", path)[0] == 0
    assert zl.metadata.read(path).name == "edited"
    assert zl.metadata.read(path).subgraphs == EVERYTHING.subgraphs
    document.write_text('{"nme": 1}', encoding="utf-8")
    code, _, err = tell(capsys, "metadata", "add", GOLDEN, "--metadata", document, "--out", path)
    assert (code, err.count("\n")) == (1, 1)
    assert f"{document} holds no metadata as `zerolite metadata show --json` prints it" in err
    assert "unknown field 'nme'" in err


def test_numbers_that_json_has_not(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tensor = TensorMetadata(stats=Stats(max=(float("inf"),), min=(float("-inf"),)))
    path = tmp_path / "m.tflite"
    zl.metadata.write(MODEL, Metadata(subgraphs=(SubgraphMetadata(inputs=(tensor,)),)), path=path)
    code, out, _ = tell(capsys, "metadata", "show", path, "--json")
    assert code == 0
    assert Metadata.from_dict(json.loads(out)).inputs == (tensor,)


def test_extract(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "new" / "folder"
    code, out, err = tell(capsys, "metadata", "extract", GOLDEN, "--folder", folder, "--json")
    assert (code, err) == (0, "")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == FILES
    assert [entry["size_bytes"] for entry in json.loads(out)["files"]] == [len(content) for content in FILES.values()]
    code, out, err = tell(capsys, "metadata", "extract", GOLDEN, "labels.txt", "-d", tmp_path)
    assert (code, err) == (0, "")
    assert (tmp_path / "labels.txt").read_bytes() == FILES["labels.txt"]
    assert tell(capsys, "metadata", "extract", MODEL)[1] == f"No files are packed into {MODEL}.\n"
    code, _, err = tell(capsys, "metadata", "extract", GOLDEN, "nothing.txt", "-d", tmp_path)
    assert (code, err.count("\n")) == (1, 1)
    assert "no file 'nothing.txt' packed into it; the files in it: 'README.md'" in err


def test_extract_writes_nothing_of_a_hostile_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "m.tflite"
    path.write_bytes(named("labels.txt", "../up.txt"))
    folder = tmp_path / "folder"
    for command in ("extract", "show"):
        arguments: list[str | Path] = ["-d", folder] if command == "extract" else []
        code, out, err = tell(capsys, "metadata", command, path, *arguments)
        assert (code, out, err.count("\n")) == (1, "", 1)
        assert "'../up.txt' is not possible for a packed file" in err
    assert not folder.exists()
    assert not (tmp_path / "up.txt").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "Say what to add"),
        (["--normalization", "1,2,3"], "It is MEAN,STD"),
        (["--normalization", "a,b"], "It is MEAN,STD"),
        (["--normalization", "1,0"], "no deviation of 0"),
        (["--labels", "nowhere.txt"], "nowhere.txt"),
    ],
)
def test_wrong_use(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = tell(capsys, "metadata", "add", MODEL, *arguments)
    assert (code, out) == (2, "")
    assert message in " ".join(err.split())


def test_info_names_it(labels: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "m.tflite"
    zl.metadata.annotate(
        MODEL,
        class_names=NAMES,
        normalization=Normalization((0.0,), (255.0,)),
        metadata=Metadata(name="Digits"),
        path=path,
    )
    code, out, err = tell(capsys, "info", path)
    assert (code, err) == (0, "")
    name = zl.metadata.read(path).inputs[0].name
    assert "name: Digits\n" in out
    assert f"normalization of {name}: (x - 0) / 255\n" in out
    assert "10, class 0, class 1, class 2, class 3, ...\n" in out
    code, out, err = tell(capsys, "info", path, "--json")
    facts = json.loads(out)["tflite_metadata"]
    assert facts["error"] is None
    assert list(facts["labels"].values()) == [NAMES]
    assert Metadata.from_dict(facts["metadata"]) == zl.metadata.read(path)


def test_info_of_broken_metadata(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The rest is told all the same."""
    path = tmp_path / "m.tflite"
    path.write_bytes(named("../up.txt"))
    code, out, err = tell(capsys, "info", path)
    assert (code, err) == (0, "")
    assert "'../up.txt' is not possible for a packed file" in out
    assert "operators" in out
    code, out, _ = tell(capsys, "info", path, "--json")
    facts = json.loads(out)["tflite_metadata"]
    assert (code, facts["metadata"]) == (0, None)
    assert "'../up.txt'" in facts["error"]
