"""The lock of a world: held for each step, by one thread at a time."""

from __future__ import annotations

from collections.abc import Callable
from threading import RLock


class Lock:
    """A reentrant lock that calls `released` whenever a thread has let go of it altogether."""

    __slots__ = ("_depth", "_lock", "_released")

    def __init__(self, released: Callable[[], None]) -> None:
        self._lock = RLock()
        self._depth = 0
        self._released = released

    def __enter__(self) -> None:
        self._lock.acquire()
        self._depth += 1

    def __exit__(self, *_: object) -> None:
        self._depth -= 1
        free = not self._depth
        self._lock.release()
        if free:
            self._released()
