"""Packed weights that the replicas of a pool share."""

import os

from zerolite.delegates import XNNPack


class SharedWeights:
    """A weight cache in memory, which is no file on any disk and goes with the last who maps it.

    XNNPACK's cache is a file that later compilations map. Linux can make one that exists in memory alone; its name
    below /proc/self/fd is a path like any other.

    The cache tells models apart by their structure and not by their weights (LiteRT 2.3.0), so each serves one model.

    Attributes:
        delegate: the settings that use the cache.
    """

    def __init__(self, delegate: XNNPack, *, sharing: bool) -> None:
        """Make the cache where weights are packed at all, and have no file of their own."""
        self._descriptor: int | None = None
        self.delegate = delegate
        if not sharing or not delegate.can_share_weights or delegate.weight_cache is not None:
            return
        self._descriptor = os.memfd_create("zerolite-weights", os.MFD_CLOEXEC)
        self.delegate = delegate._with_shared_weights(f"/proc/self/fd/{self._descriptor}")

    def close(self) -> None:
        """Let go of the cache; models that map it keep it."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)

    def __del__(self) -> None:
        """Let go of the cache of a pool that was never made, or never closed."""
        self.close()
