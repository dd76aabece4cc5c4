"""What happened in a world, in order: requests, SMTP sessions, deliveries. Bounded in bytes."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from itertools import islice
from typing import Any

from emulator.world.clock import timestamp
from emulator.world.listeners import Listeners

DEFAULT_LIMIT = 16 * 1024 * 1024
_OVERHEAD = 400

Render = Callable[[], Mapping[str, Any]]


class Entry:
    """One thing that happened. Its details are rendered, secrets masked, only when somebody looks."""

    __slots__ = ("_brief", "_render", "at", "kind", "n", "size")

    def __init__(self, n: int, at: datetime, kind: str, size: int, render: Render, brief: Render) -> None:
        self.n = n
        self.at = at
        self.kind = kind
        self.size = size
        self._render = render
        self._brief = brief

    def as_json(self) -> dict[str, Any]:
        """Return the entry as plain JSON values: n, at, kind and the details of its kind."""
        return {"n": self.n, "at": timestamp(self.at), "kind": self.kind, **self._render()}

    def in_brief(self) -> dict[str, Any]:
        """Return the same without what is long, such as headers and bodies."""
        return {"n": self.n, "at": timestamp(self.at), "kind": self.kind, **self._brief()}


class Journal:
    """The newest entries of a world, at most `limit` bytes of them, and how many were dropped before."""

    __slots__ = ("_entries", "_listeners", "_n", "_size", "evicted", "limit")

    def __init__(self, limit: int = DEFAULT_LIMIT) -> None:
        self.limit = limit
        self.evicted = 0
        self._entries: deque[Entry] = deque()
        self._listeners = Listeners()
        self._n = 0
        self._size = 0

    def __iter__(self) -> Iterator[Entry]:
        return iter(tuple(self._entries))

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def last(self) -> int:
        """The number of the newest entry that was ever added."""
        return self._n

    def find(self, n: int) -> Entry | None:
        """Return the entry of this number while it is kept, or None."""
        return next((entry for entry in self if entry.n == n), None)

    def listening(self, hear: Callable[[], None]) -> AbstractContextManager[None]:
        """Call `hear` after every new entry, in the thread that added it; it must return at once and not raise."""
        return self._listeners.listening(hear)

    def newest(self, start: int, count: int) -> list[Entry]:
        """Return up to `count` entries, newest first, after leaving out the `start` newest."""
        return list(islice(reversed(self._entries), start, start + count))

    def add(self, at: datetime, kind: str, render: Render, size: int = 0, brief: Render | None = None) -> Entry:
        """Append an entry; `size` is the number of bytes that `render` holds on to, `brief` leaves out what is long."""
        self._n += 1
        entry = Entry(self._n, at, kind, size + _OVERHEAD, render, brief or render)
        self._entries.append(entry)
        self._size += entry.size
        while self._size > self.limit and len(self._entries) > 1:
            self._size -= self._entries.popleft().size
            self.evicted += 1
        self._listeners.tell()
        return entry

    def note(self, at: datetime, kind: str, **details: Any) -> Entry:
        """Append an entry whose details are at hand and hold no secret."""
        return self.add(at, kind, lambda: details, sum(len(str(value)) for value in details.values()))

    def clear(self) -> None:
        """Forget everything, the count of evictions included."""
        self._entries.clear()
        self._size = self.evicted = 0
