"""A folder of images in, a table out: a small residual network for 32 x 32 colour images, pruned, in four forms.

Usage: python examples/pruned_resnet.py [FOLDER [REPORT.html]]

FOLDER has one folder of images for each class, as CIFAR-10 has when it is unpacked. Without one, a folder of drawn
shapes is made. Every third image is held out. Half of the weights, those nearest to zero, are pruned after the first
epochs and stay zero in the others, so that files compress better. Prints the comparison and the compressed sizes:

    50 % of the kernels' weights are zero
    | model | runtime | accuracy | p50 / µs | p95 / µs | items/s | KiB |
    | --- | --- | ---: | ---: | ---: | ---: | ---: |
    | dense | zerolite | 100.00 % | 33.9 | 50.5 | 10,532 | 82.8 |
    | pruned | zerolite | 100.00 % | 32.3 | 45.0 | 10,677 | 82.8 |
    | pruned-dynamic | zerolite | 100.00 % | 30.1 | 48.7 | 10,897 | 30.0 |
    | pruned-int8 | zerolite | 100.00 % | 49.1 | 73.2 | 8,089 | 29.9 |
"""

import os
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

import zerolite as zl

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
SPARSITY = 0.5


def draw_shapes(folder: Path, per_class: int) -> Path:
    """Circles, squares and triangles of random places and colours."""
    rng = np.random.default_rng(0)
    for shape in ("circle", "square", "triangle"):
        (folder / shape).mkdir(parents=True)
        for index in range(per_class):
            picture = Image.fromarray(rng.integers(0, 100, (32, 32, 3), dtype=np.uint8))
            draw = ImageDraw.Draw(picture)
            size = int(rng.integers(14, 22))
            left, top = (int(value) for value in rng.integers(1, 31 - size, 2))
            color = tuple(int(value) for value in rng.integers(120, 256, 3))
            box = (left, top, left + size, top + size)
            if shape == "circle":
                draw.ellipse(box, fill=color)
            elif shape == "square":
                draw.rectangle(box, fill=color)
            else:
                draw.polygon([(left, top + size), (left + size / 2, top), (left + size, top + size)], fill=color)
            picture.save(folder / shape / f"{index:03}.png")
    return folder


def residual_network(classes: int) -> Any:
    """Two stages of one residual block each."""
    import tensorflow as tf

    layers = tf.keras.layers
    inputs = tf.keras.Input((32, 32, 3))
    x = layers.Conv2D(16, 3, strides=2, padding="same", activation="relu")(inputs)
    for filters in (16, 32):
        shortcut = layers.Conv2D(filters, 1, strides=2)(x)
        y = layers.Conv2D(filters, 3, strides=2, padding="same", activation="relu")(x)
        y = layers.Conv2D(filters, 3, padding="same")(y)
        x = layers.ReLU()(layers.Add()([shortcut, y]))
    x = layers.GlobalAveragePooling2D()(x)
    return tf.keras.Model(inputs, layers.Dense(classes, activation="softmax")(x))


def prune(network: Any) -> dict[str, np.ndarray]:
    """Set the smallest weights of every kernel to zero; return which ones stay."""
    kept = {}
    for weights in network.trainable_weights:
        if weights.name == "kernel":
            values = weights.numpy()
            kept[weights.path] = np.abs(values) > np.quantile(np.abs(values), SPARSITY)
            weights.assign(values * kept[weights.path])
    return kept


def keep_pruned(network: Any, kept: dict[str, np.ndarray]) -> Any:
    import tensorflow as tf

    def zero(*_: Any, **__: Any) -> None:
        for weights in network.trainable_weights:
            if weights.path in kept:
                weights.assign(weights.numpy() * kept[weights.path])

    return tf.keras.callbacks.LambdaCallback(on_train_batch_end=zero)


def compressed_size(path: Path) -> int:
    with tempfile.TemporaryFile() as file:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.write(path, path.name)
        return file.tell()


def main() -> None:
    import tensorflow as tf

    work = Path(tempfile.mkdtemp())
    images = Path(sys.argv[1]) if len(sys.argv) > 1 else draw_shapes(work / "images", per_class=90)
    folder = zl.vision.ImageFolder.by_class(images)
    x = np.concatenate([zl.vision.load_image(file, size=(32, 32), preprocessing="unit") for file in folder.files])
    y = np.array(folder.labels)
    held_out = np.arange(len(x)) % 3 == 0
    train_x, train_y = x[~held_out], y[~held_out]

    tf.keras.utils.set_random_seed(0)
    network = residual_network(len(folder.class_names))
    network.compile(optimizer=tf.keras.optimizers.Adam(3e-3), loss="sparse_categorical_crossentropy")
    network.fit(train_x, train_y, batch_size=16, epochs=20, verbose=0)
    zl.convert(network, work / "dense.tflite")
    kept = prune(network)
    network.fit(train_x, train_y, batch_size=16, epochs=6, verbose=0, callbacks=[keep_pruned(network, kept)])
    zeros = 1 - np.concatenate([mask.ravel() for mask in kept.values()]).mean()
    print(f"{100 * zeros:.0f} % of the kernels' weights are zero")

    zl.convert(network, work / "pruned.tflite")
    zl.convert(network, work / "pruned-dynamic.tflite", quantize="dynamic")
    zl.convert(network, work / "pruned-int8.tflite", quantize="int8", representative_data=train_x[::3])
    files = {path: work / f"{path}.tflite" for path in ("dense", "pruned", "pruned-dynamic", "pruned-int8")}
    comparison = zl.compare(files, x[held_out], y[held_out], class_names=folder.class_names)
    print(comparison.to_markdown(), end="")
    for name, path in files.items():
        print(f"{name}: {compressed_size(path) / 1024:.1f} KiB compressed")
    if len(sys.argv) > 2:
        comparison.save(sys.argv[2], title="A pruned residual network")


if __name__ == "__main__":
    main()
