"""SortedKeys, held against a plain sorted list."""

from __future__ import annotations

import random
from bisect import bisect_left, bisect_right, insort

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.world.ordered import Key, SortedKeys

_KEYS = st.tuples(st.integers(-9, 9), st.sampled_from("abc"))


def _many(count: int, step: int = 1) -> SortedKeys:
    keys = SortedKeys()
    for number in range(0, count * step, step):
        keys = keys.add((number,))
    return keys


def _holds(keys: SortedKeys, model: list[Key]) -> None:
    assert list(keys) == model
    assert len(keys) == len(model)
    assert list(keys.ascending()) == model
    assert list(keys.descending()) == model[::-1]


@given(st.lists(st.tuples(st.booleans(), _KEYS)))
def test_adding_and_removing_behaves_like_a_sorted_set(changes: list[tuple[bool, Key]]) -> None:
    keys = SortedKeys()
    model: set[Key] = set()
    for is_add, key in changes:
        keys = keys.add(key) if is_add else keys.remove(key)
        model = model | {key} if is_add else model - {key}
        _holds(keys, sorted(model))


@settings(max_examples=10)
@given(st.randoms(use_true_random=False), st.integers(1000, 2000), st.integers(0, 2000))
def test_thousands_of_keys_in_any_order_stay_sorted(rng: random.Random, to_add: int, to_remove: int) -> None:
    keys = SortedKeys()
    model: list[Key] = []
    for number in rng.sample(range(2000), to_add):
        keys = keys.add((number,))
        insort(model, (number,))
    for number in rng.sample(range(2000), to_remove):
        keys = keys.remove((number,))
        if (number,) in model:
            model.remove((number,))
    _holds(keys, model)


@given(st.integers(-2, 4003))
def test_a_cursor_continues_after_its_place_whether_or_not_its_key_is_there(place: int) -> None:
    # Even numbers are there, odd ones are not; the blocks end somewhere in between.
    keys = _many(2000, step=2)
    model: list[Key] = [(number,) for number in range(0, 4000, 2)]
    assert list(keys.ascending((place,))) == model[bisect_right(model, (place,)) :]
    assert list(keys.descending((place,))) == model[: bisect_left(model, (place,))][::-1]


@pytest.mark.parametrize("count", [511, 512, 513, 1024, 1025, 1500])
def test_a_cursor_crosses_every_end_of_a_block(count: int) -> None:
    keys = _many(count)
    for number in range(count):
        assert next(keys.ascending((number,)), None) == ((number + 1,) if number + 1 < count else None)
        assert next(keys.descending((number,)), None) == ((number - 1,) if number else None)


@given(st.integers(0, 1600), st.integers(0, 1600))
def test_a_slice_is_the_slice_of_the_reversed_list(start: int, count: int) -> None:
    assert _many(1500).slice_descending(start, count) == list(_many(1500).descending())[start : start + count]


def test_an_older_value_never_changes() -> None:
    empty = SortedKeys()
    full = _many(1000)
    more = full.add((500, "between"))
    fewer = full.remove((500,))
    assert list(empty) == []
    assert list(full) == [(number,) for number in range(1000)]
    assert set(more) - set(full) == {(500, "between")}
    assert set(full) - set(fewer) == {(500,)}


def test_a_key_is_held_once() -> None:
    keys = _many(600)
    assert keys.add((17,)) is keys
    assert len(keys.add((17,))) == 600


def test_removing_what_is_not_there_changes_nothing() -> None:
    keys = _many(600)
    assert keys.remove((17, "x")) is keys
    assert keys.remove((600,)) is keys
    assert list(SortedKeys().remove((1,))) == []


def test_a_walk_under_way_does_not_see_later_changes() -> None:
    keys = _many(3)
    walk = keys.ascending()
    assert next(walk) == (0,)
    keys = keys.remove((1,)).add((5,))
    assert list(walk) == [(1,), (2,)]
    assert list(keys) == [(0,), (2,), (5,)]


def test_appending_keeps_the_blocks_dense() -> None:
    keys = _many(10_000)
    assert len(keys._blocks) < 30
    assert max(map(len, keys._blocks)) <= 512


def test_keys_are_found_by_place_and_places_by_key() -> None:
    keys = _many(2000)
    assert keys.slice(700, 1300) == [(n,) for n in range(700, 1300)]
    assert keys.slice(-1, 1) == [(0,)]
    assert keys.slice(1999, 5000) == [(1999,)]
    assert keys.slice(5, 5) == keys.slice(2000, 3000) == SortedKeys().slice(0, 9) == []
    assert [keys.rank(key) for key in [(-1,), (0,), (1500,), (1500, "x"), (9999,)]] == [0, 0, 1500, 1501, 2000]


def test_the_difference_of_two_sequences_is_what_one_has_and_the_other_has_not() -> None:
    before = _many(2000)
    after = before.remove((3,)).remove((1999,)).add((700, "x"))
    assert before.difference(after) == [(3,), (1999,)]
    assert after.difference(before) == [(700, "x")]
    assert before.difference(before) == SortedKeys().difference(before) == []
    assert len(before.difference(SortedKeys())) == 2000
