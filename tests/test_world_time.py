"""What hangs on the clock of a world: work outside the lock, the alarm of real time, frozen clocks, and waiting."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta

import pytest

from emulator.world import World, waiting
from emulator.world.agenda import handler, schedule
from emulator.world.outbox import Outbox
from tests.small_world import START, small_world

_HOUR = timedelta(hours=1)
_ran: list[tuple[str, datetime]] = []


@handler("test.time")
def _run(world: World, argument: str) -> None:
    _ran.append((argument, world.now()))
    world.bells.ring("bell")


@handler("test.time.outside")
def _run_outside(world: World, argument: str) -> None:
    world.outbox.put("lane", lambda: _ran.append((argument, world.now())), here=argument == "here")


@pytest.fixture
def ran() -> list[tuple[str, datetime]]:
    _ran.clear()
    return _ran


# Work outside the lock


def test_work_here_is_done_by_whoever_lets_go_of_the_lock(world: World) -> None:
    done = []
    with world.step(), world.step():
        world.outbox.put("lane", lambda: done.append(threading.current_thread()), here=True)
        assert done == []
    assert done == [threading.current_thread()]


def test_work_elsewhere_keeps_its_order_in_its_lane() -> None:
    outbox, done = Outbox(), []
    for n in range(200):
        outbox.put(f"lane {n % 3}", lambda n=n: done.append(n), here=False)  # type: ignore[misc]
    assert outbox.wait_until_done(60)
    for lane in range(3):
        assert [n for n in done if n % 3 == lane] == list(range(lane, 200, 3))


def test_a_slow_lane_holds_up_no_other() -> None:
    outbox, free, done = Outbox(), threading.Event(), threading.Event()
    outbox.put("slow", free.wait, here=False)  # type: ignore[arg-type]  # what it returns is nobody's business
    outbox.put("quick", done.set, here=False)
    assert done.wait(60)
    free.set()
    assert outbox.wait_until_done(60)


def test_work_that_makes_work_here_finds_it_done_after_itself(world: World) -> None:
    done: list[str] = []

    def first() -> None:
        with world.step():
            world.outbox.put("lane", lambda: done.append("second"), here=True)
        done.append("first")

    with world.step():
        world.outbox.put("lane", first, here=True)
    assert done == ["first", "second"]


def test_work_does_not_wait_for_itself(world: World) -> None:
    answers = []
    with world.step():
        world.outbox.put("lane", lambda: answers.append(world.outbox.wait_until_done()), here=True)
    assert answers == [False]


def test_a_thread_with_a_loop_leaves_work_to_others() -> None:
    import asyncio

    outbox, done = Outbox(), []

    async def flush() -> None:
        outbox.put("lane", lambda: done.append(threading.current_thread()), here=True)
        outbox.flush()

    asyncio.run(flush())
    assert outbox.wait_until_done(60)
    assert done != [threading.current_thread()]


# Turning the clock


def test_what_is_left_outside_is_done_at_its_time(world: World, ran: list[tuple[str, datetime]]) -> None:
    for n, where in enumerate(("elsewhere", "here", "elsewhere"), 1):
        schedule(world, START + n * _HOUR, "test.time.outside", where)
    world.advance(timedelta(hours=10))
    assert [at for _, at in ran] == [START + n * _HOUR for n in (1, 2, 3)]
    assert world.now() == START + 10 * _HOUR


def test_running_until_idle_goes_from_one_thing_to_the_next(world: World, ran: list[tuple[str, datetime]]) -> None:
    schedule(world, START + 5 * _HOUR, "test.time", "late")
    schedule(world, START + _HOUR, "test.time", "early")
    assert world.run_until_idle() == 2
    assert ran == [("early", START + _HOUR), ("late", START + 5 * _HOUR)]
    assert world.now() == START + 5 * _HOUR


def test_a_frozen_clock_stands_until_it_is_turned() -> None:
    world = World()
    world.freeze()
    frozen = world.now()
    assert world.clock.virtual
    world.advance(_HOUR)
    assert world.now() == frozen + _HOUR


def test_a_clock_is_set_forward_only_and_does_what_is_due(world: World, ran: list[tuple[str, datetime]]) -> None:
    schedule(world, START + _HOUR, "test.time", "due")
    world.freeze(START + 2 * _HOUR)
    assert ran == [("due", START + _HOUR)]
    with pytest.raises(ValueError, match="does not go back"):
        world.freeze(START)
    assert world.now() == START + 2 * _HOUR


def test_in_real_time_what_is_due_is_done_without_anybody_asking(ran: list[tuple[str, datetime]]) -> None:
    world = World()
    with world.bells.waiting("bell") as bell:
        with world.step():
            schedule(world, world.now() + timedelta(milliseconds=30), "test.time", "by itself")
        assert bell.wait(60)
    assert [name for name, _ in ran] == ["by itself"]


def test_a_forgotten_world_is_not_kept_by_its_alarm() -> None:
    from weakref import ref

    world = World()
    with world.step():
        schedule(world, datetime.now(UTC) + timedelta(hours=9), "test.time", "never")
    kept = ref(world)
    del world
    import gc

    gc.collect()
    assert kept() is None


# Waiting


def test_a_wait_in_a_world_that_skips_waits_takes_no_time(ran: list[tuple[str, datetime]]) -> None:
    world = small_world()
    world.skips_waits = True
    schedule(world, START + _HOUR, "test.time", "due")
    began = time.monotonic()
    assert waiting.wait_for(world, None, lambda: None, timedelta(days=365)) is None
    assert world.now() == START + timedelta(days=365)
    assert ran == [("due", START + _HOUR)]
    assert time.monotonic() - began < 60


def test_a_wait_that_skips_ends_with_what_it_wanted(ran: list[tuple[str, datetime]]) -> None:
    world = small_world()
    world.skips_waits = True
    schedule(world, START + _HOUR, "test.time", "wanted")
    found = waiting.wait_for(world, "bell", lambda: ran[0] if ran else None, timedelta(days=1))
    assert found == ("wanted", START + _HOUR)
    assert world.now() == START + _HOUR


def test_a_wait_ends_when_somebody_else_turns_the_clock_past_it(world: World) -> None:
    begun = threading.Event()

    def look() -> None:
        begun.set()

    waiter = threading.Thread(target=waiting.wait_for, args=(world, None, look, timedelta(days=1)), daemon=True)
    waiter.start()
    begun.wait(60)
    world.advance(timedelta(days=1))
    waiter.join(60)
    assert not waiter.is_alive()


def test_setting_the_clock_waits_for_work_that_needs_the_world(ran: list[tuple[str, datetime]]) -> None:
    world = small_world()

    @handler("test.time.locked")
    def _(world: World, argument: str) -> None:
        def work() -> None:
            with world.step():
                ran.append((argument, world.now()))

        world.outbox.put("lane", work, here=False)

    schedule(world, START + _HOUR, "test.time.locked", "due")
    turning = threading.Thread(target=world.freeze, args=(START + 2 * _HOUR,), daemon=True)
    turning.start()
    turning.join(30)
    assert not turning.is_alive()
    assert (ran, world.now()) == ([("due", START + _HOUR)], START + 2 * _HOUR)


def test_freezing_real_time_in_the_past_changes_nothing() -> None:
    world = World()
    with pytest.raises(ValueError, match="does not go back"):
        world.freeze(START)
    assert not world.clock.virtual


def test_work_that_fails_holds_up_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    outbox, done = Outbox(), threading.Event()
    seen: list[threading.ExceptHookArgs] = []
    monkeypatch.setattr(threading, "excepthook", seen.append)

    def fail() -> None:
        raise RuntimeError("a defect")

    for work in (fail, done.set):
        outbox.put("lane", work, here=False)
    assert done.wait(30)
    assert [each.exc_type for each in seen] == [RuntimeError]
