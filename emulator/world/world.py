"""A world: one emulated universe with its own mail, accounts, time and failures."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from emulator.world.agenda import next_task, run_due
from emulator.world.alarm import ALARM
from emulator.world.bells import Bells
from emulator.world.clock import Clock
from emulator.world.faults import Faults
from emulator.world.ids import Format, Ids
from emulator.world.journal import Journal
from emulator.world.lock import Lock
from emulator.world.outbox import Outbox
from emulator.world.store import Root, Store

Formats = Mapping[str, Mapping[str, Format]]
"""Id formats by provider and kind."""

_log = logging.getLogger("emulator")


class Snapshot(NamedTuple):
    """A world's whole state at a moment, immutable."""

    root: Root
    clock: Clock
    seed: str


class World:
    """One universe: a store, a clock, ids, an agenda, faults and a journal.

    `seed` decides every id. `lock` is held for each step; a step never sleeps while it holds it.
    """

    def __init__(self, seed: str = "0", clock: Clock | None = None, formats: Formats | None = None) -> None:
        self.seed = seed
        self.clock = clock or Clock()
        self.formats: Formats = formats or {}
        self.store = Store()
        self.faults = Faults(self)
        self.journal = Journal()
        self.bells = Bells()
        self.outbox = Outbox()
        self.lock = Lock(self._released)
        self.strict = False
        self.skips_waits = False
        """Whether whoever waits moves a virtual clock on instead of sleeping."""
        self.receivers: dict[str, Any] = {}
        """Applications in this process, by the beginning of the URLs that they answer."""
        self.saved: list[Snapshot] = []
        self.restored = 0
        """How often a state was put back: numbers that were given since may be given again."""
        self._ids = Ids(seed)
        self._alarm_at: datetime | None = None
        self._origin = self.snapshot()

    def now(self) -> datetime:
        """Return the world's time, aware and in UTC."""
        return self.clock.now()

    def new_id(self, provider: str, kind: str, scope: str) -> str:
        """Return the next id of this kind in this scope (an account or a mailbox), in the provider's format."""
        n = self.store.tick("id", provider, kind, scope)
        return self.formats[provider][kind](self._ids.digest(provider, kind, scope, n))

    def derived_id(self, provider: str, kind: str, *parts: str) -> str:
        """Return the id that these parts decide alone, without counting."""
        return self.formats[provider][kind](self._ids.digest(provider, kind, *parts))

    def secret(self, *parts: str) -> bytes:
        """Return 32 bytes known to this world alone, for signing."""
        return self._ids.digest("secret", *parts)

    @contextmanager
    def step(self) -> Iterator[None]:
        """Hold the lock for one change: all of it happens, or none of it if an exception leaves the block.

        An exception with a true attribute `keep_changes` leaves what was done before it.
        What is due is done first, and what the change itself makes due at once is done after it.
        """
        with self.lock:
            earlier = self.store.root
            self.settle()
            before = self.store.root
            try:
                yield
            except BaseException as error:
                if not getattr(error, "keep_changes", False):
                    self.store.root = before
                raise
            else:
                self.settle()
            finally:
                if self.store.root is not earlier:
                    self.bells.tell()
                    self._set_alarm()

    def settle(self) -> int:
        """Do what is due by now; return how many tasks that were."""
        return run_due(self, self.now()) if self.store.root.get("tasks") is not None else 0

    def next_due(self) -> datetime | None:
        """Return when the next thing is due, or None if nothing is planned."""
        task = next_task(self) if self.store.root.get("tasks") is not None else None
        return None if task is None else task.due

    def wake(self) -> None:
        """Do what is due, called by nobody's request; what goes wrong is logged."""
        self._alarm_at = None
        try:
            with self.step():
                pass
        except Exception:  # noqa: BLE001  # nobody else is there to see it
            _log.exception("what was due could not be done")

    def freeze(self, at: datetime | None = None) -> None:
        """Let time stand still from now on, at `at` if it is given; ValueError if that lies in the past.

        What is due until then is done on the way.
        """
        with self.lock:
            frozen = Clock(self.now())
            moment = frozen.now() if at is None else at
            frozen.fork().move_to(moment)  # refuses before anything is done
            self.clock = frozen
        self.advance_to(moment)  # without the lock: others may need it before the clock moves on

    def advance(self, by: timedelta) -> int:
        """Move a virtual clock forward and do what became due, in order; return how many tasks that were."""
        try:
            moment = self.now() + by
        except OverflowError:
            raise ValueError(f"no calendar reaches {by} from {self.now():%Y-%m-%d}") from None
        return self.advance_to(moment)

    def advance_to(self, moment: datetime) -> int:
        """Move a virtual clock to `moment`, doing on the way what becomes due; return how many tasks that were.

        What that leaves in the outbox is done at its time, before the clock moves on.
        """
        self.clock.fork().move_to(moment)  # refuses before anything is done
        done = 0
        while True:
            with self.lock:
                done += (ran := run_due(self, moment, pausing=True))
                if not ran and not self.outbox.undone:
                    if moment > self.now():
                        self.clock.move_to(moment)
                    break
            if not self.outbox.wait_until_done() and not ran:  # from within such work: it is not waited for
                with self.lock:
                    self.clock.move_to(max(moment, self.now()))
                break
        self.bells.ring_all()
        return done

    def run_until_idle(self) -> int:
        """Do everything that is planned, moving a virtual clock from one thing to the next, until nothing is left.

        Return how many tasks that were; in real time only what is due is done, and the outbox waited for.
        """
        if not self.clock.virtual:
            with self.step():
                done = 0
            self.outbox.wait_until_done()
            return done
        done = self.advance_to(self.now())
        while (due := self.next_due()) is not None:
            done += self.advance_to(due)
        return done

    def snapshot(self) -> Snapshot:
        """Return the present state; it costs a reference, whatever the world holds."""
        with self.lock:  # a step under way finishes first
            return Snapshot(self.store.root, self.clock.fork(), self.seed)

    def restore(self, snapshot: Snapshot) -> None:
        """Put a state back. A step under way finishes first; journal and faults stay as they are."""
        with self.lock:
            self.store.root = snapshot.root
            self.restored += 1
            if snapshot.seed != self.seed:
                self.seed, self._ids = snapshot.seed, Ids(snapshot.seed)
            self.clock = snapshot.clock.fork()
        self.bells.ring_all()

    def settled_origin(self) -> None:
        """Make the present state the one that `reset` returns to."""
        self._origin = self.snapshot()

    def reset(self) -> None:
        """Return to the starting state and forget journal and faults."""
        with self.lock:
            self.restore(self._origin)
            self.faults.clear()
            self.journal.clear()

    def fork(self) -> World:
        """Return a world of its own that starts from this one's present state; the journal starts empty."""
        with self.lock:
            copy = World(self.seed, self.clock.fork(), self.formats)
            copy.strict = self.strict
            copy.skips_waits = self.skips_waits
            copy.receivers = dict(self.receivers)
            copy.store.root = self.store.root
            copy.faults = self.faults.fork(copy)
            copy.settled_origin()
            return copy

    def _released(self) -> None:
        if self.outbox.waiting:
            self.outbox.flush()

    def _set_alarm(self) -> None:
        """In real time, be woken for what is planned next."""
        due = None if self.clock.virtual else self.next_due()
        if due is not None and (self._alarm_at is None or due < self._alarm_at):
            self._alarm_at = due
            ALARM.wake(self, due)
