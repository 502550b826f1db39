"""Transfer learning to int8: features learned on some digits read others, and the result becomes integers.

Usage: python examples/transfer_to_int8.py [FOLDER]

A small network learns the digits 0 to 4. Its features are frozen, a new last layer learns the digits 5 to 9 from two
hundred images, and the whole is converted to float32 and to int8. Prints the comparison on the other images of 5 to 9,
where accuracies and sizes are like these, and latencies are the machine's own:

    | model | runtime | accuracy | p50 / µs | p95 / µs | items/s | KiB |
    | --- | --- | ---: | ---: | ---: | ---: | ---: |
    | float32 | zerolite | 92.96 % | 6.4 | 7.8 | 116,723 | 32.8 |
    | int8 | zerolite | 92.96 % | 10.4 | 12.7 | 40,867 | 13.0 |
"""

import os
import sys
import tempfile
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

import zerolite as zl

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def main() -> None:
    import tensorflow as tf

    folder = Path(sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp())
    tf.keras.utils.set_random_seed(0)
    layers = tf.keras.layers
    digits = load_digits()
    images, labels = (digits.images / 16).astype(np.float32)[..., np.newaxis], digits.target
    known, new = labels < 5, labels >= 5

    features = tf.keras.Sequential(
        [
            tf.keras.Input((8, 8, 1)),
            layers.Conv2D(16, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(32, 3, padding="same", activation="relu"),
            layers.Flatten(),
        ]
    )
    teacher = tf.keras.Sequential([features, layers.Dense(5, activation="softmax")])
    teacher.compile(optimizer=tf.keras.optimizers.Adam(2e-3), loss="sparse_categorical_crossentropy")
    teacher.fit(images[known], labels[known], batch_size=32, epochs=15, verbose=0)

    features.trainable = False
    student = tf.keras.Sequential([features, layers.Dense(5, activation="softmax")])
    student.compile(optimizer=tf.keras.optimizers.Adam(5e-3), loss="sparse_categorical_crossentropy")
    few, rest = np.split(np.flatnonzero(new), [200])
    student.fit(images[few], labels[few] - 5, batch_size=20, epochs=40, verbose=0)

    zl.convert(student, folder / "float32.tflite")
    zl.convert(student, folder / "int8.tflite", quantize="int8", representative_data=images[few])
    comparison = zl.compare(
        {name: folder / f"{name}.tflite" for name in ("float32", "int8")},
        images[rest],
        labels[rest] - 5,
        class_names=["5", "6", "7", "8", "9"],
    )
    print(comparison.to_markdown(), end="")


if __name__ == "__main__":
    main()
