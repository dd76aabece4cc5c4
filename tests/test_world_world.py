"""A world: steps, time, forks, failures on demand, bells and the journal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Event, Thread
from typing import Any

import pytest

from emulator.world import Clock, Collection, Journal, Order, World
from emulator.world.agenda import handler, next_task, schedule
from emulator.world.bells import Bells
from tests.faults import answers, fault
from tests.small_world import START, small_world


@dataclass(frozen=True, slots=True)
class Note:
    id: str
    text: str = ""
    n: int = 0


NOTES: Collection[Note] = Collection(
    "notes", ordered={"all": Order(groups=lambda note: ("all",), sort=lambda note: (note.n,))}
)
HOUR = timedelta(hours=1)


class Stop(Exception):
    """Ends a step early."""


class StopAndKeep(Exception):
    """Ends a step early and keeps what it did."""

    keep_changes = True


@contextmanager
def _failing_step(world: World, error: type[Exception] = Stop) -> Iterator[None]:
    with suppress(error), world.step():
        yield
        raise error


def _texts(world: World) -> list[str]:
    return [note.text for note in world.store.each(NOTES, "all", "all")]


def _note(world: World, text: str) -> None:
    n = world.store.tick("notes")
    world.store.add(NOTES, Note(str(n), text, n))


@handler("test.note")
def _note_later(world: World, text: str) -> None:
    _note(world, f"{text} at {world.now():%H:%M}")


@handler("test.chain")
def _chain(world: World, left: str) -> None:
    _note(world, left)
    if int(left) > 1:
        schedule(world, world.now() + HOUR, "test.chain", str(int(left) - 1))


@handler("test.break")
def _break(world: World, text: str) -> None:
    _note(world, text)
    raise Stop


# Steps


def test_a_step_that_fails_leaves_nothing_behind(world: World) -> None:
    before = world.store.root
    with _failing_step(world):
        _note(world, "half")
        world.new_id("x", "thing", "scope")
        schedule(world, world.now(), "test.note", "later")
    assert world.store.root is before
    world.settle()
    assert _texts(world) == []


def test_a_step_that_succeeds_is_kept(world: World) -> None:
    with world.step():
        _note(world, "whole")
    assert _texts(world) == ["whole"]


def test_an_error_may_keep_what_was_done_before_it(world: World) -> None:
    with _failing_step(world, StopAndKeep):
        _note(world, "counted")
    assert _texts(world) == ["counted"]


def test_an_inner_step_fails_alone(world: World) -> None:
    with world.step():
        _note(world, "outer")
        with _failing_step(world):
            _note(world, "inner")
    assert _texts(world) == ["outer"]


def test_an_outer_step_takes_its_inner_one_along(world: World) -> None:
    with _failing_step(world), world.step():
        _note(world, "inner")
    assert _texts(world) == []


def test_what_a_step_makes_due_at_once_is_done_after_it(world: World) -> None:
    with world.step():
        schedule(world, world.now(), "test.note", "due")
        assert _texts(world) == []
    assert _texts(world) == ["due at 00:00"]


def test_what_was_due_before_a_step_survives_its_failure(world: World) -> None:
    schedule(world, world.now(), "test.note", "due")
    with pytest.raises(Stop), world.step():
        raise Stop
    assert _texts(world) == ["due at 00:00"]


def test_the_lock_is_free_after_a_failed_step(world: World) -> None:
    with pytest.raises(Stop), world.step():
        raise Stop
    got_it = []

    def take() -> None:
        with world.lock:
            got_it.append(True)

    other = Thread(target=take, daemon=True)
    other.start()
    other.join(timeout=10)
    assert got_it == [True]


def test_steps_of_many_threads_do_not_mix(world: World) -> None:
    def work() -> None:
        for _ in range(50):
            with world.step():
                count = world.store.get(NOTES, "count") or world.store.add(NOTES, Note("count"))
                world.store.put(NOTES, Note("count", n=count.n + 1))

    workers = [Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert world.store.get(NOTES, "count") == Note("count", n=200)


# Ids


def test_ids_are_the_same_in_every_run() -> None:
    def ids(world: World) -> list[str]:
        return [world.new_id("x", kind, scope) for kind in ("thing", "mailbox") for scope in ("s", "s", "t")]

    assert ids(small_world()) == ids(small_world())
    assert len(set(ids(small_world()))) == 6
    assert not set(ids(small_world())) & set(ids(small_world("another seed")))


def test_ids_of_one_scope_do_not_depend_on_another() -> None:
    quiet, busy = small_world(), small_world()
    for _ in range(3):
        busy.new_id("x", "thing", "elsewhere")
    assert quiet.new_id("x", "thing", "here") == busy.new_id("x", "thing", "here")


def test_an_id_given_in_a_failed_step_is_given_again(world: World) -> None:
    expected = small_world().new_id("x", "thing", "scope")
    with _failing_step(world):
        assert world.new_id("x", "thing", "scope") == expected
    assert world.new_id("x", "thing", "scope") == expected


def test_a_derived_id_is_not_counted(world: World) -> None:
    assert world.derived_id("x", "thing", "a", "b") == world.derived_id("x", "thing", "a", "b")
    assert world.derived_id("x", "thing", "a", "b") != world.derived_id("x", "thing", "b", "a")


def test_secrets_belong_to_one_seed() -> None:
    assert small_world().secret("files") == small_world().secret("files")
    assert small_world().secret("files") != small_world().secret("webhooks")
    assert small_world().secret("files") != small_world("another seed").secret("files")


# Snapshots, forks, reset


def test_a_fork_and_its_origin_do_not_see_each_other(world: World) -> None:
    _note(world, "before")
    fork = world.fork()
    _note(world, "here")
    _note(fork, "there")
    fork.advance(HOUR)
    assert (_texts(world), _texts(fork)) == (["before", "here"], ["before", "there"])
    assert (world.now(), fork.now()) == (START, START + HOUR)


def test_a_fork_gives_the_ids_its_origin_would_give(world: World) -> None:
    world.new_id("x", "thing", "scope")
    assert world.fork().new_id("x", "thing", "scope") == world.new_id("x", "thing", "scope")


def test_a_fork_resets_to_where_it_began(world: World) -> None:
    _note(world, "before")
    fork = world.fork()
    _note(fork, "after")
    fork.reset()
    assert _texts(fork) == ["before"]


def test_a_fork_takes_the_fault_rules_as_far_as_they_are_used(world: World) -> None:
    world.faults.remove(fault(world, "read", 500).id)
    spent = fault(world, "send", 503)
    waiting = fault(world, "read", 429, nth=2)
    assert answers(world, "send", "read") == [503, None]
    assert spent.hits == 1
    fork = world.fork()
    assert answers(fork, "send", "read") == [None, 429]
    assert waiting.hits == 0
    assert fault(fork, "y", 500).id == fault(world, "y", 500).id == "fault-4"


def test_a_fork_carries_tasks_and_strictness_but_no_journal(world: World) -> None:
    world.strict = True
    world.journal.note(world.now(), "test")
    schedule(world, START + HOUR, "test.note", "task")
    fork = world.fork()
    assert (fork.strict, len(fork.journal)) == (True, 0)
    assert fork.advance(HOUR) == 1
    assert (_texts(fork), _texts(world)) == (["task at 01:00"], [])


def test_a_snapshot_brings_back_records_counters_tasks_and_time(world: World) -> None:
    _note(world, "kept")
    schedule(world, START + HOUR, "test.note", "task")
    snapshot = world.snapshot()
    first = world.new_id("x", "thing", "scope")
    world.advance(2 * HOUR)
    world.restore(snapshot)
    assert (_texts(world), world.now()) == (["kept"], START)
    assert world.new_id("x", "thing", "scope") == first
    assert world.advance(HOUR) == 1


def test_a_snapshot_can_be_restored_again_and_again(world: World) -> None:
    snapshot = world.snapshot()
    for _ in range(2):
        world.advance(HOUR)
        _note(world, "gone")
        world.restore(snapshot)
        assert (_texts(world), world.now()) == ([], START)


def test_a_snapshot_waits_for_the_step_under_way(world: World) -> None:
    taken = []
    begun = Event()

    def take() -> None:
        begun.set()
        taken.append(world.snapshot())

    other = Thread(target=take)
    with _failing_step(world):
        _note(world, "half")
        other.start()
        begun.wait()
    other.join()
    world.restore(taken[0])
    assert _texts(world) == []


def test_reset_returns_to_the_start_and_forgets_journal_and_faults(world: World) -> None:
    _note(world, "start")
    world.settled_origin()
    world.advance(HOUR)
    _note(world, "gone")
    fault(world, "send", 500)
    world.journal.note(world.now(), "test")
    world.reset()
    assert (_texts(world), world.now()) == (["start"], START)
    assert (len(world.faults), len(world.journal)) == (0, 0)


# Time


def test_tasks_are_done_in_the_order_of_their_time_then_of_their_making(world: World) -> None:
    schedule(world, START + 2 * HOUR, "test.note", "third")
    schedule(world, START + HOUR, "test.note", "first")
    schedule(world, START + HOUR, "test.note", "second")
    schedule(world, START + 3 * HOUR, "test.note", "not yet")
    assert world.advance(2 * HOUR) == 3
    assert _texts(world) == ["first at 01:00", "second at 01:00", "third at 02:00"]
    assert world.now() == START + 2 * HOUR


def test_a_task_done_on_the_way_may_make_the_next(world: World) -> None:
    schedule(world, START + HOUR, "test.chain", "3")
    assert world.advance(2 * HOUR) == 2
    assert _texts(world) == ["3", "2"]
    assert world.advance(HOUR) == 1
    assert next_task(world) is None


def test_what_is_overdue_does_not_turn_the_clock_back(world: World) -> None:
    schedule(world, START - HOUR, "test.note", "late")
    assert world.settle() == 1
    assert (_texts(world), world.now()) == (["late at 00:00"], START)


def test_settle_leaves_the_future_alone(world: World) -> None:
    schedule(world, START + HOUR, "test.note", "later")
    assert world.settle() == 0
    assert _texts(world) == []


def test_a_task_that_fails_is_undone_and_not_tried_again(world: World) -> None:
    schedule(world, START + HOUR, "test.break", "half")
    schedule(world, START + HOUR, "test.note", "next")
    with pytest.raises(Stop):
        world.advance(HOUR)
    assert _texts(world) == []
    assert world.advance(HOUR) == 1
    assert _texts(world) == ["next at 01:00"]


def test_the_clock_does_not_go_back(world: World) -> None:
    schedule(world, START - 2 * HOUR, "test.note", "overdue")
    with pytest.raises(ValueError, match=r"does not go back to 2025-12-31T23:00:00\.000Z"):
        world.advance(-HOUR)
    assert (_texts(world), world.now()) == ([], START)


def test_the_calendar_has_an_end(world: World) -> None:
    with pytest.raises(ValueError, match="no calendar"):
        world.advance(timedelta.max)
    assert world.now() == START


def test_the_real_clock_cannot_be_moved() -> None:
    world = small_world(start=None)
    with pytest.raises(ValueError, match="virtual"):
        world.advance(HOUR)
    with pytest.raises(ValueError, match="virtual"):
        world.advance_to(datetime(2100, 1, 1, tzinfo=UTC))


def test_the_real_clock_does_what_is_due_with_the_next_step() -> None:
    world = small_world(start=None)
    schedule(world, world.now() - HOUR, "test.chain", "1")
    schedule(world, world.now() + HOUR, "test.chain", "2")
    with world.step():
        assert _texts(world) == ["1"]


# Bells


def test_a_bell_wakes_only_those_who_wait_for_it() -> None:
    bells = Bells()
    with bells.waiting("Ann@x.test") as ann, bells.waiting("bob@x.test") as bob, bells.waiting(None) as anybody:
        bells.ring("ann@X.test")
        assert (ann.is_set(), bob.is_set(), anybody.is_set()) == (True, False, True)


def test_a_bell_wakes_everybody_who_waits_for_it() -> None:
    bells = Bells()
    with bells.waiting("a") as first, bells.waiting("a") as second:
        bells.ring("a")
        assert (first.is_set(), second.is_set()) == (True, True)


def test_who_no_longer_waits_is_forgotten() -> None:
    bells = Bells()
    with bells.waiting("a") as stays:
        with bells.waiting("a") as leaves:
            pass
        bells.ring("a")
        assert (stays.is_set(), leaves.is_set()) == (True, False)
    assert not bells._waiting


def test_a_waiter_that_fails_is_forgotten() -> None:
    bells = Bells()
    with pytest.raises(Stop), bells.waiting("a"):
        raise Stop
    assert not bells._waiting


def test_a_bell_wakes_another_thread() -> None:
    bells, ready, woken = Bells(), Event(), []

    def wait() -> None:
        with bells.waiting("a") as event:
            ready.set()
            woken.append(event.wait(60))

    other = Thread(target=wait)
    other.start()
    ready.wait()
    bells.ring("a")
    other.join()
    assert woken == [True]


# Journal


def _kinds(journal: Journal) -> list[str]:
    return [entry.kind for entry in journal]


def test_an_entry_is_rendered_only_when_looked_at() -> None:
    journal = Journal()
    rendered = []

    def render() -> dict[str, Any]:
        rendered.append(True)
        return {"path": "/"}

    entry = journal.add(START, "http", render)
    assert rendered == []
    assert entry.as_json() == {"n": 1, "at": "2026-01-01T00:00:00.000Z", "kind": "http", "path": "/"}


def test_the_journal_keeps_the_newest_and_says_what_it_evicted() -> None:
    journal = Journal(limit=5000)
    for number in range(10):
        journal.add(START, str(number), dict, size=600)
    assert _kinds(journal) == ["5", "6", "7", "8", "9"]
    assert journal.evicted == 5
    assert [entry.n for entry in journal] == [6, 7, 8, 9, 10]


def test_the_journal_is_bounded_whatever_the_sizes() -> None:
    journal = Journal(limit=5000)
    for number in range(200):
        journal.add(START, "http", dict, size=number * 37 % 3000)
        assert sum(entry.size for entry in journal) <= 5000
    assert len(journal) + journal.evicted == 200


def test_an_entry_beyond_the_limit_stands_alone() -> None:
    journal = Journal(limit=5000)
    journal.note(START, "small")
    journal.note(START, "big", text="x" * 9000)
    assert (_kinds(journal), journal.evicted) == (["big"], 1)
    journal.note(START, "small")
    assert (_kinds(journal), journal.evicted) == (["small"], 2)


def test_a_cleared_journal_has_room_again() -> None:
    journal = Journal(limit=5000)
    for number in range(10):
        journal.add(START, str(number), dict, size=600)
    journal.clear()
    assert (len(journal), journal.evicted) == (0, 0)
    for number in range(5):
        journal.add(START, str(number), dict, size=600)
    assert (len(journal), journal.evicted) == (5, 0)


def test_the_journal_may_grow_while_it_is_read() -> None:
    journal = Journal()
    journal.note(START, "a")
    for entry in journal:
        journal.note(START, f"{entry.kind}b")
    assert _kinds(journal) == ["a", "ab"]


def test_a_fork_has_a_clock_of_its_own() -> None:
    clock = Clock(START)
    world = World("seed", clock)
    world.fork().advance(HOUR)
    assert clock.now() == START


def test_a_listener_hears_of_every_change_and_of_nothing_else() -> None:
    world, heard = small_world(), []
    with world.bells.listening(lambda: heard.append(1)):
        with world.step():
            pass
        assert heard == []
        with world.step():
            world.store.tick("n")
        assert len(heard) == 1
        with suppress(KeyError), world.step():
            world.store.tick("n")
            raise KeyError
        assert len(heard) == 1
        world.reset()
        assert (len(heard), world.restored) == (2, 1)
    with world.step():
        world.store.tick("n")
    assert len(heard) == 2


def test_a_counter_tells_how_far_it_has_come() -> None:
    world = small_world()
    assert world.store.ticks("n", "a") == 0
    world.store.tick("n", "a")
    assert (world.store.ticks("n", "a"), world.store.tick("n", "a")) == (1, 2)
