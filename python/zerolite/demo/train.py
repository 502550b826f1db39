"""Training the network that the demonstration converts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from zerolite.demo.digits import Digits

__all__ = ["train"]

_BATCH = 32


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
