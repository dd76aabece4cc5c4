"""What the tests share."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings

from emulator.world import World
from tests.small_world import small_world

# The same examples in every run; a busy machine is no failure.
settings.register_profile(
    "steady",
    derandomize=True,
    deadline=None,
    max_examples=60,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("steady")


@pytest.fixture
def world() -> World:
    return small_world()
