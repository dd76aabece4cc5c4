"""What listeners hear of mail: when, in which step, and with which message."""

from __future__ import annotations

import pytest

from emulator.mail import MESSAGES, Mail, Mailbox, events
from emulator.mail.events import MailEvent, listener, tell
from emulator.mail.filing import deposit
from emulator.mail.mailboxes import add_alias
from emulator.mail.postoffice import receive
from emulator.world import World
from tests.small_world import START, draft, send_from


def test_the_recipients_copy_is_told_before_the_senders(
    world: World, ann: Mailbox, bob: Mailbox, heard: list[MailEvent]
) -> None:
    message = send_from(world, ann, [bob.address, "c@z.test"])
    told = [(event.happening, event.message.mailbox_id, event.recipients) for event in heard]
    both = (bob.address, "c@z.test")
    assert told == [("received", bob.id, (bob.address,)), ("sent", ann.id, both), ("delivered", ann.id, both)]
    assert [event.message.status for event in heard] == ["received", "sent", "delivered"]
    assert heard[1].message.id == heard[2].message.id == message.id


def test_what_is_told_is_the_message_as_it_is_kept(world: World, ann: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[bool] = []
    hear = lambda where, event: seen.append(where.store.get(MESSAGES, event.message.id) == event.message)  # noqa: E731
    monkeypatch.setattr(events, "_LISTENERS", [hear])
    send_from(world, ann, ["bounce@simulator.test", ann.address, "defer@simulator.test", "complaint@simulator.test"])
    world.run_until_idle()
    assert len(seen) >= 8
    assert all(seen)


def test_a_mailbox_that_is_reached_twice_is_told_once(world: World, bob: Mailbox, heard: list[MailEvent]) -> None:
    with world.step():
        add_alias(world, bob, "robert@y.test")
        receive(world, draft([bob.address, "robert@y.test"]))
    [event] = heard
    assert (event.happening, event.recipients, event.outcome) == ("received", (bob.address, "robert@y.test"), None)


def test_an_outcome_comes_with_what_is_not_simply_delivered(world: World, ann: Mailbox, heard: list[MailEvent]) -> None:
    send_from(world, ann, ["bounce@simulator.test", "complaint@simulator.test", "reject@simulator.test", "c@z.test"])
    found = [(event.happening, event.outcome and (event.outcome.recipient, event.outcome.action)) for event in heard]
    assert found == [
        ("sent", None),
        ("delivered", None),
        ("bounced", ("bounce@simulator.test", "failed")),
        ("received", None),
        ("delivered", None),
        ("complained", ("complaint@simulator.test", "complained")),
        ("rejected", ("reject@simulator.test", "rejected")),
    ]
    assert all(event.outcome in (None, *event.message.outcomes) for event in heard)
    assert {event.outcome.at for event in heard if event.outcome} == {START}


def test_mail_that_nobody_brought_is_not_told(world: World, ann: Mailbox, heard: list[MailEvent]) -> None:
    with world.step():
        deposit(world, ann, Mail(b"Subject: imported\r\n\r\n"), "inbound", START)
    assert heard == []


def test_mail_to_the_outside_is_nobodys_to_be_told_of(world: World, heard: list[MailEvent]) -> None:
    with world.step():
        receive(world, draft("c@z.test"))
    assert heard == []


def test_whatever_a_listener_does_is_undone_with_the_step(
    world: World, ann: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: World, event: MailEvent) -> None:
        raise RuntimeError(event.happening)

    monkeypatch.setattr(events, "_LISTENERS", [refuse])
    before = world.store.root
    with pytest.raises(RuntimeError, match="received"):
        send_from(world, ann, ann.address)
    assert world.store.root is before


def test_listeners_are_told_in_the_order_in_which_they_came(
    world: World, ann: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    monkeypatch.setattr(events, "_LISTENERS", [])
    first = listener(lambda *_: told.append("first"))
    listener(lambda *_: told.append("second"))
    message = send_from(world, ann, "c@z.test")
    told.clear()
    tell(world, MailEvent("sent", message, ()))
    assert told == ["first", "second"]
    assert callable(first)
