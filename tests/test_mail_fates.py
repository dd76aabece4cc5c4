"""Fates: what becomes of mail by its recipient's address or by a fault rule, minute by minute."""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple

import pytest

from emulator.mail import Mailbox, Message
from emulator.mail.events import MailEvent
from emulator.mail.fates import FATES, PAUSES, SIMULATOR, simulated
from emulator.mail.mailboxes import Refusal
from emulator.mail.postoffice import outside_tray, receive, refused_at_door
from emulator.mail.records import Outcome
from emulator.world import World
from emulator.world.faults import Become
from tests.small_world import START, as_it_is, draft, inbox_of, send_from

_MINUTE = timedelta(minutes=1)


class Life(NamedTuple):
    """What becomes of a mail: from which minute on the sender's copy says what, what is told, and what arrives when."""

    says: tuple[tuple[int, str, str | None], ...]
    told: tuple[str, ...]
    journaled: tuple[str, ...]
    arrives: int | None
    comes_back: tuple[int, str] | None = None


_REPORT = "Undelivered Mail Returned to Sender"
_PLAIN = Life(((0, "delivered", None),), ("sent", "delivered"), ("left",), 0)
_LIVES = {
    "success": _PLAIN,
    "bounce": Life(((0, "bounced", "failed"),), ("sent", "bounced"), ("bounced",), None, (0, _REPORT)),
    "soft-bounce": Life(
        ((0, "sent", "delayed"), (15, "sent", "delayed"), (60, "bounced", "failed")),
        ("sent", "delayed", "delayed", "bounced"),
        ("delayed", "delayed", "bounced"),
        None,
        (60, _REPORT),
    ),
    "defer": Life(
        ((0, "sent", "delayed"), (15, "delivered", None)), ("sent", "delayed", "delivered"), ("delayed", "left"), 15
    ),
    "complaint": Life(
        ((0, "delivered", "complained"),), ("sent", "delivered", "complained"), ("left", "complained"), 0
    ),
    "reject": Life(((0, "failed", "rejected"),), ("sent", "rejected"), ("rejected",), None),
    "delay": Life(((0, "sent", None), (1, "delivered", None)), ("sent", "delivered"), ("left",), 1),
    "auto-reply": _PLAIN._replace(comes_back=(0, "Re: Hello")),
}
_EVERY = pytest.mark.parametrize("name", _LIVES)


def _check_what_it_says(world: World, message: Message, life: Life) -> None:
    moments = [minute for minute, _, _ in life.says]
    for (minute, status, action), end in zip(life.says, [*moments[1:], moments[-1] + 60], strict=True):
        for at in (START + minute * _MINUTE, START + end * _MINUTE - timedelta(seconds=1)):
            world.advance_to(at)
            copy = as_it_is(world, message)
            assert (copy.status, [outcome.action for outcome in copy.outcomes]) == (status, [action] if action else [])


def test_every_fate_is_told_here() -> None:
    assert _LIVES.keys() == FATES.keys()
    assert [sum(PAUSES[:tries], timedelta()) for tries in (1, 2)] == [15 * _MINUTE, 60 * _MINUTE]


@_EVERY
def test_the_senders_copy_follows_the_fate_of_a_simulator_address(world: World, ann: Mailbox, name: str) -> None:
    _check_what_it_says(world, send_from(world, ann, f"{name}@{SIMULATOR}"), _LIVES[name])


@_EVERY
def test_the_senders_copy_follows_the_fate_of_a_rule(world: World, ann: Mailbox, bob: Mailbox, name: str) -> None:
    world.faults.add(Become(name))
    _check_what_it_says(world, send_from(world, ann, bob.address), _LIVES[name])


@_EVERY
def test_whoever_listens_is_told_every_step_in_order(
    world: World, ann: Mailbox, heard: list[MailEvent], name: str
) -> None:
    to = f"{name}@{SIMULATOR}"
    message = send_from(world, ann, to)
    world.advance(timedelta(hours=2))
    about = [event for event in heard if event.message.id == message.id]
    assert [event.happening for event in about] == list(_LIVES[name].told)
    assert {event.recipients for event in about} == {(to,)}
    assert about[-1].message == as_it_is(world, message)


@_EVERY
def test_the_journal_tells_every_step_in_order(world: World, ann: Mailbox, name: str) -> None:
    to = f"{name}@{SIMULATOR}"
    send_from(world, ann, to)
    world.advance(timedelta(hours=2))
    entries = [entry.as_json() for entry in world.journal]
    about = [entry for entry in entries if entry.get("to") == to]
    assert [entry["kind"].removeprefix("mail.") for entry in about] == list(_LIVES[name].journaled)
    replies = {entry["reply"] for entry in about if entry["kind"] != "mail.left"}
    assert replies <= {FATES[name].reply}


@_EVERY
def test_a_mail_arrives_when_its_fate_says(world: World, ann: Mailbox, bob: Mailbox, name: str) -> None:
    world.faults.add(Become(name), recipient=bob.address)
    arrives = _LIVES[name].arrives
    send_from(world, ann, bob.address)
    if arrives:
        world.advance(arrives * _MINUTE - timedelta(seconds=1))
        assert inbox_of(world, bob) == []
    world.advance(timedelta(hours=2))
    assert [message.created_at for message in inbox_of(world, bob)] == (
        [] if arrives is None else [START + arrives * _MINUTE]
    )


@_EVERY
def test_what_comes_back_comes_when_the_fate_says(world: World, ann: Mailbox, name: str) -> None:
    send_from(world, ann, f"{name}@{SIMULATOR}")
    world.advance(timedelta(hours=2))
    comes_back = _LIVES[name].comes_back
    found = [(message.created_at, message.mail.subject) for message in inbox_of(world, ann)]
    assert found == ([] if comes_back is None else [(START + comes_back[0] * _MINUTE, comes_back[1])])


# Addresses


@pytest.mark.parametrize(
    ("address", "seconds"),
    [
        ("delay@simulator.test", 60),
        ("delay+90@simulator.test", 90),
        ("delay+0@simulator.test", 0),
        ("DELAY+5@Simulator.Test", 5),
        ("delay+soon@simulator.test", 60),
        ("delay+@simulator.test", 60),
        ("delay+-5@simulator.test", 60),
        ("delay+٣@simulator.test", 60),
        (f"delay+{'9' * 40}@simulator.test", 1e9),
    ],
)
def test_the_tag_of_delay_is_how_many_seconds(address: str, seconds: float) -> None:
    given = simulated(address)
    assert given is not None
    assert (given.name, given.wait) == ("delay", timedelta(seconds=seconds))


def test_other_addresses_have_a_tag_for_the_testers_own_use() -> None:
    given = simulated("Bounce+run7@simulator.test")
    assert given is not None
    assert (given.name, given.wait) == ("bounce", timedelta())


@pytest.mark.parametrize("address", ["bounce@other.test", "ann@simulator.test", "bounce@a.simulator.test", "bounce"])
def test_other_addresses_have_no_fate(address: str) -> None:
    assert simulated(address) is None


def test_mail_to_an_unknown_name_of_the_simulator_just_leaves(world: World, ann: Mailbox) -> None:
    message = send_from(world, ann, f"ann@{SIMULATOR}")
    assert as_it_is(world, message).status == "delivered"
    assert [left.recipient for left in outside_tray(world)] == [f"ann@{SIMULATOR}"]


# Rules


def test_an_outcome_says_who_when_and_what_the_server_said(world: World, ann: Mailbox) -> None:
    message = send_from(world, ann, f"soft-bounce@{SIMULATOR}")
    world.advance(timedelta(hours=1))
    reply = "452 4.2.2 The mailbox is full"
    at = START + timedelta(hours=1)
    assert as_it_is(world, message).outcomes == (Outcome(f"soft-bounce@{SIMULATOR}", "failed", "4.2.2", reply, at),)


@pytest.mark.parametrize(("status", "permanent"), [("5.2.2", True), ("4.2.2", False), (None, True)])
def test_a_rule_chooses_status_and_reply(world: World, ann: Mailbox, status: str | None, permanent: bool) -> None:
    world.faults.add(Become("bounce", status=status, reply="552 No room"))
    [outcome] = as_it_is(world, send_from(world, ann, "c@z.test")).outcomes
    assert (outcome.status, outcome.reply, outcome.permanent) == (status or "5.1.1", "552 No room", permanent)


def test_the_seconds_of_a_rule_come_before_the_first_step(world: World, ann: Mailbox) -> None:
    world.faults.add(Become("bounce", seconds=90))
    message = send_from(world, ann, "c@z.test")
    world.advance(timedelta(seconds=89))
    assert as_it_is(world, message).status == "sent"
    world.advance(timedelta(seconds=1))
    assert as_it_is(world, message).status == "bounced"


def test_a_rule_outranks_a_simulator_address(world: World, ann: Mailbox) -> None:
    world.faults.add(Become("success"))
    assert as_it_is(world, send_from(world, ann, f"bounce@{SIMULATOR}")).status == "delivered"


def test_a_rule_strikes_as_often_as_it_says(world: World, ann: Mailbox) -> None:
    world.faults.add(Become("bounce"), nth=2)
    statuses = [as_it_is(world, send_from(world, ann, "c@z.test")).status for _ in range(3)]
    assert statuses == ["delivered", "bounced", "delivered"]


@pytest.mark.parametrize(
    ("match", "struck"),
    [
        ({"provider": "x"}, True),
        ({"provider": "y"}, False),
        ({"account": "account"}, True),
        ({"account": "other"}, False),
        ({"subject": "INVOICE"}, True),
        ({"subject": "bill"}, False),
        ({"recipient": "*@Z.test"}, True),
        ({"recipient": "*@y.test"}, False),
    ],
)
def test_a_rule_matches_sender_recipient_and_subject(
    world: World, ann: Mailbox, match: dict[str, str], struck: bool
) -> None:
    world.faults.add(Become("bounce"), **match)  # type: ignore[arg-type]  # names of what a rule matches
    message = send_from(world, ann, "c@z.test", subject="Your invoice")
    assert as_it_is(world, message).status == ("bounced" if struck else "delivered")


@pytest.mark.parametrize(("match", "arrived"), [({}, 0), ({"provider": "x"}, 1), ({"account": "account"}, 1)])
def test_mail_from_outside_has_no_provider_and_no_account(
    world: World, ann: Mailbox, match: dict[str, str], arrived: int
) -> None:
    world.faults.add(Become("bounce"), **match)  # type: ignore[arg-type]  # names of what a rule matches
    with world.step():
        receive(world, draft(ann.address))
    assert len(inbox_of(world, ann)) == arrived


def test_mail_from_outside_that_is_refused_at_once_is_only_journaled(world: World, ann: Mailbox) -> None:
    world.faults.add(Become("reject", reply="554 No"))
    with world.step():
        assert receive(world, draft(ann.address)) == []
    [refused] = [entry.as_json() for entry in world.journal if entry.kind == "mail.refused"]
    assert (refused["to"], refused["reply"]) == (ann.address, "554 No")
    assert outside_tray(world) == []


# At the SMTP door


@pytest.mark.parametrize(
    ("name", "submitted", "from_outside"),
    [
        ("success", None, None),
        ("bounce", None, "5.1.1"),
        ("soft-bounce", None, "4.2.2"),
        ("defer", None, "4.7.1"),
        ("complaint", None, None),
        ("reject", "5.7.1", "5.7.1"),
        ("delay", None, None),
        ("auto-reply", None, None),
    ],
)
def test_the_door_refuses_what_has_to_be_refused_there(
    world: World, name: str, submitted: str | None, from_outside: str | None
) -> None:
    for is_submitted, status in ((True, submitted), (False, from_outside)):
        found = refused_at_door(world, "a@x.test", f"{name}@{SIMULATOR}", submitted=is_submitted)
        words = FATES[name].reply.partition(f"{status} ")[2]
        assert found == (None if status is None else Refusal(status, words))


def test_the_door_takes_what_it_deferred_at_the_second_try(world: World) -> None:
    tries = [refused_at_door(world, "a@x.test", f"defer@{SIMULATOR}", submitted=False) for _ in range(3)]
    assert [refusal is None for refusal in tries] == [False, True, True]
    assert refused_at_door(world, "b@x.test", f"defer@{SIMULATOR}", submitted=False) is not None
    full = [refused_at_door(world, "a@x.test", f"soft-bounce@{SIMULATOR}", submitted=False) for _ in range(3)]
    assert None not in full
