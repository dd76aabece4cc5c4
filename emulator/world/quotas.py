"""Daily quotas: what a thing did in the present UTC day, on the world's clock."""

from __future__ import annotations

from datetime import datetime, time, timedelta

from emulator.world.world import World


def count_today(world: World, *counter: str) -> int:
    """Raise a counter of the present UTC day by one and return its new value (the first is 1)."""
    return world.store.tick(*counter, world.now().date().isoformat())


def until_midnight(world: World) -> timedelta:
    """Return the time that is left of the present UTC day."""
    now = world.now()
    return datetime.combine(now.date() + timedelta(days=1), time(), now.tzinfo) - now
