"""What happened in a world, in order: requests, SMTP sessions, deliveries. Bounded in bytes."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from emulator.world.clock import timestamp

DEFAULT_LIMIT = 16 * 1024 * 1024
_OVERHEAD = 400

Render = Callable[[], Mapping[str, Any]]


class Entry:
    """One thing that happened. Its details are rendered, secrets masked, only when somebody looks."""

    __slots__ = ("_render", "at", "kind", "n", "size")

    def __init__(self, n: int, at: datetime, kind: str, size: int, render: Render) -> None:
        self.n = n
        self.at = at
        self.kind = kind
        self.size = size
        self._render = render

    def as_json(self) -> dict[str, Any]:
        """Return the entry as plain JSON values: n, at, kind and the details of its kind."""
        return {"n": self.n, "at": timestamp(self.at), "kind": self.kind, **self._render()}


class Journal:
    """The newest entries of a world, at most `limit` bytes of them, and how many were dropped before."""

    __slots__ = ("_entries", "_n", "_size", "evicted", "limit")

    def __init__(self, limit: int = DEFAULT_LIMIT) -> None:
        self.limit = limit
        self.evicted = 0
        self._entries: deque[Entry] = deque()
        self._n = 0
        self._size = 0

    def __iter__(self) -> Iterator[Entry]:
        return iter(tuple(self._entries))

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, at: datetime, kind: str, render: Render, size: int = 0) -> Entry:
        """Append an entry; `size` is the number of bytes that `render` holds on to."""
        self._n += 1
        entry = Entry(self._n, at, kind, size + _OVERHEAD, render)
        self._entries.append(entry)
        self._size += entry.size
        while self._size > self.limit and len(self._entries) > 1:
            self._size -= self._entries.popleft().size
            self.evicted += 1
        return entry

    def note(self, at: datetime, kind: str, **details: Any) -> Entry:
        """Append an entry whose details are at hand and hold no secret."""
        return self.add(at, kind, lambda: details, sum(len(str(value)) for value in details.values()))

    def clear(self) -> None:
        """Forget everything, the count of evictions included."""
        self._entries.clear()
        self._size = self.evicted = 0
