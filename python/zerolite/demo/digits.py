"""The scanned digits that ship with scikit-learn, split into training and test."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Digits"]


@dataclass(frozen=True, slots=True, eq=False)
class Digits:
    """8x8 grey images of handwritten digits.

    The 1,797 images are the test part of "Optical Recognition of Handwritten Digits" (Alpaydin and Kaynak,
    UCI Machine Learning Repository, 1998), as `sklearn.datasets.load_digits` returns it. The split is random
    and keeps the share of every digit, so the same writers appear on both sides of it.

    Attributes:
        train_images, test_images: float32 of shape (images, 8, 8, 1), 0 (paper) to 1 (ink).
        train_labels, test_labels: int64 of shape (images,), 0 to 9.
    """

    train_images: NDArray[np.float32]
    train_labels: NDArray[np.int64]
    test_images: NDArray[np.float32]
    test_labels: NDArray[np.int64]

    @classmethod
    def load(cls, *, test_images: int, seed: int) -> Digits:
        """Load the images and hold `test_images` of them out.

        Raises:
            ImportError: scikit-learn is not installed (extra "demo").
        """
        from sklearn.datasets import load_digits
        from sklearn.model_selection import train_test_split

        digits: Any = load_digits()
        images = (digits.images / 16).astype(np.float32)[..., np.newaxis]
        labels = digits.target.astype(np.int64)
        train_x, test_x, train_y, test_y = train_test_split(
            images, labels, test_size=test_images, stratify=labels, random_state=seed
        )
        return cls(train_x, train_y, test_x, test_y)
