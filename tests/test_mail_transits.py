"""Transits: mail on its way, several recipients with fates of their own, and what changes meanwhile."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from emulator.mail import MAILBOXES, MESSAGES, THREADS, Mailbox, Message, mailboxes
from emulator.mail.events import MailEvent
from emulator.mail.filing import remove_message
from emulator.mail.parse import Mail
from emulator.mail.postoffice import outside_tray, receive, send, transmit
from emulator.mail.records import TRANSITS
from emulator.mail.transits import on_the_way
from emulator.world import World
from emulator.world.faults import Become
from tests.small_world import as_it_is, draft, inbox_of, send_from

_HOUR = timedelta(hours=1)
_BOUNCE, _SOFT, _DEFER, _DELAY, _REJECT, _COMPLAINT, _GOOD = (
    f"{name}@simulator.test" for name in ("bounce", "soft-bounce", "defer", "delay", "reject", "complaint", "success")
)


def _state(world: World, message: Message) -> tuple[str, dict[str, str]]:
    copy = as_it_is(world, message)
    return copy.status, {outcome.recipient: outcome.action for outcome in copy.outcomes}


def _remove(world: World, message: Message) -> None:
    with world.step():
        remove_message(world, as_it_is(world, message))


# Several recipients


def test_every_recipient_has_a_fate_of_its_own(world: World, ann: Mailbox, bob: Mailbox) -> None:
    message = send_from(world, ann, [_BOUNCE, bob.address, "c@z.test"], cc=[_SOFT], bcc=[_DEFER])
    assert _state(world, message) == ("sent", {_BOUNCE: "failed", _SOFT: "delayed", _DEFER: "delayed"})
    world.advance(timedelta(minutes=15))
    assert _state(world, message) == ("sent", {_BOUNCE: "failed", _SOFT: "delayed"})
    world.advance(_HOUR)
    assert _state(world, message) == ("bounced", {_BOUNCE: "failed", _SOFT: "failed"})
    assert len(inbox_of(world, bob)) == 1
    assert [left.recipient for left in outside_tray(world)] == ["c@z.test", _DEFER]
    assert len(inbox_of(world, ann)) == 2, "a report about each that bounced"


def test_the_others_get_a_mail_that_one_recipient_bounces(
    world: World, ann: Mailbox, bob: Mailbox, heard: list[MailEvent]
) -> None:
    message = send_from(world, ann, [_BOUNCE, bob.address, "c@z.test"])
    about = [(event.happening, event.recipients) for event in heard if event.message.id == message.id]
    assert about == [
        ("sent", (_BOUNCE, bob.address, "c@z.test")),
        ("delivered", (bob.address, "c@z.test")),
        ("bounced", (_BOUNCE,)),
    ]
    assert _state(world, message) == ("bounced", {_BOUNCE: "failed"})


@pytest.mark.parametrize(
    ("to", "status"),
    [
        ([_GOOD, _COMPLAINT], "delivered"),
        ([_GOOD, _REJECT], "failed"),
        ([_REJECT, _BOUNCE], "bounced"),
        ([_COMPLAINT, _BOUNCE], "bounced"),
        ([_DEFER, _DELAY, _GOOD], "delivered"),
    ],
)
def test_the_worst_outcome_is_the_status_of_the_whole(world: World, ann: Mailbox, to: list[str], status: str) -> None:
    message = send_from(world, ann, to)
    world.advance(_HOUR)
    assert as_it_is(world, message).status == status


def test_a_mail_is_sent_as_long_as_one_recipient_waits(world: World, ann: Mailbox) -> None:
    message = send_from(world, ann, [_BOUNCE, _DELAY])
    assert (as_it_is(world, message).status, on_the_way(world, message.id)) == ("sent", frozenset({_DELAY}))
    world.advance(timedelta(minutes=1))
    assert (as_it_is(world, message).status, on_the_way(world, message.id)) == ("bounced", frozenset())


def test_the_status_changes_when_the_last_step_is_done(world: World, ann: Mailbox) -> None:
    message = send_from(world, ann, _SOFT)
    sent_at = as_it_is(world, message).updated_at
    world.advance(timedelta(minutes=15))
    assert as_it_is(world, message).updated_at == sent_at
    world.advance(_HOUR)
    assert as_it_is(world, message).updated_at == sent_at + _HOUR


def test_nothing_is_kept_of_a_journey_that_is_over(world: World, ann: Mailbox) -> None:
    send_from(world, ann, [_BOUNCE, _SOFT, _DEFER, _DELAY, _REJECT, _COMPLAINT, "auto-reply@simulator.test"])
    assert len(list(world.store.everything(TRANSITS))) == 3
    world.run_until_idle()
    assert list(world.store.everything(TRANSITS)) == []
    assert world.next_due() is None


def test_marks_of_the_senders_copy_stay_while_its_mail_moves_on(world: World, ann: Mailbox) -> None:
    message = send_from(world, ann, _SOFT)
    with world.step():
        world.store.put(MESSAGES, replace(as_it_is(world, message), is_starred=True, labels=("mine",)))
    world.advance(_HOUR)
    copy = as_it_is(world, message)
    assert (copy.status, copy.is_starred, copy.labels) == ("bounced", True, ("mine",))


# What changes meanwhile


@pytest.mark.parametrize("to", [_SOFT, _DEFER, _DELAY, "bob@y.test"])
def test_a_mail_travels_on_when_the_senders_copy_is_deleted(
    world: World, ann: Mailbox, bob: Mailbox, heard: list[MailEvent], to: str
) -> None:
    world.faults.add(Become("delay"), recipient=bob.address)
    message = send_from(world, ann, to)
    _remove(world, message)
    told = len(heard)
    world.advance(2 * _HOUR)
    assert world.store.get(MESSAGES, message.id) is None
    assert list(world.store.everything(TRANSITS)) == []
    assert [event.happening for event in heard[told:]] == (["received"] if to in (_SOFT, bob.address) else [])
    arrived = [left.recipient for left in outside_tray(world)] + [bob.address] * len(inbox_of(world, bob))
    assert arrived == ([] if to == _SOFT else [to])


def test_a_report_about_a_deleted_copy_begins_a_thread(world: World, ann: Mailbox) -> None:
    message = send_from(world, ann, _SOFT)
    _remove(world, message)
    world.advance(_HOUR)
    [report] = inbox_of(world, ann)
    assert report.thread_id != message.thread_id
    assert [thread.id for thread in world.store.everything(THREADS)] == [report.thread_id]


def test_a_copy_deleted_before_it_moved_tells_nothing(world: World, ann: Mailbox, heard: list[MailEvent]) -> None:
    with world.step():
        message = send(world, ann, draft([_BOUNCE, "c@z.test"], sender=ann.address))
        remove_message(world, message)
    assert [event.happening for event in heard] == ["received"], "the report is all that there is"


@pytest.mark.parametrize(
    ("fate", "status", "reply"),
    [
        ("delay", "suspended", "550 5.2.1 The mailbox is suspended"),
        ("defer", "suspended", "550 5.2.1 The mailbox is suspended"),
        ("complaint", "paused", "550 5.2.1 The mailbox is paused"),
        ("auto-reply", "deleted", "550 5.1.1 There is no mailbox at this address"),
    ],
)
def test_a_mail_bounces_at_a_mailbox_that_closed_before_it_arrived(
    world: World, ann: Mailbox, bob: Mailbox, monkeypatch: pytest.MonkeyPatch, fate: str, status: str, reply: str
) -> None:
    monkeypatch.setitem(mailboxes._HOLDERS, "x", lambda _, domain: domain == "y.test")
    world.faults.add(Become(fate, seconds=60), recipient=bob.address)
    message = send_from(world, ann, bob.address)
    with world.step():
        world.store.put(MAILBOXES, replace(bob, status=status))
    world.advance(_HOUR)
    [outcome] = as_it_is(world, message).outcomes
    assert (as_it_is(world, message).status, outcome.action, outcome.reply) == ("bounced", "failed", reply)
    assert outcome.status in reply
    assert inbox_of(world, bob) == []
    [report] = inbox_of(world, ann)
    assert reply in (report.mail.body.text or "")


def test_a_mailbox_that_refuses_at_once_bounces_at_once(
    world: World, ann: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(mailboxes._HOLDERS, "x", lambda _, domain: domain == "y.test")
    message = send_from(world, ann, "nobody@y.test")
    [outcome] = as_it_is(world, message).outcomes
    assert (outcome.action, outcome.status) == ("failed", "5.1.1")
    assert len(inbox_of(world, ann)) == 1
    assert outside_tray(world) == []


def test_mail_from_outside_that_bounces_late_is_reported_to_the_outside(
    world: World, bob: Mailbox, heard: list[MailEvent]
) -> None:
    world.faults.add(Become("soft-bounce"))
    with world.step():
        assert receive(world, draft(bob.address)) == []
    world.advance(_HOUR)
    [report] = outside_tray(world)
    assert (report.sender, report.recipient) == ("", "someone@outside.test")
    assert (heard, inbox_of(world, bob)) == ([], [])
    kinds = [entry.kind for entry in world.journal if entry.kind != "fault"]
    assert kinds == ["mail.delayed", "mail.delayed", "mail.bounced", "mail.left"]


def test_a_report_does_not_come_to_a_sender_that_closed(world: World, ann: Mailbox) -> None:
    send_from(world, ann, _SOFT)
    with world.step():
        world.store.put(MAILBOXES, replace(ann, status="suspended"))
    world.advance(_HOUR)
    assert inbox_of(world, ann) == []
    assert outside_tray(world) == []


def test_mail_that_an_unproven_client_brought_is_unproven_after_its_delay(world: World, bob: Mailbox) -> None:
    world.faults.add(Become("delay"))
    with world.step():
        transmit(world, "eve@bank.test", [bob.address], Mail(b"Subject: Hi\r\n\r\nHi\r\n"), helo="evil.test")
    world.advance(_HOUR)
    [arrived] = inbox_of(world, bob)
    assert arrived.mail.fields["authentication-results"] == ["mx.y.test; spf=none; dkim=none; dmarc=none"]
    assert arrived.mail.fields["received"][0].startswith("from evil.test ")


# Other worlds


def test_a_fork_takes_what_is_on_its_way_along(world: World, ann: Mailbox) -> None:
    message = send_from(world, ann, [_SOFT, _DELAY])
    fork = world.fork()
    fork.advance(_HOUR)
    assert (as_it_is(fork, message).status, as_it_is(world, message).status) == ("bounced", "sent")
    assert (len(inbox_of(fork, ann)), len(inbox_of(world, ann))) == (1, 0)
    world.advance(_HOUR)
    assert as_it_is(world, message) == as_it_is(fork, message)
    [report], [again] = inbox_of(world, ann), inbox_of(fork, ann)
    assert report.mail.raw == again.mail.raw


def test_a_restored_state_has_its_mail_on_its_way_again(world: World, ann: Mailbox) -> None:
    message = send_from(world, ann, [_SOFT, _DELAY])
    before = world.snapshot()
    world.advance(_HOUR)
    over = as_it_is(world, message)
    world.restore(before)
    assert as_it_is(world, message).status == "sent"
    assert on_the_way(world, message.id) == {_SOFT, _DELAY}
    assert outside_tray(world) == []
    world.advance(_HOUR)
    assert as_it_is(world, message) == over
    assert [left.recipient for left in outside_tray(world)] == [_DELAY]


def test_a_send_that_is_rolled_back_leaves_nothing_on_its_way(world: World, ann: Mailbox) -> None:
    def fail_after_sending() -> None:
        with world.step():
            send(world, ann, draft([_BOUNCE, _SOFT], sender=ann.address))
            raise RuntimeError("after sending")

    with pytest.raises(RuntimeError, match="after sending"):
        fail_after_sending()
    world.run_until_idle()
    assert list(world.store.everything(TRANSITS)) == []
    assert inbox_of(world, ann) == []
