"""Models of texts whose answers are known: they say which numbers came in, or look words up in tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from tests.models.generate.graph_builder import GraphBuilder, Op

WORDS = [
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "the",
    "play",
    "##ing",
    "dog",
    "cat",
    "is",
    "good",
    "bad",
    ",",
    ".",
    "?",
    "who",
]


def _cast(graph: GraphBuilder, source: int, name: str, length: int) -> int:
    made = graph.tensor(name, [1, length])
    graph.operator(Op.CAST, [source], [made])
    return made


def echo_words(length: int) -> bytes:
    """A classifier of one input, whose scores are the numbers of the words."""
    graph = GraphBuilder()
    ids = graph.tensor("words", [1, length], "int32")
    made = _cast(graph, ids, "scores", length)
    graph.interface([ids], [made])
    graph.signature("serving_default", {"words": ids}, {"scores": made})
    return graph.finish()


def sentiment(table: NDArray[np.float32], length: int) -> bytes:
    """The mean of the words' vectors, (1, numbers): an average-word-vector classifier without more layers."""
    graph = GraphBuilder()
    ids = graph.tensor("words", [1, length], "int32")
    vectors = graph.tensor("vectors", [1, length, table.shape[1]])
    graph.operator(Op.GATHER, [graph.constant("table", table), ids], [vectors], options=schema.GatherOptionsT())
    made = graph.tensor("scores", [1, table.shape[1]])
    axis = graph.constant("axis", np.array([1], np.int32))
    graph.operator(Op.MEAN, [vectors, axis], [made], options=schema.ReducerOptionsT())
    graph.interface([ids], [made])
    graph.signature("serving_default", {"words": ids}, {"scores": made})
    return graph.finish()


def _bert_inputs(graph: GraphBuilder, length: int, names: Sequence[str]) -> dict[str, int]:
    return {name: graph.tensor(name, [1, length], "int32") for name in names}


def echo_bert(length: int, names: Sequence[str] = ("segment_ids", "ids", "mask")) -> bytes:
    """A classifier of BERT's inputs, whose scores are id + 1,000 where the mask is + 10,000 where the segment is 1."""
    graph = GraphBuilder()
    inputs = _bert_inputs(graph, length, names)
    total = -1
    for name, tensor in inputs.items():
        factor = 1000 if "mask" in name else 10000 if "seg" in name or "type" in name else 1
        scaled = graph.tensor(f"scaled_{name}", [1, length])
        operands = [
            _cast(graph, tensor, f"real_{name}", length),
            graph.constant(f"factor_{name}", np.array([factor], np.float32)),
        ]
        graph.operator(Op.MUL, operands, [scaled], options=schema.MulOptionsT())
        if total < 0:
            total = scaled
            continue
        summed = graph.tensor(f"sum_{name}", [1, length])
        graph.operator(Op.ADD, [total, scaled], [summed], options=schema.AddOptionsT())
        total = summed
    graph.interface(list(inputs.values()), [total])
    graph.signature("serving_default", inputs, {"scores": total})
    return graph.finish()


def table_answers(starts: NDArray[np.float32], ends: NDArray[np.float32], length: int) -> bytes:
    """A model for questions that looks up for each piece how likely it begins or ends an answer."""
    graph = GraphBuilder()
    inputs = _bert_inputs(graph, length, ("input_word_ids", "input_mask", "input_type_ids"))
    outputs: dict[str, Any] = {}
    for name, table in {"end_logits": ends, "start_logits": starts}.items():
        outputs[name] = graph.tensor(name, [1, length])
        operands = [graph.constant(f"table_{name}", table), inputs["input_word_ids"]]
        graph.operator(Op.GATHER, operands, [outputs[name]], options=schema.GatherOptionsT())
    graph.interface(list(inputs.values()), list(outputs.values()))
    graph.signature("serving_default", inputs, outputs)
    return graph.finish()
