"""Numbered pages: which one was asked for, and what stands on it."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Generic, NamedTuple

from emulator.world import Collection, World
from emulator.world.store import R


class Window(NamedTuple):
    """The page of a list that a client asks for, counted from 1."""

    number: int
    size: int


class Listed(NamedTuple, Generic[R]):
    """A page of a list, newest first, and how many records the whole list has."""

    records: list[R]
    total: int
    window: Window


def listed(world: World, collection: Collection[R], index: str, group: Hashable, window: Window) -> Listed[R]:
    """Return a page of a group of records, newest first; a page behind the last one is empty."""
    start = (window.number - 1) * window.size
    records = world.store.newest(collection, index, group, start=start, count=window.size)
    return Listed(records, world.store.count(collection, index, group), window)
