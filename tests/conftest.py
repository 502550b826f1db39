"""Settings for all tests."""

from __future__ import annotations

import pytest
from hypothesis import settings

from tests.sample_delegate import SampleDelegate, build_sample_delegate

# No deadline: machines that run tests are often busy with something else.
settings.register_profile("zerolite", deadline=None, max_examples=50)
settings.load_profile("zerolite")


@pytest.fixture(scope="session")
def sample_delegate(tmp_path_factory: pytest.TempPathFactory) -> SampleDelegate:
    """A delegate in a library of its own."""
    return build_sample_delegate(tmp_path_factory.mktemp("delegate"))
