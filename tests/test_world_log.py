"""A collection that is logged notes what happens to its records, in order and in bounds."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from emulator.world import Collection, Store
from emulator.world import store as floor
from emulator.world.store import Change


@dataclass(frozen=True)
class _Thing:
    id: str
    owner: str | None
    size: int = 0


_THINGS: Collection[_Thing] = Collection("things", logged=lambda thing: thing.owner)


def _changes(store: Store, owner: str, since: int = 0) -> list[Change]:
    return list(store.follow(_THINGS, owner).after(since))


def _followed(*owners: str) -> Store:
    store = Store()
    for owner in owners:
        store.follow(_THINGS, owner)
    return store


def test_every_happening_is_noted_in_the_log_of_its_owner() -> None:
    store = _followed("anna", "bert")
    store.add(_THINGS, _Thing("a", "anna"))
    store.add(_THINGS, _Thing("b", "bert"))
    store.put(_THINGS, _Thing("a", "anna", 1))
    store.remove(_THINGS, "a")
    assert _changes(store, "anna") == [(1, "created", "a"), (2, "updated", "a"), (3, "destroyed", "a")]
    assert _changes(store, "anna", since=2) == [(3, "destroyed", "a")]
    assert _changes(store, "bert") == [(1, "created", "b")]


def test_what_belongs_to_no_log_is_not_noted() -> None:
    store = _followed("anna")
    store.add(_THINGS, _Thing("a", None))
    assert store.follow(_THINGS, "anna").last == 0


def test_what_happened_before_a_log_was_followed_is_not_noted() -> None:
    store = Store()
    store.add(_THINGS, _Thing("a", "anna"))
    assert _changes(store, "anna") == []
    store.put(_THINGS, _Thing("a", "anna", 1))
    assert _changes(store, "anna") == [(1, "updated", "a")]


def test_a_log_forgets_the_oldest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(floor, "_LOG_LENGTH", 3)
    store = _followed("anna")
    for number in range(5):
        store.add(_THINGS, _Thing(str(number), "anna"))
    log = store.follow(_THINGS, "anna")
    assert (log.last, len(log.kept)) == (5, 3)
    assert [log.reaches(since) for since in range(-1, 7)] == [False, False, False, True, True, True, True, False]


def test_a_fork_has_a_log_of_its_own() -> None:
    store = _followed("anna")
    store.add(_THINGS, _Thing("a", "anna"))
    fork = Store(store.root)
    fork.add(_THINGS, _Thing("b", "anna"))
    assert _changes(store, "anna") == [(1, "created", "a")]
    assert len(_changes(fork, "anna")) == 2
