"""Work that a change leaves behind and that must not be done under the world's lock, such as calling somebody."""

from __future__ import annotations

import sys
import threading
from collections import deque
from collections.abc import Callable
from typing import Final

Work = Callable[[], None]

_MOST_THREADS: Final = 8


class Outbox:
    """Work to be done outside the lock: in the order in which it came, lane by lane.

    What is quick is done `here`, by the thread that releases the world's lock, so that a test finds it done; what may
    take long is done by threads of the outbox's own, of which there are some only as long as there is such work.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._here: deque[Work] = deque()
        self._lanes: dict[str, deque[Work]] = {}
        self._ready: deque[str] = deque()
        self._threads = 0
        self._undone = 0
        self._flushing = threading.Lock()
        self._worker = threading.local()

    def put(self, lane: str, work: Work, *, here: bool) -> None:
        """Leave work in a lane. It must not raise."""
        with self._changed:
            self._undone += 1
            if here:
                self._here.append(work)
                return
            waiting = self._lanes.get(lane)
            if waiting is not None:
                waiting.append(work)
                return
            self._lanes[lane] = deque([work])
            self._ready.append(lane)
            self._ensure_thread()

    @property
    def undone(self) -> bool:
        """Whether there is work that is not done yet."""
        return self._undone > 0

    @property
    def waiting(self) -> bool:
        """Whether there is work to be done here."""
        return bool(self._here)

    def flush(self) -> None:
        """Do what is to be done here, unless another thread is at it.

        A thread that runs an event loop leaves it to threads of the outbox: it must not block.
        """
        if _runs_a_loop():
            self._hand_over()
            return
        if not self._flushing.acquire(blocking=False):
            return
        try:
            while self._here:
                self._do(self._here.popleft())
        finally:
            self._flushing.release()

    def wait_until_done(self, timeout: float | None = None) -> bool:
        """Do what is to be done here and wait for the rest; tell whether all is done.

        Called from within such work it returns at once: it would wait for itself.
        """
        if getattr(self._worker, "working", False):
            return False
        self.flush()
        with self._changed:
            return self._changed.wait_for(lambda: not self._undone, timeout)

    def _hand_over(self) -> None:
        while self._here:
            self.put("handed over", self._here.popleft(), here=False)
            with self._changed:
                self._undone -= 1

    def _ensure_thread(self) -> None:
        if self._threads < _MOST_THREADS:
            self._threads += 1
            threading.Thread(target=self._run, name="emulator-outbox", daemon=True).start()

    def _run(self) -> None:
        try:
            while (lane := self._next_lane()) is not None:
                self._do_next_of(lane)
        finally:  # work that fails ends its thread, and no other work
            with self._changed:
                self._threads -= 1
                if self._ready:
                    self._ensure_thread()

    def _next_lane(self) -> str | None:
        with self._changed:
            return self._ready.popleft() if self._ready else None

    def _do_next_of(self, lane: str) -> None:
        with self._changed:
            work = self._lanes[lane].popleft()
        try:
            self._do(work)
        finally:
            with self._changed:
                if self._lanes[lane]:
                    self._ready.append(lane)
                else:
                    del self._lanes[lane]

    def _do(self, work: Work) -> None:
        nested, self._worker.working = getattr(self._worker, "working", False), True
        try:
            work()
        finally:
            self._worker.working = nested
            with self._changed:
                self._undone -= 1
                self._changed.notify_all()


def _runs_a_loop() -> bool:
    asyncio = sys.modules.get("asyncio")  # who runs a loop has imported it; nobody else has to
    if asyncio is None:
        return False
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
