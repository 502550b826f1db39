"""A model that suggests replies, with the custom operators of TensorFlow Lite's published one, and what it must say."""

from __future__ import annotations

import re
import struct
from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tests.models.generate.graph_builder import GraphBuilder, Op

REPLIES = ("", "Yes, please!", "No, thanks", "See you", "Grüße 🙂")
# Word -> replies by their numbers, with weights.
TABLE: dict[str, tuple[tuple[int, float], ...]] = {
    "coffee": ((1, 0.9), (2, 0.5)),
    "?": ((1, 0.2), (2, 0.2)),
    "bye": ((3, 0.8), (4, 0.1)),
    "hallo": ((4, 0.9), (3, 0.05)),
}
OPERATORS = ("NORMALIZE", "EXTRACT_FEATURES", "PREDICT")
LEAST_WEIGHT = 0.02


def _number(word: str) -> int:
    """FNV-1a, as the library has it."""
    number = 2166136261
    for byte in word.encode():
        number = ((number ^ byte) * 16777619) % 2**32
    return number >> 1


def _strings(graph: GraphBuilder, name: str, texts: Sequence[str]) -> int:
    content = [text.encode() for text in texts]
    ends = np.cumsum([4 * (len(texts) + 2), *map(len, content)])
    stored = struct.pack(f"<{len(texts) + 2}i", len(texts), *ends) + b"".join(content)
    return graph.constant(name, np.frombuffer(stored, np.uint8), dtype=schema.TensorType.STRING, shape=[len(texts)])


def reply_model(most: int) -> bytes:
    """From a text, string (1,), to replies, string (most,), and how much speaks for each, float32 (most,)."""
    graph = GraphBuilder()
    text = graph.tensor("input", [1], schema.TensorType.STRING)
    normal = graph.tensor("normalized", [1], schema.TensorType.STRING)
    features = graph.tensor("features", [1], "int32", shape_signature=[-1])
    graph.custom_operator("NORMALIZE", [text], [normal])
    graph.custom_operator("EXTRACT_FEATURES", [normal], [features])
    rows = sorted((_number(word), row) for word, row in TABLE.items())
    constants = [
        graph.constant("keys", np.array([key for key, _ in rows], np.int32)),
        graph.constant("labels", np.array([[label for label, _ in row] for _, row in rows], np.int32)),
        graph.constant("weights", np.array([[weight for _, weight in row] for _, row in rows], np.float32)),
    ]
    labels = graph.tensor("found", [most], "int32")
    weights = graph.tensor("confidences", [most])
    options = struct.pack("<if", most, LEAST_WEIGHT)
    graph.custom_operator("PREDICT", [features, *constants], [labels, weights], options=options)
    numbers = graph.constant("numbers", np.arange(len(REPLIES), dtype=np.int32))
    texts = _strings(graph, "texts", REPLIES)
    replies = graph.tensor("messages", [most], schema.TensorType.STRING)
    hits = graph.tensor("hits", [most], "uint8")
    graph.operator(Op.HASHTABLE_LOOKUP, [labels, numbers, texts], [replies, hits])
    graph.interface([text], [replies, weights])
    graph.signature("serving_default", {"input": text}, {"messages": replies, "confidences": weights})
    return graph.finish()


def expected_replies(messages: Sequence[str], most: int) -> list[tuple[str, float]]:
    """What the model and the sums over the parts of the messages must give, the best first."""
    sums: defaultdict[str, float] = defaultdict(float)
    for message in messages:
        for part in re.split(r"(?<=[.,!?])\s+", message):
            letters = re.sub(r"[^a-z0-9 ?\x80-\U0010ffff]", "", re.sub(r"[.,!?]*([.,!?])", r" \1", part).lower())
            words = letters.split()
            weights: defaultdict[int, float] = defaultdict(float)
            for word in words:
                for label, weight in TABLE.get(word, ()):
                    weights[label] += weight / len(words)
            ranked = sorted(weights.items(), key=lambda item: (-item[1], item[0]))
            for label, weight in ranked[:most]:
                if weight >= LEAST_WEIGHT:
                    sums[REPLIES[label]] += weight
    return sorted(sums.items(), key=lambda item: -item[1])
