"""Recordings, and a model of sound whose answers are known."""

from __future__ import annotations

import io
import wave

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from tests.models.generate.graph_builder import GraphBuilder, Op

LENGTH = 1600  # a tenth of a second


def loudness(*, axes: int = 1) -> bytes:
    """Two scores: the mean of the samples, and that with its sign turned."""
    graph = GraphBuilder()
    shape = [LENGTH] if axes == 1 else [1, LENGTH]
    sound = graph.tensor("waveform", shape)
    weights = graph.constant(
        "weights", np.stack((np.full(LENGTH, 1 / LENGTH), np.full(LENGTH, -1 / LENGTH))).astype("f4")
    )
    row = graph.tensor("row", [1, LENGTH])
    options = schema.ReshapeOptionsT()
    options.newShape = [1, LENGTH]
    graph.operator(
        Op.RESHAPE, [sound, graph.constant("shape", np.array([1, LENGTH], np.int32))], [row], options=options
    )
    made = graph.tensor("scores", [1, 2])
    graph.operator(Op.FULLY_CONNECTED, [row, weights, -1], [made], options=schema.FullyConnectedOptionsT())
    graph.interface([sound], [made])
    graph.signature("serving_default", {"waveform": sound}, {"scores": made})
    return graph.finish()


def wave_file(samples: NDArray[np.float64], *, width: int = 2, rate: int = 16_000) -> bytes:
    """Samples from -1 to 1, (samples, channels), as a .wav file."""
    stream = io.BytesIO()
    counts = np.clip(np.rint(samples * (1 << (8 * width - 1))), -(1 << (8 * width - 1)), (1 << (8 * width - 1)) - 1)
    raw = counts.astype("<i8").reshape(-1, 1).view(np.uint8)[:, :width]
    with wave.open(stream, "wb") as file:
        file.setnchannels(samples.shape[1])
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes((raw ^ 0x80 if width == 1 else raw).tobytes())
    return stream.getvalue()
