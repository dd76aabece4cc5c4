"""The store: what an index promises, and that the whole of it behaves like a dict that can be forked."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, replace

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from emulator.world import Collection, Duplicate, Order, Store
from emulator.world.store import Root


@dataclass(frozen=True, slots=True)
class Thing:
    id: str
    name: str | None = None
    box: str | None = "a"
    rank: int = 0
    tags: tuple[str, ...] = ()


THINGS: Collection[Thing] = Collection(
    "things",
    unique={"name": lambda thing: thing.name},
    ordered={
        "in_box": Order(groups=lambda thing: (thing.box,) if thing.box else (), sort=lambda thing: (thing.rank,)),
        "tagged": Order(groups=lambda thing: thing.tags, sort=lambda thing: (thing.rank,)),
    },
)
OTHERS: Collection[Thing] = Collection("others")


def _store(*things: Thing) -> Store:
    store = Store()
    for thing in things:
        store.add(THINGS, thing)
    return store


def _ids(store: Store, group: str = "a", index: str = "in_box") -> list[str]:
    return [thing.id for thing in store.each(THINGS, index, group)]


def test_a_record_is_found_by_its_id() -> None:
    store = _store(Thing("1"))
    assert store.get(THINGS, "1") == Thing("1")
    assert store.get(THINGS, "2") is None


def test_collections_are_apart() -> None:
    store = _store(Thing("1"))
    assert store.get(OTHERS, "1") is None
    store.add(OTHERS, Thing("1", name="other"))
    assert store.get(THINGS, "1") == Thing("1")


def test_an_id_is_taken_once() -> None:
    store = _store(Thing("1", name="first"))
    before = store.root
    with pytest.raises(Duplicate) as caught:
        store.add(THINGS, Thing("1", name="second"))
    assert (caught.value.collection, caught.value.index, caught.value.value) == ("things", "id", "1")
    assert store.root is before


def test_a_unique_value_is_taken_once() -> None:
    store = _store(Thing("1", name="n"))
    before = store.root
    with pytest.raises(Duplicate, match=r"^things: name 'n' is taken$") as caught:
        store.add(THINGS, Thing("2", name="n"))
    assert (caught.value.index, caught.value.value) == ("name", "n")
    assert store.root is before


def test_any_number_of_records_have_no_unique_value() -> None:
    store = _store(Thing("1"), Thing("2"))
    assert store.find(THINGS, "name", None) is None
    assert _ids(store) == ["1", "2"]


def test_a_record_is_found_by_its_unique_value() -> None:
    store = _store(Thing("1", name="n"))
    assert store.find(THINGS, "name", "n") == Thing("1", name="n")
    assert store.find(THINGS, "name", "m") is None


def test_put_moves_the_unique_value() -> None:
    store = _store(Thing("1", name="old"))
    store.put(THINGS, Thing("1", name="new"))
    assert store.find(THINGS, "name", "old") is None
    assert store.find(THINGS, "name", "new") == Thing("1", name="new")
    store.add(THINGS, Thing("2", name="old"))
    store.put(THINGS, Thing("1"))
    assert store.find(THINGS, "name", "new") is None


def test_put_keeps_an_unchanged_unique_value() -> None:
    store = _store(Thing("1", name="n"))
    store.put(THINGS, Thing("1", name="n", rank=5))
    assert store.find(THINGS, "name", "n") == Thing("1", name="n", rank=5)


def test_put_cannot_take_the_unique_value_of_another() -> None:
    store = _store(Thing("1", name="n"), Thing("2", name="m"))
    before = store.root
    with pytest.raises(Duplicate):
        store.put(THINGS, Thing("2", name="n", box="b", rank=9))
    assert store.root is before
    assert _ids(store, "b") == []


def test_put_and_remove_need_a_record() -> None:
    store = _store(Thing("1"))
    before = store.root
    with pytest.raises(KeyError):
        store.put(THINGS, Thing("2"))
    with pytest.raises(KeyError):
        store.remove(THINGS, "2")
    assert store.root is before


def test_a_removed_record_is_nowhere() -> None:
    store = _store(Thing("1", name="n", tags=("t",)))
    store.remove(THINGS, "1")
    assert store.get(THINGS, "1") is None
    assert store.find(THINGS, "name", "n") is None
    assert _ids(store) == _ids(store, "t", "tagged") == []
    assert store.count(THINGS, "in_box", "a") == 0
    assert list(store.everything(THINGS)) == []
    store.add(THINGS, Thing("1", name="n"))


def test_put_moves_a_record_between_groups_and_places() -> None:
    store = _store(Thing("1", rank=1), Thing("2", rank=2), Thing("3", rank=3, box="b"))
    store.put(THINGS, Thing("1", rank=9))
    assert _ids(store) == ["2", "1"]
    store.put(THINGS, Thing("2", box="b", rank=2))
    assert (_ids(store), _ids(store, "b")) == (["1"], ["2", "3"])
    store.put(THINGS, Thing("2", box=None))
    assert _ids(store, "b") == ["3"]
    assert store.get(THINGS, "2") == Thing("2", box=None)


def test_equal_ranks_stand_in_the_order_of_their_ids() -> None:
    assert _ids(_store(Thing("2"), Thing("3"), Thing("1"))) == ["1", "2", "3"]


def test_a_record_stands_in_each_of_its_groups() -> None:
    store = _store(Thing("1", tags=("s", "t")), Thing("2", tags=("t",)))
    assert (_ids(store, "s", "tagged"), _ids(store, "t", "tagged")) == (["1"], ["1", "2"])
    store.put(THINGS, Thing("1", tags=("t", "u")))
    assert (_ids(store, "s", "tagged"), _ids(store, "u", "tagged")) == ([], ["1"])


def test_a_group_that_is_named_twice_counts_once() -> None:
    store = _store(Thing("1", tags=("t", "t")))
    assert _ids(store, "t", "tagged") == ["1"]
    store.put(THINGS, Thing("1", tags=("t", "t"), rank=1))
    assert store.count(THINGS, "tagged", "t") == 1
    store.remove(THINGS, "1")
    assert store.count(THINGS, "tagged", "t") == 0


def test_newest_first_is_the_other_way_round() -> None:
    store = _store(Thing("1", rank=1), Thing("2", rank=2))
    assert [thing.id for thing in store.each(THINGS, "in_box", "a", newest_first=True)] == ["2", "1"]


def test_newest_leaves_out_what_stands_before_its_start() -> None:
    store = _store(*(Thing(str(n), rank=n) for n in range(6)))
    assert [thing.id for thing in store.newest(THINGS, "in_box", "a", start=1, count=3)] == ["4", "3", "2"]
    assert store.newest(THINGS, "in_box", "a", start=6, count=3) == []


def test_what_is_iterated_is_what_stood_there_at_the_call() -> None:
    store = _store(Thing("1"), Thing("2"))
    each, everything = store.each(THINGS, "in_box", "a"), store.everything(THINGS)
    store.remove(THINGS, "1")
    store.add(THINGS, Thing("3"))
    assert [thing.id for thing in each] == ["1", "2"]
    assert {thing.id for thing in everything} == {"1", "2"}


def test_pages_follow_each_other_without_gap_or_repetition() -> None:
    store = _store(*(Thing(f"{n}", rank=n) for n in range(7)))
    for newest_first in (True, False):
        seen, key = [], None
        while True:
            page = store.page(THINGS, "in_box", "a", limit=3, after=key, newest_first=newest_first)
            seen.append([thing.rank for thing in page.records])
            key = page.next_key
            if key is None:
                break
        assert seen == ([[6, 5, 4], [3, 2, 1], [0]] if newest_first else [[0, 1, 2], [3, 4, 5], [6]])


def test_the_last_page_may_be_full() -> None:
    page = _store(Thing("1"), Thing("2")).page(THINGS, "in_box", "a", limit=2)
    assert (len(page.records), page.next_key) == (2, None)


def test_a_page_of_nothing_has_no_next() -> None:
    assert _store().page(THINGS, "in_box", "a", limit=5) == ([], None)
    assert _store(Thing("1")).page(THINGS, "in_box", "a", limit=0) == ([], None)


def test_a_page_leaves_out_what_its_condition_refuses() -> None:
    store = _store(*(Thing(f"{n}", rank=n) for n in range(10)))
    first = store.page(THINGS, "in_box", "a", limit=2, where=lambda thing: thing.rank % 2 == 0)
    rest = store.page(THINGS, "in_box", "a", limit=9, after=first.next_key, where=lambda thing: thing.rank % 2 == 0)
    assert [thing.rank for thing in (*first.records, *rest.records)] == [8, 6, 4, 2, 0]
    assert rest.next_key is None


def test_a_cursor_outlives_the_record_it_was_made_from() -> None:
    store = _store(*(Thing(f"{n}", rank=n) for n in range(5)))
    page = store.page(THINGS, "in_box", "a", limit=2)
    store.remove(THINGS, page.records[-1].id)
    store.add(THINGS, Thing("newer", rank=99))
    following = store.page(THINGS, "in_box", "a", limit=2, after=page.next_key)
    assert [thing.rank for thing in following.records] == [2, 1]


def test_counters_are_apart_and_start_at_one() -> None:
    store = Store()
    assert [store.tick("a"), store.tick("a"), store.tick("a", "b"), store.tick("b")] == [1, 2, 1, 1]


def test_a_root_put_back_is_the_whole_state() -> None:
    store = _store(Thing("1", name="n"))
    store.tick("c")
    before = store.root
    store.remove(THINGS, "1")
    store.tick("c")
    store.root = before
    assert store.find(THINGS, "name", "n") == Thing("1", name="n")
    assert store.tick("c") == 2


def test_a_fork_and_its_origin_do_not_see_each_other() -> None:
    store = _store(Thing("1"))
    fork = Store(store.root)
    fork.add(THINGS, Thing("2"))
    store.remove(THINGS, "1")
    assert (_ids(store), _ids(fork)) == ([], ["1", "2"])


_THING = st.builds(
    Thing,
    id=st.sampled_from("123456"),
    name=st.sampled_from([None, "m", "n"]),
    box=st.sampled_from([None, "a", "b"]),
    rank=st.integers(0, 2),
    tags=st.lists(st.sampled_from("st"), max_size=3).map(tuple),
)
Model = dict[str, Thing]


class StoreMachine(RuleBasedStateMachine):
    """One store and one dict go through the same changes, forks and returns."""

    def __init__(self) -> None:
        super().__init__()
        self.store = Store()
        self.model: Model = {}
        self.kept: list[tuple[Root, Model]] = []

    def _is_taken(self, thing: Thing) -> bool:
        names = {other.name for other in self.model.values() if other.id != thing.id}
        return thing.name is not None and thing.name in names

    @rule(thing=_THING)
    def add(self, thing: Thing) -> None:
        if thing.id in self.model or self._is_taken(thing):
            with pytest.raises(Duplicate):
                self.store.add(THINGS, thing)
        else:
            assert self.store.add(THINGS, thing) is thing
            self.model[thing.id] = thing

    @precondition(lambda self: self.model)
    @rule(thing=_THING, data=st.data())
    def put(self, thing: Thing, data: st.DataObject) -> None:
        thing = replace(thing, id=data.draw(st.sampled_from(sorted(self.model))))
        if self._is_taken(thing):
            with pytest.raises(Duplicate):
                self.store.put(THINGS, thing)
        else:
            assert self.store.put(THINGS, thing) is thing
            self.model[thing.id] = thing

    @precondition(lambda self: self.model)
    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        thing_id = data.draw(st.sampled_from(sorted(self.model)))
        self.store.remove(THINGS, thing_id)
        del self.model[thing_id]

    @rule()
    def keep(self) -> None:
        self.kept.append((self.store.root, dict(self.model)))

    @precondition(lambda self: self.kept)
    @rule(data=st.data(), is_fork=st.booleans())
    def return_to(self, data: st.DataObject, *, is_fork: bool) -> None:
        root, model = data.draw(st.sampled_from(self.kept))
        self.model = dict(model)
        if is_fork:
            self.store = Store(root)
        else:
            self.store.root = root

    @invariant()
    def holds_the_same_records(self) -> None:
        assert {thing.id: thing for thing in self.store.everything(THINGS)} == self.model
        for thing_id in "123456":
            assert self.store.get(THINGS, thing_id) == self.model.get(thing_id)

    @invariant()
    def finds_the_same_names(self) -> None:
        by_name = {thing.name: thing for thing in self.model.values() if thing.name is not None}
        for name in ("m", "n"):
            assert self.store.find(THINGS, "name", name) == by_name.get(name)

    @invariant()
    def lists_the_same_groups(self) -> None:
        for box in "ab":
            self._same("in_box", box, [thing for thing in self.model.values() if thing.box == box])
        for tag in "st":
            self._same("tagged", tag, [thing for thing in self.model.values() if tag in thing.tags])

    def _same(self, index: str, group: Hashable, things: list[Thing]) -> None:
        things.sort(key=lambda thing: (thing.rank, thing.id))
        assert list(self.store.each(THINGS, index, group)) == things
        assert self.store.count(THINGS, index, group) == len(things)
        assert self.store.newest(THINGS, index, group, start=1, count=2) == things[::-1][1:3]
        page = self.store.page(THINGS, index, group, limit=2)
        following = self.store.page(THINGS, index, group, limit=6, after=page.next_key)
        assert page.records == things[::-1][:2]
        assert page.next_key is None or following.records == things[::-1][2:]


TestStoreMachine = StoreMachine.TestCase
TestStoreMachine.settings = settings(max_examples=40, stateful_step_count=30)
