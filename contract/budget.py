"""How many requests a run may send, and how fast."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime

from _pytest.outcomes import Skipped  # pytest.skip.Exception, as a type

_LONGEST_WAIT = 60.0


class Refused(Skipped):
    """A request that the run may not send: the test that wanted it is skipped, with the reason."""


class Budget:
    """Counts every request. What was created keeps a request in reserve, to delete it."""

    def __init__(self, limit: int | None) -> None:
        self.limit = limit
        self.sent = 0
        self.reserved = 0
        self._lock = threading.Lock()

    def take(self, reserve: int = 0) -> None:
        """Count a request that is about to be sent, and hold `reserve` more back; Refused if they are not left."""
        with self._lock:
            if self.limit is not None and self.sent + self.reserved + 1 + reserve > self.limit:
                raise Refused(f"the budget of {self.limit} requests is spent")
            self.sent += 1
            self.reserved += reserve

    def take_reserved(self) -> None:
        """Count a request that was held back."""
        with self._lock:
            self.sent += 1
            self.reserved -= 1

    def release(self, count: int = 1) -> None:
        """Give back requests that were held back and are not needed."""
        with self._lock:
            self.reserved -= count

    @property
    def left(self) -> int | None:
        """How many requests are left; None without a limit."""
        return None if self.limit is None else self.limit - self.sent


class Pace:
    """Spaces requests out, and waits where a provider says so."""

    def __init__(
        self,
        per_second: float | None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._interval = 1 / per_second if per_second else 0.0
        self._clock, self._sleep = clock, sleep
        self._next = 0.0
        self._lock = threading.Lock()

    def wait(self) -> None:
        """Wait until the next request may be sent."""
        if not self._interval:
            return
        with self._lock:
            now = self._clock()
            at = max(now, self._next)
            self._next = at + self._interval
        if at > now:
            self._sleep(at - now)

    def hold(self, retry_after: str | None, attempt: int) -> None:
        """Wait as long as a provider asked, or twice as long at every attempt if it did not say; a minute at most."""
        asked = _seconds(retry_after)
        self._sleep(min(2.0**attempt if asked is None else asked, _LONGEST_WAIT))


def _seconds(retry_after: str | None) -> float | None:
    """Return what a Retry-After header asks for, in seconds or as a date (RFC 9110)."""
    if retry_after is None or retry_after.isdigit():
        return None if retry_after is None else float(retry_after)
    try:
        return max(0.0, parsedate_to_datetime(retry_after).timestamp() - time.time())
    except ValueError:
        return None
