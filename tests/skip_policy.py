"""Which tests may be skipped where everything is installed that they need: `pytest --allowed-skips=PLACE`.

What people lack on their machines may be left out there. In the checks of a change a test that is skipped by accident
would be one that is missing, so each skip has to be of a reason that is listed here, and else the session fails.
"""

from __future__ import annotations

import re
from typing import Any

import pytest

_EVERYWHERE = (
    # Packages of gigabytes, or that need an environment of their own; each has its own way to be tested.
    "PyTorch takes gigabytes",
    "needs PyTorch, whose package takes gigabytes",
    "could not import 'torch'",
    "Ray is not installed",
    "(Dask|Kubernetes' client|KServe's client|playwright|schemathesis) is not installed",
    "no Chromium is installed",
    "needs the extra torch, which takes gigabytes",
    "needs the extra onnx",
    "needs the command onnx2tf, which is installed by itself",
    "ZEROLITE_TFLITE_SUPPORT names no Python with tflite-support",
    # The tests of sanitizers themselves.
    "for builds with a sanitizer: make test-sanitized",
    "for make test-sanitized",
    # Models that are in no repository.
    "no further models; name their folder in ZEROLITE_EXTRA_MODELS",
    "no folder of extra models",
    # Cases of a parametrized test that it is not about.
    "can't be loaded here",
    "it has no image",
    "the reference crashes, or fails only where zerolite does not",
    # What a machine is: its administrator, without a driver for GPUs (make test-gpu), with or without Intel's libraries
    # (make test-npu).
    "root may read everything",
    "no right to mount a small disk",
    "there is no SwiftShader for this machine in build/swiftshader",
    "Intel's libraries are there",
    r"needs Intel's libraries: pip install openvino==2026\.3\.1",
)
# The places differ in what is installed there on purpose.
ALLOWED: dict[str, tuple[str, ...]] = {
    "none": ("$^",),  # no reason is that
    "suite": (*_EVERYWHERE, "needs the extra docs"),
    "sanitized": (*_EVERYWHERE, "needs the extra (convert|quantize)", "(conversion|jax2tf) .*"),
}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--allowed-skips", choices=sorted(ALLOWED), help="fail where a test is skipped for another reason")


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Fail the session over skips that nobody allowed, and name them."""
    place = config.getoption("--allowed-skips")
    if place is None:
        return
    allowed = re.compile("|".join(ALLOWED[place]))
    refused = [report for report in terminalreporter.stats.get("skipped", []) if not allowed.search(_reason(report))]
    for report in refused:
        terminalreporter.write_line(f"skipped for a reason that tests/skip_policy.py does not allow in {place}:")
        terminalreporter.write_line(f"  {report.nodeid}: {_reason(report)}", red=True)
    if refused:
        terminalreporter._session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _reason(report: pytest.TestReport) -> str:
    return str(report.longrepr[-1]) if isinstance(report.longrepr, tuple) else str(report.longrepr)
