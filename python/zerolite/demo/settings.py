"""What a run of the demonstration can be told."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

__all__ = ["DemoSettings"]

IMAGE_COUNT = 1797
DIGIT_COUNT = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoSettings:
    """Settings of one run.

    Attributes:
        out: the folder for models and reports; it is made when missing.
        epochs: passes over the training split, at least 1.
        seed: seed of the split, the weights, the shuffling and the augmentation.
        test_images: how many of the 1,797 images are held out for the test.
        rounds: how often every variant runs over the test split; latencies come from all rounds.

    Raises:
        ValueError: a number is out of its range.
    """

    out: Path = Path("build/demo")
    epochs: int = 25
    seed: int = 0
    test_images: int = 360
    rounds: int = 15

    def __post_init__(self) -> None:
        if self.epochs < 1 or self.rounds < 1:
            raise ValueError(f"epochs and rounds must be at least 1; came {self.epochs} and {self.rounds}")
        if not 0 <= self.seed < 2**32:
            raise ValueError(f"seed must be from 0 to 4294967295; came {self.seed}")
        if not DIGIT_COUNT <= self.test_images <= IMAGE_COUNT - DIGIT_COUNT:
            raise ValueError(
                f"test_images must be from {DIGIT_COUNT} to {IMAGE_COUNT - DIGIT_COUNT}, so that both sides "
                f"of the split know every digit; came {self.test_images}"
            )
