"""Long lists, a page at a time."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Final, Generic, NamedTuple, TypeVar

from flask import request

from emulator.servers.http.control.asked import world
from emulator.world import Collection
from emulator.world.store import R

PER_PAGE: Final = 50

T = TypeVar("T")


class Listed(NamedTuple, Generic[T]):
    """One page of a list: its items, the number of the page, and how many items there are on all pages."""

    items: list[T]
    page: int
    total: int

    @property
    def pages(self) -> int:
        """How many pages there are, one at the least."""
        return max(1, -(-self.total // PER_PAGE))


def page_number() -> int:
    """Return the number of the page that is asked for."""
    given = request.args.get("page", 1, type=int)
    return min(max(1, given), 1_000_000)


def start() -> int:
    """Return how many items are on the pages before the one that is asked for."""
    return (page_number() - 1) * PER_PAGE


def cut(items: list[T]) -> Listed[T]:
    """Return the page that is asked for of a whole list."""
    return Listed(items[start() : start() + PER_PAGE], page_number(), len(items))


def page_of(
    collection: Collection[R], index: str, group: Hashable, fits: Callable[[R], bool] | None = None
) -> Listed[R]:
    """Return the page that is asked for of the records of a group, newest first; with `fits` only of those that do."""
    store = world().store
    if fits is not None:
        return cut([record for record in store.each(collection, index, group, newest_first=True) if fits(record)])
    found = store.newest(collection, index, group, start=start(), count=PER_PAGE)
    return Listed(found, page_number(), store.count(collection, index, group))


def asked_text(name: str) -> str:
    """Return a text of the query without space around it; empty without one."""
    return request.args.get(name, "").strip()
