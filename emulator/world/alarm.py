"""The alarm of worlds in real time: wakes them when something they planned is due."""

from __future__ import annotations

import heapq
import threading
from datetime import UTC, datetime
from itertools import count
from typing import TYPE_CHECKING
from weakref import ReferenceType, ref

if TYPE_CHECKING:
    from emulator.world.world import World


class Alarm:
    """One thread for all worlds of the process, begun with the first alarm that is set; a world may go before it."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._set: list[tuple[datetime, int, ReferenceType[World]]] = []
        self._numbers = count()
        self._thread: threading.Thread | None = None

    def wake(self, world: World, at: datetime) -> None:
        """Let a world settle at this moment of real time."""
        with self._changed:
            heapq.heappush(self._set, (at, next(self._numbers), ref(world)))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="emulator-alarm", daemon=True)
                self._thread.start()
            self._changed.notify()

    def _run(self) -> None:
        while True:
            world = self._next()()
            if world is not None:
                world.wake()
            del world

    def _next(self) -> ReferenceType[World]:
        with self._changed:
            while True:
                now = datetime.now(UTC)
                if self._set and self._set[0][0] <= now:
                    return heapq.heappop(self._set)[2]
                self._changed.wait((self._set[0][0] - now).total_seconds() if self._set else None)


ALARM = Alarm()
