"""The demonstration: scanned digits from training to a comparison of runtimes. Needs the extra "demo"."""

from zerolite.demo.run import DemoSettings, run_demo

__all__ = ["DemoSettings", "run_demo"]
