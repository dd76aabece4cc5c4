"""The memory store: collections of immutable records with declared indexes, all of it one persistent value."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final, Generic, Literal, NamedTuple, Protocol, TypeVar

from immutables import Map

from emulator.world.ordered import Key, SortedKeys


class Record(Protocol):
    """What a collection holds: an immutable value with a string id."""

    @property
    def id(self) -> str:
        """The key of the record in its collection."""
        ...


R = TypeVar("R", bound=Record)
"""A type of record."""


@dataclass(frozen=True, slots=True)
class Order(Generic[R]):
    """An ordered index: a record stands once in each of its groups, sorted by `sort`, ties by id.

    `groups` may return an empty tuple: the record is then not listed.
    """

    groups: Callable[[R], Iterable[Hashable]]
    sort: Callable[[R], Key]


@dataclass(frozen=True, eq=False)
class Collection(Generic[R]):
    """A declared set of records.

    `unique` maps an index name to a value that no two records share (None: not indexed).
    `ordered` maps an index name to an `Order`.
    `logged` names the log that notes what happens to a record once somebody follows it (None: not noted).
    """

    name: str
    unique: Mapping[str, Callable[[R], Hashable | None]] = field(default_factory=dict)
    ordered: Mapping[str, Order[R]] = field(default_factory=dict)
    logged: Callable[[R], Hashable | None] | None = None


class Duplicate(Exception):
    """A record's unique value is taken by another record."""

    def __init__(self, collection: str, index: str, value: object) -> None:
        super().__init__(f"{collection}: {index} {value!r} is taken")
        self.collection = collection
        self.index = index
        self.value = value


class Page(NamedTuple, Generic[R]):
    """Some records in order, and the key to continue after (None when nothing follows)."""

    records: list[R]
    next_key: Key | None


Happening = Literal["created", "updated", "destroyed"]


class Change(NamedTuple):
    """What happened to a record, the `n`-th that happened in its log."""

    n: int
    happening: Happening
    record_id: str


class Log(NamedTuple):
    """What happened to the records of a log since it is followed: all of it up to the newest 10,000."""

    last: int
    """The number of the newest change, 0 if there was none."""
    kept: SortedKeys

    def reaches(self, since: int) -> bool:
        """Tell whether every change after number `since` is still known."""
        return self.last - len(self.kept) <= since <= self.last

    def after(self, since: int) -> Iterator[Change]:
        """Yield the changes after number `since`, oldest first."""
        return (Change(*key) for key in self.kept.ascending((since + 1,)))


class _Table(NamedTuple):
    rows: Map[str, Any]
    unique: Map[tuple[str, Hashable], str]
    ordered: Map[tuple[str, Hashable], SortedKeys]
    logs: Map[Hashable, Log]


Root = Map[str, Any]
_EMPTY = _Table(Map(), Map(), Map(), Map())
_COUNTERS = "counters"
_LOG_LENGTH: Final = 10_000


class Store:
    """Records in memory. `root` is the whole state as one immutable value: fork and restore copy a reference."""

    __slots__ = ("root",)

    def __init__(self, root: Root | None = None) -> None:
        self.root: Root = Map() if root is None else root

    def add(self, collection: Collection[R], record: R) -> R:
        """Add a new record and return it.

        Raises Duplicate if its id or one of its unique values is taken.
        """
        table = self._table(collection)
        if record.id in table.rows:
            raise Duplicate(collection.name, "id", record.id)
        self._write(collection, table, None, record)
        return record

    def put(self, collection: Collection[R], record: R) -> R:
        """Replace the record of the same id (KeyError if there is none) and return the new one."""
        table = self._table(collection)
        self._write(collection, table, table.rows[record.id], record)
        return record

    def remove(self, collection: Collection[R], record_id: str) -> None:
        """Remove a record; KeyError if there is none."""
        table = self._table(collection)
        self._write(collection, table, table.rows[record_id], None)

    def get(self, collection: Collection[R], record_id: str) -> R | None:
        """Return the record of this id, or None."""
        found: R | None = self._table(collection).rows.get(record_id)
        return found

    def find(self, collection: Collection[R], index: str, value: Hashable) -> R | None:
        """Return the record with this unique value, or None."""
        table = self._table(collection)
        record_id = table.unique.get((index, value))
        return None if record_id is None else table.rows[record_id]

    def each(
        self, collection: Collection[R], index: str, group: Hashable, *, newest_first: bool = False
    ) -> Iterator[R]:
        """Yield the records of a group in order, as the store stands now."""
        table = self._table(collection)
        keys = table.ordered.get((index, group), _NO_KEYS)
        return (table.rows[key[-1]] for key in (keys.descending() if newest_first else keys))

    def count(self, collection: Collection[R], index: str, group: Hashable) -> int:
        """Return the number of records in a group."""
        return len(self._table(collection).ordered.get((index, group), _NO_KEYS))

    def page(
        self,
        collection: Collection[R],
        index: str,
        group: Hashable,
        *,
        limit: int,
        after: Key | None = None,
        newest_first: bool = True,
        where: Callable[[R], bool] | None = None,
    ) -> Page[R]:
        """Return up to `limit` records that follow the key `after`, in O(log n + limit).

        With `where` only those it is true for; the records passed over add to the cost.
        """
        table = self._table(collection)
        keys = table.ordered.get((index, group), _NO_KEYS)
        walk = keys.descending(after) if newest_first else keys.ascending(after)
        if where is not None:
            walk = (key for key in walk if where(table.rows[key[-1]]))
        taken = list(islice(walk, limit + 1))
        more = len(taken) > limit
        records = [table.rows[key[-1]] for key in taken[:limit]]
        return Page(records, taken[limit - 1] if more and limit else None)

    def newest(self, collection: Collection[R], index: str, group: Hashable, *, start: int, count: int) -> list[R]:
        """Return up to `count` records, newest first, after leaving out the `start` newest."""
        table = self._table(collection)
        keys = table.ordered.get((index, group), _NO_KEYS)
        return [table.rows[key[-1]] for key in keys.slice_descending(start, count)]

    def everything(self, collection: Collection[R]) -> Iterator[R]:
        """Yield all records of a collection as the store stands now, in no promised order."""
        return iter(self._table(collection).rows.values())

    def follow(self, collection: Collection[Any], name: Hashable) -> Log:
        """Return what happened to the records whose `logged` is this name since they were first followed."""
        table = self._table(collection)
        log = table.logs.get(name)
        if log is None:  # most are never followed, and noting costs
            log = _NO_LOG
            self.root = self.root.set(collection.name, table._replace(logs=table.logs.set(name, log)))
        return log

    def keys(self, collection: Collection[Any], index: str, group: Hashable) -> SortedKeys:
        """Return the keys of a group in order, a value that no later change touches; the last of a key is the id."""
        return self._table(collection).ordered.get((index, group), _NO_KEYS)

    def ticks(self, *counter: str) -> int:
        """Return how far a named counter has come."""
        value: int = self.root.get(_COUNTERS, Map()).get(counter, 0)
        return value

    def tick(self, *counter: str) -> int:
        """Raise a named counter by one and return its new value (the first is 1)."""
        counters = self.root.get(_COUNTERS, Map())
        value: int = counters.get(counter, 0) + 1
        self.root = self.root.set(_COUNTERS, counters.set(counter, value))
        return value

    def _table(self, collection: Collection[Any]) -> _Table:
        table: _Table = self.root.get(collection.name, _EMPTY)
        return table

    def _write(self, collection: Collection[R], table: _Table, old: R | None, new: R | None) -> None:
        unique = _reindex_unique(collection, table, old, new)
        ordered = _reindex_ordered(collection, table, old, new)
        rows = table.rows.delete(old.id) if new is None and old is not None else table.rows
        rows = rows if new is None else rows.set(new.id, new)
        logs = _noted(collection.logged, table.logs, old, new) if collection.logged and table.logs else table.logs
        self.root = self.root.set(collection.name, _Table(rows, unique, ordered, logs))


_NO_KEYS = SortedKeys()
_NO_LOG = Log(0, _NO_KEYS)


def _noted(
    logged: Callable[[R], Hashable | None], logs: Map[Hashable, Log], old: R | None, new: R | None
) -> Map[Hashable, Log]:
    record = old if new is None else new
    name = None if record is None else logged(record)
    log = logs.get(name)
    if record is None or log is None:
        return logs
    happening: Happening = "created" if old is None else "destroyed" if new is None else "updated"
    n = log.last + 1
    kept = log.kept.add(Change(n, happening, record.id))
    return logs.set(name, Log(n, kept.remove(next(iter(kept))) if len(kept) > _LOG_LENGTH else kept))


def _reindex_unique(
    collection: Collection[R], table: _Table, old: R | None, new: R | None
) -> Map[tuple[str, Hashable], str]:
    unique = table.unique
    for name, value_of in collection.unique.items():
        before = None if old is None else value_of(old)
        after = None if new is None else value_of(new)
        if before == after:
            continue
        if before is not None:
            unique = unique.delete((name, before))
        if after is not None and new is not None:
            if (name, after) in unique:
                raise Duplicate(collection.name, name, after)
            unique = unique.set((name, after), new.id)
    return unique


def _reindex_ordered(
    collection: Collection[R], table: _Table, old: R | None, new: R | None
) -> Map[tuple[str, Hashable], SortedKeys]:
    ordered = table.ordered
    for name, order in collection.ordered.items():
        before = _places(name, order, old)
        after = _places(name, order, new)
        if before == after:
            continue
        for place, key in before:
            left = ordered[place].remove(key)
            ordered = ordered.set(place, left) if len(left) else ordered.delete(place)
        for place, key in after:
            ordered = ordered.set(place, ordered.get(place, _NO_KEYS).add(key))
    return ordered


def _places(name: str, order: Order[R], record: R | None) -> list[tuple[tuple[str, Hashable], Key]]:
    if record is None:
        return []
    key = (*order.sort(record), record.id)
    # A group that is named twice counts once.
    return [((name, group), key) for group in dict.fromkeys(order.groups(record))]
