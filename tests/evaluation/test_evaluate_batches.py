"""Models whose batch is fixed: every item gets the result that it has in a full batch, the last ones too."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ai_edge_litert import interpreter as litert
from ai_edge_litert import schema_py_generated as schema

import zerolite as zl
from tests.models.generate.graph_builder import GraphBuilder, Op
from tests.support import model_zoo
from zerolite.cli import main
from zerolite.evaluation import evaluate, evaluate_together

DENSE = model_zoo.model_path("dense_2layer")
CNN = model_zoo.model_path("small_cnn")
FIXED = model_zoo.model_path("fixed_batch")


@pytest.fixture(scope="module")
def rows() -> np.ndarray:
    return np.random.default_rng(7).standard_normal((21, 64)).astype(np.float32)


def in_batches_of(size: int, rows: np.ndarray) -> np.ndarray:
    """By hand: the last batch filled up with its last row."""
    filled = np.concatenate([rows, np.repeat(rows[-1:], -len(rows) % size, axis=0)])
    with zl.load(DENSE) as model:
        model.resize(features=(size, 64))
        return np.concatenate([model(filled[i : i + size]) for i in range(0, len(filled), size)])[: len(rows)]


@pytest.mark.parametrize("items", [1, 8, 16, 21])
@pytest.mark.parametrize("batch", [None, 3, 8])
def test_the_last_batch_is_filled_up(rows: np.ndarray, items: int, batch: int | None) -> None:
    with zl.load(DENSE) as model:
        model.resize(features=(8, 64))
        labels = np.arange(items) % 10
        result = evaluate(model, rows[:items], labels, batch=batch, keep_outputs=True)
    assert result.items == items
    assert result.outputs.shape == (items, 10)
    np.testing.assert_allclose(result.outputs, in_batches_of(8, rows[:items]), rtol=1e-5)
    assert result.items_per_call == (batch or 8)
    assert result.accuracy == np.mean(result.outputs.argmax(1) == labels)


def test_full_batches_are_not_touched(rows: np.ndarray) -> None:
    with zl.load(DENSE) as model:
        model.resize(features=(7, 64))
        result = evaluate(model, rows, keep_outputs=True, metrics=[])
    np.testing.assert_array_equal(result.outputs, in_batches_of(7, rows))


def test_files_pools_and_interpreters_are_the_same() -> None:
    with zl.load(FIXED) as model:
        (tensor,) = model.inputs.values()
        size, *rest = tensor.shape
        assert size > 1
        items = np.random.default_rng(1).standard_normal((2 * size + 1, *rest)).astype(tensor.dtype)
        last = np.repeat(items[-1:], size, axis=0)
        calls = [items[:size], items[size : 2 * size], last]
        expected = np.concatenate([np.asarray(model(call)) for call in calls])[: len(items)]
    with zl.Pool(FIXED, workers=2) as pool:
        models: dict[str, Any] = {
            "file": FIXED,
            "pool": pool,
            "interpreter": zl.Interpreter(FIXED),
            "reference": litert.Interpreter(str(FIXED)),
        }
        results = evaluate_together(models, items, metrics=[], keep_outputs=True)
    for name, result in results.items():
        np.testing.assert_array_equal(result.outputs, expected, err_msg=name)


def two_inputs(left: int, right: int) -> bytes:
    graph = GraphBuilder()
    axis = graph.constant("axis", np.array([0], np.int32))
    inputs = [graph.tensor("left", [left, 4]), graph.tensor("right", [right, 4])]
    total, y = graph.tensor("total", [max(left, right), 4]), graph.tensor("y", [4])
    graph.operator(Op.ADD, inputs, [total], options=schema.AddOptionsT())
    graph.operator(Op.SUM, [total, axis], [y], options=schema.ReducerOptionsT())
    graph.interface(inputs, [y])
    return graph.finish()


@pytest.mark.parametrize(
    ("sizes", "words"),
    [((3, 3), r"takes 3 items at a time.*'y' of shape \(4,\)"), ((1, 3), r"'left' has the shape \(1, 4\).*\(3, 4\)")],
)
def test_axes_that_count_no_items(sizes: tuple[int, int], words: str) -> None:
    data = tuple(np.ones((6, 4), np.float32) for _ in range(2))
    with pytest.raises(ValueError, match=words):
        evaluate(two_inputs(*sizes), (data, np.zeros(6)), metrics=["mse"])


# Images


def test_images_are_sized_for_each_model(tmp_path: Path) -> None:
    image_module = pytest.importorskip("PIL.Image", reason="images need the extra vision")
    rng = np.random.default_rng(0)
    for index in range(6):
        place = tmp_path / "images" / "abc"[index % 3]
        place.mkdir(parents=True, exist_ok=True)
        image_module.fromarray(rng.integers(0, 256, (40, 30, 3), dtype=np.uint8)).save(place / f"{index}.ppm")
    models: dict[str, str | Path] = {
        "grey": CNN,
        "colored": model_zoo.model_path("small_mobilenet"),
        "int8": f"{CNN.with_suffix('')}_int8.tflite",
    }
    shapes = {name: tuple(zl.Interpreter(path).get_input_details()[0]["shape"]) for name, path in models.items()}
    assert len(set(shapes.values())) == 2
    options: dict[str, Any] = {"metrics": [], "preprocessing": "unit", "keep_outputs": True}
    together = evaluate_together(models, tmp_path / "images", **options)
    for name, path in models.items():
        alone = evaluate(path, tmp_path / "images", **options)
        np.testing.assert_array_equal(together[name].outputs, alone.outputs, err_msg=name)


# The command


def test_folders_are_no_models(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    np.save(tmp_path / "x.npy", np.zeros((2, 4), np.float32))
    saved_model = tmp_path / "saved_model"
    saved_model.mkdir()
    assert main(["evaluate", str(saved_model), str(tmp_path / "x.npy")]) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert f"convert it first: zerolite convert {saved_model}" in said
    with pytest.raises(ValueError, match=r"is a folder.*zl\.convert"):
        evaluate(saved_model, np.zeros((2, 4), np.float32))


@pytest.mark.parametrize("option", ["--workers", "--threads", "--signature"])
def test_options_of_other_files(option: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    keras_file = tmp_path / "model.keras"
    keras_file.touch()
    np.save(tmp_path / "x.npy", np.zeros((2, 4), np.float32))
    assert main(["evaluate", str(keras_file), str(tmp_path / "x.npy"), option, "2"]) == 2
    assert "convert the model first" in " ".join(capsys.readouterr().err.split())


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")
def test_keras_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tf = pytest.importorskip("tensorflow")
    tf.keras.Sequential([tf.keras.Input((4,)), tf.keras.layers.Dense(3)]).save(tmp_path / "model.keras")
    np.savez(tmp_path / "data.npz", x=np.ones((5, 4), np.float32), y=np.zeros(5, int))
    assert main(["evaluate", str(tmp_path / "model.keras"), str(tmp_path / "data.npz")]) == 0
    assert "accuracy" in capsys.readouterr().out
