"""Several inputs and outputs, several signatures or none, outputs that are inputs or constants."""

from __future__ import annotations

import numpy as np
import tensorflow as tf
from ai_edge_litert import schema_py_generated as schema

from .conversion import convert_function, convert_keras, convert_module, spec
from .graph_builder import GraphBuilder, Op, without_signatures
from .keras_networks import dense_2layer
from .recipe import Recipe


def fixed_batch() -> bytes:
    """A batch of 2 that a constant reshape makes impossible to change."""

    def function(x: tf.Tensor) -> tf.Tensor:
        weights = tf.constant(np.linspace(-1, 1, 48, dtype=np.float32).reshape(16, 3))
        return tf.matmul(tf.reshape(x, [2, 16]), weights)

    return convert_function(function, spec("x", [2, 4, 4]))


def two_inputs_three_outputs() -> bytes:
    def function(left: tf.Tensor, right: tf.Tensor) -> dict[str, tf.Tensor]:
        return {
            "sum": left + right,
            "difference": left - right,
            "product": tf.matmul(left, right, transpose_b=True),
        }

    return convert_function(function, spec("left", [None, 4]), spec("right", [None, 4]))


class _SharedWeights(tf.Module):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__()
        self.weights = tf.Variable(np.linspace(-1, 1, 12, dtype=np.float32).reshape(4, 3))

    @tf.function(input_signature=[spec("x", [None, 4])])
    def encode(self, x: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"code": tf.matmul(x, self.weights)}

    @tf.function(input_signature=[spec("code", [None, 3]), spec("gain", [])])
    def decode(self, code: tf.Tensor, gain: tf.Tensor) -> dict[str, tf.Tensor]:
        decoded = gain * tf.matmul(code, self.weights, transpose_b=True)
        return {"decoded": decoded, "norm": tf.sqrt(tf.reduce_sum(decoded * decoded, axis=1))}

    @tf.function(input_signature=[spec("x", [None, 4]), spec("y", [None, 4]), spec("z", [None, 4])])
    def mean(self, x: tf.Tensor, y: tf.Tensor, z: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"mean": (x + y + z) / 3.0}


def multi_signature() -> bytes:
    module = _SharedWeights()
    return convert_module(module, {"encode": module.encode, "decode": module.decode, "mean": module.mean})


def multi_signature_with_default() -> bytes:
    module = _SharedWeights()
    return convert_module(module, {"serving_default": module.encode, "mean": module.mean})


def two_signatures_one_subgraph() -> bytes:
    """Two signatures of one subgraph that name its tensors differently."""
    graph = GraphBuilder()
    x, y, z = graph.tensor("x", [1, 4]), graph.tensor("y", [1, 4]), graph.tensor("z", [1, 4])
    graph.operator(Op.ADD, [x, y], [z], options=schema.AddOptionsT())
    graph.interface([x, y], [z])
    graph.signature("first", {"x": x, "y": y}, {"z": z})
    graph.signature("second", {"left": y, "right": x}, {"sum": z})
    return graph.finish()


def signature_order_differs() -> bytes:
    """A signature that lists inputs and outputs in another order than the subgraph."""
    graph = GraphBuilder()
    a, b = graph.tensor("tensor_a", [1, 4]), graph.tensor("tensor_b", [1, 2])
    first, second = graph.tensor("exp_a", [1, 4]), graph.tensor("neg_b", [1, 2])
    graph.operator(Op.EXP, [a], [first], options=schema.ExpOptionsT())
    graph.operator(Op.NEG, [b], [second], options=schema.NegOptionsT())
    graph.interface([a, b], [first, second])
    graph.signature("serving_default", {"b": b, "a": a}, {"negative": second, "exponential": first})
    return graph.finish()


def passthrough() -> bytes:
    """An output that is the input's own tensor, beside a computed one."""
    graph = GraphBuilder()
    x, y = graph.tensor("x", [2, 3]), graph.tensor("y", [2, 3])
    graph.operator(Op.NEG, [x], [y], options=schema.NegOptionsT())
    graph.interface([x], [x, y])
    graph.signature("serving_default", {"x": x}, {"same": x, "negative": y})
    return graph.finish()


def passthrough_only() -> bytes:
    """A graph without operators, whose output is its input."""
    graph = GraphBuilder()
    x = graph.tensor("x", [2, 3])
    graph.interface([x], [x])
    graph.signature("serving_default", {"x": x}, {"same": x})
    return graph.finish()


def same_output_twice() -> bytes:
    graph = GraphBuilder()
    x, y = graph.tensor("x", [2, 3]), graph.tensor("y", [2, 3])
    graph.operator(Op.EXP, [x], [y], options=schema.ExpOptionsT())
    graph.interface([x], [y, y])
    graph.signature("serving_default", {"x": x}, {"first": y, "second": y})
    return graph.finish()


def constant_output() -> bytes:
    """A computed output and one that is a constant of the file."""
    graph = GraphBuilder()
    x, y = graph.tensor("x", [2, 3]), graph.tensor("y", [2, 3])
    constant = graph.constant("constant", np.arange(4, dtype=np.float32))
    graph.operator(Op.ABS, [x], [y], options=schema.AbsOptionsT())
    graph.interface([x], [y, constant])
    graph.signature("serving_default", {"x": x}, {"absolute": y, "constant": constant})
    return graph.finish()


def no_inputs() -> bytes:
    """An output that is computed from constants alone."""
    graph = GraphBuilder()
    start = graph.constant("start", np.array([1.0, 2.0, 4.0], np.float32))
    y = graph.tensor("y", [3])
    graph.operator(Op.NEG, [start], [y], options=schema.NegOptionsT())
    graph.interface([], [y])
    graph.signature("serving_default", {}, {"y": y})
    return graph.finish()


def rank_0() -> bytes:
    """Scalars in and out."""

    def function(x: tf.Tensor, y: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"product": x * y, "sum": x + y}

    return convert_function(function, spec("x", []), spec("y", []))


def zero_size() -> bytes:
    """A dimension of 0 in the input and in one output: [0, 3] in, [0, 3] and [3] out."""
    graph = GraphBuilder()
    x, y, total = graph.tensor("x", [0, 3]), graph.tensor("y", [0, 3]), graph.tensor("total", [3])
    axis = graph.constant("axis", np.array([0], np.int32))
    graph.operator(Op.NEG, [x], [y], options=schema.NegOptionsT())
    graph.operator(Op.SUM, [x, axis], [total], options=schema.ReducerOptionsT())
    graph.interface([x], [y, total])
    graph.signature("serving_default", {"x": x}, {"negative": y, "total": total})
    return graph.finish()


def unused_input() -> bytes:
    """An input that no operator reads."""
    graph = GraphBuilder()
    x, unused, y = graph.tensor("x", [2, 3]), graph.tensor("unused", [5]), graph.tensor("y", [2, 3])
    graph.operator(Op.EXP, [x], [y], options=schema.ExpOptionsT())
    graph.interface([x, unused], [y])
    graph.signature("serving_default", {"x": x, "unused": unused}, {"y": y})
    return graph.finish()


def rank_9() -> bytes:
    """Tensors of rank 9, more than most kernels take."""
    graph = GraphBuilder()
    shape = [1, 2, 1, 2, 1, 2, 1, 2, 3]
    x, y = graph.tensor("x", shape), graph.tensor("y", shape)
    graph.operator(Op.NEG, [x], [y], options=schema.NegOptionsT())
    graph.interface([x], [y])
    graph.signature("serving_default", {"x": x}, {"y": y})
    return graph.finish()


def many_inputs() -> bytes:
    """Twenty inputs and twenty outputs."""
    graph = GraphBuilder()
    inputs = [graph.tensor(f"x_{index}", [1, index + 1]) for index in range(20)]
    outputs = [graph.tensor(f"y_{index}", [1, index + 1]) for index in range(20)]
    for x, y in zip(inputs, outputs, strict=True):
        graph.operator(Op.NEG, [x], [y], options=schema.NegOptionsT())
    graph.interface(inputs, outputs)
    graph.signature(
        "serving_default",
        {f"x_{index}": x for index, x in enumerate(inputs)},
        {f"y_{index}": y for index, y in enumerate(outputs)},
    )
    return graph.finish()


def recipes() -> list[Recipe]:
    return [
        Recipe(
            name="fixed_batch",
            purpose="the batch of 2 can't be resized: a reshape to constant sizes follows",
            tags=("float", "fixed_batch"),
            build=fixed_batch,
        ),
        Recipe(
            name="two_inputs_three_outputs",
            purpose="named inputs and outputs, both batches to be resized together",
            tags=("float", "resizable", "multi_input", "multi_output"),
            build=two_inputs_three_outputs,
        ),
        Recipe(
            name="multi_signature",
            purpose="three signatures with 1, 2 and 3 inputs, sharing weights, none called serving_default",
            tags=("float", "resizable", "multi_signature", "multi_input", "multi_output"),
            build=multi_signature,
        ),
        Recipe(
            name="multi_signature_with_default",
            purpose="two signatures, one of them serving_default",
            tags=("float", "resizable", "multi_signature"),
            build=multi_signature_with_default,
        ),
        Recipe(
            name="two_signatures_one_subgraph",
            purpose="two signatures over the same subgraph, with other names and another order",
            tags=("float", "multi_signature", "multi_input"),
            build=two_signatures_one_subgraph,
        ),
        Recipe(
            name="signature_order_differs",
            purpose="inputs and outputs of the signature in another order than those of the subgraph",
            tags=("float", "multi_input", "multi_output", "signature_order"),
            build=signature_order_differs,
        ),
        Recipe(
            name="no_signature",
            purpose="dense_2layer with its signature removed: names are those of the tensors",
            tags=("float", "resizable", "no_signature"),
            build=lambda: without_signatures(convert_keras(dense_2layer)),
        ),
        Recipe(
            name="no_signature_two_inputs",
            purpose="two inputs and three outputs without a signature",
            tags=("float", "resizable", "no_signature", "multi_input", "multi_output"),
            build=lambda: without_signatures(two_inputs_three_outputs()),
        ),
        Recipe(
            name="passthrough",
            purpose="one output is the input's own tensor, the other is computed",
            tags=("float", "passthrough", "multi_output"),
            build=passthrough,
        ),
        Recipe(
            name="passthrough_only",
            purpose="a graph without operators: the output is the input",
            tags=("float", "passthrough"),
            build=passthrough_only,
        ),
        Recipe(
            name="same_output_twice",
            purpose="one tensor is both outputs",
            tags=("float", "same_output_twice", "multi_output"),
            build=same_output_twice,
        ),
        Recipe(
            name="constant_output",
            purpose="one output is a constant of the file",
            tags=("float", "constant_output", "multi_output"),
            build=constant_output,
        ),
        Recipe(
            name="no_inputs",
            purpose="no input at all, one computed output",
            tags=("float", "no_inputs"),
            build=no_inputs,
        ),
        Recipe(name="rank_0", purpose="scalars in and out", tags=("float", "rank_0", "multi_input"), build=rank_0),
        Recipe(
            name="zero_size",
            purpose="an input and an output without elements",
            tags=("float", "zero_size", "multi_output"),
            build=zero_size,
        ),
        Recipe(
            name="unused_input",
            purpose="an input that no operator reads",
            tags=("float", "unused_input", "multi_input"),
            build=unused_input,
        ),
        Recipe(name="rank_9", purpose="tensors of rank 9", tags=("float", "high_rank"), build=rank_9),
        Recipe(
            name="many_inputs",
            purpose="20 inputs and 20 outputs of different sizes",
            tags=("float", "multi_input", "multi_output", "many_inputs"),
            build=many_inputs,
        ),
    ]
