"""Filing: what puts a mail into a mailbox, with its thread, and takes it out again."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from emulator.mail import addresses, threads
from emulator.mail.parse import Mail
from emulator.mail.records import MESSAGES, Direction, Mailbox, Message, Thread
from emulator.world import World


def file_mail(
    world: World,
    mailbox: Mailbox,
    mail: Mail,
    direction: Direction,
    status: str,
    sender: str,
    recipients: Iterable[str],
    *,
    bcc: Iterable[str] = (),
    thread_id: str | None = None,
    at: datetime | None = None,
    listed: bool = True,
) -> Message:
    """Put a mail into a mailbox and return the message that it is there.

    `sender` and `recipients` are the envelope's; `thread_id` is a thread it is known to belong to, `at` the time when
    it came or went, now without it.
    """
    now = at or world.now()
    thread = threads.thread_for(world, mailbox, mail, now, thread_id) if listed else None
    message = Message(
        id=world.new_id(mailbox.provider, "message", mailbox.id),
        mailbox_id=mailbox.id,
        thread_id=thread.id if thread else "",
        direction=direction,
        status=status,
        mail=mail,
        sender=sender,
        recipients=tuple(recipients),
        created_at=now,
        updated_at=now,
        n=world.store.tick("messages", mailbox.id),
        bcc=tuple(bcc),
        arrival=world.store.tick("arrivals"),
        listed=listed,
    )
    if thread:
        threads.joined(world, thread, message)
    world.bells.ring(mailbox.address)
    return world.store.add(MESSAGES, message)


def deposit(
    world: World, mailbox: Mailbox, mail: Mail, direction: Direction, at: datetime, *, listed: bool = True
) -> Message:
    """Put a mail into a mailbox as if it had come or gone at this time; it is delivered to nobody."""
    if direction == "inbound":
        sender = next(iter(mail.bare_addresses("from")), "")
        return file_mail(world, mailbox, mail, direction, "received", sender, [mailbox.address], at=at, listed=listed)
    recipients = addresses.unique(mail.bare_addresses("to") + mail.bare_addresses("cc"))
    bcc = mail.bare_addresses("bcc")
    everybody = addresses.unique([*recipients, *bcc])
    return file_mail(world, mailbox, mail, direction, "sent", mailbox.address, everybody, bcc=bcc, at=at, listed=listed)


def used_bytes(world: World, mailbox: Mailbox) -> int:
    """Return how much the mail of a mailbox takes."""
    return sum(len(message.mail) for message in world.store.each(MESSAGES, "timeline", mailbox.id))


def remove_message(world: World, message: Message) -> None:
    """Remove a message from its mailbox and its thread."""
    world.store.remove(MESSAGES, message.id)
    if message.listed:
        threads.left(world, message)


def remove_thread(world: World, thread: Thread) -> None:
    """Remove a thread with all its messages."""
    for message in threads.messages_of(world, thread):
        remove_message(world, message)
