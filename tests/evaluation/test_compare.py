"""A comparison says of each model what an evaluation alone says, and its reports show that and nothing else."""

from __future__ import annotations

import dataclasses
import json
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zerolite as zl
from tests.support import model_zoo
from tests.support.html_page import Page
from zerolite._runners import TensorSpec
from zerolite.cli import main
from zerolite.comparison import Agreement, Comparison, ComparisonRow, Sample, compare
from zerolite.comparison.report.pictures import picture
from zerolite.evaluation import EvaluationResult, Latencies, evaluate

FLOAT = model_zoo.model_path("small_cnn")
INT8 = model_zoo.model_path("small_cnn_int8")


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return np.random.default_rng(7).uniform(0, 1, (131, 28, 28, 1)).astype(np.float32)


@pytest.fixture(scope="module")
def labels() -> np.ndarray:
    return np.random.default_rng(8).integers(0, 10, 131)


class Answers:
    """A runner that says what it was given to say: item i is the number i."""

    items_per_call = 1

    def __init__(self, answers: np.ndarray, runtime: str = "table") -> None:
        self.runtime = runtime
        self.answers = answers.astype(np.float32)
        self.inputs = (TensorSpec("x", (1, 1), np.dtype(np.float32)),)
        self.output = TensorSpec("y", (1, *answers.shape[1:]), np.dtype(np.float32))

    def function(self, *arrays: np.ndarray) -> np.ndarray:
        return self.answers[int(arrays[0][0, 0])][np.newaxis]

    def map(self, *batches: np.ndarray) -> np.ndarray:
        return self.answers[batches[0][:, 0].astype(int)]

    def close(self) -> None:
        """Nothing to give back."""


NUMBERS = np.arange(20, dtype=np.float32)[:, np.newaxis]
TRUTH = np.arange(20) % 10


def scores(*, wrong: tuple[int, ...] = ()) -> np.ndarray:
    rows = np.eye(10)[TRUTH]
    for index in wrong:
        rows[index] = np.roll(rows[index], 1)
    return rows


# Numbers


def test_rows_are_what_evaluations_say(images: np.ndarray, labels: np.ndarray) -> None:
    metrics = ["accuracy", "top-3", "f1"]
    with zl.load(INT8) as loaded:
        comparison = compare(
            {"float32": FLOAT, "bytes": FLOAT.read_bytes(), "int8": loaded}, images, labels, metrics=metrics, rounds=2
        )
    assert [row.model for row in comparison.rows] == ["float32", "bytes", "int8"]
    for row, path in zip(comparison.rows, (FLOAT, FLOAT, INT8), strict=True):
        alone = evaluate(path, images, labels, metrics=metrics)
        assert row.numbers == alone.metrics
        assert row.size_bytes == path.stat().st_size
        assert row.result.runs == 2 * 131
        assert row.confusion is not None
        assert row.confusion.trace() == round(alone.accuracy * 131)
        np.testing.assert_array_equal(row.confusion.sum(axis=1), np.bincount(labels, minlength=10))
    first, same, int8 = comparison.rows
    assert comparison.first is first
    assert first.difference is None
    assert same.difference is not None
    assert same.difference.complete
    assert same.difference.largest_difference == 0
    assert int8.difference is not None
    outputs = [evaluate(path, images).outputs for path in (INT8, FLOAT)]
    assert int8.difference.largest_difference == pytest.approx(float(np.abs(outputs[0] - outputs[1]).max()), rel=1e-6)
    assert int8.difference.mean_difference == pytest.approx(float(np.abs(outputs[0] - outputs[1]).mean()), rel=1e-5)
    different = np.flatnonzero(outputs[0].argmax(axis=1) != outputs[1].argmax(axis=1))
    assert int8.difference.differing == different.size
    assert int8.difference.first_differing == tuple(different[:100])
    assert comparison.parity == ()
    json.dumps(comparison.to_dict(), allow_nan=False)


def test_runtimes_side_by_side(images: np.ndarray, labels: np.ndarray) -> None:
    comparison = compare({"a": FLOAT, "b": INT8}, images, labels, runtimes=("ai_edge_litert", "zerolite"), rounds=1)
    assert [(row.model, row.runtime) for row in comparison.rows] == [
        (model, runtime) for model in "ab" for runtime in ("ai_edge_litert", "zerolite")
    ]
    assert [(one.model, one.other_runtime) for one in comparison.parity] == [
        ("a", "ai_edge_litert"),
        ("b", "ai_edge_litert"),
    ]
    assert all(one.complete and one.largest_difference == 0 for one in comparison.parity)
    assert comparison.disagreement is None
    assert comparison.row("b", "zerolite").size_bytes == INT8.stat().st_size
    with pytest.raises(KeyError, match="there are 2 rows for 'a'; the rows are a in ai_edge_litert"):
        comparison.row("a")


def test_streams_and_folders_are_compared(tmp_path: Path, images: np.ndarray, labels: np.ndarray) -> None:
    whole = compare({"a": FLOAT, "b": INT8}, images, labels)
    streamed = compare({"a": FLOAT, "b": INT8}, zip(images, labels, strict=True), rounds=1)
    for one, other in zip(whole.rows, streamed.rows, strict=True):
        assert one.numbers == other.numbers
        assert one.result.items == other.result.items
    assert [sample.index for sample in whole.worst] == [sample.index for sample in streamed.worst]
    image_module = pytest.importorskip("PIL.Image", reason="images need the extra vision")
    for index, (image, label) in enumerate(zip(images[:30], labels[:30], strict=True)):
        place = tmp_path / f"class {label}"
        place.mkdir(exist_ok=True)
        image_module.fromarray(np.rint(image[..., 0] * 255).astype(np.uint8)).save(place / f"{index:02}.png")
    (tmp_path / "class 0").mkdir(exist_ok=True)
    names = [f"class {number}" for number in range(10)]
    from_folder = compare({"a": FLOAT}, tmp_path, preprocessing="unit", class_names=names)
    assert from_folder.first.result.class_names == tuple(names)
    assert {sample.label for sample in from_folder.worst} <= set(names)
    assert all(Path(sample.name or "").is_file() for sample in from_folder.worst)
    assert Page(from_folder.to_html()).text.count("item ") >= len(from_folder.worst)


def test_agreement_finds_every_difference() -> None:
    comparison = compare(
        {"a": Answers(scores(wrong=(9,))), "b": Answers(scores(wrong=(3, 9)))}, NUMBERS, TRUTH, rounds=1
    )
    agreement = comparison.rows[1].difference
    assert agreement is not None
    assert not agreement.complete
    assert (agreement.differing, agreement.first_differing) == (1, (3,))
    assert (agreement.predictions, agreement.other_predictions) == ((4,), (3,))
    assert agreement.largest_difference == 1
    assert agreement.mean_difference == pytest.approx(2 / 200)
    assert agreement.sentence == (
        "predictions of 'b' differ between b in table and a in table on 1 of 20 items; the first is item 3: "
        "b in table says 4, a in table 3"
    )
    assert comparison.wrong == 2
    assert [sample.index for sample in comparison.worst] == [9, 3]
    assert comparison.worst[1].answers == {("a", "table"): "3", ("b", "table"): "4"}


def test_nan_and_other_shapes_do_not_hide() -> None:
    broken = scores()
    broken[5, 9] = math.nan
    models = {"a": Answers(scores()), "nan": Answers(broken), "five": Answers(np.eye(5)[TRUTH % 5])}
    with pytest.warns(UserWarning, match="of nan in table holds NaN for 1 of 20 items"):
        comparison = compare(models, NUMBERS, TRUTH % 5, rounds=1)
    nan, five = (row.difference for row in comparison.rows[1:])
    assert nan is not None
    assert five is not None
    assert nan.largest_difference == math.inf
    assert nan.to_dict()["largest_difference"] is None
    assert (five.differing, five.largest_difference) == (None, None)
    json.dumps(comparison.to_dict(), allow_nan=False)
    comparison.to_markdown()


def test_worst_items_are_the_worst() -> None:
    answers = scores()
    answers[4] = [0, 0, 0, 0, 0.4, 0.6, 0, 0, 0, 0]
    answers[13] = [0, 0.9, 0, 0.1, 0, 0, 0, 0, 0, 0]
    answers[17] = [0, 0, 0, 0.5, 0, 0, 0, 0.1, 0, 0.4]
    one = Answers(answers)
    comparison = compare({"a": one, "b": Answers(scores(wrong=(4,)))}, NUMBERS, TRUTH, worst=2, rounds=1)
    assert [(sample.index, sample.label) for sample in comparison.worst] == [(4, "4"), (13, "3")]
    assert comparison.wrong == 3
    regression = compare({"a": Answers(NUMBERS + 1)}, NUMBERS, NUMBERS * 1.5, metrics=["mae"], worst=3, rounds=1)
    assert [sample.index for sample in regression.worst] == [19, 18, 17]
    assert regression.wrong is None
    assert compare({"a": one}, NUMBERS, TRUTH, worst=0, rounds=1).worst == ()


def test_sizes_that_nobody_knows() -> None:
    comparison = compare({"a": Answers(scores()), "b": Answers(scores())}, NUMBERS, TRUTH, sizes={"b": 2048})
    assert [row.size_bytes for row in comparison.rows] == [None, 2048]
    assert "| a | table | 100.00 % |" in comparison.to_markdown()
    assert "file size" not in Page(comparison.to_html()).text


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"models": {}}, "no model to compare"),
        ({"runtimes": ("tensorflow",)}, "runtimes are zerolite, tf.lite and ai_edge_litert"),
        ({"runtimes": ()}, "each once"),
        ({"worst": -1}, "worst must be at least 0"),
        ({"metrics": ["absent"]}, "no metric 'absent'"),
    ],
)
def test_wrong_use(options: dict[str, Any], message: str) -> None:
    arguments: dict[str, Any] = {"models": {"a": Answers(scores())}, "data": NUMBERS, "labels": TRUTH} | options
    with pytest.raises(ValueError, match=message):
        compare(arguments.pop("models"), arguments.pop("data"), arguments.pop("labels"), **arguments)


@pytest.mark.slow
# Keras 3.15's own, whenever it saves a variable under NumPy 2.
@pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")
def test_keras_tf_lite_and_zerolite(tmp_path: Path) -> None:
    tf = pytest.importorskip("tensorflow")
    tf.keras.utils.set_random_seed(0)
    network = tf.keras.Sequential(
        [tf.keras.Input((4,)), tf.keras.layers.Dense(8, activation="relu"), tf.keras.layers.Dense(3)]
    )
    file = tmp_path / "network.keras"
    network.save(file)
    (tmp_path / "network.tflite").write_bytes(zl.convert(network).content)
    x = np.random.default_rng(0).normal(size=(30, 4)).astype(np.float32)
    y = network(x).numpy().argmax(axis=1)
    models = {"in memory": network, "from a file": file, "converted": tmp_path / "network.tflite"}
    comparison = compare(models, x, y, runtimes=("tf.lite", "zerolite"), rounds=1)
    assert [row.runtime for row in comparison.rows] == ["Keras", "Keras", "tf.lite", "zerolite"]
    assert [row.result.accuracy for row in comparison.rows] == [1, 1, 1, 1]
    assert comparison.rows[0].size_bytes == 4 * (4 * 8 + 8 + 8 * 3 + 3)
    assert comparison.rows[1].size_bytes == file.stat().st_size
    assert comparison.disagreement is None
    broken = tmp_path / "broken.keras"
    broken.write_bytes(b"no model")
    with pytest.raises(ValueError, match=r"Keras .* can't read .*broken\.keras"):
        compare({"a": broken}, x, y)
    with pytest.raises(FileNotFoundError, match=r"absent\.h5"):
        evaluate(tmp_path / "absent.h5", x, y)


# Reports


def result(runtime: str, *, wrong: tuple[int, ...] = ()) -> EvaluationResult:
    latencies = Latencies()
    latencies.add(np.linspace(8, 12, 40))
    accuracy = 1 - len(wrong) / 20
    return EvaluationResult(runtime=runtime, items=20, metrics={"accuracy": accuracy}, latencies=latencies, runs=40)


def agreement(model: str, *, differing: int = 0) -> Agreement:
    return Agreement(
        model=model,
        runtime="zerolite",
        other_model=model,
        other_runtime="tf.lite",
        items=20,
        differing=differing,
        first_differing=(7,) * bool(differing),
        predictions=(8,) * bool(differing),
        other_predictions=(7,) * bool(differing),
        largest_difference=1e-7,
        mean_difference=1e-9,
    )


def report(*, model: str = "int8", differing: int = 0, label: str = "two", **changes: Any) -> Comparison:
    """A comparison of one model in two runtimes, with one sample."""
    sample = Sample(
        index=12,
        name=None,
        input=np.random.default_rng(0).uniform(size=(8, 8, 1)).astype(np.float32),
        label=label,
        answers={(model, "tf.lite"): label, (model, "zerolite"): "three"},
        severity=(1, 0.5),
    )
    values: dict[str, Any] = {
        "rows": (
            ComparisonRow(model=model, size_bytes=2048, result=result("tf.lite"), difference=None),
            ComparisonRow(
                model=model,
                size_bytes=2048,
                result=result("zerolite", wrong=(7,) * bool(differing)),
                difference=agreement(model, differing=differing),
                confusion=np.array([[5, 1], [0, 14]]),
            ),
        ),
        "parity": (agreement(model, differing=differing),),
        "worst": (sample,),
        "wrong": 1,
        "rounds": 2,
        "machine": {"python": "3"},
        "created": "2026-01-02T03:04:05+00:00",
        "seconds": 12.5,
    }
    return Comparison(**values | changes)


@pytest.fixture
def page_needs() -> None:
    for package in ("jinja2", "matplotlib"):
        pytest.importorskip(package, reason="the page needs the extra report")


@pytest.mark.usefixtures("page_needs")
def test_page_stands_alone() -> None:
    page = Page(report().to_html(title="A title", introduction="Some words.", details={"data": "made up"}))
    assert not page.attributes("script")
    assert not page.attributes("link")
    sources = [image["src"] for image in page.attributes("img")]
    sources += [source["srcset"] for source in page.attributes("source")]
    # Three plots and a matrix in two themes, and one sample.
    assert len(sources) == 8 + 1
    assert all(source is not None and source.startswith("data:image/") for source in sources)
    assert all(image["alt"] for image in page.attributes("img"))
    for part in ("A title", "Some words.", "made up", "95th", "10.0", "11.8", "100.00 %", "100,000", "2.0"):
        assert part in page.text


@pytest.mark.usefixtures("page_needs")
def test_page_escapes_every_name() -> None:
    evil = "\"><script>alert(1)</script>{{ 7 * 7 }}<b a='$x_$"
    altered = report(model=evil, label=evil, machine={evil: evil}, created=evil)
    page = Page(altered.to_html(title=evil, introduction=evil, details={evil: evil}))
    assert not page.attributes("script")
    assert all(not attributes for attributes in page.attributes("b"))
    assert page.text.count(evil) >= 8


@pytest.mark.usefixtures("page_needs")
def test_page_shows_who_erred() -> None:
    everywhere = " ".join(Page(report().to_html()).text.split())
    assert "two (item 12)" in everywhere
    assert "taken for three by int8 in zerolite" in everywhere
    assert "right by int8 in tf.lite" in everywhere
    assert "1 of 20 items are wrong at least once" in everywhere
    assert "every row got every item right" in Page(report(worst=(), wrong=0).to_html()).text.lower()


@pytest.mark.usefixtures("page_needs")
def test_page_says_whether_runtimes_agree() -> None:
    good = Page(report().to_html())
    assert "zerolite predicts what the other runtimes predict" in good.text
    bad = Page(report(differing=1).to_html())
    assert "Predictions of 'int8' differ between zerolite and tf.lite on 1 of 20 items" in bad.text
    assert any(attributes.get("class") == "bad" for attributes in bad.attributes("td"))


@pytest.mark.usefixtures("page_needs")
def test_same_numbers_give_the_same_page() -> None:
    first = report()
    assert first.to_html() == dataclasses.replace(first).to_html()


def test_markdown_is_a_table() -> None:
    lines = report(model="a|b").to_markdown().splitlines()
    assert lines[0] == "| model | runtime | accuracy | p50 / µs | p95 / µs | items/s | KiB |"
    assert lines[2] == "| a&#124;b | tf.lite | 100.00 % | 10.0 | 11.8 | 100,000 | 2.0 |"
    for line in lines:
        if line.startswith("|"):
            assert line.count("|") in (8, 9)


def test_saving(tmp_path: Path) -> None:
    pytest.importorskip("jinja2")
    one = report()
    for suffix in (".html", ".json", ".md"):
        one.save(tmp_path / f"report{suffix}")
    assert json.loads((tmp_path / "report.json").read_text()) == one.to_dict()
    assert (tmp_path / "report.md").read_text() == one.to_markdown() == str(one)
    with pytest.raises(ValueError, match=r"name ends in \.html, \.json, \.md"):
        one.save(tmp_path / "report.pdf")
    with pytest.raises(FileNotFoundError, match="create it first"):
        one.save(tmp_path / "absent" / "report.md")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["report.html", "report.json", "report.md"]


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        (np.zeros((8, 8, 1), np.float32), True),
        (np.full((8, 8), 255, np.uint8), True),
        (np.random.default_rng(0).normal(size=(8, 8, 3)), True),
        (np.full((8, 8, 3), math.nan), True),
        (np.zeros((8, 8, 2)), False),
        (np.zeros((1, 64)), False),
        (np.zeros(64), False),
        (np.zeros((8, 8), bool), False),
    ],
)
def test_pictures_of_what_looks_like_an_image(values: np.ndarray, shown: bool) -> None:
    pytest.importorskip("matplotlib")
    png = picture(values)
    assert (png is not None) == shown
    if png is not None:
        assert png.startswith(b"\x89PNG")


# The command


def tell(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str, str]:
    code = main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_command(tmp_path: Path, images: np.ndarray, labels: np.ndarray, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("jinja2")
    np.savez(tmp_path / "test.npz", x=images, y=labels)
    page, table = tmp_path / "report.html", tmp_path / "report.md"
    arguments: list[str | Path] = ["compare", f"float32={FLOAT}", INT8, "--data", tmp_path / "test.npz"]
    arguments += ["--runtime", "ai_edge_litert", "--runtime", "zerolite", "--rounds", "1"]
    code, out, err = tell(capsys, *arguments, "--report", page, "--report", table)
    assert (code, err) == (0, "")
    for part in ("float32", "small_cnn_int8", "ai_edge_litert", "beside float32", f"{page} written."):
        assert part in out
    accuracy = f"{100 * evaluate(FLOAT, images, labels).accuracy:.2f} %"
    assert accuracy in out
    assert accuracy in table.read_text()
    assert accuracy in Page(page.read_text()).text
    code, out, err = tell(capsys, *arguments, "--json")
    assert (code, err) == (0, "")
    assert [row["model"] for row in json.loads(out)["rows"]] == [
        "float32",
        "float32",
        "small_cnn_int8",
        "small_cnn_int8",
    ]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["absent.tflite"], 2, "There is no file absent.tflite"),
        ([FLOAT, FLOAT], 2, "Two models are called small_cnn"),
        ([FLOAT, "--runtime", "torch"], 2, "There is no runtime 'torch'"),
        ([FLOAT, "--report", "report.pdf"], 1, "a report's name ends in"),
        ([FLOAT, "--report", "absent/report.md"], 1, "create it first"),
        ([FLOAT, "--metric", "absent"], 1, "there is no metric 'absent'"),
        ([FLOAT, model_zoo.model_path("dense_2layer")], 1, "takes items of shape"),
    ],
)
def test_command_used_wrongly(
    arguments: list[str | Path], code: int, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.save(tmp_path / "x.npy", np.zeros((3, 28, 28, 1), np.float32))
    answer, out, err = tell(capsys, "compare", *arguments, "--data", tmp_path / "x.npy")
    assert (answer, out) == (code, "")
    assert message in " ".join(re.sub("[│╭╮╰╯─]", " ", err).split())
    if code == 1:
        assert err.startswith("zerolite: ")
        assert err.count("\n") == 1
