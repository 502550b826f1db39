"""The demonstration: scanned digits from training to a comparison of runtimes. Needs the extra "demo"."""

from zerolite.demo.run import run_demo
from zerolite.demo.settings import DemoSettings

__all__ = ["DemoSettings", "run_demo"]
