"""Where a model runs: the delegates that it can be given to."""

from zerolite.delegates.delegate import Delegate, Delegates
from zerolite.delegates.xnnpack import Kernels, XNNPack

__all__ = ["Delegate", "Delegates", "Kernels", "XNNPack"]
