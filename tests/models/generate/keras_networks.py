"""Small networks converted from Keras, in every quantization scheme."""

from __future__ import annotations

from functools import partial

import numpy as np
import tensorflow as tf

from .conversion import Scheme, convert_keras
from .recipe import Recipe


def dense_2layer() -> tf.keras.Model:
    """Two dense layers: float32 [batch, 64] to [batch, 10]."""
    features = tf.keras.Input((64,), name="features")
    hidden = tf.keras.layers.Dense(64, activation="relu", name="hidden", bias_initializer="glorot_uniform")
    scores = tf.keras.layers.Dense(10, name="scores", bias_initializer="glorot_uniform")
    return tf.keras.Model(features, scores(hidden(features)), name="dense_2layer")


def small_cnn() -> tf.keras.Model:
    """A digit classifier: float32 [batch, 28, 28, 1] to probabilities [batch, 10]."""
    image = tf.keras.Input((28, 28, 1), name="image")
    x = tf.keras.layers.Conv2D(8, 3, activation="relu", name="conv_1")(image)
    x = tf.keras.layers.MaxPooling2D(name="pool")(x)
    x = tf.keras.layers.Conv2D(16, 3, strides=2, activation="relu", name="conv_2")(x)
    x = tf.keras.layers.Flatten(name="flatten")(x)
    x = tf.keras.layers.Dense(10, activation="softmax", name="probabilities")(x)
    return tf.keras.Model(image, x, name="small_cnn")


def small_mobilenet() -> tf.keras.Model:
    """Depthwise separable blocks with a residual: float32 [batch, 16, 16, 3] to [batch, 5]."""
    image = tf.keras.Input((16, 16, 3), name="image")
    x = _normalized(tf.keras.layers.Conv2D(8, 3, strides=2, padding="same", use_bias=False, name="stem")(image), "stem")
    shortcut = x
    x = _normalized(tf.keras.layers.DepthwiseConv2D(3, padding="same", use_bias=False, name="depthwise")(x), "dw")
    x = tf.keras.layers.Conv2D(8, 1, use_bias=False, name="project")(x)
    x = tf.keras.layers.Add(name="residual")([x, shortcut])
    x = _normalized(tf.keras.layers.DepthwiseConv2D(3, strides=2, padding="same", name="reduce")(x), "reduce")
    x = tf.keras.layers.GlobalAveragePooling2D(name="mean")(x)
    return tf.keras.Model(image, tf.keras.layers.Dense(5, name="logits")(x), name="small_mobilenet")


def _normalized(x: tf.keras.KerasTensor, name: str) -> tf.keras.KerasTensor:
    rng = np.random.default_rng(len(name))
    normalization = tf.keras.layers.BatchNormalization(
        name=f"{name}_normalization",
        gamma_initializer=tf.keras.initializers.RandomUniform(0.2, 2.0, seed=int(rng.integers(1000))),
        moving_mean_initializer=tf.keras.initializers.RandomNormal(0.0, 0.2, seed=int(rng.integers(1000))),
    )
    return tf.keras.layers.ReLU(6.0, name=f"{name}_relu6")(normalization(x))


def recipes() -> list[Recipe]:
    schemes: list[tuple[str, Scheme, str, str, tuple[str, ...]]] = [
        ("", "float32", "float32", "in float32", ("float",)),
        ("_float16", "float16", "float32", "with float16 weights", ("float", "float16_weights")),
        ("_dynamic_range", "dynamic_range", "float32", "with int8 weights", ("float", "dynamic_range")),
        ("_int8", "int8", "int8", "in int8 throughout", ("int8", "quantized")),
        ("_int8_float_io", "int8", "float32", "in int8 with float32 input and output", ("int8", "float")),
        ("_uint8_io", "int8", "uint8", "in int8 with uint8 input and output", ("int8", "uint8", "quantized")),
        ("_int16x8", "int16x8", "float32", "with int16 activations and int8 weights", ("int16x8", "float")),
    ]
    networks = [
        ("dense_2layer", dense_2layer),
        ("small_cnn", small_cnn),
        ("small_mobilenet", small_mobilenet),
    ]
    return [
        Recipe(
            name=f"{name}{suffix}",
            purpose=f"{(network.__doc__ or '').split(':')[0]}, {text}; the batch is resizable",
            tags=("keras", "resizable", name, *tags, *(("image",) if name != "dense_2layer" else ())),
            build=partial(convert_keras, network, scheme=scheme, interface=interface),
        )
        for name, network in networks
        for suffix, scheme, interface, text, tags in schemes
        # The converter leaves weights of fewer than 1,024 elements alone in a dynamic-range model.
        if (name, suffix) != ("small_mobilenet", "_dynamic_range")
    ]
