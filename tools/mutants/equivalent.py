"""Changes that no test can notice, since they change no result; each with the reason."""

from __future__ import annotations

__all__ = ["EQUIVALENT"]

#: Module -> the name of a change -> why it changes nothing.
EQUIVALENT: dict[str, dict[str, str]] = {
    "layers.layer_error": {
        "ErrorSum.layer: quantization is not None and whole -> whole": (
            "`whole` says so already; it is said again for those who check types"
        ),
    },
    "evaluation.metrics.ranking": {
        "Ranking.result: scores.sum(axis=1, keepdims=True) -> scores.mean(axis=1, keepdims=True)": (
            "all scores grow by the same factor, and only their order counts"
        ),
    },
    "evaluation.metrics.regression": {
        "RegressionError.__init__: np.zeros(0) -> np.ones(0)": "the first items put other arrays there",
        "RegressionError.__init__: 0 -> 1": "the first items put other arrays there",
        "RegressionError.update: 1 -> 2": "NumPy takes every negative size for the one that follows from the others",
        "RegressionError.result: 1 -> 2": "it is divided by where nothing varies, and another value is taken there",
    },
    "evaluation.metrics.scores": {
        "Hits.score: 1 -> 2": "where nothing was counted, 0 is divided, by whatever number",
        "Hits.averaged: array.sum(keepdims=True) -> array.mean(keepdims=True)": (
            "all three counts become smaller by the same factor, and the scores are ratios of them"
        ),
    },
}
