"""Idempotency keys: one request is done once for as long as its key lives, whatever the dialect calls the key."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from emulator.provider import Problem, once_per_key, recalled
from emulator.world import World
from emulator.world.idempotency import REMEMBERED, KeyReusedError, look_up, recall, remember

_SCOPE = ("postern", "send", "inbox")
_BODY = {"to": "jane@example.com", "cc": ["a@example.com"], "subject": "Größe"}


def test_a_key_gives_its_result_again(world: World) -> None:
    assert recall(world, _SCOPE, "k", _BODY) is None
    remember(world, _SCOPE, "k", _BODY, "result")
    assert recall(world, _SCOPE, "k", _BODY) == "result"


def test_a_result_can_be_looked_up_without_the_input_as_long_as_its_key_lives(world: World) -> None:
    remember(world, _SCOPE, "k", _BODY, "result", lifetime=timedelta(hours=1))
    assert look_up(world, _SCOPE, "k") == "result"
    assert look_up(world, _SCOPE, "other") is None
    assert look_up(world, ("postern", "reply", "inbox"), "k") is None
    world.advance(timedelta(hours=1))
    assert look_up(world, _SCOPE, "k") is None


@pytest.mark.parametrize(
    "other",
    [
        {**_BODY, "subject": "Other"},
        {**_BODY, "bcc": None},
        {**_BODY, "cc": []},
        {},
        None,
        [_BODY],
        {"subject": "\ud800"},
    ],
)
def test_a_key_with_other_input_is_refused(world: World, other: Any) -> None:
    remember(world, _SCOPE, "k", _BODY, "result")
    with pytest.raises(KeyReusedError, match="'k' was used with other input"):
        recall(world, _SCOPE, "k", other)


def test_the_order_of_fields_is_no_difference(world: World) -> None:
    remember(world, _SCOPE, "k", _BODY, "result")
    assert recall(world, _SCOPE, "k", dict(reversed(_BODY.items()))) == "result"


def test_scopes_know_nothing_of_each_others_keys(world: World) -> None:
    remember(world, _SCOPE, "k", _BODY, "result")
    for scope in (("postern", "send", "other"), ("postern", "create", "inbox"), ("sendmux", "send", "inbox"), ()):
        assert recall(world, scope, "k", {}) is None


def test_a_key_lives_for_its_lifetime_on_the_worlds_clock(world: World) -> None:
    remember(world, _SCOPE, "k", _BODY, "result", lifetime=timedelta(hours=24))
    world.advance(timedelta(hours=24) - timedelta(microseconds=1))
    assert recall(world, _SCOPE, "k", _BODY) == "result"
    world.advance(timedelta(microseconds=1))
    assert recall(world, _SCOPE, "k", _BODY) is None
    assert recall(world, _SCOPE, "k", {}) is None, "an old key is free for another request"
    remember(world, _SCOPE, "k", {}, "second", lifetime=timedelta(hours=24))
    assert recall(world, _SCOPE, "k", {}) == "second"


def test_a_key_without_a_lifetime_lives_for_good(world: World) -> None:
    remember(world, _SCOPE, "k", _BODY, "result")
    world.advance(timedelta(days=36_500))
    assert recall(world, _SCOPE, "k", _BODY) == "result"


def test_keys_are_forked_and_restored_with_their_world(world: World) -> None:
    before = world.snapshot()
    remember(world, _SCOPE, "k", _BODY, "result")
    fork = world.fork()
    world.restore(before)
    assert (recall(world, _SCOPE, "k", _BODY), recall(fork, _SCOPE, "k", _BODY)) == (None, "result")


# What the dialects use


def _counting(done: list[int]) -> int:
    done.append(len(done) + 1)
    return done[-1]


def test_a_request_with_a_key_is_done_once(world: World) -> None:
    done: list[int] = []
    results = [once_per_key(world, _SCOPE, "k", _BODY, lambda: _counting(done)) for _ in range(3)]
    assert (results, done) == ([1, 1, 1], [1])


def test_a_request_without_a_key_is_done_each_time_and_not_remembered(world: World) -> None:
    done: list[int] = []
    assert [once_per_key(world, _SCOPE, None, _BODY, lambda: _counting(done)) for _ in range(3)] == [1, 2, 3]
    assert list(world.store.everything(REMEMBERED)) == []


def test_a_request_is_done_again_when_its_key_has_expired(world: World) -> None:
    done: list[int] = []
    for hours in (23, 1, 1):
        once_per_key(world, _SCOPE, "k", _BODY, lambda: _counting(done), lifetime=timedelta(hours=24))
        world.advance(timedelta(hours=hours))
    assert done == [1, 2]


def test_a_request_that_failed_leaves_its_key_free(world: World) -> None:
    def refuse() -> int:
        raise Problem("forbidden", "No")

    with pytest.raises(Problem, match="No"):
        once_per_key(world, _SCOPE, "k", _BODY, refuse)
    assert once_per_key(world, _SCOPE, "k", {}, lambda: 7) == 7


def test_a_key_with_another_request_is_409(world: World) -> None:
    once_per_key(world, _SCOPE, "k", _BODY, lambda: 1)
    for ask in (
        lambda: once_per_key(world, _SCOPE, "k", {}, lambda: 2),
        lambda: recalled(world, _SCOPE, "k", {}),
    ):
        with pytest.raises(Problem) as refused:
            ask()
        assert (refused.value.status, refused.value.code) == (409, "idempotency_conflict")
    assert recalled(world, _SCOPE, "k", _BODY) == 1
    assert recalled(world, _SCOPE, None, {}) is None
