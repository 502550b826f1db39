"""The models that are too large for the repository: Keras networks with random weights, converted once and kept."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from benchmarks.settings import ROOT, Settings

__all__ = ["DENSE", "FIXED_BATCH", "keras_path", "model_path"]

#: Two dense layers, float32 (n, 64) to (n, 10).
DENSE = ROOT / "tests" / "models" / "dense_2layer.tflite"
#: A matrix product for two items at a time, float32 (2, 4, 4) to (2, 3); a reshape to constant sizes fixes the 2.
FIXED_BATCH = ROOT / "tests" / "models" / "fixed_batch.tflite"

_SEED = 20240229
_MOBILENET_SHAPE = (224, 224, 3)


def model_path(name: str, settings: Settings) -> Path:
    """A model by name, made first if it is not there: a key of `_RECIPES`.

    TensorFlow converts in a process of its own, so that it does not lie in this one's memory.
    """
    return _made(name, settings.build / "bench-models" / f"{name}.tflite")


def keras_path(name: str, settings: Settings) -> Path:
    """The Keras file of a model by name, made first if it is not there: a key of `_RECIPES`."""
    return _made(name, settings.build / "bench-models" / f"{name}.keras")


def _made(name: str, path: Path) -> Path:
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "benchmarks.models", name, str(path)]
        made = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        if made.returncode != 0:
            raise RuntimeError(f"the model {name} could not be made: {made.stderr.strip().splitlines()[-1:]}")
    return path


def _small_cnn(keras: Any) -> Any:
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((28, 28, 1), name="image"),
            layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(64, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(128, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ],
        name="small_cnn",
    )


def _digits_cnn(keras: Any) -> Any:
    # The demonstration's own network, so that both speak of the same.
    from zerolite.demo.train import _network

    return _network(keras)


def _mobilenet_v2(keras: Any) -> Any:
    return keras.applications.MobileNetV2(weights=None, input_shape=_MOBILENET_SHAPE)


def _resnet50(keras: Any) -> Any:
    return keras.applications.ResNet50(weights=None, input_shape=_MOBILENET_SHAPE)


_RECIPES: dict[str, tuple[Callable[[Any], Any], str]] = {
    "small_cnn": (_small_cnn, "none"),
    "digits_cnn": (_digits_cnn, "none"),
    "mobilenet_v2": (_mobilenet_v2, "none"),
    "mobilenet_v2_int8": (_mobilenet_v2, "int8"),
    "mobilenet_v2_dynamic_range": (_mobilenet_v2, "dynamic"),
    "resnet50": (_resnet50, "none"),
}


def _make(name: str, path: Path) -> None:
    import numpy as np

    from zerolite._platform.output_capture import import_tensorflow
    from zerolite.conversion import Quantize, convert

    import_tensorflow()
    import tensorflow as tf

    build, quantize = _RECIPES[name]
    tf.keras.utils.set_random_seed(_SEED)
    if path.suffix == ".keras":
        build(tf.keras).save(path)
        return
    rng = np.random.default_rng(_SEED)
    samples = rng.standard_normal((8, *_MOBILENET_SHAPE), dtype=np.float32) if quantize == "int8" else None
    convert(build(tf.keras), path, quantize=cast("Quantize", quantize), representative_data=samples, verify=False)


if __name__ == "__main__":
    _make(sys.argv[1], Path(sys.argv[2]))
