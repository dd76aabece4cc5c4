"""The clock, and how moments and durations are written."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.world import Clock, parse_duration, timestamp
from tests.small_world import START

_EAST = timezone(timedelta(hours=5, minutes=30))


def test_a_virtual_clock_stands_still_until_it_is_moved() -> None:
    clock = Clock(START)
    assert clock.virtual
    assert clock.now() == clock.now() == START
    clock.move_to(START + timedelta(days=1))
    assert clock.now() == START + timedelta(days=1)


def test_a_clock_may_be_moved_to_where_it_stands() -> None:
    clock = Clock(START)
    clock.move_to(START)
    assert clock.now() == START


def test_a_virtual_clock_does_not_go_back() -> None:
    clock = Clock(START)
    with pytest.raises(ValueError, match="does not go back"):
        clock.move_to(START - timedelta(microseconds=1))
    assert clock.now() == START


def test_a_clock_is_in_utc_wherever_it_was_set() -> None:
    clock = Clock(datetime(2026, 1, 1, 5, 30, tzinfo=_EAST))
    assert (clock.now(), clock.now().tzinfo) == (START, UTC)
    clock.move_to(datetime(2026, 1, 1, 6, 30, tzinfo=_EAST))
    assert (clock.now(), clock.now().tzinfo) == (START + timedelta(hours=1), UTC)


def test_the_real_clock_runs_and_is_not_moved() -> None:
    clock = Clock()
    assert not clock.virtual
    before = datetime.now(UTC)
    assert before <= clock.now() <= datetime.now(UTC)
    assert clock.now().tzinfo is UTC
    with pytest.raises(ValueError, match="real clock"):
        clock.move_to(datetime(2100, 1, 1, tzinfo=UTC))


def test_a_forked_clock_goes_its_own_way() -> None:
    clock = Clock(START)
    fork = clock.fork()
    fork.move_to(START + timedelta(hours=1))
    assert clock.now() == START
    assert not Clock().fork().virtual


def test_a_timestamp_has_milliseconds_and_a_z() -> None:
    assert timestamp(START) == "2026-01-01T00:00:00.000Z"
    assert timestamp(datetime(2026, 1, 1, 5, 30, 1, 999_999, tzinfo=_EAST)) == "2026-01-01T00:00:01.999Z"


@given(st.datetimes(min_value=datetime(1000, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001  # bounds are naive
def test_a_timestamp_reads_back_to_the_millisecond(moment: datetime) -> None:
    assert datetime.fromisoformat(timestamp(moment)) == moment.replace(microsecond=moment.microsecond // 1000 * 1000)


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("15m", 900), ("1h", 3600), ("7d", 604_800), ("90", 90), ("1.5h", 5400)]
)
def test_a_duration_is_read_with_its_unit(text: str, seconds: float) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "h", "1y", "one hour", "nan", "inf", "1e99d", "1h30m"])
def test_what_is_no_duration_is_refused_with_examples(text: str) -> None:
    with pytest.raises(ValueError, match="write 90s, 15m, 1h or 7d"):
        parse_duration(text)
