"""Those who are told whenever something happened."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock


class Listeners:
    """Functions that are called after every change, in the thread that made it."""

    __slots__ = ("_hearing", "_lock")

    def __init__(self) -> None:
        self._lock = Lock()
        self._hearing: list[Callable[[], None]] = []

    def tell(self) -> None:
        """Tell everybody who listens."""
        if self._hearing:
            with self._lock:
                for hear in self._hearing:
                    hear()

    @contextmanager
    def listening(self, hear: Callable[[], None]) -> Iterator[None]:
        """Call `hear` after every change; it must return at once and not raise."""
        with self._lock:
            self._hearing.append(hear)
        try:
            yield
        finally:
            with self._lock:
                self._hearing.remove(hear)
