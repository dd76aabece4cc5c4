"""The post office: who gets a mail, what the sender keeps, and what leaves the world."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from emulator.mail import MAILBOXES, MESSAGES, Mailbox, mailboxes
from emulator.mail.filing import remove_message
from emulator.mail.mailboxes import mailbox_at, open_mailbox, sending_gate
from emulator.mail.postoffice import outside_tray, receive, send, transmit
from emulator.world import Duplicate, Store, World
from tests.small_world import START, draft, inbox_of, mailbox, send_from


@pytest.fixture
def ann(world: World) -> Mailbox:
    return mailbox(world, "Ann@x.test")


def _delete(world: World, box: Mailbox) -> None:
    world.store.put(MAILBOXES, replace(box, status="deleted"))


# Mailboxes


def test_a_mailbox_is_found_at_its_address_without_case(world: World, ann: Mailbox) -> None:
    assert mailbox_at(world, "ann@X.test") == mailbox_at(world, " ANN@x.test ") == ann
    assert mailbox_at(world, "nobody@x.test") is None


def test_an_address_is_taken_once_in_a_world(world: World, ann: Mailbox) -> None:
    with pytest.raises(Duplicate, match=r"ann@x\.test"):
        mailbox(world, "ann@x.test", account="another account")
    assert list(world.store.everything(MAILBOXES)) == [ann]


def test_a_mailbox_knows_who_opened_it_and_when(world: World) -> None:
    box = open_mailbox(world, "x", "account", "c@x.test", display_name="C", status="paused")
    assert (box.provider, box.account_id, box.address, box.display_name) == ("x", "account", "c@x.test", "C")
    assert (box.status, box.created_at, box.updated_at, box.n, box.deleted) == ("paused", START, START, 1, False)


def test_mailboxes_are_counted_by_account(world: World, ann: Mailbox, bob: Mailbox) -> None:
    other = mailbox(world, "c@x.test", account="other")
    assert (ann.n, bob.n, other.n) == (1, 2, 1)
    assert list(world.store.each(MAILBOXES, "of_account", "account")) == [ann, bob]


def test_a_deleted_mailbox_no_longer_receives(world: World, ann: Mailbox, bob: Mailbox) -> None:
    _delete(world, bob)
    send_from(world, ann, bob.address)
    assert mailbox_at(world, bob.address) is None
    assert inbox_of(world, bob) == []
    assert [departure.recipient for departure in outside_tray(world)] == [bob.address]


def test_the_address_of_a_deleted_mailbox_can_be_used_again(world: World, ann: Mailbox, bob: Mailbox) -> None:
    send_from(world, ann, bob.address, subject="old")
    _delete(world, bob)
    heir = mailbox(world, "BOB@y.test", account="heir")
    send_from(world, ann, bob.address, subject="new")
    assert heir.id != bob.id
    assert [message.mail.subject for message in inbox_of(world, bob)] == ["old"]
    assert [message.mail.subject for message in inbox_of(world, heir)] == ["new"]
    assert list(world.store.each(MAILBOXES, "of_account", "account")) == [ann]


# Delivery


def test_every_recipient_has_one_copy(world: World, ann: Mailbox, bob: Mailbox) -> None:
    message = send_from(world, ann, ["bob@y.test", "BOB@y.test"], cc=["bob@Y.test"], bcc=["Bob@y.test"])
    (copy,) = inbox_of(world, bob)
    assert copy.mail.raw.endswith(message.mail.raw)
    assert (copy.sender, copy.recipients, copy.direction, copy.status) == (
        "Ann@x.test",
        ("bob@y.test",),
        "inbound",
        "received",
    )


def test_the_senders_copy_knows_all_recipients(world: World, ann: Mailbox, bob: Mailbox) -> None:
    message = send_from(world, ann, "bob@y.test", cc=["c@z.test"], bcc=["d@z.test"])
    assert message.recipients == ("bob@y.test", "c@z.test", "d@z.test")
    assert (message.bcc, message.direction, message.sender) == (("d@z.test",), "outbound", "Ann@x.test")
    assert inbox_of(world, bob)[0].bcc == ()


def test_bcc_is_delivered_but_not_written(world: World, ann: Mailbox, bob: Mailbox) -> None:
    message = send_from(world, ann, "c@z.test", bcc=["bob@y.test", "d@z.test"])
    assert len(inbox_of(world, bob)) == 1
    assert [departure.recipient for departure in outside_tray(world)] == ["c@z.test", "d@z.test"]
    assert b"bob@" not in message.mail.raw
    assert b"d@z.test" not in message.mail.raw


def test_mail_to_oneself_is_sent_and_received(world: World, ann: Mailbox) -> None:
    send_from(world, ann, "ann@x.test")
    assert [message.direction for message in world.store.each(MESSAGES, "timeline", ann.id)] == ["outbound", "inbound"]


def test_other_addresses_are_outside(world: World, ann: Mailbox) -> None:
    message = send_from(world, ann, ["c@z.test", "d@z.test"])
    first, second = outside_tray(world)
    assert (first.id, first.n, first.at, first.sender, first.recipient) == (
        "departure-1",
        1,
        START,
        "Ann@x.test",
        "c@z.test",
    )
    assert first.mail is second.mail
    assert first.mail.raw.endswith(message.mail.raw)
    assert list(world.store.everything(MESSAGES)) == [world.store.get(MESSAGES, message.id)]


def test_mail_from_outside_has_no_senders_copy(world: World, ann: Mailbox) -> None:
    with world.step():
        arrived = receive(world, draft([ann.address, "c@z.test"], "Hello"))
    (message,) = world.store.everything(MESSAGES)
    assert (message.sender, message.direction) == ("someone@outside.test", "inbound")
    assert message.mail.message_id == "<outside-1@outside.test>"
    assert arrived == [message, *outside_tray(world)]


def test_the_envelope_decides_not_the_header(world: World, ann: Mailbox, bob: Mailbox) -> None:
    with world.step():
        [arrived] = receive(world, draft(ann.address))
        transmit(world, "bounce@z.test", [bob.address], arrived.mail)
    assert [message.sender for message in inbox_of(world, bob)] == ["bounce@z.test"]


def test_messages_are_counted_by_mailbox_and_by_world(world: World, ann: Mailbox, bob: Mailbox) -> None:
    send_from(world, ann, [bob.address, "c@z.test"])
    send_from(world, bob, ann.address)
    numbers = [[(m.n, m.arrival) for m in world.store.each(MESSAGES, "timeline", box.id)] for box in (ann, bob)]
    assert numbers == [[(1, 1), (2, 5)], [(1, 2), (2, 4)]]
    assert [departure.arrival for departure in outside_tray(world)] == [3]


def test_newest_first_does_not_need_the_clock(world: World, ann: Mailbox, bob: Mailbox) -> None:
    for number in range(12):
        send_from(world, ann, bob.address, subject=str(number))
    page = world.store.page(MESSAGES, "timeline", bob.id, limit=3)
    assert [message.mail.subject for message in page.records] == ["11", "10", "9"]


def test_message_ids_are_the_mailboxs_own(world: World, ann: Mailbox, bob: Mailbox) -> None:
    ids = [send_from(world, box, "c@z.test").mail.message_id for box in (ann, ann, bob)]
    assert [str(message_id).rpartition("@")[2] for message_id in ids] == ["x.test>", "x.test>", "y.test>"]
    assert len(set(ids)) == 3


def test_what_cannot_be_written_is_not_delivered(world: World, ann: Mailbox, bob: Mailbox) -> None:
    before = world.store.root
    with pytest.raises(ValueError, match="cannot hold CR, LF or NUL"):
        send_from(world, ann, bob.address, subject="a\r\nb")
    assert world.store.root is before


# Progress


def test_a_sent_mail_is_queued_and_then_delivered(world: World, ann: Mailbox) -> None:
    with world.step():
        message = send(world, ann, draft("c@z.test"))
        assert message.status == "queued"
    after = world.store.get(MESSAGES, message.id)
    assert after == replace(message, status="delivered")


def test_every_status_is_passed_through_in_order(world: World, ann: Mailbox) -> None:
    seen = []

    class Watch(Store):
        def put(self, collection: Any, record: Any) -> Any:
            if collection is MESSAGES:
                seen.append(record.status)
            return super().put(collection, record)

    world.store = Watch(world.store.root)
    send_from(world, ann, "c@z.test")
    assert seen == ["sent", "delivered"]


def test_a_removed_mail_makes_no_progress(world: World, ann: Mailbox) -> None:
    with world.step():
        message = send(world, ann, draft("c@z.test"))
        remove_message(world, message)
    assert world.store.get(MESSAGES, message.id) is None


def test_received_mail_makes_no_progress(world: World, ann: Mailbox, bob: Mailbox) -> None:
    send_from(world, ann, bob.address)
    assert inbox_of(world, bob)[0].status == "received"


# What others notice


def test_the_journal_says_where_a_mail_went(world: World, ann: Mailbox, bob: Mailbox) -> None:
    send_from(world, ann, [bob.address, "c@z.test"], subject="Hello")
    shown = [
        {key: value for key, value in entry.as_json().items() if key not in ("n", "at")} for entry in world.journal
    ]
    delivered = {"kind": "mail.delivered", "from": "Ann@x.test", "to": "bob@y.test", "subject": "Hello"}
    left = {"kind": "mail.left", "from": "Ann@x.test", "to": "c@z.test", "subject": "Hello"}
    assert shown == [{**delivered, "message": inbox_of(world, bob)[0].id}, left]


def test_the_bells_of_all_who_got_mail_ring(world: World, ann: Mailbox, bob: Mailbox) -> None:
    names = [ann.address, bob.address, "c@z.test", "d@z.test"]
    with (
        world.bells.waiting(names[0]) as sender,
        world.bells.waiting(names[1]) as inside,
        world.bells.waiting(names[2]) as outside,
        world.bells.waiting(names[3]) as nobody,
    ):
        send_from(world, ann, [bob.address, "C@z.test"])
        assert [bell.is_set() for bell in (sender, inside, outside, nobody)] == [True, True, True, False]


# Whom a provider lets its mailboxes write to


def test_what_a_provider_forbids_is_not_even_tried(
    world: World, ann: Mailbox, bob: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mailboxes, "_SENDING_GATES", {})
    sending_gate(ann.provider)(lambda _world, _sender, to: "Not to Bob" if to == bob.address else None)
    sent = send_from(world, ann, [bob.address, "out@example.com"])
    assert inbox_of(world, bob) == []
    assert [departure.recipient for departure in outside_tray(world)] == ["out@example.com"]
    message = world.store.get(MESSAGES, sent.id)
    assert message is not None
    [outcome] = message.outcomes
    assert (message.status, outcome.action, outcome.reply) == ("failed", "rejected", "550 5.7.1 Not to Bob")
    assert inbox_of(world, ann) == [], "no report: nobody refused it"


def test_what_a_provider_forbids_to_send_may_come_from_elsewhere(
    world: World, ann: Mailbox, bob: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mailboxes, "_SENDING_GATES", {})
    sending_gate(ann.provider)(lambda *_: "To nobody")
    with world.step():
        receive(world, draft(bob.address))
    assert len(inbox_of(world, bob)) == 1
