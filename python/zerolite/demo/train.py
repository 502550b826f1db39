"""The digits, and the network that learns them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Digits", "train"]

_BATCH = 32


@dataclass(frozen=True, slots=True, eq=False)
class Digits:
    """8x8 grey images of handwritten digits.

    The 1,797 images are the test part of "Optical Recognition of Handwritten Digits" (Alpaydin and Kaynak,
    UCI Machine Learning Repository, 1998), as `sklearn.datasets.load_digits` returns it. The split is random
    and keeps the share of every digit, so the same writers appear on both sides of it.

    Attributes:
        train_images, test_images: float32 of shape (images, 8, 8, 1), 0 (paper) to 1 (ink).
        train_labels, test_labels: int64 of shape (images,), 0 to 9.
    """

    train_images: NDArray[np.float32]
    train_labels: NDArray[np.int64]
    test_images: NDArray[np.float32]
    test_labels: NDArray[np.int64]

    @classmethod
    def load(cls, *, test_images: int, seed: int) -> Digits:
        """Load the images and hold `test_images` of them out.

        Raises:
            ImportError: scikit-learn is not installed (extra "demo").
        """
        from sklearn.datasets import load_digits
        from sklearn.model_selection import train_test_split

        digits: Any = load_digits()
        images = (digits.images / 16).astype(np.float32)[..., np.newaxis]
        labels = digits.target.astype(np.int64)
        train_x, test_x, train_y, test_y = train_test_split(
            images, labels, test_size=test_images, stratify=labels, random_state=seed
        )
        return cls(train_x, train_y, test_x, test_y)


def train(digits: Digits, *, epochs: int, seed: int, on_epoch: Callable[[int], None]) -> Any:
    """Train a small convolutional network with a fixed seed.

    The images are shifted and turned a little while it trains. Architecture and rates were chosen on a
    validation part of the training split, never on the test split.

    Args:
        digits: the data; only the training split is used.
        epochs: passes over it.
        seed: seed of the weights, the shuffling and the augmentation.
        on_epoch: called with the number of epochs done.

    Returns:
        The trained Keras model: input "image", (batch, 8, 8, 1) float32; output (batch, 10) probabilities.
    """
    import tensorflow as tf

    keras = tf.keras
    keras.utils.set_random_seed(seed)
    layers = keras.layers
    model = _network(keras)
    augmentation = keras.Sequential(
        [
            layers.RandomTranslation(0.08, 0.08, fill_mode="constant"),
            layers.RandomRotation(0.03, fill_mode="constant"),
        ]
    )
    steps = -(-len(digits.train_images) // _BATCH) * epochs
    trained = keras.Sequential([augmentation, model])
    trained.compile(
        keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(2e-3, steps)),
        "sparse_categorical_crossentropy",
    )
    batches = (
        tf.data.Dataset.from_tensor_slices((digits.train_images, digits.train_labels))
        .shuffle(len(digits.train_images), seed=seed)
        .batch(_BATCH)
    )
    trained.fit(
        batches,
        epochs=epochs,
        shuffle=False,  # the dataset shuffles itself
        verbose=0,
        callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, _: on_epoch(epoch + 1))],
    )
    # `model` itself was never compiled, so a saved file holds the network without the optimizer's state.
    return model


def _network(keras: Any) -> Any:
    layers = keras.layers
    blocks: list[Any] = []
    for filters, pooled in ((24, False), (24, True), (48, True)):
        # No bias: the normalization that follows would take it out again.
        blocks += [
            layers.Conv2D(filters, 3, padding="same", use_bias=False),
            # Quick enough for its averages to settle within a few epochs of this small set.
            layers.BatchNormalization(momentum=0.9),
            layers.ReLU(),
        ]
        if pooled:
            blocks.append(layers.MaxPooling2D())
    return keras.Sequential(
        [
            keras.Input((8, 8, 1), name="image"),
            *blocks,
            layers.Flatten(),
            layers.Dropout(0.3),
            layers.Dense(64, activation="relu"),
            layers.Dense(10, activation="softmax", name="digit"),
        ],
        name="digits",
    )
