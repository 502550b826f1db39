"""Which operators a file has, and which of them stand in the way of running it."""

from __future__ import annotations

from tests.support import model_zoo
from zerolite.conversion.operators import count_operators, without_kernel


def test_builtin_operators_of_all_graphs_are_counted() -> None:
    content = model_zoo.model_path("while_loop").read_bytes()
    counts = count_operators(content)
    assert counts["WHILE"] == 1
    assert counts["LESS"] == 1  # in the condition's graph
    assert list(counts.values()) == sorted(counts.values(), reverse=True)
    assert without_kernel(content) == []


def test_custom_operators_have_their_own_names_and_no_kernel() -> None:
    content = model_zoo.model_path("unknown_custom_op").read_bytes()
    assert count_operators(content) == {"NobodyKnowsThis": 1}
    (missing,) = without_kernel(content)
    assert missing.name == "NobodyKnowsThis"
    assert "custom_ops" in missing.advice
