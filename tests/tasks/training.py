"""Trains the models of coloured shapes that the tests find things with: `python -m tests.tasks.training`.

It needs TensorFlow (2.21 made the committed files) and takes a minute or two. Seeds are fixed; the numbers that come
out depend on the processor a little, and the tests hold the models against the truth of pictures that they were not
trained on.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from tests.tasks.shapes import CLASSES, Scene, scene
from zerolite.metadata import Normalization, annotate

MODELS = Path(__file__).parent / "models"
SIDE = 64
STRIDES = (8, 16, 32)
_BATCH = 32


def detector(trunk: tf.keras.Model) -> tf.keras.Model:
    """With the head of YOLO v8 as Ultralytics exports it: (1, 4 + classes, cells), boxes as parts of the picture."""
    x = trunk.output
    levels = []
    for stride in STRIDES:
        cells = SIDE // stride
        raw = tf.keras.layers.Conv2D(4 + len(CLASSES), 1, name=f"head_{stride}", bias_initializer="zeros")(x)
        raw = tf.keras.layers.Reshape((cells * cells, 4 + len(CLASSES)))(raw)
        row, column = np.divmod(np.arange(cells * cells), cells)
        corner = tf.constant(np.stack((column, row), axis=1)[np.newaxis], tf.float32)
        squashed = tf.keras.layers.Activation("sigmoid")(raw)
        centre = (squashed[..., :2] * 2 - 0.5 + corner) / cells
        levels.append(tf.keras.layers.Concatenate(axis=2)([centre, squashed[..., 2:]]))
        x = tf.keras.layers.AveragePooling2D(2)(x)
    joined = tf.keras.layers.Concatenate(axis=1)(levels)
    return tf.keras.Model(trunk.input, tf.keras.layers.Permute((2, 1), name="boxes_and_scores")(joined))


def segmenter(trunk: tf.keras.Model) -> tf.keras.Model:
    """With logits for each pixel, as DeepLab has them: (1, height, width, 1 + classes), the ground first."""
    fine = trunk.get_layer("quarter").output
    coarse = tf.keras.layers.UpSampling2D(2, interpolation="bilinear")(trunk.output)
    x = tf.keras.layers.Concatenate()([fine, coarse])
    x = tf.keras.layers.Conv2D(16, 3, padding="same", activation="relu")(x)
    x = tf.keras.layers.UpSampling2D(2, interpolation="bilinear")(x)
    x = tf.keras.layers.Conv2D(8, 3, padding="same", activation="relu")(x)
    x = tf.keras.layers.Conv2D(1 + len(CLASSES), 1)(x)
    return tf.keras.Model(trunk.input, tf.keras.layers.UpSampling2D(2, interpolation="bilinear", name="logits")(x))


def trunk() -> tf.keras.Model:
    image = tf.keras.Input((SIDE, SIDE, 3), batch_size=None, name="image")
    x = image
    for name, channels, stride in (("half", 8, 2), ("quarter", 12, 2), ("eighth", 20, 2), ("wide", 20, 1)):
        x = tf.keras.layers.Conv2D(channels, 3, strides=stride, padding="same", activation="relu", name=name)(x)
    return tf.keras.Model(image, tf.keras.layers.Conv2D(20, 3, padding="same", activation="relu", name="end")(x))


def detection_targets(scenes: Sequence[Scene]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """(scenes, 4 + classes, cells), and which cells of the first level hold the middle of a shape."""
    cells = sum((SIDE // stride) ** 2 for stride in STRIDES)
    targets = np.zeros((len(scenes), 4 + len(CLASSES), cells), np.float32)
    held = np.zeros((len(scenes), cells), np.float32)
    for place, one in enumerate(scenes):
        for box, number in zip(one.boxes / SIDE, one.classes, strict=True):
            x, y = (box[:2] + box[2:]) / 2
            cell = int(y * SIDE // STRIDES[0]) * (SIDE // STRIDES[0]) + int(x * SIDE // STRIDES[0])
            targets[place, :, cell] = 0
            targets[place, :4, cell] = x, y, box[2] - box[0], box[3] - box[1]
            targets[place, 4 + number, cell] = 1
            held[place, cell] = 1
    return targets, held


def detection_loss(truth: tf.Tensor, held: tf.Tensor, found: tf.Tensor) -> tf.Tensor:
    scores = tf.clip_by_value(found[:, 4:], 1e-5, 1 - 1e-5)
    wanted = truth[:, 4:]
    entropy = -(wanted * 4 * tf.math.log(scores) + (1 - wanted) * tf.math.log(1 - scores))
    away = tf.abs(truth[:, :4] - found[:, :4]) * held[:, tf.newaxis]
    return tf.reduce_sum(entropy) / _BATCH + 40 * tf.reduce_sum(away) / tf.reduce_sum(held)


def train(model: tf.keras.Model, scenes: Sequence[Scene], *, steps: int, boxes: bool) -> None:
    pictures = np.stack([one.picture for one in scenes]).astype(np.float32) / 255
    masks = np.stack([one.mask for one in scenes]).astype(np.int32)
    targets, held = detection_targets(scenes)
    schedule = tf.keras.optimizers.schedules.CosineDecay(3e-3, steps)
    optimizer = tf.keras.optimizers.Adam(schedule)
    by_pixel = tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    @tf.function
    def step(x: tf.Tensor, truth: tf.Tensor, where: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            found = model(x, training=True)
            loss = detection_loss(truth, where, found) if boxes else by_pixel(mask, found)
        optimizer.apply_gradients(
            zip(tape.gradient(loss, model.trainable_variables), model.trainable_variables, strict=True)
        )
        return loss

    rng = np.random.default_rng(1)
    for number in range(steps):
        chosen = rng.integers(0, len(scenes), _BATCH)
        loss = step(pictures[chosen], targets[chosen], held[chosen], masks[chosen])
        if number % 200 == 0:
            print(model.output_names, number, float(loss))


def main() -> None:
    tf.keras.utils.set_random_seed(20240229)
    rng = np.random.default_rng(0)
    scenes = [scene(rng, sides=(8, 28)) for _ in range(3000)]
    MODELS.mkdir(exist_ok=True)
    for name, head, steps in (("shape_detector", detector, 1600), ("shape_segmenter", segmenter, 700)):
        model = head(trunk())
        train(model, scenes, steps=steps, boxes=head is detector)

        @tf.function(input_signature=[tf.TensorSpec((1, SIDE, SIDE, 3), tf.float32, name="image")])
        def run(image: tf.Tensor, model: tf.keras.Model = model) -> dict[str, tf.Tensor]:
            return {model.layers[-1].name: model(image, training=False)}

        holder = tf.Module()
        holder.run, holder.model = run, model
        converter = tf.lite.TFLiteConverter.from_concrete_functions([run.get_concrete_function()], holder)
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.target_spec.supported_types = [tf.float16]
        content = converter.convert()
        if head is segmenter:
            content = annotate(content, class_names=["ground", *CLASSES], normalization=Normalization((0.0,), (255.0,)))
        (MODELS / f"{name}.tflite").write_bytes(content)
        print(name, len(content))


if __name__ == "__main__":
    main()
