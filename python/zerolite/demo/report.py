"""The outcome of the demonstration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zerolite.demo.agreement import Agreement
from zerolite.demo.report_row import ReportRow

__all__ = ["Report"]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Report:
    """Everything that the table, report.json and report.html show.

    Attributes:
        created: when the run ended, UTC, ISO 8601.
        seconds: how long the run took.
        training_seconds: how long the training took of that.
        epochs, seed, rounds: the run's settings.
        train_images: how many images the network learned from.
        parameters: how many weights the network has.
        environment: label -> value: the machine and the versions.
        rows: the table's lines.
        agreements: one comparison with tf.lite.Interpreter per converted variant.
        test_images: the held-out images, float32 of shape (images, 8, 8, 1), 0 to 1.
        test_labels: their digits, int64 of shape (images,).
    """

    created: str
    seconds: float
    training_seconds: float
    epochs: int
    seed: int
    rounds: int
    train_images: int
    parameters: int
    environment: dict[str, str]
    rows: Sequence[ReportRow]
    agreements: Sequence[Agreement]
    test_images: NDArray[np.float32]
    test_labels: NDArray[np.int64]

    @property
    def disagreement(self) -> str | None:
        """One line on the first variant that the two predict differently; None when all agree."""
        for agreement in self.agreements:
            if not agreement.complete:
                return (
                    f"predictions of '{agreement.variant}' differ between zerolite and tf.lite.Interpreter "
                    f"on {len(agreement.differing)} of {agreement.images} test images; the first is image "
                    f"{agreement.differing[0]}: zerolite says {agreement.zerolite_predictions[0]}, "
                    f"tf.lite {agreement.reference_predictions[0]}"
                )
        return None

    def to_dict(self) -> dict[str, Any]:
        """The report as plain values for JSON; `schema` grows when a key changes its meaning or goes."""
        return {
            "schema": 1,
            "created": self.created,
            "seconds": self.seconds,
            "settings": {"epochs": self.epochs, "seed": self.seed, "rounds": self.rounds, "threads": 1},
            "data": {
                "name": "sklearn.datasets.load_digits",
                "train_images": self.train_images,
                "test_images": len(self.test_labels),
            },
            "training": {"seconds": self.training_seconds, "parameters": self.parameters},
            "environment": self.environment,
            "rows": [row.to_dict() for row in self.rows],
            "agreement": [agreement.to_dict() for agreement in self.agreements],
            "agrees": self.disagreement is None,
        }
