"""What a tuning has found: kept in a file, and applied when a model is loaded."""

from zerolite.tuned.automatic import tuning_for
from zerolite.tuned.setting import Setting
from zerolite.tuned.tuned_file import Goal, TunedFile
from zerolite.tuned.tuning_identity import TuningIdentity

__all__ = ["Goal", "Setting", "TunedFile", "TuningIdentity", "tuning_for"]
