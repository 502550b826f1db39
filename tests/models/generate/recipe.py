"""What the generator knows about one test model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How to build one model, and what it is good for.

    `input_ranges` maps the name of an input to the smallest and the largest value that it may be fed (both
    inclusive); `input_choices` maps the name of a string input to the strings to choose from. The names are
    those of the signature, or of the tensors where the model has no signature.
    """

    name: str
    purpose: str
    tags: Sequence[str]
    build: Callable[[], bytes]
    input_ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    input_choices: Mapping[str, Sequence[str]] = field(default_factory=dict)
