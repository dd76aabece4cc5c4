"""Long lists, a page at a time."""

from __future__ import annotations

from typing import Final, Generic, NamedTuple, TypeVar

from flask import request

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


def asked_text(name: str) -> str:
    """Return a text of the query without space around it; empty without one."""
    return request.args.get(name, "").strip()
