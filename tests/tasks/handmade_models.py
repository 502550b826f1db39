"""Models whose answers are known: they say the same whatever is on a picture, or compute with it what is plain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from flatbuffers import flexbuffers
from numpy.typing import NDArray

from tests.models.generate.graph_builder import GraphBuilder, Op, quantization

OPERATOR_OUTPUTS = ("boxes", "classes", "scores", "count")


def constant_model(
    outputs: Mapping[str, NDArray[Any]],
    *,
    size: tuple[int, int] = (64, 64),
    channels: int = 3,
    dtype: str = "float32",
    quantized: tuple[float, int] | None = None,
) -> bytes:
    """A model with the outputs of that name, in that order.

    With `quantized`, a scale and a zero point, outputs are int8 and the values are what they stand for.
    """
    graph = GraphBuilder()
    image = graph.tensor("image", [1, *size, channels], dtype)
    made = {name: _output(graph, name, value, quantized) for name, value in outputs.items()}
    graph.interface([image], list(made.values()))
    graph.signature("serving_default", {"image": image}, made)
    return graph.finish()


def _output(graph: GraphBuilder, name: str, value: NDArray[Any], quantized: tuple[float, int] | None) -> int:
    if quantized is None:
        return graph.constant(name, np.asarray(value, np.float32))
    scale, zero_point = quantized
    stored = np.clip(np.rint(np.asarray(value) / scale) + zero_point, -128, 127).astype(np.int8)
    return graph.constant(name, stored, quantized=quantization([scale], [zero_point]))


def post_processed(
    encoded: NDArray[np.float32],
    scores: NDArray[np.float32],
    anchors: NDArray[np.float32],
    *,
    order: Sequence[int] = (0, 1, 2, 3),
    scales: tuple[float, float] = (10.0, 5.0),
    iou: float = 0.6,
    min_score: float = 0.25,
    most: int = 20,
    size: tuple[int, int] = (64, 64),
) -> bytes:
    """The operator TFLite_Detection_PostProcess, with its regular suppression, over constant encodings and scores.

    `order` is that of the outputs, whose names say nothing.
    """
    graph = GraphBuilder()
    image = graph.tensor("image", [1, *size, 3])
    inputs = [
        graph.constant("encoded", encoded[np.newaxis]),
        graph.constant("class_scores", scores[np.newaxis]),
        graph.constant("anchors", anchors),
    ]
    shapes = {"boxes": [1, most, 4], "classes": [1, most], "scores": [1, most], "count": [1]}
    made = [graph.tensor(f"StatefulPartitionedCall:{3 - place}", shapes[name]) for place, name in enumerate(shapes)]
    options = {
        "max_detections": most,
        "max_classes_per_detection": 1,
        "detections_per_class": 1000,
        "use_regular_nms": True,
        "nms_score_threshold": min_score,
        "nms_iou_threshold": iou,
        "num_classes": scores.shape[1] - 1,
        "y_scale": scales[0],
        "x_scale": scales[0],
        "h_scale": scales[1],
        "w_scale": scales[1],
    }
    graph.custom_operator("TFLite_Detection_PostProcess", inputs, made, options=bytes(flexbuffers.Dumps(options)))
    outputs = [made[place] for place in order]
    graph.interface([image], outputs)
    graph.signature("serving_default", {"image": image}, {f"output_{place}": one for place, one in enumerate(outputs)})
    return graph.finish()


def mean_color(size: int, *, keep_axes: bool = False) -> bytes:
    """The mean of each colour: (1, 3), or (1, 1, 1, 3)."""
    graph = GraphBuilder()
    image = graph.tensor("image", [1, size, size, 3])
    axes = graph.constant("axes", np.array([1, 2], np.int32))
    made = graph.tensor("mean", [1, 1, 1, 3] if keep_axes else [1, 3])
    options = schema.ReducerOptionsT()
    options.keepDims = keep_axes
    graph.operator(Op.MEAN, [image, axes], [made], options=options)
    graph.interface([image], [made])
    graph.signature("serving_default", {"image": image}, {"mean": made})
    return graph.finish()


def tinted(size: int) -> bytes:
    """The picture times the vector."""
    graph = GraphBuilder()
    vector = graph.tensor("vector", [1, 1, 1, 3])
    content = graph.tensor("content", [1, size, size, 3])
    made = graph.tensor("stylized", [1, size, size, 3])
    graph.operator(Op.MUL, [content, vector], [made], options=schema.MulOptionsT())
    graph.interface([vector, content], [made])
    graph.signature("serving_default", {"vector": vector, "content": content}, {"stylized": made})
    return graph.finish()
