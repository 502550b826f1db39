"""Operators at the ends of a model: look-ups, rankings, images, detections, random numbers."""

from __future__ import annotations

import numpy as np
import tensorflow as tf
from ai_edge_litert import schema_py_generated as schema
from flatbuffers import flexbuffers

from .conversion import convert_function, spec
from .graph_builder import GraphBuilder, Op
from .recipe import Recipe


def embedding() -> bytes:
    """Rows of a table by int32 ids, averaged: [batch, 5] to [batch, 4]."""
    table = np.random.default_rng(1).standard_normal((50, 4)).astype(np.float32)
    return convert_function(
        lambda ids: {"mean": tf.reduce_mean(tf.gather(table, ids), axis=1)}, spec("ids", [None, 5], tf.int32)
    )


def gather() -> bytes:
    """Elements of an input by int64 indices, which the kernel checks."""
    return convert_function(
        lambda x, index: {"picked": tf.gather(x, index)}, spec("x", [10]), spec("index", [3], tf.int64)
    )


def argmax() -> bytes:
    """The best of 7 classes, as int64 and as int32."""

    def function(scores: tf.Tensor) -> dict[str, tf.Tensor]:
        return {
            "wide": tf.argmax(scores, axis=-1, output_type=tf.int64),
            "narrow": tf.argmax(scores, axis=-1, output_type=tf.int32),
        }

    return convert_function(function, spec("scores", [None, 7]))


def topk() -> bytes:
    """The three best of 7 classes: float32 values and int32 indices."""

    def function(scores: tf.Tensor) -> dict[str, tf.Tensor]:
        values, indices = tf.math.top_k(scores, k=3)
        return {"values": values, "indices": indices}

    return convert_function(function, spec("scores", [None, 7]))


def resize_image() -> bytes:
    """An image of any size, scaled to 8 x 8."""
    return convert_function(lambda image: {"small": tf.image.resize(image, [8, 8])}, spec("image", [1, None, None, 3]))


def normalize_uint8() -> bytes:
    """Pixels as uint8, to float32 in [-1, 1]."""
    return convert_function(
        lambda image: {"normalized": tf.cast(image, tf.float32) / 127.5 - 1.0},
        spec("image", [None, 4, 4, 3], tf.uint8),
    )


def batch_matmul() -> bytes:
    """Products of matrices: [batch, rows, 4] by [batch, 4, columns], three dimensions dynamic."""
    return convert_function(
        lambda left, right: {"product": tf.matmul(left, right)},
        spec("left", [None, None, 4]),
        spec("right", [None, 4, None]),
    )


def spectrum() -> bytes:
    """Real FFT of 16 samples: complex64 inside, magnitudes out."""
    return convert_function(
        lambda samples: {"magnitude": tf.abs(tf.signal.rfft(samples, [16]))}, spec("samples", [1, 16])
    )


def logic() -> bytes:
    """and, or, not of bools, and whether any and all are set."""

    def function(left: tf.Tensor, right: tf.Tensor) -> dict[str, tf.Tensor]:
        return {
            "both": tf.logical_and(left, right),
            "either": tf.logical_or(left, right),
            "neither": tf.logical_not(tf.logical_or(left, right)),
            "any": tf.reduce_any(left),
            "all": tf.reduce_all(right),
        }

    return convert_function(function, spec("left", [None, 3], tf.bool), spec("right", [None, 3], tf.bool))


def integer_division() -> bytes:
    """int32 quotients; a divisor of 0 makes the run fail."""
    graph = GraphBuilder()
    x, y, quotient = (graph.tensor(name, [4], "int32") for name in ("x", "y", "quotient"))
    graph.operator(Op.DIV, [x, y], [quotient], options=schema.DivOptionsT())
    graph.interface([x, y], [quotient])
    graph.signature("serving_default", {"x": x, "y": y}, {"quotient": quotient})
    return graph.finish()


def random_numbers() -> bytes:
    """Uniform numbers from a generator with fixed seeds: every run continues the sequence."""
    graph = GraphBuilder()
    shape, numbers = graph.tensor("shape", [2], "int32"), graph.tensor("numbers", [2, 3])
    options = schema.RandomOptionsT()
    options.seed, options.seed2 = 12, 34
    graph.operator(Op.RANDOM_UNIFORM, [shape], [numbers], options=options)
    graph.interface([shape], [numbers])
    graph.signature("serving_default", {"shape": shape}, {"numbers": numbers})
    return graph.finish()


def non_max_suppression() -> bytes:
    """Boxes and scores to the indices of the best, padded to 4."""

    def function(boxes: tf.Tensor, scores: tf.Tensor) -> dict[str, tf.Tensor]:
        selected, count = tf.image.non_max_suppression_padded(
            boxes, scores, 4, iou_threshold=0.5, score_threshold=0.1, pad_to_max_output_size=True
        )
        return {"selected": selected, "count": count}

    return convert_function(function, spec("boxes", [8, 4]), spec("scores", [8]))


def detection() -> bytes:
    """TFLite_Detection_PostProcess: encodings and scores of 6 anchors to at most 3 boxes."""
    rng = np.random.default_rng(4)
    graph = GraphBuilder()
    centres = rng.uniform(0.2, 0.8, (6, 2))
    anchors = graph.constant("anchors", np.hstack([centres, np.full((6, 2), 0.2)]).astype(np.float32))
    boxes, scores = graph.tensor("boxes", [1, 6, 4]), graph.tensor("scores", [1, 6, 3])
    outputs = {
        "detection_boxes": graph.tensor("detection_boxes", [1, 3, 4]),
        "detection_classes": graph.tensor("detection_classes", [1, 3]),
        "detection_scores": graph.tensor("detection_scores", [1, 3]),
        "num_detections": graph.tensor("num_detections", [1]),
    }
    options = flexbuffers.Dumps(
        {
            "max_detections": 3,
            "max_classes_per_detection": 1,
            "detections_per_class": 100,
            "use_regular_nms": False,
            "nms_score_threshold": 0.1,
            "nms_iou_threshold": 0.5,
            "num_classes": 2,
            "y_scale": 10.0,
            "x_scale": 10.0,
            "h_scale": 5.0,
            "w_scale": 5.0,
        }
    )
    graph.custom_operator(
        "TFLite_Detection_PostProcess",
        [boxes, scores, anchors],
        list(outputs.values()),
        options=bytes(options),
    )
    graph.interface([boxes, scores], list(outputs.values()))
    graph.signature("serving_default", {"boxes": boxes, "scores": scores}, outputs)
    return graph.finish()


def sparse_weights() -> bytes:
    """A dense layer whose weights are stored in blocks of 1 x 4, three quarters of them absent."""
    rng = np.random.default_rng(6)
    present = np.array([[True, False, False, False], [False, False, True, False]] * 4)
    blocks = rng.uniform(0.5, 1.5, (int(present.sum()), 4)).astype(np.float32)
    graph = GraphBuilder()
    x, y = graph.tensor("x", [1, 16]), graph.tensor("y", [1, 8])
    weights = graph.constant("weights", blocks, shape=[8, 16])
    graph.sparse(
        weights,
        traversal_order=[0, 1, 2],
        block_map=[1],
        dense_sizes={0: 8, 2: 4},
        segments=np.concatenate([[0], np.cumsum(present.sum(axis=1))]),
        indices=np.nonzero(present)[1],
    )
    options = schema.FullyConnectedOptionsT()
    graph.operator(Op.FULLY_CONNECTED, [x, weights, -1], [y], options=options, version=8)
    graph.interface([x], [y])
    graph.signature("serving_default", {"x": x}, {"y": y})
    return graph.finish()


def recipes() -> list[Recipe]:
    return [
        Recipe(
            name="embedding",
            purpose="int32 ids in, float32 out",
            tags=("int32", "resizable", "embedding"),
            build=embedding,
            input_ranges={"ids": (0, 49)},
        ),
        Recipe(
            name="gather",
            purpose="int64 indices; one beyond the 10 elements makes the run fail",
            tags=("float", "int64", "fails_on_some_inputs", "multi_input"),
            build=gather,
            input_ranges={"index": (0, 9)},
        ),
        Recipe(
            name="argmax",
            purpose="float32 in, int64 and int32 out",
            tags=("float", "int64", "int32", "resizable", "multi_output"),
            build=argmax,
        ),
        Recipe(
            name="topk",
            purpose="float32 in, float32 and int32 out",
            tags=("float", "int32", "resizable", "multi_output"),
            build=topk,
        ),
        Recipe(
            name="resize_image",
            purpose="height and width of the input are resizable, the output is fixed",
            tags=("float", "image", "resizable_image"),
            build=resize_image,
        ),
        Recipe(
            name="normalize_uint8",
            purpose="uint8 pixels in, float32 out",
            tags=("uint8", "image", "resizable"),
            build=normalize_uint8,
        ),
        Recipe(
            name="batch_matmul",
            purpose="two inputs with several dynamic dimensions",
            tags=("float", "resizable", "multi_input"),
            build=batch_matmul,
        ),
        Recipe(name="spectrum", purpose="complex64 tensors inside, float32 out", tags=("float",), build=spectrum),
        Recipe(
            name="logic",
            purpose="bool in and out, with any and all as scalars",
            tags=("bool", "resizable", "multi_input", "multi_output"),
            build=logic,
        ),
        Recipe(
            name="integer_division",
            purpose="int32 quotients; a divisor of 0 makes the run fail",
            tags=("int32", "fails_on_some_inputs", "multi_input"),
            build=integer_division,
            input_ranges={"y": (1, 100)},
        ),
        Recipe(
            name="random_numbers",
            purpose="random numbers from fixed seeds, of a shape that is an input",
            tags=("stateful", "random", "dynamic_shape"),
            build=random_numbers,
            input_ranges={"shape": (1, 4)},
        ),
        Recipe(
            name="non_max_suppression",
            purpose="selected boxes and their number",
            tags=("int32", "multi_input", "multi_output"),
            build=non_max_suppression,
        ),
        Recipe(
            name="detection",
            purpose="the custom operator TFLite_Detection_PostProcess, which the runtime has built in",
            tags=("float", "custom_op", "multi_input", "multi_output"),
            build=detection,
        ),
        Recipe(
            name="sparse_weights",
            purpose="weights stored sparsely, in blocks",
            tags=("float", "sparse_weights"),
            build=sparse_weights,
        ),
    ]
