"""Code that was written for other TFLite interpreters, on zerolite and unchanged."""

from zerolite.compat.installation import install, uninstall

__all__ = ["install", "uninstall"]
