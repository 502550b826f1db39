"""A metric that does not fit the data is refused, and the advice of the refusal works."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

import zerolite as zl
from tests.metrics.models import Echo, write_scores
from tests.models.generate.graph_builder import GraphBuilder, Op
from zerolite.comparison import compare
from zerolite.evaluation import evaluate

sklearn_metrics: Any = pytest.importorskip("sklearn.metrics", reason="an oracle")

RNG = np.random.default_rng(0)
SCORES = RNG.random((200, 5)).astype(np.float32)


# NaN


def test_nan_is_no_class(tmp_path: Path) -> None:
    path = write_scores(tmp_path / "m.tflite", "logarithm", 3)
    data = np.full((50, 3), -1, np.float32)
    data[:10] = [4, 2, 2]  # which are of class 0
    labels = np.zeros(50, int)
    metrics = ["accuracy", "balanced_accuracy", "confusion_matrix", "recall", "precision", "top-2"]
    with pytest.warns(UserWarning, match="'y' holds NaN for 40 of 50 items: they have no prediction") as told:
        result = evaluate(path, data, labels, metrics=metrics)
    assert told[0].filename == __file__
    assert result.nan_items == 40
    assert result.to_dict()["nan_items"] == 40
    assert result.accuracy == result.metrics["top-2"] == result.metrics["balanced_accuracy"] == 0.2
    assert result.metrics["recall"] == pytest.approx(0.2 / 3)
    assert result.metrics["precision"] == pytest.approx(1 / 3)
    np.testing.assert_array_equal(result.metrics["confusion_matrix"], [[10, 0, 0], [0, 0, 0], [0, 0, 0]])
    np.testing.assert_array_equal(result.predictions, [0] * 10 + [-1] * 40)


def test_one_nan_is_enough() -> None:
    rows = np.eye(3, dtype=np.float32)[[0, 1, 2, 2]]
    rows[1, 2] = np.nan
    with pytest.warns(UserWarning, match="1 of 4 items"):
        result = evaluate(Echo(3), rows, [0, 1, 2, 2])
    assert result.accuracy == 0.75
    # As scikit-learn has it, where -1 is what was predicted.
    expected = sklearn_metrics.f1_score([0, 1, 2, 2], [0, -1, 2, 2], labels=[0, 1, 2], average="micro")
    with pytest.warns(UserWarning, match="1 of 4 items"):
        assert evaluate(Echo(3), rows, [0, 1, 2, 2], metrics=["f1_micro"]).metrics["f1_micro"] == pytest.approx(
            expected
        )


def test_nan_agrees_with_nothing(tmp_path: Path) -> None:
    path = write_scores(tmp_path / "m.tflite", "logarithm", 3)
    data = np.full((50, 3), -1, np.float32)
    data[:10] = [4, 2, 2]
    with pytest.warns(UserWarning, match="'y' of [ab] in zerolite holds NaN for 40 of 50 items"):
        comparison = compare({"a": path, "b": path}, data, np.zeros(50, int), rounds=1)
    difference = comparison.rows[1].difference
    assert difference is not None
    assert (difference.differing, difference.predictions[0]) == (40, -1)
    assert difference.sentence is not None
    assert "says NaN" in difference.sentence
    assert "10 of 50" in comparison.to_markdown()
    assert "NaN" in comparison.to_markdown()
    assert comparison.wrong == 40
    assert {answer for sample in comparison.worst for answer in sample.answers.values()} == {"NaN"}
    json.dumps(comparison.to_dict(), allow_nan=False)


def test_reports_of_models_that_answer_nan(tmp_path: Path) -> None:
    pytest.importorskip("jinja2", reason="reports need the extra report")
    path = write_scores(tmp_path / "m.tflite", "logarithm", 3)
    data, numbers = np.full((50, 3), -1, np.float32), np.zeros((50, 3))
    for metrics, labels in ((["accuracy"], np.zeros(50, int)), (["mse"], numbers), (["f1_macro"], numbers)):
        with pytest.warns(UserWarning, match="holds NaN for 50 of 50 items"):
            comparison = compare({"a": path, "b": path}, data, labels, metrics=metrics, rounds=1)
        for name in ("report.html", "report.md", "report.json"):
            comparison.save(tmp_path / name)
        assert "NaN items" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_a_conversion_that_answers_nan_agrees_with_nothing(tmp_path: Path) -> None:
    pytest.importorskip("litert_quantizer", reason="needs the extra quantize")
    builder = GraphBuilder()
    source, logits, target = (builder.tensor(name, (1, size)) for name, size in (("x", 4), ("logits", 3), ("y", 3)))
    weights = np.zeros((3, 4), np.float32)
    weights[:2] = 1e6  # which float16 does not have
    operands = [source, builder.constant("weights", weights), builder.constant("bias", np.zeros(3, np.float32))]
    builder.operator(Op.FULLY_CONNECTED, operands, [logits], options=schema.FullyConnectedOptionsT())
    softmax = schema.SoftmaxOptionsT()
    softmax.beta = 1.0
    builder.operator(Op.SOFTMAX, [logits], [target], options=softmax)
    builder.interface([source], [target])
    builder.signature("serving_default", {"x": source}, {"y": target})
    (tmp_path / "m.tflite").write_bytes(builder.finish())
    rows = np.full((6, 4), 1e-7, np.float32)
    result = zl.convert(tmp_path / "m.tflite", quantize="fp16", representative_data=rows)
    assert np.isnan(evaluate(tmp_path / "m.tflite", rows).outputs).sum() == 0
    assert result.verification is not None
    assert (result.verification.max_abs, result.verification.top1_agreement) == (math.inf, 0)


# Labels


def test_several_labels_are_no_class() -> None:
    labels = (SCORES > 0.5).astype(int)
    with pytest.raises(ValueError, match=r"holds \d ones: they are multi-label.*'subset_accuracy', .*'f1_macro'"):
        evaluate(Echo(5), SCORES, labels)
    for wanted in (labels, labels.astype(bool), labels.astype(np.float32)):
        result = evaluate(Echo(5), SCORES, wanted, metrics=["subset_accuracy", "hamming_loss", "f1_macro"])
        assert result.metrics == {"subset_accuracy": 1, "hamming_loss": 0, "f1_macro": 1}


def test_numbers_are_no_classes() -> None:
    with pytest.raises(ValueError, match=r"rows of numbers from 100.* to 10.*, neither one-hot.*'mse', 'mae', 'r2'"):
        evaluate(Echo(5), SCORES, SCORES * 2 + 100)
    result = evaluate(Echo(5), SCORES, SCORES + 2, metrics=["mse", "rmse", "mae", "r2"])
    assert [result.metrics[name] for name in ("mse", "rmse", "mae")] == pytest.approx([4, 2, 2], rel=1e-5)
    with pytest.raises(ValueError, match=r"labels.astype\(int\), and for a regression choose .*'mse'"):
        evaluate(Echo(1), SCORES[:, :1], SCORES[:, 0])
    assert evaluate(Echo(1), SCORES[:, :1], SCORES[:, 0], metrics=["mse"]).metrics == {"mse": 0}
    with pytest.raises(ValueError, match=r"a label 37, .*numbers that are no classes have metrics such as 'mae'"):
        evaluate(Echo(1), SCORES[:, :1], np.full(200, 37))
    with pytest.raises(ValueError, match=r"there is a label 0\.\d+; for a regression of several values"):
        evaluate(Echo(5), SCORES, SCORES, metrics=["f1_macro"])


def test_soft_labels_stand_for_their_largest_class() -> None:
    soft = np.full((200, 5), 0.025)
    classes = np.arange(200) % 5
    soft[np.arange(200), classes] = 0.9
    outputs = np.eye(5, dtype=np.float32)[classes]
    assert evaluate(Echo(5), outputs, soft).accuracy == 1
    assert evaluate(Echo(5), outputs, soft.astype(np.float16)).accuracy == 1
    with pytest.raises(ValueError, match="neither one-hot nor shares that sum to 1"):
        evaluate(Echo(5), outputs, soft * 2)


def test_an_error_in_a_later_part_of_the_data() -> None:
    labels = np.eye(5, dtype=int)[np.arange(200) % 5]
    labels[150] = [1, 1, 0, 0, 0]
    with pytest.raises(ValueError, match="holds 2 ones"):
        evaluate(Echo(5), SCORES, labels)


def test_labels_of_a_softmax(tmp_path: Path) -> None:
    path = write_scores(tmp_path / "m.tflite", "softmax", 5)
    classes = SCORES.argmax(axis=1)
    one_hot = np.eye(5, dtype=int)[classes]
    assert evaluate(path, SCORES, one_hot, metrics=["accuracy", "f1_macro"]).metrics == {"accuracy": 1, "f1_macro": 1}
    with pytest.raises(ValueError, match="ends in a softmax, which tells one class; choose metrics of classes"):
        evaluate(path, SCORES, one_hot, metrics=["subset_accuracy"])


def test_averages_of_classes_and_of_labels() -> None:
    classes = RNG.integers(0, 5, 200)
    predicted = SCORES.argmax(axis=1)
    labels = RNG.integers(0, 2, (200, 5))
    for score, function in (
        ("precision", sklearn_metrics.precision_score),
        ("recall", sklearn_metrics.recall_score),
        ("f1", sklearn_metrics.f1_score),
        ("jaccard", sklearn_metrics.jaccard_score),
    ):
        for average in ("micro", "macro", "weighted", "samples"):
            name = f"{score}_{average}"
            expected = function(labels, SCORES > 0.5, average=average, zero_division=0)
            assert evaluate(Echo(5), SCORES, labels, metrics=[name]).metrics[name] == pytest.approx(expected)
            if average == "samples":
                with pytest.raises(ValueError, match=f"of classes choose {score}_macro"):
                    evaluate(Echo(5), SCORES, classes, metrics=[name])
                continue
            expected = function(classes, predicted, average=average, zero_division=0)
            assert evaluate(Echo(5), SCORES, classes, metrics=[name]).metrics[name] == pytest.approx(expected)
        with pytest.raises(ValueError, match=f"{score}_binary is of two classes, .* 5 apart; choose {score}_macro"):
            evaluate(Echo(5), SCORES, classes, metrics=[f"{score}_binary"])
        binary = classes > 2
        expected = function(binary, SCORES[:, 0] > 0.5, average="binary")
        result = evaluate(Echo(1), SCORES[:, :1], binary, metrics=[f"{score}_binary"])
        assert result.metrics[f"{score}_binary"] == pytest.approx(expected)
    expected = sklearn_metrics.balanced_accuracy_score(classes, predicted)
    result = evaluate(Echo(5), SCORES, classes, metrics=["balanced_accuracy"])
    assert result.metrics["balanced_accuracy"] == pytest.approx(expected)


def test_labels_one_by_one() -> None:
    labels = RNG.integers(0, 2, (200, 5))
    result = evaluate(Echo(5), SCORES, labels, metrics=["per_label", "hamming_loss", "subset_accuracy"])
    expected = sklearn_metrics.precision_recall_fscore_support(labels, SCORES > 0.5, zero_division=0)
    for number, scores in result.metrics["per_label"].items():  # type: ignore[union-attr]
        wanted = [float(column[int(number)]) for column in expected]
        assert [scores[key] for key in ("precision", "recall", "f1", "items")] == pytest.approx(wanted)
    assert result.metrics["hamming_loss"] == pytest.approx(sklearn_metrics.hamming_loss(labels, SCORES > 0.5))
    assert result.metrics["subset_accuracy"] == pytest.approx(sklearn_metrics.accuracy_score(labels, SCORES > 0.5))
    assert math.isnan(float(zl.evaluation.BUILT_IN_METRICS["f1_macro"]().result()))  # type: ignore[arg-type]
