"""Settings for all tests."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from tests.support import gpu_driver
from tests.support.pools import DENSE, make_pool
from tests.support.sample_libraries import (
    SampleDelegate,
    SampleNpu,
    build_sample_delegate,
    build_sample_npu,
    compile_library,
)

pytest_plugins = ["tests.skip_policy"]

# A shell without job control starts what it puts into the background with interrupts ignored, and so would everything
# that the tests start and interrupt.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# No deadline: machines that run tests are often busy with something else.
settings.register_profile("zerolite", deadline=None, max_examples=50)
settings.load_profile("zerolite")


@pytest.fixture(scope="session")
def sample_delegate(tmp_path_factory: pytest.TempPathFactory) -> SampleDelegate:
    """A delegate in a library of its own."""
    return build_sample_delegate(tmp_path_factory.mktemp("delegate"))


@pytest.fixture(scope="session")
def sample_intruder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A delegate that tries to get out of its process."""
    path = tmp_path_factory.mktemp("intruder") / "libsample_intruder.so"
    compile_library("sample_intruder.cpp", path)
    return path


@pytest.fixture(scope="session")
def sample_npu(tmp_path_factory: pytest.TempPathFactory) -> SampleNpu:
    """A vendor's libraries for an NPU."""
    return build_sample_npu(tmp_path_factory.mktemp("npu"))


@pytest.fixture(scope="session")
def vulkan() -> Iterator[str]:
    """A Vulkan driver; the value of VK_ICD_FILENAMES that names it."""
    try:
        driver = gpu_driver.driver()
    except LookupError as missing:
        pytest.skip(str(missing))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VK_ICD_FILENAMES", driver)
        yield driver


@pytest.fixture
def pool() -> Iterator[Any]:
    """Three replicas of the dense model."""
    with make_pool(DENSE, workers=3) as pool:
        yield pool
