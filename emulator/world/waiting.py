"""Waiting for something to happen in a world: without polling, and in a world that skips waits without waiting."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import TypeVar

from emulator.world.world import World

T = TypeVar("T")


def wait_for(world: World, bell_name: str | None, look: Callable[[], T | None], timeout: timedelta) -> T | None:
    """Return what `look` finds; None if it finds nothing until `timeout` has passed, really or on the world's clock.

    `look` is called at once, and again whenever the bell rings; None means any bell. In a world that skips waits the
    clock is moved on instead, from one thing that is due to the next. Whoever closes the doors ends all waiting.
    """
    until, deadline = _later(world.now(), timeout), time.monotonic() + timeout.total_seconds()
    with world.bells.waiting(bell_name) as bell:
        while True:
            bell.clear()
            passed = world.now() >= until
            found = look()
            left = deadline - time.monotonic()
            if found is not None or passed or left <= 0 or world.bells.dismissed:
                return found
            if world.skips_waits and world.clock.virtual:
                world.advance_to(min(world.next_due() or until, until))
            else:
                bell.wait(left)


@contextmanager
def changes(world: World) -> Iterator[Event]:
    """Give an event that is set after every change of a world, new entries of its journal included.

    Clear it before looking, and give up once `world.bells.dismissed`.
    """
    event = Event()
    with world.bells.listening(event.set), world.journal.listening(event.set):
        yield event


def _later(moment: datetime, by: timedelta) -> datetime:
    try:
        return moment + by
    except OverflowError:
        return datetime.max.replace(tzinfo=UTC)
