"""Fault rules: what they match, when they strike, and what is kept of that."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from emulator.world import World
from emulator.world.faults import Become, Drop, Latency, Occasion, Respond, SmtpReply, Truncate
from tests.faults import answers, fault
from tests.small_world import START, small_world


def _mail(to: str, subject: str | None = None) -> Occasion:
    return Occasion("x", recipients=lambda: (to,), subject=lambda: subject)


def test_a_fault_strikes_once_unless_told_otherwise(world: World) -> None:
    fault(world, "send", 500)
    assert answers(world, "send", "send") == [500, None]


def test_a_fault_begins_with_its_nth_call_and_ends_after_its_times(world: World) -> None:
    rule = fault(world, "send", 500, nth=2, times=2)
    assert answers(world, "send", "send", "send", "send") == [None, 500, 500, None]
    assert (rule.seen, rule.hits) == (4, 2)


def test_a_fault_without_times_lasts_until_it_is_removed(world: World) -> None:
    rule = fault(world, "send", 500, times=None)
    assert answers(world, *["send"] * 20) == [500] * 20
    assert world.faults.remove(rule.id)
    assert not world.faults.remove(rule.id)
    assert answers(world, "send") == [None]


def test_a_fault_counts_only_what_it_matches(world: World) -> None:
    fault(world, "send", 500, nth=2)
    assert answers(world, "send", provider="y") == [None]
    assert answers(world, "read", "send", "read", "send") == [None, None, None, 500]


def test_a_star_matches_every_operation_of_its_provider(world: World) -> None:
    fault(world, "*", 503, times=2)
    assert answers(world, "send", provider="y") == [None]
    assert answers(world, "send", "read", "send") == [503, 503, None]


def test_the_first_rule_that_strikes_wins(world: World) -> None:
    first, second = fault(world, "send", 500), fault(world, "*", 503)
    assert answers(world, "send", "send", "send") == [500, 503, None]
    assert [first.id, second.id] == ["fault-1", "fault-2"] == [rule.id for rule in world.faults]


@pytest.mark.parametrize(("nth", "times"), [(0, 1), (-1, 1), (1, 0), (1, -1)])
def test_nth_and_times_count_from_one(world: World, nth: int, times: int) -> None:
    with pytest.raises(ValueError, match=f"got nth={nth}, times={times}"):
        fault(world, "send", 500, nth=nth, times=times)
    assert len(world.faults) == 0


@pytest.mark.parametrize("probability", [0, -0.1, 1.1])
def test_a_probability_is_one(world: World, probability: float) -> None:
    with pytest.raises(ValueError, match=f"got {probability}"):
        fault(world, "send", 500, probability=probability)


def test_a_rule_about_a_recipient_takes_stars_and_no_case(world: World) -> None:
    world.faults.add(Become("bounce"), recipient="*@Z.test", times=None)
    assert world.faults.take(Become, _mail("Ann@z.TEST")) == Become("bounce")
    assert world.faults.take(Become, _mail("ann@x.test")) is None
    assert world.faults.take(Become, Occasion("x")) is None


def test_a_rule_about_a_subject_matches_a_part_of_it(world: World) -> None:
    world.faults.add(Become("bounce"), subject="Invoice", times=None)
    assert world.faults.take(Become, _mail("a@z.test", "Your INVOICE 7")) == Become("bounce")
    assert world.faults.take(Become, _mail("a@z.test", None)) is None


def test_a_rule_about_an_account_leaves_others_alone(world: World) -> None:
    fault(world, "send", 500, account="one", times=None)
    assert world.faults.take(Respond, Occasion("x", "send", "two")) is None
    assert world.faults.take(Respond, Occasion("x", "send", "one")) == Respond(500)


def test_a_rule_ends_when_the_clock_reaches_its_end(world: World) -> None:
    fault(world, "send", 500, times=None, until=START + timedelta(hours=1))
    assert answers(world, "send") == [500]
    world.advance(timedelta(hours=1))
    assert answers(world, "send") == [None]


def _chances(seed: str, **match: Any) -> list[int | None]:
    world = small_world(seed)
    fault(world, "send", 500, times=None, probability=0.3, **match)
    return answers(world, *["send"] * 400)


def test_chance_is_the_seeds() -> None:
    assert _chances("a") == _chances("a") != _chances("b")
    assert 80 < _chances("a").count(500) < 160


def test_a_request_is_struck_by_every_latency_and_one_more_effect(world: World) -> None:
    for effect in (Latency(1), SmtpReply("rcpt", "450 x"), Latency(2), Drop(), Truncate(), Respond(500)):
        world.faults.add(effect, provider="x")
    struck = world.faults.at_request(Occasion("x", "send"))
    assert [rule.effect for rule in struck] == [Latency(1), Latency(2), Drop()]
    assert [rule.hits for rule in world.faults] == [1, 0, 1, 1, 0, 0]


def test_an_effect_is_taken_where_it_belongs(world: World) -> None:
    world.faults.add(SmtpReply("rcpt", "450 x"))
    assert world.faults.take(SmtpReply, Occasion(), lambda reply: reply.stage == "data") is None
    assert world.faults.take(SmtpReply, Occasion(), lambda reply: reply.stage == "rcpt") is not None


def test_a_strike_is_journaled(world: World) -> None:
    fault(world, "send", 500)
    answers(world, "send")
    [entry] = [entry.as_json() for entry in world.journal]
    assert (entry["kind"], entry["rule"], entry["operation"]) == ("fault", "fault-1", "send")
