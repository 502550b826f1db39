"""Any bytes are read and written, or refused with a ValueError that names the file."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

import zerolite as zl
from tests.metadata.test_golden import EVERYTHING, GOLDEN
from zerolite.metadata import codec

WHOLE = GOLDEN.read_bytes()
ARCHIVE = WHOLE.index(b"PK\x03\x04")
ENTRY = codec.encode(EVERYTHING)
BYTES = st.one_of(st.sampled_from([0, 1, 0x7F, 0x80, 0xFF]), st.integers(0, 255))


def mutated(content: bytes, changes: list[tuple[int, int]], *, cut: int | None = None) -> bytes:
    changed = bytearray(content)
    for place, value in changes:
        changed[place] = value
    return bytes(changed[:cut])


def changes(begin: int, end: int) -> st.SearchStrategy[list[tuple[int, int]]]:
    return st.lists(st.tuples(st.integers(begin, end - 1), BYTES), min_size=1, max_size=4)


def tried(content: bytes) -> None:
    try:
        known = zl.metadata.read(content)
        zl.metadata.read_labels(content)
        for name in known.attached_files:
            zl.metadata.read_attached(content, name)
        written = zl.metadata.write(content, known)
    except ValueError as error:
        assert "the model in memory" in str(error) or "metadata" in str(error)  # noqa: PT017 - both ends are right
        return
    assert zl.metadata.read(written).name == known.name


@settings(max_examples=300)
@given(changes(ARCHIVE, len(WHOLE)))
def test_mutated_archives(where: list[tuple[int, int]]) -> None:
    tried(mutated(WHOLE, where))


@settings(max_examples=300)
@given(changes(0, ARCHIVE))
def test_mutated_models(where: list[tuple[int, int]]) -> None:
    tried(mutated(WHOLE, where))


@given(st.integers(0, len(WHOLE)), changes(0, len(WHOLE)))
def test_cut_models(cut: int, where: list[tuple[int, int]]) -> None:
    tried(mutated(WHOLE, where, cut=cut))


@settings(max_examples=1000)
@given(changes(8, len(ENTRY)))
def test_mutated_metadata(where: list[tuple[int, int]]) -> None:
    """Without the model around it, so that far more of them are tried."""
    try:
        known = codec.decode(mutated(ENTRY, where))
        again = codec.decode(codec.encode(known))
    except ValueError:
        return
    assert shape(again) == shape(known)


def shape(metadata: zl.metadata.Metadata) -> Any:
    """What must stay, whatever the numbers are, of which some are not equal to themselves."""
    return [[one.name for one in graph.inputs + graph.outputs] for graph in metadata.subgraphs]


def test_numbers_that_are_none_are_kept() -> None:
    stats = zl.metadata.Stats(max=(float("nan"), float("inf")))
    graph = zl.metadata.SubgraphMetadata(inputs=(zl.metadata.TensorMetadata(stats=stats),))
    known = codec.decode(codec.encode(zl.metadata.Metadata(subgraphs=(graph,))))
    assert str(known.inputs[0].stats) == str(stats)
