"""The outcome of the demonstration."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from zerolite.comparison import Comparison

__all__ = ["Report"]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Report:
    """Everything that the table, report.json and report.html show.

    Attributes:
        seconds: how long the run took.
        training_seconds: how long the training took of that.
        epochs, seed: the run's settings.
        train_images: how many images the network learned from.
        parameters: how many weights the network has.
        comparison: every variant beside tf.lite.Interpreter and Keras on the held-out images.
    """

    seconds: float
    training_seconds: float
    epochs: int
    seed: int
    train_images: int
    parameters: int
    comparison: Comparison

    @property
    def disagreement(self) -> str | None:
        """One line on the first image that zerolite and tf.lite predict differently; None when they agree."""
        return self.comparison.disagreement

    def to_dict(self) -> dict[str, Any]:
        """The report as plain values for JSON: the comparison, and what led to it."""
        return {
            **self.comparison.to_dict(),
            "seconds": self.seconds,
            "settings": {
                "epochs": self.epochs,
                "seed": self.seed,
                "rounds": self.comparison.rounds,
                "threads": 1,
            },
            "data": {
                "name": "sklearn.datasets.load_digits",
                "train_images": self.train_images,
                "test_images": self.comparison.first.result.items,
            },
            "training": {"seconds": self.training_seconds, "parameters": self.parameters},
        }

    def to_html(self) -> str:
        """The comparison's page with a word on the digits."""
        items = self.comparison.first.result.items
        return self.comparison.to_html(
            title="Scanned digits in every variant",
            introduction=(
                f"A small convolutional network of {self.parameters:,} weights learned {self.train_images:,} "
                f"handwritten digits, was converted to every variant, and each of them read the {items:,} held-out "
                "ones through zerolite, tf.lite.Interpreter and Keras in the same run. zerolite and tf.lite use one "
                "thread, Keras runs as a traced function with TensorFlow's own threads."
            ),
            details={
                "training": f"{self.epochs} epochs in {self.training_seconds:.0f} s, seed {self.seed}",
                "data": (
                    "Optical Recognition of Handwritten Digits (E. Alpaydin, C. Kaynak; UCI Machine Learning "
                    "Repository, 1998), 8x8 images as they ship with scikit-learn; random split that keeps the share "
                    "of every digit, so the same writers are on both sides of it"
                ),
            },
        )
