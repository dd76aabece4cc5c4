"""Messages: sending, replying to all and forwarding; and which of them a list shows."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from emulator.mail import MESSAGES, Attachment, Draft, Mailbox, Message, addresses, replies
from emulator.mail.postoffice import send
from emulator.mail.search import search
from emulator.provider import Problem, invalid
from emulator.providers.inkbox.current import mailboxes, opens
from emulator.providers.inkbox.current.threads import is_blocked
from emulator.providers.inkbox.messages import check_size, draft_of, find_message, mark_message
from emulator.world import Page, World
from emulator.world.ordered import Key

_WRAPPED_NAME: Final = "forwarded.eml"


class Outgoing(NamedTuple):
    """A mail to be sent. `thread_id` is the thread that it stays in, `forwards` tells that it is a forward."""

    draft: Draft
    thread_id: str | None = None
    track_opens: bool = False
    forwards: bool = False


# Sending


def new_mail(world: World, mailbox: Mailbox, body: Mapping[str, Any]) -> Outgoing:
    """Return the mail that a request to send describes."""
    parts = attachments(body.get("attachments") or (), html=body.get("body_html"))
    draft, thread_id = draft_of(world, mailbox, body, parts)
    return Outgoing(replace(draft, reply_to=reply_to(body)), thread_id, body.get("track_opens", False))


def reply_to_all(mailbox: Mailbox, message: Message, body: Mapping[str, Any]) -> Outgoing:
    """Return the reply to everyone on a message; 422 if there is nobody else."""
    to, cc = replies.reply_all_recipients(message, [mailbox.address])
    if not (to or cc):
        raise Problem("invalid", "The message leaves nobody to reply to")
    parts = attachments(body.get("attachments") or (), html=body.get("body_html"))
    draft = replies.reply_draft(
        mailbox, message, to, cc=cc, text=body.get("body_text"), html=body.get("body_html"), attachments=parts
    )
    subject = body.get("subject")
    draft = replace(draft, reply_to=reply_to(body), subject=draft.subject if subject is None else subject)
    return Outgoing(draft, message.thread_id)


def forward(mailbox: Mailbox, message: Message, body: Mapping[str, Any]) -> Outgoing:
    """Return the forward of a message; 422 for a forward to nobody and for inline images."""
    recipients, subject = body["recipients"], body.get("subject")
    given = body.get("additional_attachments") or ()
    if any("content_id" in each for each in given):
        raise invalid("additional_attachments", "Inline images cannot be forwarded", None)
    carried = carry(
        message,
        body.get("mode", "inline"),
        body.get("body_text"),
        body.get("body_html"),
        originals=body.get("include_original_attachments", True),
    )
    draft = Draft(
        sender=mailbox.address,
        sender_name=mailbox.display_name,
        to=recipients.get("to") or [],
        cc=recipients.get("cc") or [],
        bcc=recipients.get("bcc") or [],
        reply_to=reply_to(body),
        subject=replies.forward_subject(message.mail.subject) if subject is None else subject,
        text=carried.text,
        html=carried.html,
        attachments=(*carried.attachments, *attachments(given)),
    )
    return Outgoing(draft, None, body.get("track_opens", False), forwards=True)


class Carried(NamedTuple):
    """What a forward has of its original: the bodies with the note above it, and the attachments."""

    text: str | None
    html: str | None
    attachments: tuple[Attachment, ...]


def carry(message: Message, mode: str, note_text: str | None, note_html: str | None, *, originals: bool) -> Carried:
    """Write the original below the note, with its attachments if wanted, or wrap all of it as an attachment."""
    if mode == "wrapped":
        return Carried(note_text, note_html, (Attachment(_WRAPPED_NAME, "message/rfc822", message.mail.raw),))
    has_html = note_html is not None or message.mail.body.html is not None
    return Carried(
        replies.forwarded_text(message, note_text),
        replies.forwarded_html(message, note_html) if has_html else None,
        replies.forwarded_attachments(message) if originals else (),
    )


def dispatch(world: World, mailbox: Mailbox, mail: Outgoing, opens_at: str) -> Message:
    """Send a mail and return the sender's copy; 402 if the mailbox would hold too much, 422 if nothing can be tracked.

    `opens_at` is the URL below which the pixels of tracked mail are.
    """
    draft = mail.draft
    if not draft.recipients:
        raise invalid("recipients", "At least one address in to, cc or bcc", None)
    token = None
    draft = mailboxes.finished(world, mailbox, draft)
    if mail.track_opens:
        if mail.draft.html is None:
            raise invalid("track_opens", "Opens can be tracked in HTML only", True)
        token = opens.new_token(world, mailbox)
        draft = replace(draft, html=mailboxes.within_body(draft.html or "", opens.pixel(f"{opens_at}{token}")))
    message = send(world, mailbox, draft, mail.thread_id)
    opens.note(world, message, token, forwarded=mail.forwards)
    mailboxes.check_storage(world, mailbox)
    return message


def reply_to(body: Mapping[str, Any]) -> list[str]:
    """Return the Reply-To that a request asks for."""
    given = body.get("reply_to")
    return [given] if given else []


def attachments(given: Sequence[Mapping[str, str]], *, html: str | None = None) -> tuple[Attachment, ...]:
    """Return the attachments of a request; 422 if they are too large, or one cannot be shown inline in this HTML."""
    shown = [each["content_id"] for each in given if "content_id" in each]
    if shown and html is None:
        raise invalid("attachments", "An inline image needs body_html", None)
    if len(shown) != len(set(shown)):
        raise invalid("attachments", "Each content_id is used once", None)
    parts = tuple(map(_attachment, given))
    check_size(parts)
    return parts


def _attachment(given: Mapping[str, str]) -> Attachment:
    content_id, content_type = given.get("content_id"), given["content_type"]
    if content_id is not None and not content_type.lower().startswith("image/"):
        raise invalid("attachments", "Only images are shown inline", content_type)
    data = base64.b64decode(given["content_base64"])
    return Attachment(given["filename"], content_type, data, content_id, inline=content_id is not None)


# Reading


def list_messages(world: World, mailbox: Mailbox, query: Mapping[str, Any], after: Key | None) -> Page[Message]:
    """Return a page of the messages of a mailbox in a time, newest first; 400 for a time that there is not."""
    start, end = _window(query)
    direction = query.get("direction")
    group = mailbox.id if direction is None else (mailbox.id, direction)

    def wanted(message: Message) -> bool:
        return not is_blocked(message) and start <= message.created_at <= end

    return world.store.page(MESSAGES, "timeline", group, limit=query["limit"], after=after, where=wanted)


def search_messages(world: World, mailbox: Mailbox, query: str, limit: int) -> list[Message]:
    """Return the best matches in a mailbox."""
    every = world.store.each(MESSAGES, "timeline", mailbox.id, newest_first=True)
    return search((message for message in every if not is_blocked(message)), query, limit)


def read_message(world: World, mailbox: Mailbox, message_id: str) -> Message:
    """Return a message by id, and mark an inbound one read."""
    message = find_message(world, mailbox, message_id)
    return mark_message(world, message, {"is_read": True}) if message.direction == "inbound" else message


def display_name(message: Message) -> str | None:
    """Return the name of the sender as the mail has it."""
    names = (name for name, address in message.mail.addresses("from") if addresses.is_address(address))
    return next(names, None) or None


def _window(query: Mapping[str, Any]) -> tuple[datetime, datetime]:
    try:
        zone = ZoneInfo(query.get("tz") or "UTC")
    except (ValueError, OSError, LookupError):
        raise Problem("refused", f"tz: there is no time zone {query['tz']!r}") from None
    start = _moment(query, "start_datetime", zone, time.min)
    end = _moment(query, "end_datetime", zone, time.max)
    return start or datetime.min.replace(tzinfo=UTC), end or datetime.max.replace(tzinfo=UTC)


def _moment(query: Mapping[str, Any], name: str, zone: ZoneInfo, of_day: time) -> datetime | None:
    """Read a time of the query; a bare date means this time of that day."""
    given = query.get(name)
    if given is None:
        return None
    try:
        read = datetime.fromisoformat(given)
        if _is_date(given):
            read = datetime.combine(read.date(), of_day)
        return (read if read.tzinfo else read.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise Problem("refused", f"{name}: {given!r} is no date and no time") from None


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
