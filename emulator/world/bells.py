"""Waiting without polling: a waiter sleeps until the bell of its address rings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from itertools import chain
from threading import Event, Lock

from emulator.world.listeners import Listeners


class Bells:
    """One bell per name (a mail address, say); ringing it wakes those who wait for it and nobody else."""

    __slots__ = ("_listeners", "_lock", "_waiting", "dismissed")

    def __init__(self) -> None:
        self._lock = Lock()
        self._waiting: dict[str, list[Event]] = {}
        self._listeners = Listeners()
        self.dismissed = False
        """Whether waiters are to give up: the doors are closing."""

    def ring(self, name: str) -> None:
        """Wake everybody who waits for this name (compared without case) or for any."""
        if not self._waiting:
            return
        with self._lock:
            for event in (*self._waiting.get(name.lower(), ()), *self._waiting.get("*", ())):
                event.set()

    def ring_all(self) -> None:
        """Wake everybody: what they wait for may have changed altogether."""
        with self._lock:
            for event in chain.from_iterable(self._waiting.values()):
                event.set()
        self.tell()

    def tell(self) -> None:
        """Tell those who listen that something changed, whatever it was."""
        self._listeners.tell()

    def listening(self, hear: Callable[[], None]) -> AbstractContextManager[None]:
        """Call `hear` after every change, in the thread that made it; it must return at once and not raise."""
        return self._listeners.listening(hear)

    @contextmanager
    def dismissal(self) -> Iterator[None]:
        """Send everybody home who waits, and who comes to wait before the block ends."""
        self.dismissed = True
        try:
            self.ring_all()
            yield
        finally:
            self.dismissed = False

    @contextmanager
    def waiting(self, name: str | None) -> Iterator[Event]:
        """Give an event that is set when the bell rings; None waits for any name. Clear it before looking."""
        key, event = "*" if name is None else name.lower(), Event()
        with self._lock:
            self._waiting.setdefault(key, []).append(event)
        try:
            yield event
        finally:
            with self._lock:
                waiters = self._waiting[key]
                waiters.remove(event)
                if not waiters:
                    del self._waiting[key]
