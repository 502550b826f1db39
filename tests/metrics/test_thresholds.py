"""A single score is a class above what fits it, and the order of scores needs no threshold."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ai_edge_litert import interpreter as ai_edge_litert
from ai_edge_litert import schema_py_generated as schema

import zerolite as zl
from tests.metrics.models import Echo, write_scores
from tests.models.generate.graph_builder import GraphBuilder, Op
from zerolite.cli import main
from zerolite.comparison import compare
from zerolite.comparison.report.tables import metric_words
from zerolite.evaluation import evaluate

sklearn_metrics: Any = pytest.importorskip("sklearn.metrics", reason="an oracle")

RNG = np.random.default_rng(1)
LOGITS = RNG.normal(size=(150, 1)).astype(np.float32)
POSITIVE = (LOGITS[:, 0] > 0).astype(int)


@pytest.mark.parametrize("ending", ["sigmoid", "logit"])
def test_the_last_operator_tells(ending: str, tmp_path: Path) -> None:
    path = write_scores(tmp_path / "m.tflite", ending, 1)
    interpreter = ai_edge_litert.Interpreter(str(path))
    with zl.load(path) as model, zl.Pool(path, workers=1) as pool:
        for one in (path, path.read_bytes(), model, model.signatures["serving_default"], pool, interpreter):
            result = evaluate(one, LOGITS, POSITIVE)
            assert result.accuracy == 1
            np.testing.assert_array_equal(result.predictions, POSITIVE)
            assert result.to_dict()["threshold"] == (0.5 if ending == "sigmoid" else 0)
    beside = compare({"m": path}, LOGITS, POSITIVE, runtimes=("ai_edge_litert", "zerolite"), rounds=1)
    assert [row.result.accuracy for row in beside.rows] == [1, 1]
    assert beside.disagreement is None
    assert beside.wrong == 0


def test_models_of_both_kinds_predict_alike(tmp_path: Path) -> None:
    models = {ending: write_scores(tmp_path / f"{ending}.tflite", ending, 1) for ending in ("sigmoid", "logit")}
    comparison = compare(models, LOGITS, 1 - POSITIVE, rounds=1)
    difference = comparison.rows[1].difference
    assert difference is not None
    assert difference.differing == 0
    assert [row.result.accuracy for row in comparison.rows] == [0, 0]
    # The worst item is the one that is surest, whatever its score is called.
    assert comparison.worst[0].index == int(np.abs(LOGITS[:, 0]).argmax())


def test_several_labels_have_the_same_middle(tmp_path: Path) -> None:
    scores = RNG.normal(size=(80, 4)).astype(np.float32)
    labels = (scores > 0).astype(int)
    for ending in ("sigmoid", "logit"):
        path = write_scores(tmp_path / f"{ending}.tflite", ending, 4)
        assert evaluate(path, scores, labels, metrics=["subset_accuracy"]).metrics == {"subset_accuracy": 1}
    models = {ending: tmp_path / f"{ending}.tflite" for ending in ("sigmoid", "logit")}
    difference = compare(models, scores, labels, metrics=["f1_macro"], rounds=1).rows[1].difference
    assert difference is not None
    assert (difference.differing, difference.sentence) == (0, None)
    models["logit"] = write_scores(tmp_path / "softmax.tflite", "softmax", 4)
    one_hot = np.eye(4, dtype=int)[scores.argmax(axis=1)]
    difference = compare(models, scores, one_hot, metrics=["f1_macro"], rounds=1).rows[1].difference
    assert difference is not None
    assert difference.differing
    assert difference.sentence is not None
    assert difference.sentence.endswith(f"the first is item {difference.first_differing[0]}")


def test_where_nothing_tells_it_has_to_be_said() -> None:
    with pytest.raises(
        ValueError, match=r"scores from -.* are no probabilities.*threshold=0 for logits \(--threshold 0\)"
    ):
        evaluate(Echo(1), LOGITS, POSITIVE)
    result = evaluate(Echo(1), LOGITS, POSITIVE, threshold=0)
    assert result.accuracy == 1
    np.testing.assert_array_equal(result.predictions, POSITIVE)
    assert evaluate(Echo(1), LOGITS).items == 150
    probabilities = 1 / (1 + np.exp(-LOGITS))
    assert evaluate(Echo(1), probabilities, POSITIVE).accuracy == 1
    with pytest.raises(ValueError, match="threshold must be a number"):
        evaluate(Echo(1), LOGITS, POSITIVE, threshold=float("nan"))


@pytest.mark.parametrize("threshold", [0.2, 0.5, 0.8])
def test_a_threshold_of_ones_own(threshold: float) -> None:
    scores = RNG.random((200, 1)).astype(np.float32)
    labels = RNG.integers(0, 2, 200)
    names = ["accuracy", "precision_binary", "recall_binary", "f1_binary", "f1"]
    both = np.concatenate([1 - scores, scores], axis=1)
    for outputs in (scores, both):
        values = evaluate(Echo(outputs.shape[1]), outputs, labels, metrics=names, threshold=threshold).metrics
        predicted = scores[:, 0] > threshold
        assert values["accuracy"] == pytest.approx(sklearn_metrics.accuracy_score(labels, predicted))
        assert values["precision_binary"] == pytest.approx(sklearn_metrics.precision_score(labels, predicted))
        assert values["recall_binary"] == pytest.approx(sklearn_metrics.recall_score(labels, predicted))
        assert values["f1_binary"] == pytest.approx(sklearn_metrics.f1_score(labels, predicted))
        assert values["f1"] == pytest.approx(sklearn_metrics.f1_score(labels, predicted, average="macro"))
    several = RNG.random((200, 3)).astype(np.float32)
    with pytest.raises(ValueError, match=r"of this output's 3 classes the one with the largest .* leave threshold out"):
        evaluate(Echo(3), several, labels, threshold=threshold)
    rows = RNG.integers(0, 2, (200, 3))
    value = evaluate(Echo(3), several, rows, metrics=["f1_micro"], threshold=threshold).metrics["f1_micro"]
    assert value == pytest.approx(sklearn_metrics.f1_score(rows, several > threshold, average="micro"))


def test_a_probability_less_than_another_is_no_logit(tmp_path: Path) -> None:
    builder = GraphBuilder()
    source, squashed, target = (builder.tensor(name, (1, 1)) for name in ("x", "squashed", "y"))
    builder.operator(Op.LOGISTIC, [source], [squashed])
    one = builder.constant("one", np.ones(1, np.float32))
    builder.operator(Op.SUB, [one, squashed], [target], options=schema.SubOptionsT())
    builder.interface([source], [target])
    (tmp_path / "m.tflite").write_bytes(builder.finish())
    assert evaluate(tmp_path / "m.tflite", LOGITS, 1 - POSITIVE).accuracy == 1


def test_signatures_that_name_their_outputs_alike(tmp_path: Path) -> None:
    builder = GraphBuilder()
    for key, operator, options in (
        ("serving_default", Op.LOGISTIC, None),
        ("raw", Op.ADD, schema.AddOptionsT()),
    ):
        graph = 0 if key == "serving_default" else builder.start_subgraph(key)
        source, target = builder.tensor("x", (1, 1)), builder.tensor("y", (1, 1))
        nothing = [] if options is None else [builder.constant("nothing", np.zeros(1, np.float32))]
        builder.operator(operator, [source, *nothing], [target], options=options)
        builder.interface([source], [target])
        builder.signature(key, {"x": source}, {"y": target}, subgraph=graph)
    (tmp_path / "m.tflite").write_bytes(builder.finish())
    for content in (tmp_path / "m.tflite", (tmp_path / "m.tflite").read_bytes()):
        with zl.load(content) as model:
            for signature in model.signatures.values():
                assert evaluate(signature, LOGITS, POSITIVE).accuracy == 1


def test_regressions_predict_no_class() -> None:
    values = RNG.normal(size=(60, 3)).astype(np.float32)
    comparison = compare({"a": Echo(3), "b": Echo(3)}, values, values, metrics=["mae"], rounds=1)
    difference = comparison.rows[1].difference
    assert difference is not None
    assert (difference.differing, difference.largest_difference) == (None, 0)
    # A single number that is no score, without labels.
    comparison = compare({"a": Echo(1), "b": Echo(1)}, LOGITS, rounds=1)
    assert comparison.rows[1].difference is not None
    assert comparison.rows[1].difference.differing is None


@pytest.mark.parametrize("metric", ["roc_auc", "average_precision"])
def test_the_order_of_scores(metric: str, tmp_path: Path) -> None:
    function = {"roc_auc": sklearn_metrics.roc_auc_score, "average_precision": sklearn_metrics.average_precision_score}[
        metric
    ]
    scores = (RNG.integers(0, 30, (200, 4)) / 30).astype(np.float32)  # with ties
    binary = RNG.integers(0, 2, 200)

    def measured(model: Any, outputs: np.ndarray, labels: np.ndarray) -> float:
        value = evaluate(model, outputs, labels, metrics=[metric], batch=7).metrics[metric]
        assert isinstance(value, float)
        return value

    assert measured(Echo(1), scores[:, :1], binary) == pytest.approx(function(binary, scores[:, 0]))
    assert measured(Echo(1), 9 * scores[:, :1] - 3, binary) == pytest.approx(function(binary, scores[:, 0]))
    both = np.stack([1 - scores[:, 0], scores[:, 0]], axis=1)
    assert measured(Echo(2), both, binary) == pytest.approx(function(binary, both[:, 1]))
    labels = RNG.integers(0, 2, (200, 4))
    assert measured(Echo(4), scores, labels) == pytest.approx(function(labels, scores, average="macro"))
    classes = RNG.integers(0, 4, 200)
    logits = RNG.normal(size=(200, 4)).astype(np.float32)
    shares = np.exp(logits.astype(np.float64))
    shares /= shares.sum(axis=1, keepdims=True)
    expected = function(np.eye(4)[classes], shares, average="macro")
    if metric == "roc_auc":
        assert function(classes, shares, multi_class="ovr", average="macro") == pytest.approx(expected)
    for ending in ("softmax", "logit"):
        path = write_scores(tmp_path / f"{ending}.tflite", ending, 4)
        assert measured(path, logits, classes) == pytest.approx(expected)
        assert measured(path, logits, np.eye(4, dtype=int)[classes]) == pytest.approx(expected)
    assert metric_words(metric, 0.75) == "0.75"
    with pytest.warns(UserWarning, match=f"{metric} is not defined: class number 3 has no items"):
        assert np.isnan(measured(Echo(4), scores, classes % 3))
    scores[3, 1] = np.nan
    with pytest.warns(UserWarning, match="1 of 200 items"):
        assert np.isnan(measured(Echo(4), scores, classes))


def test_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_scores(tmp_path / "m.tflite", "sigmoid", 1)
    np.savez(tmp_path / "data.npz", x=LOGITS, y=POSITIVE)
    arguments = [str(path), str(tmp_path / "data.npz"), "--metric", "recall_binary", "--threshold", "0.999", "--json"]
    assert main(["evaluate", *arguments]) == 0
    assert '"recall_binary": 0.0' in capsys.readouterr().out
    arguments[1:2] = ["--data", arguments[1]]
    assert main(["compare", *arguments]) == 0
    assert '"recall_binary": 0.0' in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")
def test_keras_tells_by_the_last_activation() -> None:
    keras = pytest.importorskip("tensorflow").keras
    image = keras.Input((1,))
    dense = keras.layers.Dense(1, kernel_initializer="ones")
    endings = {
        "logit": dense(image),
        "sigmoid": keras.layers.Dense(1, kernel_initializer="ones", activation="sigmoid")(image),
        "activation": keras.layers.Activation("sigmoid")(dense(image)),
        "reshaped": keras.layers.Reshape((1,))(keras.layers.Activation("sigmoid")(dense(image))),
        "operation": keras.ops.sigmoid(dense(image)),
    }
    models = {name: keras.Model(image, output) for name, output in endings.items()}
    comparison = compare(models, LOGITS, POSITIVE, rounds=1)
    assert [row.result.accuracy for row in comparison.rows] == [1] * 5
    thresholds = [row.result.to_dict()["threshold"] for row in comparison.rows]
    assert thresholds == [0, 0.5, 0.5, 0.5, 0.5]
