"""Shapes that are only known while the model runs, and control flow."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from .conversion import convert_function, spec
from .recipe import Recipe


def where() -> bytes:
    """Indices of the positive elements: [6] to [count, 1]."""
    return convert_function(lambda x: {"indices": tf.where(x > 0.0)}, spec("x", [6]))


def unique() -> bytes:
    """Distinct values and where each element is among them."""

    def function(x: tf.Tensor) -> dict[str, tf.Tensor]:
        values, index = tf.unique(x)
        return {"values": values, "index": index}

    return convert_function(function, spec("x", [8], tf.int32))


def boolean_mask() -> bytes:
    """The rows of `x` for which `keep` is set."""
    return convert_function(
        lambda x, keep: {"rows": tf.boolean_mask(x, keep)},
        spec("x", [None, 3]),
        spec("keep", [None], tf.bool),
    )


def runtime_range() -> bytes:
    """The integers below `limit`."""
    return convert_function(lambda limit: {"numbers": tf.range(limit)}, spec("limit", [], tf.int32))


def runtime_reshape() -> bytes:
    """The 12 elements in a number of rows that is an input."""
    return convert_function(
        lambda x, rows: {"y": tf.reshape(x, tf.stack([rows, -1]))},
        spec("x", [2, 6]),
        spec("rows", [], tf.int32),
    )


def dynamic_intermediate() -> bytes:
    """Number and sum of the positive elements: the shapes between are dynamic, the outputs' are not."""

    def function(x: tf.Tensor) -> dict[str, tf.Tensor]:
        positive = tf.boolean_mask(x, x > 0.0)
        return {"count": tf.size(positive), "sum": tf.reduce_sum(positive * 2.0)}

    return convert_function(function, spec("x", [16]))


def dynamic_after_dense() -> bytes:
    """A dense layer that can be delegated, followed by a shape that is only known at run time."""

    def function(x: tf.Tensor) -> dict[str, tf.Tensor]:
        weights = np.random.default_rng(2).standard_normal((8, 6)).astype(np.float32)
        scores = tf.nn.relu(tf.matmul(x, weights))
        return {"scores": scores, "above": tf.where(scores > 1.0)}

    return convert_function(function, spec("x", [None, 8]))


def conditional() -> bytes:
    """Doubles where the sum is positive, subtracts one otherwise."""

    def function(x: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"y": tf.cond(tf.reduce_sum(x) > 0.0, lambda: x * 2.0, lambda: tf.exp(x) - 1.0)}

    return convert_function(function, spec("x", [4]))


def conditional_dynamic() -> bytes:
    """The branches return different shapes: [4] or [8]."""

    def function(x: tf.Tensor, twice: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"y": tf.cond(twice, lambda: tf.concat([x, x], 0), lambda: tf.negative(x))}

    return convert_function(function, spec("x", [4]), spec("twice", [], tf.bool))


def while_loop() -> bytes:
    """Multiplies by a matrix `count` times."""

    def function(x: tf.Tensor, count: tf.Tensor) -> dict[str, tf.Tensor]:
        weights = tf.constant([[0.5, 0.25], [-0.25, 0.5]])
        _, y = tf.while_loop(
            lambda step, _: step < count,
            lambda step, y: (step + 1, tf.matmul(y, weights)),
            (tf.constant(0), x),
        )
        return {"y": y}

    return convert_function(function, spec("x", [3, 2]), spec("count", [], tf.int32))


def growing_loop() -> bytes:
    """Appends the step's number `count` times: the loop's state grows."""

    def function(count: tf.Tensor) -> dict[str, tf.Tensor]:
        _, numbers = tf.while_loop(
            lambda step, _: step < count,
            lambda step, numbers: (step + 1, tf.concat([numbers, [tf.cast(step, tf.float32)]], 0)),
            (tf.constant(0), tf.zeros([1])),
            shape_invariants=(tf.TensorShape([]), tf.TensorShape([None])),
        )
        return {"numbers": numbers}

    return convert_function(function, spec("count", [], tf.int32))


def recipes() -> list[Recipe]:
    dynamic, flow = ("dynamic_shape",), ("control_flow",)
    return [
        Recipe(name="where", purpose="output as long as there are hits", tags=dynamic, build=where),
        Recipe(
            name="unique",
            purpose="one output of dynamic length, one of static length",
            tags=(*dynamic, "int32", "multi_output"),
            build=unique,
            input_ranges={"x": (0, 4)},
        ),
        Recipe(
            name="boolean_mask",
            purpose="float and bool inputs of a dynamic batch, dynamic output",
            tags=(*dynamic, "bool", "resizable", "multi_input"),
            build=boolean_mask,
        ),
        Recipe(
            name="runtime_range",
            purpose="output length is the input's value",
            tags=(*dynamic, "int32", "rank_0"),
            build=runtime_range,
            input_ranges={"limit": (0, 50)},
        ),
        Recipe(
            name="runtime_reshape",
            purpose="an input is the number of rows; one that does not divide 12 makes the run fail",
            tags=(*dynamic, "fails_on_some_inputs", "multi_input"),
            build=runtime_reshape,
            input_ranges={"rows": (1, 4)},
        ),
        Recipe(
            name="dynamic_intermediate",
            purpose="dynamic tensors inside, static outputs",
            tags=("dynamic_intermediate", "multi_output"),
            build=dynamic_intermediate,
        ),
        Recipe(
            name="dynamic_after_dense",
            purpose="a delegated part followed by a dynamic output",
            tags=(*dynamic, "float", "resizable", "mixed_delegation", "multi_output"),
            build=dynamic_after_dense,
        ),
        Recipe(
            name="conditional",
            purpose="IF with branches of one shape",
            tags=(*flow, "float"),
            build=conditional,
        ),
        Recipe(
            name="conditional_dynamic",
            purpose="IF whose branches return different shapes",
            tags=(*flow, *dynamic, "bool", "multi_input"),
            build=conditional_dynamic,
        ),
        Recipe(
            name="while_loop",
            purpose="WHILE with a state of fixed shape",
            tags=(*flow, "float", "multi_input"),
            build=while_loop,
            input_ranges={"count": (0, 20)},
        ),
        Recipe(
            name="growing_loop",
            purpose="WHILE with a state that grows",
            tags=(*flow, *dynamic, "rank_0"),
            build=growing_loop,
            input_ranges={"count": (0, 20)},
        ),
    ]
