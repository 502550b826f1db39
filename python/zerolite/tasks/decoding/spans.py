"""Spans: the parts of a text between a likely start and a likely end."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Span", "best_spans", "ranked", "windows"]

_BEST_ENDS = 20


@dataclass(frozen=True, slots=True)
class Span:
    """A part of a text, in pieces.

    Attributes:
        first: its first piece.
        last: its last piece.
        score: the logit of its start plus that of its end.
    """

    first: int
    last: int
    score: float


def windows(pieces: int, room: int, stride: int) -> list[range]:
    """Parts of a long text that overlap, each as long as there is room for; the last one ends where the text ends.

    Args:
        pieces: how long the text is.
        room: how many pieces go into one part.
        stride: from the start of one part to that of the next, at most `room`.
    """
    found = [range(min(room, pieces))]
    while found[-1].stop < pieces:
        begin = found[-1].start + stride
        found.append(range(begin, min(begin + room, pieces)))
    return found


def best_spans(starts: NDArray[Any], ends: NDArray[Any], part: range, *, longest: int, most: int) -> list[Span]:
    """The most likely spans of one part of a text, the best first.

    As in BERT's program for SQuAD, the 20 best starts and the 20 best ends are paired. What is NaN is neither.

    Args:
        starts: the logits of each piece of the part being the first, shape (len(part),).
        ends: those of its being the last.
        part: which pieces of the text they are.
        longest: how many pieces a span has at most.
        most: how many spans at most: a text of many parts has no more best ones than one part.
    """
    first, last = (np.argsort(-np.nan_to_num(side, nan=-np.inf), kind="stable")[:_BEST_ENDS] for side in (starts, ends))
    first, last = first[np.isfinite(starts[first])], last[np.isfinite(ends[last])]
    begins, stops = (side.reshape(-1) for side in np.meshgrid(first, last, indexing="ij"))
    fits = (begins <= stops) & (stops < begins + longest)
    begins, stops = begins[fits], stops[fits]
    scores = starts[begins] + ends[stops]
    return [
        Span(part.start + int(begins[one]), part.start + int(stops[one]), float(scores[one]))
        for one in np.argsort(-scores, kind="stable")[:most]
    ]


def ranked(spans: Iterable[Span]) -> list[Span]:
    """Spans by their scores, the best first; of those with the same pieces only the best."""
    best: dict[tuple[int, int], Span] = {}
    for span in sorted(spans, key=lambda one: -one.score):
        best.setdefault((span.first, span.last), span)
    return list(best.values())
