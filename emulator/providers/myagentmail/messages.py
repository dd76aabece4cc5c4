"""myagentmail's mail: sending, replying, forwarding; the messages of an inbox, their marks, and its threads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from typing import Any, Final, NamedTuple
from uuid import UUID

from emulator.mail import MESSAGES, THREADS, Draft, Message, Thread, replies
from emulator.mail.postoffice import send
from emulator.provider import Problem
from emulator.providers.myagentmail.resources import Inbox, mailbox_of, own_addresses
from emulator.providers.myagentmail.safeguard import check_recipients
from emulator.providers.myagentmail.settings import setting
from emulator.world import Collection, Order, World


@dataclass(frozen=True, slots=True)
class Filing:
    """Where a message was put; `id` is the message's. A message without one is where it arrived."""

    id: str
    mailbox_id: str
    direction: str
    archived: bool = False
    deleted_at: datetime | None = None

    @property
    def deleted(self) -> bool:
        """Tell whether the message is in the trash."""
        return self.deleted_at is not None


class Window(NamedTuple):
    """The part of a list that a client asks for."""

    offset: int
    limit: int


class Listed(NamedTuple):
    """A part of a list of messages, newest first, and how many the whole list has."""

    messages: list[Message]
    total: int
    window: Window


FILINGS: Collection[Filing] = Collection(
    "myagentmail.filings",
    ordered={
        "deleted": Order(
            groups=lambda f: (f.mailbox_id, (f.mailbox_id, f.direction)) if f.deleted else (), sort=lambda _: ()
        )
    },
)

_NOT_FILED: Final = Filing("", "", "")


# Sending


def send_message(world: World, inbox: Inbox, body: Mapping[str, Any]) -> Message:
    """Send a mail as the request body describes it; 403 for a recipient that is not known and not `verified`."""
    mailbox, reply_to = mailbox_of(world, inbox), body.get("replyTo")
    draft = Draft(
        sender=inbox.primary,
        sender_name=mailbox.display_name,
        to=as_list(body["to"]),
        cc=as_list(body.get("cc")),
        bcc=as_list(body.get("bcc")),
        reply_to=as_list(reply_to),
        subject=body["subject"],
        text=body.get("plainBody"),
        html=body.get("htmlBody"),
    )
    if not body.get("verified") and setting(world, "recipient_safeguard"):
        check_recipients(world, mailbox, draft.recipients)
    return send(world, mailbox, draft)


def reply(world: World, inbox: Inbox, message: Message, body: Mapping[str, Any], *, everybody: bool) -> Message:
    """Reply to the sender (or Reply-To) of a message, or to it and all of To but the inbox; 400 if that is nobody."""
    to = replies.reply_recipients(message)
    if everybody:
        to, _ = replies.reply_all_recipients(message, own_addresses(world, inbox))
    if not to:
        raise Problem("refused", "The message has nobody to reply to")
    mailbox = mailbox_of(world, inbox)
    draft = replies.reply_draft(mailbox, message, to, text=body.get("plainBody"), html=body.get("htmlBody"))
    return send(world, mailbox, replace(draft, sender=inbox.primary), message.thread_id)


def forward(world: World, inbox: Inbox, message: Message, body: Mapping[str, Any]) -> Message:
    """Forward a message with its attachments in a new thread, below a given text."""
    mailbox, note = mailbox_of(world, inbox), body.get("htmlBody")
    with_html = note is not None or message.mail.body.html is not None
    draft = Draft(
        sender=inbox.primary,
        sender_name=mailbox.display_name,
        to=as_list(body["to"]),
        subject=body.get("subject") or replies.forward_subject(message.mail.subject),
        text=replies.forwarded_text(message, body.get("plainBody")),
        html=replies.forwarded_html(message, note) if with_html else None,
        attachments=replies.forwarded_attachments(message),
    )
    return send(world, mailbox, draft)


def as_list(given: str | Iterable[str] | None) -> list[str]:
    """Return one address or several or none as a list."""
    return [] if given is None else [given] if isinstance(given, str) else list(given)


# Messages


def list_messages(world: World, inbox: Inbox, direction: str | None, window: Window) -> Listed:
    """Return a part of the messages of an inbox, newest first, without deleted ones."""
    group = inbox.id if direction is None else (inbox.id, direction)
    total = world.store.count(MESSAGES, "timeline", group) - world.store.count(FILINGS, "deleted", group)
    everything = world.store.each(MESSAGES, "timeline", group, newest_first=True)
    shown = (message for message in everything if not filing_of(world, message).deleted)
    return Listed(list(islice(shown, window.offset, window.offset + window.limit)), total, window)


def find_message(world: World, inbox: Inbox, message_id: str) -> Message:
    """Return a message of an inbox by id; 404 if there is none or it was deleted."""
    message = world.store.get(MESSAGES, message_id.lower())
    if message is None or message.mailbox_id != inbox.id or filing_of(world, message).deleted:
        raise Problem("not_found", "Message not found")
    return message


def read_message(world: World, message: Message) -> Message:
    """Note that a message was read."""
    return message if message.is_read else world.store.put(MESSAGES, replace(message, is_read=True))


def mark_message(world: World, message: Message, marks: Mapping[str, bool]) -> Message:
    """Set `isRead`, `isStarred` and `isArchived`, whichever is supplied."""
    if "isArchived" in marks:
        _file(world, message, replace(_filing(world, message), archived=marks["isArchived"]))
    read, starred = marks.get("isRead", message.is_read), marks.get("isStarred", message.is_starred)
    return world.store.put(MESSAGES, replace(message, is_read=read, is_starred=starred, updated_at=world.now()))


def delete_message(world: World, message: Message) -> None:
    """Put a message into the trash: it is hidden, but stays in its thread."""
    _file(world, message, replace(_filing(world, message), deleted_at=world.now()))


def filing_of(world: World, message: Message) -> Filing:
    """Return where a message was put."""
    return world.store.get(FILINGS, message.id) or _NOT_FILED


def is_read(message: Message) -> bool:
    """Tell whether a message was read; what one sent oneself needs no reading."""
    return message.is_read or message.direction == "outbound"


def _filing(world: World, message: Message) -> Filing:
    return world.store.get(FILINGS, message.id) or Filing(message.id, message.mailbox_id, message.direction)


def _file(world: World, message: Message, filing: Filing) -> None:
    known = world.store.get(FILINGS, message.id) is not None
    (world.store.put if known else world.store.add)(FILINGS, filing)


# Attachments


def attachment_id(message: Message, index: int) -> str:
    """Return the id of the `index`-th attachment of a message: its own, changed in the last digits."""
    return str(UUID(int=UUID(message.id).int ^ (index + 1)))


def find_attachment(message: Message, wanted: str) -> int:
    """Return the index of an attachment; 404 if there is none."""
    for index in range(len(message.mail.body.attachments)):
        if attachment_id(message, index) == wanted.lower():
            return index
    raise Problem("not_found", "Attachment not found")


# Threads


def find_thread(world: World, inbox: Inbox, thread_id: str) -> Thread:
    """Return a thread of an inbox by id; 404 if there is none."""
    thread = world.store.get(THREADS, thread_id.lower())
    if thread is None or thread.mailbox_id != inbox.id:
        raise Problem("not_found", "Thread not found")
    return thread
