"""Models in the frameworks of others. Each needs the extra of its name; importing this does not."""

from zerolite.integrations import ray

__all__ = ["ray"]
