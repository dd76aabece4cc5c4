"""Inkbox's messages and threads: sending and finding them."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import Any, Final

from emulator.mail import MESSAGES, THREADS, Attachment, Draft, Mailbox, Message, Thread, addresses, replies, threads
from emulator.mail.postoffice import send
from emulator.mail.search import search
from emulator.provider import MEGABYTE, Problem, invalid
from emulator.world import Page, World
from emulator.world.ordered import Key

_MAX_ATTACHMENTS: Final = 25 * MEGABYTE


def send_message(world: World, mailbox: Mailbox, body: Mapping[str, Any]) -> Message:
    """Send a mail as the request body describes it and return the sender's copy."""
    draft, thread_id = draft_of(world, mailbox, body, _attachments(body.get("attachments") or ()))
    return send(world, mailbox, draft, thread_id)


def draft_of(
    world: World, mailbox: Mailbox, body: Mapping[str, Any], parts: tuple[Attachment, ...]
) -> tuple[Draft, str | None]:
    """Return the draft that a request body describes, and the thread that it stays in, if it answers a message."""
    recipients = body["recipients"]
    parent, in_reply_to, references = answered(world, mailbox, body.get("in_reply_to_message_id"))
    draft = Draft(
        sender=mailbox.address,
        sender_name=mailbox.display_name,
        to=recipients["to"],
        cc=recipients.get("cc") or [],
        bcc=recipients.get("bcc") or [],
        subject=body["subject"],
        text=body.get("body_text"),
        html=body.get("body_html"),
        in_reply_to=in_reply_to,
        references=references,
        attachments=parts,
    )
    return draft, parent.thread_id if parent else None


def list_messages(
    world: World, mailbox: Mailbox, direction: str | None, limit: int, after: Key | None
) -> Page[Message]:
    """Return a page of the messages of a mailbox, newest first."""
    group = mailbox.id if direction is None else (mailbox.id, direction)
    return world.store.page(MESSAGES, "timeline", group, limit=limit, after=after)


def find_message(world: World, mailbox: Mailbox, message_id: str) -> Message:
    """Return a message of a mailbox by id; 404 if there is none."""
    message = world.store.get(MESSAGES, message_id.lower())
    if message is None or message.mailbox_id != mailbox.id:
        raise Problem("not_found", "Message not found")
    return message


def mark_message(world: World, message: Message, marks: Mapping[str, bool]) -> Message:
    """Set `is_read` and `is_starred`, whichever is supplied."""
    read, starred = marks.get("is_read", message.is_read), marks.get("is_starred", message.is_starred)
    return world.store.put(MESSAGES, replace(message, is_read=read, is_starred=starred, updated_at=world.now()))


def find_attachment(message: Message, filename: str) -> int:
    """Return the index of the first attachment of this name; 404 if there is none."""
    for index, part in enumerate(message.mail.body.attachments):
        if part.filename == filename:
            return index
    raise Problem("not_found", "Attachment not found")


def search_messages(world: World, mailboxes: Sequence[Mailbox], query: str, limit: int) -> list[Message]:
    """Return the best matches in some mailboxes."""
    newest_first = sorted(
        chain.from_iterable(world.store.each(MESSAGES, "timeline", box.id, newest_first=True) for box in mailboxes),
        key=lambda message: message.created_at,
        reverse=True,
    )
    return search(newest_first, query, limit)


def list_threads(world: World, mailbox: Mailbox, limit: int, after: Key | None) -> Page[Thread]:
    """Return a page of the threads of a mailbox, last activity first."""
    return world.store.page(THREADS, "activity", mailbox.id, limit=limit, after=after)


def find_thread(world: World, mailbox: Mailbox, thread_id: str) -> Thread:
    """Return a thread of a mailbox by id; 404 if there is none."""
    thread = world.store.get(THREADS, thread_id.lower())
    if thread is None or thread.mailbox_id != mailbox.id:
        raise Problem("not_found", "Thread not found")
    return thread


def answered(world: World, mailbox: Mailbox, given: str | None) -> tuple[Message | None, str | None, list[str]]:
    """Return the message that a mail answers, if the mailbox has it, and its In-Reply-To and References."""
    parent = _parent(world, mailbox, given) if given else None
    return (parent, *(replies.ancestry(parent) if parent else _foreign_parent(given)))


def check_size(parts: Sequence[Attachment]) -> None:
    """Refuse attachments above 25 MB in total with 422."""
    total = sum(len(part.data) for part in parts)
    if total > _MAX_ATTACHMENTS:
        raise invalid("attachments", f"Attachments exceed 25 MB in total: {total} bytes", None)


def _parent(world: World, mailbox: Mailbox, given: str) -> Message | None:
    """Return the message that is replied to; the SDK's guide passes a row id, its reference a Message-ID."""
    row = world.store.get(MESSAGES, given.lower())
    if row is not None and row.mailbox_id == mailbox.id:
        return row
    return threads.find_by_message_id(world, mailbox.id, given)


def _foreign_parent(given: str | None) -> tuple[str | None, list[str]]:
    """Return In-Reply-To and References for a message that this mailbox does not have."""
    return (given, [given]) if given and addresses.is_message_id(given) else (None, [])


def _attachments(given: Sequence[Mapping[str, str]]) -> tuple[Attachment, ...]:
    parts = tuple(
        Attachment(item["filename"], item["content_type"], base64.b64decode(item["content_base64"])) for item in given
    )
    check_size(parts)
    return parts
