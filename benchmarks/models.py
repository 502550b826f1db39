"""The models that are too large for the repository: Keras networks with random weights, converted once and kept."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from benchmarks.settings import ROOT, Settings

__all__ = ["DENSE", "FIXED_BATCH", "keras_path", "model_path"]

#: Two dense layers, float32 (n, 64) to (n, 10).
DENSE = ROOT / "tests" / "models" / "dense_2layer.tflite"
#: A matrix product for two items at a time, float32 (2, 4, 4) to (2, 3); a reshape to constant sizes fixes the 2.
FIXED_BATCH = ROOT / "tests" / "models" / "fixed_batch.tflite"

_SEED = 20240229
_MOBILENET_SHAPE = (224, 224, 3)


def model_path(name: str, settings: Settings) -> Path:
    """A model by name, made first if it is not there: a key of `_NETWORKS`, and how it is quantized.

    TensorFlow converts in a process of its own, so that it does not lie in this one's memory.
    """
    return _made(name, settings.build / "bench-models" / f"{name}.tflite")


def keras_path(name: str, settings: Settings) -> Path:
    """The Keras file of a model by name, made first if it is not there: a key of `_NETWORKS`."""
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


def _mobilenet_v3(keras: Any) -> Any:
    return keras.applications.MobileNetV3Large(weights=None, input_shape=_MOBILENET_SHAPE)


def _efficientnet_b0(keras: Any) -> Any:
    return keras.applications.EfficientNetB0(weights=None, input_shape=_MOBILENET_SHAPE)


def _detector(keras: Any) -> Any:
    """Boxes and scores of anchors on six grids over MobileNetV2, as SSD has them; 320 by 320 pixels, 90 classes."""
    layers = keras.layers
    backbone = keras.applications.MobileNetV2(weights=None, include_top=False, input_shape=(320, 320, 3))
    features = [backbone.get_layer("block_13_expand_relu").output, backbone.output]
    for filters in (512, 256, 256, 128):
        x = layers.Conv2D(filters // 2, 1, activation="relu6")(features[-1])
        x = layers.DepthwiseConv2D(3, strides=2, padding="same", activation="relu6")(x)
        features.append(layers.Conv2D(filters, 1, activation="relu6")(x))
    boxes: list[Any] = []
    scores: list[Any] = []
    for feature in features:
        for answers, values in ((boxes, 4), (scores, 91)):
            x = layers.DepthwiseConv2D(3, padding="same", activation="relu6")(feature)
            answers.append(layers.Reshape((-1, values))(layers.Conv2D(6 * values, 1)(x)))
    outputs = [layers.Concatenate(1)(boxes), layers.Activation("sigmoid")(layers.Concatenate(1)(scores))]
    return keras.Model(backbone.input, outputs)


_TOKENS, _VOCABULARY = 128, 30522


def _encoder(keras: Any) -> Any:
    """Four blocks of attention as BERT has them, 256 wide, over 128 tokens."""
    layers, width = keras.layers, 256
    tokens = keras.Input((_TOKENS,), batch_size=1, dtype="int32", name="tokens")
    x = layers.Embedding(_VOCABULARY, width)(tokens)
    for _ in range(4):
        x = layers.LayerNormalization()(x + layers.MultiHeadAttention(4, width // 4)(x, x))
        x = layers.LayerNormalization()(x + layers.Dense(width)(layers.Dense(4 * width, activation="gelu")(x)))
    return keras.Model(tokens, layers.Dense(2)(x[:, 0]))


def _lstm(keras: Any) -> Any:
    layers = keras.layers
    steps = keras.Input((50, 32), batch_size=1, name="steps")
    return keras.Model(steps, layers.Dense(10)(layers.LSTM(128)(layers.LSTM(128, return_sequences=True)(steps))))


_NETWORKS: dict[str, Callable[[Any], Any]] = {
    "small_cnn": _small_cnn,
    "digits_cnn": _digits_cnn,
    "mobilenet_v2": _mobilenet_v2,
    "mobilenet_v3": _mobilenet_v3,
    "efficientnet_b0": _efficientnet_b0,
    "resnet50": _resnet50,
    "detector": _detector,
    "encoder": _encoder,
    "lstm": _lstm,
}
_QUANTIZED = {"_int8": "int8", "_dynamic_range": "dynamic"}


def _recipe(name: str) -> tuple[Callable[[Any], Any], str]:
    for ending, quantize in _QUANTIZED.items():
        if name.endswith(ending):
            return _NETWORKS[name.removesuffix(ending)], quantize
    return _NETWORKS[name], "none"


def _samples(model: Any) -> NDArray[Any]:
    rng = np.random.default_rng(_SEED)
    shape = (8, *model.inputs[0].shape[1:])
    if model.inputs[0].dtype == "int32":
        return rng.integers(0, _VOCABULARY, shape, np.int32)
    return rng.standard_normal(shape, dtype=np.float32)


def _make(name: str, path: Path) -> None:
    from zerolite._platform.output_capture import import_tensorflow
    from zerolite.conversion import Quantize, convert

    import_tensorflow()
    import tensorflow as tf

    build, quantize = _recipe(name)
    tf.keras.utils.set_random_seed(_SEED)
    if path.suffix == ".keras":
        build(tf.keras).save(path)
        return
    model = build(tf.keras)
    samples = _samples(model) if quantize == "int8" else None
    convert(model, path, quantize=cast("Quantize", quantize), representative_data=samples, verify=False)


if __name__ == "__main__":
    _make(sys.argv[1], Path(sys.argv[2]))
