"""Settings for all tests."""

from __future__ import annotations

import signal

import pytest
from hypothesis import settings

from tests.sample_delegate import SampleDelegate, build_sample_delegate

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
