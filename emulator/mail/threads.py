"""Conversations: which thread of a mailbox a mail belongs to, and what a thread knows about its messages."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from emulator.mail.parse import Mail
from emulator.mail.records import MESSAGES, THREADS, Mailbox, Message, Thread
from emulator.world import World


def find_by_message_id(world: World, mailbox_id: str, message_id: str) -> Message | None:
    """Return the first message of a mailbox that carries this Message-ID (with brackets), or None."""
    return next(world.store.each(MESSAGES, "message_id", (mailbox_id, message_id)), None)


def thread_for(world: World, mailbox: Mailbox, mail: Mail, now: datetime, known: str | None = None) -> Thread:
    """Return the thread a mail joins, or a new empty one, which is kept once a message has `joined` it.

    The `known` thread decides if one is given, then the mailbox's own copy of the same mail, then In-Reply-To, then
    References from the newest back.
    """
    if known is not None:
        return _thread(world, known)
    for message_id in _relatives(mail):
        relative = find_by_message_id(world, mailbox.id, message_id)
        if relative is not None:
            return _thread(world, relative.thread_id)
    thread_id = world.new_id(mailbox.provider, "thread", mailbox.id)
    return Thread(thread_id, mailbox.id, mail.subject, 0, now, 0, now)


def joined(world: World, thread: Thread, message: Message) -> None:
    """Note that a message was added to its thread."""
    # A mail that a mail program puts into its mailbox may be older than those that are there.
    at, n = max((thread.last_message_at, thread.last_n), (message.created_at, message.n))
    keep = world.store.put if thread.message_count else world.store.add
    keep(THREADS, replace(thread, message_count=thread.message_count + 1, last_message_at=at, last_n=n))


def left(world: World, message: Message) -> None:
    """Note that a message was removed from its thread; a thread without messages is gone."""
    thread = _thread(world, message.thread_id)
    newest = next(world.store.each(MESSAGES, "timeline", thread.id, newest_first=True), None)
    if newest is None:
        world.store.remove(THREADS, thread.id)
        return
    count = thread.message_count - 1
    world.store.put(THREADS, replace(thread, message_count=count, last_message_at=newest.created_at, last_n=newest.n))


def messages_of(world: World, thread: Thread) -> list[Message]:
    """Return the messages of a thread, oldest first."""
    return list(world.store.each(MESSAGES, "timeline", thread.id))


def _relatives(mail: Mail) -> Iterator[str]:
    for message_id in (mail.message_id, mail.in_reply_to):
        if message_id is not None:
            yield message_id
    yield from reversed(mail.references)


def _thread(world: World, thread_id: str) -> Thread:
    thread = world.store.get(THREADS, thread_id)
    if thread is None:
        raise LookupError(f"a message stands in thread {thread_id}, which is not there")
    return thread
