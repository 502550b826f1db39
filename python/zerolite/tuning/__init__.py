"""Finding out how a model runs the fastest on this machine."""

from zerolite.tuning.result import TuningResult
from zerolite.tuning.trial import Trial
from zerolite.tuning.tune_model import tune

__all__ = ["Trial", "TuningResult", "tune"]
