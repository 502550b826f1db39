"""Finding out how a model runs the fastest on this machine."""

from zerolite.tuning.trial import Trial
from zerolite.tuning.tune_model import tune
from zerolite.tuning.tuning_result import TuningResult

__all__ = ["Trial", "TuningResult", "tune"]
