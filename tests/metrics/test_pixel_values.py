"""Metrics of pixels, each by itself, against a count by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests.metrics.measured import (
    LOGITS,
    measured,
)
from zerolite.evaluation.metrics.metric import Reading


def pixels_of(classes: int, *, seed: int = 3) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.integers(0, 9, (6, 4, 5, classes)).astype(np.float32) / 9, rng.integers(0, classes, (6, 4, 5))


def expected_pixels(predicted: np.ndarray, labels: np.ndarray, classes: int) -> dict[str, float]:
    """By hand; -1 is no prediction."""
    shares = []
    for number in range(classes):
        either = ((labels == number) | (predicted == number)).sum()
        if either:
            shares.append(((labels == number) & (predicted == number)).sum() / either)
    return {"mean_iou": float(np.mean(shares)), "pixel_accuracy": float((predicted == labels).mean())}


@pytest.mark.parametrize("name", ["mean_iou", "pixel_accuracy"])
def test_pixels(name: str) -> None:
    for classes in (2, 3, 6):
        outputs, labels = pixels_of(classes)
        predicted = outputs.argmax(axis=-1)
        expected = expected_pixels(predicted, labels, classes)[name]
        for form in (labels, labels[..., np.newaxis], np.eye(classes)[labels], labels.astype(np.uint8)):
            assert measured(name, outputs, form) == pytest.approx(expected)
        # Class numbers as outputs.
        assert measured(name, predicted, labels) == pytest.approx(expected)
        assert measured(name, predicted.astype(np.uint8), labels) == pytest.approx(expected)
        quantized = (outputs * 90).astype(np.int8)
        assert measured(name, quantized, labels) == pytest.approx(expected)
    outputs, labels = pixels_of(1)
    outputs += np.float32(1 / 18)
    labels = np.random.default_rng(4).integers(0, 2, labels.shape)
    expected = expected_pixels((outputs[..., 0] > 0.5).astype(int), labels, 2)[name]
    assert measured(name, outputs, labels) == pytest.approx(expected)
    assert measured(name, outputs - 0.5, labels, LOGITS) == pytest.approx(expected)


@pytest.mark.parametrize("name", ["mean_iou", "pixel_accuracy"])
def test_pixels_without_a_prediction(name: str) -> None:
    outputs, labels = pixels_of(3)
    outputs[:, 1, ::2, 2] = np.nan
    predicted = np.where(np.isnan(outputs).any(axis=-1), -1, outputs.argmax(axis=-1))
    assert measured(name, outputs, labels) == pytest.approx(expected_pixels(predicted, labels, 3)[name])


@pytest.mark.parametrize("name", ["mean_iou", "pixel_accuracy"])
def test_void_pixels(name: str) -> None:
    outputs, labels = pixels_of(4)
    predicted = outputs.argmax(axis=-1)
    for void in (255, 254, 2):
        marked = labels.copy()
        marked[:, :2, 1] = void
        counted = marked != void
        expected = expected_pixels(predicted[counted], marked[counted], 4)[name]
        for source in (outputs, predicted):
            assert measured(name, source, marked, Reading(void=void)) == pytest.approx(expected), void
            if void == 255:
                assert measured(name, source, marked) == pytest.approx(expected)
    labels[:, :2, 1] = 255
    with pytest.raises(ValueError, match="pixels labelled 0 to 255, and the model's 4 classes are numbered 0 to 3"):
        measured(name, outputs, labels, Reading(void=None))
    labels[:, :2, 1] = -2
    with pytest.raises(ValueError, match="pixels labelled -2 to 3"):
        measured(name, outputs, labels)
    assert math.isnan(measured(name, outputs, np.full_like(labels, 255)))


@pytest.mark.parametrize("name", ["mean_iou", "pixel_accuracy"])
def test_white_is_a_class_where_the_labels_mean_it_so(name: str) -> None:
    # Masks of 0 and 255 of a model with two classes, as one score, two, or class numbers.
    outputs, _ = pixels_of(2)
    mask = np.random.default_rng(4).integers(0, 2, outputs.shape[:3])
    outputs[1, 1, 1, 0] = np.nan
    predicted = np.where(np.isnan(outputs).any(axis=-1), -1, outputs.argmax(axis=-1))
    expected = expected_pixels(predicted, mask, 2)[name]
    assert measured(name, outputs, mask * 255) == pytest.approx(expected)
    numbers = np.maximum(predicted, 0)
    numbers[0] = 0  # the first part knows one class only
    mask[0] = 0
    expected = expected_pixels(numbers, mask, 2)[name]
    assert measured(name, numbers, mask * 255, parts=6) == pytest.approx(expected)
    # One that is labelled 1 somewhere has 255 as void.
    mixed = mask * 255
    mixed[3, 0, 0] = 1
    counted = mixed != 255
    assert measured(name, numbers, mixed) == pytest.approx(expected_pixels(numbers[counted], mixed[counted], 2)[name])
    # All of more classes than 255 are classes, and so is what the model says itself.
    many = np.zeros((1, 2, 2, 256), np.float32)
    many[0, 0, 0, 255] = many[0, 0, 1, 3] = many[0, 1, 0, 255] = many[0, 1, 1, 4] = 1
    labels = np.array([[[255, 255], [3, 4]]])
    assert measured(name, many, labels, parts=1) == pytest.approx(expected_pixels(many.argmax(-1), labels, 256)[name])
    said = many.argmax(axis=-1)
    assert measured(name, said, labels, parts=1) == pytest.approx(expected_pixels(said, labels, 256)[name])
    # Said where the label is another one, or where it is white.
    for place in ((0, 0, 0), (0, 1, 0)):
        once = np.where(said == 255, 3, said)
        once[place] = 255
        assert measured(name, once, labels, parts=1) == pytest.approx(expected_pixels(once, labels, 256)[name])


@pytest.mark.parametrize(
    ("outputs", "labels"),
    [
        (np.zeros((2, 3, 3, 2)), np.zeros((2, 3, 4), int)),
        (np.zeros((2, 3, 3, 2)), np.zeros((2, 3, 3))),
        (np.zeros((2, 3, 3, 2)), np.full((2, 3, 3, 2), 1)),
        (np.zeros((2, 3, 3, 2)), np.zeros((2, 3, 3, 2))),
        (np.zeros((2, 3, 3, 2)), np.full((2, 3, 3, 2), 0.5)),
        (np.zeros((2, 3, 3, 2)), np.full((2, 3, 3, 2), "a")),
        (np.zeros((2, 3, 3)), np.zeros((2, 3, 3), int)),
        (np.zeros((2, 3)), np.zeros((2, 3), int)),
        (np.full((2, 3, 3, 2), "a"), np.zeros((2, 3, 3), int)),
    ],
)
def test_pixels_of_other_shapes_and_types(outputs: np.ndarray, labels: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"^mean_iou needs (class numbers as labels|outputs of shape)"):
        measured("mean_iou", outputs, labels, parts=1)
