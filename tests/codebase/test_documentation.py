"""What the documents say is true: their Python runs, their commands exist, their links lead somewhere.

A ```python block is run, all blocks of a document in order as one program, in a folder that holds a small model,
`model.tflite`, with one input of shape (n, 64) and one output of shape (n, 10), its quantized form `model-int8.tflite`,
data for both in `test.npz`, and a classifier of grey images of 28 x 28, `classifier.tflite`, with `labels.txt` and a
folder `images` of ten classes, in which one file is broken; `pair.tflite` with two inputs of the same shape,
`stream.tflite` with state, and `decoder.tflite` with a cache; `detector.tflite` and `segmenter.tflite`, which find the
coloured shapes of `shapes.png`, whose truth is in `annotations.json`, `pose.tflite`, which sees a person in every
picture, `embed.tflite`, and the pair `predict.tflite` and `transform.tflite`; `text.tflite` and `answer.tflite` with
`vocab.txt` and `article.txt`, `audio.tflite` and `sound.wav`; `custom.tflite` with the custom operator LeakyClip over 2
x 3 numbers; commands also find `model.keras`, of the kind of `model.tflite`, and `samples.npy` with inputs. Commands in
```sh and ```console blocks are checked, and those of the `zerolite` command that are quick are run. What can't be run
where tests run says so in the document, above the block, with the reason: `<!-- not run: needs a GPU -->`.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.memory.cache_models import updating
from tests.operators.models import chain
from tests.tasks.handmade_models import constant_model, mean_color, tinted
from tests.tasks.shapes import CLASSES, scene
from tests.tasks.sounds import loudness, wave_file
from tests.tasks.text.models import WORDS, echo_words, table_answers

ROOT = Path(__file__).parents[2]
MODELS = ROOT / "tests" / "models"
FILES = {
    "model.tflite": "dense_2layer.tflite",
    "model-int8.tflite": "dense_2layer_int8.tflite",
    "classifier.tflite": "small_cnn.tflite",
    "pair.tflite": "two_inputs_three_outputs.tflite",
    "stream.tflite": "svdf.tflite",
}
TASK_MODELS = {"detector.tflite": "shape_detector.tflite", "segmenter.tflite": "shape_segmenter.tflite"}
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("third_party/**/*.md")])
QUICK_COMMANDS = {
    "answer",
    "classify",
    "compare",
    "convert",
    "detect",
    "embed",
    "evaluate",
    "info",
    "layers",
    "metadata",
    "pose",
    "profile",
    "run",
    "segment",
    "stylize",
    "text",
    "tune",
}
COMMAND_GROUPS = {"metadata"}
MAKE_TARGETS = set(re.findall(r"^([a-z][a-z0-9-]*):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M))


@dataclass(frozen=True)
class Block:
    """A fenced block of a document: its language, its first line of code, and that line's number from 1."""

    document: Path
    language: str
    code: str
    line: int
    reason_not_to_run: str | None

    def __str__(self) -> str:
        return f"{self.document.relative_to(ROOT).as_posix()}:{self.line}"


@dataclass(frozen=True)
class Command:
    """One command line of a block, with continued lines joined."""

    block: Block
    text: str

    def __str__(self) -> str:
        return f"{self.block}-{self.text}"


def read_blocks(document: Path) -> list[Block]:
    text = document.read_text(encoding="utf-8")
    fence = re.compile(
        r"(?:<!-- not run: *(?P<reason>.*?) *-->\s*\n)?"
        r"^(?P<indent> *)```(?P<language>\w*)[^\n]*\n(?P<code>.*?)^(?P=indent)```\s*$",
        re.M | re.S,
    )
    return [
        Block(
            document=document,
            language=found["language"],
            code=textwrap.dedent(found["code"]),
            line=text.count("\n", 0, found.start("code")) + 1,
            reason_not_to_run=found["reason"],
        )
        for found in fence.finditer(text)
    ]


def read_commands(block: Block) -> list[Command]:
    lines = block.code.replace("\\\n", " ").splitlines()
    if block.language == "console":
        lines = [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]
    return [Command(block, line.strip()) for line in lines if line.strip() and not line.lstrip().startswith("#")]


BLOCKS = [block for document in DOCUMENTS for block in read_blocks(document)]
COMMANDS = [command for block in BLOCKS if block.language in {"sh", "console"} for command in read_commands(block)]


def python_programs() -> list[Any]:
    programs: list[Any] = []
    for document in DOCUMENTS:
        blocks = [block for block in BLOCKS if block.document == document and block.language == "python"]
        blocks = [block for block in blocks if block.reason_not_to_run is None]
        if blocks:
            heavy = any(re.search(r"\btensorflow\b|\bkeras\b|\bzl\.convert\(", block.code) for block in blocks)
            marks = [pytest.mark.slow] if heavy else []
            programs.append(pytest.param(blocks, id=document.relative_to(ROOT).as_posix(), marks=marks))
    return programs


@pytest.fixture
def folder_with_model(tmp_path: Path) -> Path:
    for name, model in FILES.items():
        shutil.copy(MODELS / model, tmp_path / name)
    for name, model in TASK_MODELS.items():
        shutil.copy(ROOT / "tests" / "tasks" / "models" / model, tmp_path / name)
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "test.npz", x=rng.random((80, 64), np.float32), y=rng.integers(0, 10, 80))
    (tmp_path / "labels.txt").write_text("\n".join(f"digit {number}" for number in range(10)) + "\n", encoding="utf-8")
    images = pytest.importorskip("PIL.Image", reason="the documents speak of images, which need the extra vision")
    person = np.random.default_rng(0).uniform(0.3, 0.7, (1, 1, 17, 3))
    (tmp_path / "custom.tflite").write_bytes(chain("LeakyClip"))
    (tmp_path / "pose.tflite").write_bytes(constant_model({"key_points": person}))
    (tmp_path / "decoder.tflite").write_bytes(updating())
    (tmp_path / "audio.tflite").write_bytes(loudness())
    (tmp_path / "sound.wav").write_bytes(wave_file(rng.uniform(-1, 1, (4000, 2))))
    (tmp_path / "text.tflite").write_bytes(echo_words(10))
    likely = np.arange(len(WORDS), dtype=np.float32)
    (tmp_path / "answer.tflite").write_bytes(table_answers(likely, likely, 40))
    (tmp_path / "vocab.txt").write_text("\n".join(WORDS), encoding="utf-8")
    (tmp_path / "article.txt").write_text("The dog is good. The cat is bad.", encoding="utf-8")
    (tmp_path / "embed.tflite").write_bytes(mean_color(16))
    (tmp_path / "predict.tflite").write_bytes(mean_color(16, keep_axes=True))
    (tmp_path / "transform.tflite").write_bytes(tinted(32))
    shapes = scene(np.random.default_rng(5), height=240, width=320)
    images.fromarray(shapes.picture).save(tmp_path / "shapes.png")
    annotations = {
        "images": [{"id": 1, "file_name": "shapes.png"}],
        "categories": [{"id": number, "name": name} for number, name in enumerate(CLASSES)],
        "annotations": [
            {"image_id": 1, "category_id": int(number), "bbox": [*map(float, (*box[:2], *(box[2:] - box[:2])))]}
            for box, number in zip(shapes.boxes, shapes.classes, strict=True)
        ],
    }
    (tmp_path / "annotations.json").write_text(json.dumps(annotations), encoding="utf-8")
    for number in range(10):
        (tmp_path / "images" / str(number)).mkdir(parents=True)
        for index in range(2):
            picture = images.fromarray(rng.integers(0, 256, (28, 28), dtype=np.uint8))
            picture.save(tmp_path / "images" / str(number) / f"{index}.png")
    (tmp_path / "images" / "7" / "broken.png").write_bytes(b"no image")
    return tmp_path


@pytest.fixture(scope="session")
def keras_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("tensorflow", reason="needs the extra convert")
    folder = tmp_path_factory.mktemp("keras")
    run([sys.executable, "-c", KERAS_MODEL], folder)
    return folder / "model.keras"


def run(arguments: list[str], folder: Path) -> None:
    environment = {**os.environ, "NO_COLOR": "1", "TERM": "dumb", "MPLBACKEND": "agg"}
    answer = subprocess.run(
        arguments,
        check=False,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert answer.returncode == 0, f"{shlex.join(arguments)}\n{answer.stdout}{answer.stderr}"


def zerolite_command() -> str:
    return str(Path(sys.executable).with_name("zerolite"))


@pytest.mark.parametrize("blocks", python_programs())
def test_python_runs(blocks: list[Block], folder_with_model: Path) -> None:
    # Blank lines in between, so that a traceback names the document's own lines.
    lines: list[str] = []
    for block in blocks:
        lines += [""] * (block.line - 1 - len(lines)) + block.code.splitlines()
    program = folder_with_model / f"{blocks[0].document.name}.py"
    program.write_text("\n".join(lines) + "\n", encoding="utf-8")
    run([sys.executable, "-W", "error::DeprecationWarning:__main__", program.name], folder_with_model)


@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_blocks_name_their_language(block: Block) -> None:
    known = {
        "python",
        "sh",
        "console",
        "text",
        "json",
        "toml",
        "cpp",
        "cmake",
        "yaml",
        "mermaid",
        "dockerfile",
    }
    assert block.language in known
    assert block.reason_not_to_run is None or block.reason_not_to_run, "say why the block is not run"


@pytest.mark.parametrize("command", COMMANDS, ids=str)
def test_command_exists(command: Command) -> None:
    words = shlex.split(command.text, comments=True)
    while "=" in words[0]:
        words = words[1:]
    if words[0] == "sudo":
        words = words[1:]
    program, arguments = words[0], words[1:]
    if program == "make":
        targets = [word for word in arguments if "=" not in word and not word.startswith("-")]
        assert set(targets) <= MAKE_TARGETS
    elif program == "zerolite":
        assert_options_exist(arguments)
    elif program == "pip" or words[1:3] == ["-m", "pip"]:
        assert_extras_exist(arguments)
    elif program.startswith("python"):
        assert_script_exists(arguments)
    elif program.startswith((".venv/bin/", "build/", "./", "tools/", ".ci/")):
        assert program.startswith((".venv/", "build/")) or (ROOT / program).is_file()
    else:
        known = {"apt-get", "cd", "cmake", "curl", "export", "git", "source", "uv"}
        assert program in known, "teach this test what to check"


def assert_options_exist(arguments: list[str]) -> None:
    words = [word for word in arguments if not word.startswith("-")]
    command = words[: 2 if words[:1] and words[0] in COMMAND_GROUPS else 1]
    options = {word.partition("=")[0] for word in arguments if re.match(r"--?[a-z]", word)} - {"--help"}
    answer = subprocess.run(
        [zerolite_command(), *command, "--help"],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "COLUMNS": "200", "NO_COLOR": "1", "TERM": "dumb"},
        timeout=60,
    )
    assert answer.returncode == 0, answer.stderr
    assert options <= set(re.findall(r"(?<![\w-])--?[a-z][\w-]*", answer.stdout))


def assert_extras_exist(arguments: list[str]) -> None:
    pyproject = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    section = re.search(r"^\[project\.optional-dependencies\]\n(.*?)^\[", pyproject, re.M | re.S)
    assert section is not None
    known = set(re.findall(r"^(\w+) = \[", section.group(1), re.M))
    for extras in re.findall(r"(?:zerolite|\.)\[([\w,]+)\]", " ".join(arguments)):
        assert set(extras.split(",")) <= known


def assert_script_exists(arguments: list[str]) -> None:
    if arguments[:1] == ["-m"]:
        module = arguments[1].replace(".", "/")
        standard = arguments[1].partition(".")[0] in sys.stdlib_module_names
        assert standard or arguments[1] == "pytest" or (ROOT / module).is_dir() or (ROOT / f"{module}.py").is_file()
    elif arguments and arguments[0] != "-c":
        assert (ROOT / arguments[0]).is_file()


def quick_commands() -> list[Any]:
    chosen: list[Any] = []
    for command in COMMANDS:
        words = command.text.split()
        runs = command.block.reason_not_to_run is None and "|" not in words and ">" not in words
        if runs and words[0] == "zerolite" and len(words) > 1 and words[1] in QUICK_COMMANDS:
            marks = [pytest.mark.slow] if needs_keras(command) else []
            chosen.append(pytest.param(command, id=str(command), marks=marks))
    return chosen


def needs_keras(command: Command) -> bool:
    return ".keras" in command.text or "--keras-application" in command.text


KERAS_MODEL = """
import tensorflow as tf
tf.keras.Sequential([tf.keras.Input((64,)), tf.keras.layers.Dense(10)]).save("model.keras")
"""


@pytest.mark.parametrize("command", quick_commands())
def test_quick_command_runs(command: Command, folder_with_model: Path, request: pytest.FixtureRequest) -> None:
    if re.search(r"--graph \S+\.(svg|png|pdf)", command.text) and shutil.which("dot") is None:
        pytest.skip("needs Graphviz")
    np.save(folder_with_model / "samples.npy", np.random.default_rng(0).normal(size=(8, 64)).astype(np.float32))
    if needs_keras(command):
        shutil.copy(request.getfixturevalue("keras_model"), folder_with_model)
    run([zerolite_command(), *shlex.split(command.text, comments=True)[1:]], folder_with_model)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(document: Path) -> None:
    text = re.sub(r"^ *```.*?^ *```", "", document.read_text(encoding="utf-8"), flags=re.M | re.S)
    targets = re.findall(r"\]\(([^)#\s]+)(?:#[^)\s]*)?\)|src=\"([^\"]+)\"", text)
    local = [link for pair in targets for link in pair if link and not re.match(r"[a-z]+:", link)]
    assert not [link for link in local if not (document.parent / link).exists()]


def test_set_up_is_two_commands() -> None:
    in_readme = {command.text for command in COMMANDS if command.block.document == ROOT / "README.md"}
    assert {"make demo", "make test"} <= in_readme


def test_every_target_is_in_make_help() -> None:
    answer = subprocess.run(["make", "-s", "help"], check=True, cwd=ROOT, capture_output=True, text=True, timeout=60)
    listed = set(re.findall(r"^  make ([a-z0-9-]+)", answer.stdout, re.M))
    assert listed == MAKE_TARGETS
