"""Settings for all tests."""

from __future__ import annotations

from hypothesis import settings

# No deadline: machines that run tests are often busy with something else.
settings.register_profile("zerolite", deadline=None, max_examples=50)
settings.load_profile("zerolite")
