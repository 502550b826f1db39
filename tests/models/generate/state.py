"""Models that keep something from one run to the next, and recurrent networks."""

from __future__ import annotations

import numpy as np
import tensorflow as tf
from ai_edge_litert import schema_py_generated as schema

from .conversion import convert_keras, convert_module, spec
from .graph_builder import GraphBuilder, Op
from .recipe import Recipe


class _Counter(tf.Module):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__()
        self.total = tf.Variable(np.zeros(3, np.float32))

    @tf.function(input_signature=[spec("x", [3])])
    def add(self, x: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"total": self.total.assign_add(x)}

    @tf.function(input_signature=[])
    def read(self) -> dict[str, tf.Tensor]:
        return {"total": self.total.read_value()}


def counter() -> bytes:
    module = _Counter()
    return convert_module(module, {"serving_default": module.add}, resource_variables=True)


def counter_two_signatures() -> bytes:
    module = _Counter()
    return convert_module(module, {"add": module.add, "read": module.read}, resource_variables=True)


def _recurrent(layer: tf.keras.layers.Layer, batch: int | None) -> tf.keras.Model:
    sequence = tf.keras.Input((6, 4), batch_size=batch, name="sequence")
    return tf.keras.Model(sequence, layer(sequence), name="recurrent")


def svdf() -> bytes:
    """SVDF with its state in a variable tensor: an answer depends on the last three inputs."""
    rng = np.random.default_rng(3)
    batch, size, units, memory, rank = 1, 4, 3, 3, 1
    graph = GraphBuilder()
    x = graph.tensor("x", [batch, size])
    feature = graph.constant("feature", rng.standard_normal((units * rank, size)).astype(np.float32))
    time = graph.constant("time", rng.standard_normal((units * rank, memory)).astype(np.float32))
    bias = graph.constant("bias", rng.standard_normal(units).astype(np.float32))
    state = graph.tensor("state", [batch, memory * units * rank], variable=True)
    y = graph.tensor("y", [batch, units])
    options = schema.SVDFOptionsT()
    options.rank = rank
    graph.operator(Op.SVDF, [x, feature, time, bias, state], [y], options=options)
    graph.interface([x], [y])
    graph.signature("serving_default", {"x": x}, {"y": y})
    return graph.finish()


def sequence_lstm() -> bytes:
    """UNIDIRECTIONAL_SEQUENCE_LSTM whose output state and cell state outlive the run."""
    rng = np.random.default_rng(5)
    batch, steps, size, cells = 1, 3, 4, 5
    graph = GraphBuilder()

    def weights(name: str, *shape: int) -> int:
        return graph.constant(name, (rng.standard_normal(shape) * 0.5).astype(np.float32))

    x = graph.tensor("x", [batch, steps, size])
    gates = ("input", "forget", "cell", "output")
    operands = [x]
    operands += [weights(f"input_to_{gate}", cells, size) for gate in gates]
    operands += [weights(f"recurrent_to_{gate}", cells, cells) for gate in gates]
    operands += [-1, -1, -1]  # no peephole
    operands += [weights(f"{gate}_bias", cells) for gate in gates]
    operands += [-1, -1]  # no projection
    operands += [graph.tensor(name, [batch, cells], variable=True) for name in ("output_state", "cell_state")]
    operands += [-1, -1, -1, -1]  # no layer normalization
    y = graph.tensor("y", [batch, steps, cells])
    options = schema.UnidirectionalSequenceLSTMOptionsT()
    options.fusedActivationFunction = schema.ActivationFunctionType.TANH
    graph.operator(Op.UNIDIRECTIONAL_SEQUENCE_LSTM, operands, [y], options=options)
    graph.interface([x], [y])
    graph.signature("serving_default", {"x": x}, {"y": y})
    return graph.finish()


def recipes() -> list[Recipe]:
    return [
        Recipe(
            name="counter",
            purpose="a resource variable that each run adds to: runs are not independent",
            tags=("variable", "stateful", "float"),
            build=counter,
        ),
        Recipe(
            name="counter_two_signatures",
            purpose="a resource variable that one signature adds to and another reads",
            tags=("variable", "stateful", "multi_signature", "no_inputs"),
            build=counter_two_signatures,
        ),
        Recipe(
            name="lstm",
            purpose="Keras LSTM with a batch of 1, converted to a WHILE loop",
            tags=("float", "fixed_batch", "recurrent", "control_flow"),
            build=lambda: convert_keras(lambda: _recurrent(tf.keras.layers.LSTM(5, name="lstm"), 1)),
        ),
        Recipe(
            name="rnn_unrolled",
            purpose="Keras SimpleRNN, unrolled to plain operators",
            tags=("float", "recurrent", "resizable"),
            build=lambda: convert_keras(
                lambda: _recurrent(tf.keras.layers.SimpleRNN(5, unroll=True, name="rnn"), None)
            ),
        ),
        Recipe(
            name="gru",
            purpose="Keras GRU with a batch of 2, converted to a WHILE loop",
            tags=("float", "fixed_batch", "recurrent", "control_flow"),
            build=lambda: convert_keras(lambda: _recurrent(tf.keras.layers.GRU(5, name="gru"), 2)),
        ),
        Recipe(
            name="svdf",
            purpose="SVDF with its state in a variable tensor: runs are not independent until it is reset",
            tags=("float", "variable_tensor", "stateful"),
            build=svdf,
        ),
        Recipe(
            name="sequence_lstm",
            purpose="UNIDIRECTIONAL_SEQUENCE_LSTM with its states in variable tensors",
            tags=("float", "recurrent", "variable_tensor", "stateful"),
            build=sequence_lstm,
        ),
    ]
