"""Small networks of Keras, each built as a well-known one is, with random weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["KERAS_NETWORKS"]

_CLASSES = 10


def _residual(keras: Any, x: Any, width: int, stride: int) -> Any:
    layers = keras.layers
    short = x if stride == 1 and x.shape[-1] == width else layers.Conv2D(width, 1, strides=stride, use_bias=False)(x)
    x = layers.Conv2D(width, 3, strides=stride, padding="same", use_bias=False)(x)
    x = layers.ReLU()(layers.BatchNormalization()(x))
    x = layers.BatchNormalization()(layers.Conv2D(width, 3, padding="same", use_bias=False)(x))
    return layers.ReLU()(layers.Add()([x, short]))


def _resnet18(keras: Any) -> Any:
    image = keras.Input((32, 32, 3))
    x = keras.layers.MaxPooling2D(3, 2, "same")(keras.layers.Conv2D(16, 7, strides=2, padding="same")(image))
    for place, width in enumerate((16, 32, 64, 128)):
        x = _residual(keras, _residual(keras, x, width, 1 if place == 0 else 2), width, 1)
    return keras.Model(image, _head(keras, x))


def _squeeze_and_excite(keras: Any, x: Any, gate: str) -> Any:
    width = x.shape[-1]
    scale = keras.layers.GlobalAveragePooling2D(keepdims=True)(x)
    scale = keras.layers.Conv2D(max(1, width // 4), 1, activation="relu")(scale)
    return keras.layers.Multiply()([x, keras.layers.Conv2D(width, 1, activation=gate)(scale)])


def _inverted(keras: Any, x: Any, width: int, *, stride: int, activation: str, gate: str) -> Any:
    layers = keras.layers
    short, wide = x, 4 * x.shape[-1]
    x = layers.Activation(activation)(layers.BatchNormalization()(layers.Conv2D(wide, 1, use_bias=False)(x)))
    x = layers.DepthwiseConv2D(5, strides=stride, padding="same", use_bias=False)(x)
    x = _squeeze_and_excite(keras, layers.Activation(activation)(layers.BatchNormalization()(x)), gate)
    x = layers.BatchNormalization()(layers.Conv2D(width, 1, use_bias=False)(x))
    return layers.Add()([x, short]) if short.shape == x.shape else x


def _mobile(keras: Any, activation: str, gate: str) -> Any:
    image = keras.Input((32, 32, 3))
    x = keras.layers.Conv2D(8, 3, strides=2, padding="same", activation=activation)(image)
    for width, stride in ((8, 1), (16, 2), (16, 1), (24, 2)):
        x = _inverted(keras, x, width, stride=stride, activation=activation, gate=gate)
    return keras.Model(image, _head(keras, x))


def _attention(keras: Any, x: Any, width: int) -> Any:
    layers = keras.layers
    inner = layers.LayerNormalization(epsilon=1e-6)(x)
    x = layers.Add()([x, layers.MultiHeadAttention(2, width // 2)(inner, inner)])
    inner = layers.Dense(2 * width, activation="gelu")(layers.LayerNormalization(epsilon=1e-6)(x))
    return layers.Add()([x, layers.Dense(width)(inner)])


def _vision_transformer(keras: Any) -> Any:
    image = keras.Input((32, 32, 3))
    x = keras.layers.Reshape((16, 32))(keras.layers.Conv2D(32, 8, strides=8)(image))
    x = _attention(keras, _attention(keras, x, 32), 32)
    return keras.Model(image, keras.layers.Dense(_CLASSES)(keras.layers.GlobalAveragePooling1D()(x)))


def _encoder(keras: Any) -> Any:
    words = keras.Input((12,), dtype="int32")
    x = _attention(keras, keras.layers.Embedding(50, 32)(words), 32)
    return keras.Model(words, keras.layers.Dense(_CLASSES)(keras.layers.GlobalAveragePooling1D()(x)))


def _one_dimensional(keras: Any) -> Any:
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((64, 4)),
            layers.Conv1D(16, 5, padding="causal", activation="relu"),
            layers.MaxPooling1D(2),
            layers.Conv1D(32, 3, dilation_rate=2, activation="relu"),
            layers.GlobalMaxPooling1D(),
            layers.Dense(_CLASSES),
        ]
    )


def _lstm(keras: Any) -> Any:
    layers = keras.layers
    first = layers.LSTM(16, return_sequences=True)
    return keras.Sequential([keras.Input((10, 8), batch_size=1), first, layers.LSTM(16), layers.Dense(_CLASSES)])


def _head(keras: Any, x: Any) -> Any:
    return keras.layers.Dense(_CLASSES)(keras.layers.GlobalAveragePooling2D()(x))


#: By the network that each is like.
KERAS_NETWORKS: dict[str, Callable[[Any], Any]] = {
    "ResNet18": _resnet18,
    "MobileNetV3": lambda keras: _mobile(keras, "hard_swish", "hard_sigmoid"),
    "EfficientNet": lambda keras: _mobile(keras, "silu", "sigmoid"),
    "ViT-tiny": _vision_transformer,
    "1-D convolution": _one_dimensional,
    "LSTM": _lstm,
    "encoder": _encoder,
}
