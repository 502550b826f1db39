"""The examples do what they say."""

import csv
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from tests.support import model_zoo as zoo

EXAMPLES = Path(__file__).parents[2] / "examples"


def run(name: str, *arguments: str | Path) -> str:
    """What the example prints."""
    program = [sys.executable, str(EXAMPLES / name), *map(str, arguments)]
    done = subprocess.run(program, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


def promised(name: str) -> list[str]:
    """What the example's own words say that it prints."""
    text = (EXAMPLES / name).read_text(encoding="utf-8")
    words = text.split('"""')[1]
    return [line.removeprefix("    ") for line in words.splitlines() if line.startswith("    ")]


def table(text: str) -> dict[str, list[str]]:
    """The first table's rows by the model's name."""
    lines = [line.strip("| ").split(" | ") for line in text.partition("\n\n")[0].splitlines() if line.startswith("|")]
    return {cells[0]: cells[1:] for cells in lines[2:]}


def test_score_a_batch() -> None:
    program = [sys.executable, str(EXAMPLES / "score_a_batch.py"), str(zoo.model_path("dense_2layer")), "100"]
    done = subprocess.run(program, capture_output=True, text=True, check=True)
    assert done.stdout == "100 items of (64,): two replicas give the same results\n"
    assert not done.stderr


def test_score_a_folder(tmp_path: Path) -> None:
    images = pytest.importorskip("PIL.Image", reason="images need the extra vision")
    rng = np.random.default_rng(0)
    folder = tmp_path / "images"
    folder.mkdir()
    for index in range(12):
        images.fromarray(rng.integers(0, 256, (28, 28), dtype=np.uint8)).save(folder / f"{index:02}.png")
    scores = tmp_path / "scores.csv"
    assert run("score_a_folder.py", zoo.model_path("small_cnn"), folder, scores).splitlines() == promised(
        "score_a_folder.py"
    )
    with scores.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["image"] for row in rows] == [f"{index:02}.png" for index in range(12)]
    assert all(0 <= int(row["class"]) < 10 and 0 <= float(row["score"]) <= 1 for row in rows)
    (folder / "03.png").write_bytes(b"broken")
    lines = run("score_a_folder.py", zoo.model_path("small_cnn"), folder, scores).splitlines()
    assert lines == ["left out: 03.png", "11 images scored with 2 workers, 1 left out; scores.csv written"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Future[tuple[Path, str]]]]:
    """The folders and the words of the examples that train, which run side by side: most of their time is waiting."""
    pytest.importorskip("tensorflow")

    def run_in_a_folder(name: str) -> tuple[Path, str]:
        folder = folders[name]
        return folder, run(f"{name}.py", *([] if name == "pruned_resnet" else [folder]))

    folders = {
        name: tmp_path_factory.mktemp(name) for name in ("linear_regression", "transfer_to_int8", "pruned_resnet")
    }
    with ThreadPoolExecutor(len(folders)) as executor:
        yield {name: executor.submit(run_in_a_folder, name) for name in folders}


@pytest.mark.slow
def test_linear_regression(trained: dict[str, Future[tuple[Path, str]]]) -> None:
    folder, text = trained["linear_regression"].result()
    assert text.splitlines() == promised("linear_regression.py")
    assert {path.name for path in folder.iterdir()} == {"linear.keras", "linear.tflite", "linear-from-file.tflite"}


@pytest.mark.slow
def test_transfer_to_int8(trained: dict[str, Future[tuple[Path, str]]]) -> None:
    folder, text = trained["transfer_to_int8"].result()
    rows = table(text)
    expected = table("\n".join(promised("transfer_to_int8.py")))
    assert list(rows) == list(expected) == ["float32", "int8"]
    for name, (runtime, accuracy, *_, size) in rows.items():
        assert runtime == "zerolite"
        assert float(accuracy.removesuffix(" %")) == pytest.approx(float(expected[name][1].removesuffix(" %")), abs=4)
        assert float(size) == pytest.approx(float(expected[name][-1]), rel=0.1)
    assert (folder / "int8.tflite").is_file()


@pytest.mark.slow
def test_pruned_resnet(trained: dict[str, Future[tuple[Path, str]]]) -> None:
    _, text = trained["pruned_resnet"].result()
    first, rest = text.split("\n", 1)
    assert first == promised("pruned_resnet.py")[0] == "50 % of the kernels' weights are zero"
    rows, expected = table(rest), table("\n".join(promised("pruned_resnet.py")[1:]))
    assert list(rows) == list(expected) == ["dense", "pruned", "pruned-dynamic", "pruned-int8"]
    assert all(float(cells[1].removesuffix(" %")) > 70 for cells in rows.values())
    sizes = {name: float(size) for name, size in re.findall(r"^([\w-]+): ([\d.]+) KiB compressed$", text, re.M)}
    assert sizes["pruned"] < 0.75 * sizes["dense"]
    assert sizes["pruned-int8"] < 0.5 * sizes["pruned"]
