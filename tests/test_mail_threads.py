"""Threads: which one a mail joins, and what a thread knows about its messages."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from emulator.mail import MESSAGES, THREADS, Mail, Mailbox, Message, Thread
from emulator.mail.filing import remove_message
from emulator.mail.postoffice import send, transmit
from emulator.mail.threads import find_by_message_id, messages_of, thread_for
from emulator.world import World
from tests.small_world import START, draft, mailbox

HOUR = timedelta(hours=1)


@pytest.fixture
def box(world: World) -> Mailbox:
    return mailbox(world, "box@x.test")


def _arrive(world: World, to: Mailbox, message_id: str | None, **fields: str) -> Message:
    """Let a mail with these header fields arrive; `In_Reply_To` stands for In-Reply-To."""
    given = {"Subject": "Hello", **fields} if message_id is None else {"Message-ID": message_id, **fields}
    head = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in given.items())
    with world.step():
        transmit(world, "someone@outside.test", [to.address], Mail(f"{head}\r\nHi\r\n".encode()))
    return world.store.newest(MESSAGES, "timeline", to.id, start=0, count=1)[0]


def _send(world: World, sender: Mailbox, to: str, **fields: Any) -> Message:
    with world.step():
        return send(world, sender, draft(to, sender=sender.address, **fields))


def _thread(world: World, message: Message) -> Thread:
    thread = world.store.get(THREADS, message.thread_id)
    assert thread is not None
    return thread


def test_mail_that_refers_to_nothing_begins_a_thread(world: World, box: Mailbox) -> None:
    first, second = _arrive(world, box, "<1@y>", Subject="Hello"), _arrive(world, box, "<2@y>", Subject="Re: Hello")
    assert first.thread_id != second.thread_id
    assert _thread(world, first) == Thread(first.thread_id, box.id, "Hello", 1, START, 1, START)


def test_a_reply_joins_the_thread_of_its_parent(world: World, box: Mailbox) -> None:
    parent = _arrive(world, box, "<1@y>")
    assert _arrive(world, box, "<2@y>", In_Reply_To="<1@y>").thread_id == parent.thread_id


def test_in_reply_to_decides_before_references(world: World, box: Mailbox) -> None:
    parent, other = _arrive(world, box, "<1@y>"), _arrive(world, box, "<2@y>")
    reply = _arrive(world, box, "<3@y>", In_Reply_To="<1@y>", References="<2@y>")
    assert reply.thread_id == parent.thread_id != other.thread_id


def test_the_newest_known_reference_decides(world: World, box: Mailbox) -> None:
    old, new = _arrive(world, box, "<1@y>"), _arrive(world, box, "<2@y>")
    reply = _arrive(world, box, "<3@y>", In_Reply_To="<lost@y>", References="<1@y> <2@y> <lost@y>")
    assert reply.thread_id == new.thread_id != old.thread_id


def test_an_older_reference_will_do(world: World, box: Mailbox) -> None:
    old = _arrive(world, box, "<1@y>")
    assert _arrive(world, box, "<3@y>", References="<1@y> <lost@y>").thread_id == old.thread_id


def test_references_to_unknown_mail_begin_a_thread(world: World, box: Mailbox) -> None:
    message = _arrive(world, box, "<3@y>", In_Reply_To="<lost@y>", References="<lost@y>")
    assert _thread(world, message).message_count == 1


def test_mail_without_message_ids_is_not_thrown_together(world: World, box: Mailbox) -> None:
    assert _arrive(world, box, None).thread_id != _arrive(world, box, None).thread_id


def test_threads_belong_to_one_mailbox(world: World, box: Mailbox) -> None:
    other = mailbox(world, "other@x.test")
    here, there = _arrive(world, box, "<1@y>"), _arrive(world, other, "<1@y>")
    assert here.thread_id != there.thread_id
    assert (_thread(world, here).mailbox_id, _thread(world, there).mailbox_id) == (box.id, other.id)
    assert _arrive(world, other, "<2@y>", In_Reply_To="<1@y>").thread_id == there.thread_id


def test_both_sides_keep_their_own_thread_of_a_conversation(world: World, box: Mailbox) -> None:
    other = mailbox(world, "other@x.test")
    asked = _send(world, box, other.address)
    (received,) = world.store.each(MESSAGES, "timeline", other.id)
    answered = _send(world, other, box.address, in_reply_to=asked.mail.message_id)
    assert asked.thread_id != received.thread_id == answered.thread_id
    assert [message.direction for message in messages_of(world, _thread(world, asked))] == ["outbound", "inbound"]
    assert [message.direction for message in messages_of(world, _thread(world, received))] == ["inbound", "outbound"]


def test_mail_to_oneself_is_one_thread(world: World, box: Mailbox) -> None:
    sent = _send(world, box, box.address)
    thread = _thread(world, sent)
    assert thread.message_count == 2
    assert [message.direction for message in messages_of(world, thread)] == ["outbound", "inbound"]
    assert find_by_message_id(world, box.id, str(sent.mail.message_id)) == world.store.get(MESSAGES, sent.id)


def test_a_known_thread_decides_before_everything_else(world: World, box: Mailbox) -> None:
    parent, other = _arrive(world, box, "<1@y>"), _arrive(world, box, None)
    mail = Mail(b"In-Reply-To: <1@y>\r\n\r\n")
    assert thread_for(world, box, mail, START).id == parent.thread_id
    assert thread_for(world, box, mail, START, other.thread_id).id == other.thread_id


def test_a_thread_counts_its_messages_and_knows_its_last(world: World, box: Mailbox) -> None:
    first = _arrive(world, box, "<1@y>", Subject="Hello")
    world.advance(HOUR)
    last = _arrive(world, box, "<2@y>", Subject="Re: Hello", In_Reply_To="<1@y>")
    assert _thread(world, first) == Thread(first.thread_id, box.id, "Hello", 2, START + HOUR, last.n, START)


def test_a_removed_message_is_no_longer_counted(world: World, box: Mailbox) -> None:
    first = _arrive(world, box, "<1@y>")
    world.advance(HOUR)
    last = _arrive(world, box, "<2@y>", In_Reply_To="<1@y>")
    remove_message(world, last)
    thread = _thread(world, first)
    assert (thread.message_count, thread.last_message_at, thread.last_n) == (1, START, first.n)
    assert messages_of(world, thread) == [first]


def test_removing_an_older_message_keeps_the_last_activity(world: World, box: Mailbox) -> None:
    first = _arrive(world, box, "<1@y>")
    world.advance(HOUR)
    last = _arrive(world, box, "<2@y>", In_Reply_To="<1@y>")
    remove_message(world, first)
    thread = _thread(world, last)
    assert (thread.message_count, thread.last_message_at, thread.last_n) == (1, START + HOUR, last.n)


def test_a_thread_goes_with_its_last_message(world: World, box: Mailbox) -> None:
    message = _arrive(world, box, "<1@y>")
    remove_message(world, message)
    assert world.store.get(THREADS, message.thread_id) is None
    assert world.store.count(THREADS, "activity", box.id) == 0
    assert find_by_message_id(world, box.id, "<1@y>") is None


def test_a_reply_to_removed_mail_begins_a_thread_anew(world: World, box: Mailbox) -> None:
    parent = _arrive(world, box, "<1@y>")
    remove_message(world, parent)
    reply = _arrive(world, box, "<2@y>", In_Reply_To="<1@y>")
    assert reply.thread_id != parent.thread_id
    assert _thread(world, reply).message_count == 1


def test_threads_stand_in_the_order_of_their_last_activity(world: World, box: Mailbox) -> None:
    # The clock stands still: only the order of arrival tells them apart.
    first, second = _arrive(world, box, "<1@y>"), _arrive(world, box, "<2@y>")
    newest = [thread.id for thread in world.store.each(THREADS, "activity", box.id, newest_first=True)]
    assert newest == [second.thread_id, first.thread_id]
    _arrive(world, box, "<3@y>", In_Reply_To="<1@y>")
    newest = [thread.id for thread in world.store.each(THREADS, "activity", box.id, newest_first=True)]
    assert newest == [first.thread_id, second.thread_id]


def test_a_message_in_a_lost_thread_is_an_error_that_says_so(world: World, box: Mailbox) -> None:
    message = _arrive(world, box, "<1@y>")
    world.store.remove(THREADS, message.thread_id)
    with pytest.raises(LookupError, match=message.thread_id):
        thread_for(world, box, Mail(b"In-Reply-To: <1@y>\r\n\r\n"), START)
