"""Other people's TFLite code on zerolite, unchanged."""

from zerolite.compat.installation import install, uninstall

__all__ = ["install", "uninstall"]
