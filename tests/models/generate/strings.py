"""String tensors and hash tables."""

from __future__ import annotations

import numpy as np
import tensorflow as tf
from ai_edge_litert import schema_py_generated as schema

from .conversion import convert_module, spec
from .graph_builder import GraphBuilder, Op, TensorType
from .recipe import Recipe


def string_passthrough() -> bytes:
    """Strings [2, 3] reshaped to [3, 2]."""
    graph = GraphBuilder()
    x = graph.tensor("x", [2, 3], TensorType.STRING)
    y = graph.tensor("y", [3, 2], TensorType.STRING)
    shape = graph.constant("shape", np.array([3, 2], np.int32))
    options = schema.ReshapeOptionsT()
    options.newShape = [3, 2]
    graph.operator(Op.RESHAPE, [x, shape], [y], options=options)
    graph.interface([x], [y])
    graph.signature("serving_default", {"x": x}, {"y": y})
    return graph.finish()


def string_gather() -> bytes:
    """Strings [4] picked by int32 indices [3]."""
    graph = GraphBuilder()
    words = graph.tensor("words", [4], TensorType.STRING)
    index = graph.tensor("index", [3], "int32")
    picked = graph.tensor("picked", [3], TensorType.STRING)
    graph.operator(Op.GATHER, [words, index], [picked], options=schema.GatherOptionsT(), version=4)
    graph.interface([words, index], [picked])
    graph.signature("serving_default", {"words": words, "index": index}, {"picked": picked})
    return graph.finish()


def string_equal() -> bytes:
    """Whether two lists of strings are equal, one by one: bool [4]."""
    graph = GraphBuilder()
    left = graph.tensor("left", [4], TensorType.STRING)
    right = graph.tensor("right", [4], TensorType.STRING)
    equal = graph.tensor("equal", [4], "bool")
    graph.operator(Op.EQUAL, [left, right], [equal], options=schema.EqualOptionsT(), version=3)
    graph.interface([left, right], [equal])
    graph.signature("serving_default", {"left": left, "right": right}, {"equal": equal})
    return graph.finish()


class _Table(tf.Module):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__()
        keys = tf.constant(["zero", "one", "two", "zwölf"])
        values = tf.constant([0, 1, 2, 12], tf.int64)
        self.numbers = tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(keys, values), -1)
        self.words = tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(values, keys), "unknown")

    @tf.function(input_signature=[spec("words", [4], tf.string)])
    def to_numbers(self, words: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"numbers": self.numbers.lookup(words)}

    @tf.function(input_signature=[spec("numbers", [4], tf.int64)])
    def to_words(self, numbers: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"words": self.words.lookup(numbers)}


def hashtable() -> bytes:
    module = _Table()
    return convert_module(module, {"serving_default": module.to_numbers}, resource_variables=True)


def hashtable_to_string() -> bytes:
    module = _Table()
    return convert_module(module, {"serving_default": module.to_words}, resource_variables=True)


def recipes() -> list[Recipe]:
    words = ("zero", "one", "two", "zwölf", "other", "")
    return [
        Recipe(
            name="string_passthrough",
            purpose="strings in and out, of any length and content",
            tags=("string",),
            build=string_passthrough,
        ),
        Recipe(
            name="string_gather",
            purpose="strings and int32 in, strings out",
            tags=("string", "int32", "multi_input"),
            build=string_gather,
            input_ranges={"index": (0, 3)},
        ),
        Recipe(
            name="string_equal",
            purpose="strings in, bool out",
            tags=("string", "bool", "multi_input"),
            build=string_equal,
            input_choices={"left": words, "right": words},
        ),
        Recipe(
            name="hashtable",
            purpose="a static table from string to int64",
            tags=("string", "int64", "hashtable"),
            build=hashtable,
            input_choices={"words": words},
        ),
        Recipe(
            name="hashtable_to_string",
            purpose="a static table from int64 to string",
            tags=("string", "int64", "hashtable"),
            build=hashtable_to_string,
            input_ranges={"numbers": (-1, 14)},
        ),
    ]
