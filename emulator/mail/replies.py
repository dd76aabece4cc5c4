"""Replies and forwards: whom they go to, what they are called, and which thread they belong to."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from html import escape
from typing import Final

from emulator.mail import addresses
from emulator.mail.compose import Draft, is_content_id
from emulator.mail.parse import Attachment, Mail
from emulator.mail.records import Mailbox, Message

_REPLY: Final = re.compile(r"^\s*re\s*:", re.IGNORECASE)
_FORWARD: Final = re.compile(r"^\s*(fwd?|wg)\s*:", re.IGNORECASE)
_UNWRITABLE: Final = re.compile(r"[\r\n\x00]+")


def reply_recipients(message: Message) -> list[str]:
    """Return whom a reply goes to: Reply-To if set, else the sender; for one's own mail its recipients.

    What is no address is left out, so there may be nobody.
    """
    mail = message.mail
    if message.direction == "outbound":
        return _usable(mail, "to") or list(message.recipients)
    return _usable(mail, "reply-to") or _usable(mail, "from") or list(filter(addresses.is_address, [message.sender]))


def reply_all_recipients(message: Message, own: Iterable[str]) -> tuple[list[str], list[str]]:
    """Return the To and Cc of a reply to all: sender and To, and Cc, without one's own addresses."""
    mail, mine = message.mail, {addresses.normalize(address) for address in own}
    to = addresses.unique([*reply_recipients(message), *_usable(mail, "to")])
    to = [address for address in to if addresses.normalize(address) not in mine]
    seen = mine | {addresses.normalize(address) for address in to}
    cc = [item for item in addresses.unique(_usable(mail, "cc")) if addresses.normalize(item) not in seen]
    return to, cc


def reply_subject(subject: str | None) -> str:
    """Return `Re: <subject>`, not doubled."""
    line = _one_line(subject)
    return line if _REPLY.match(line) else f"Re: {line}".rstrip()


def forward_subject(subject: str | None) -> str:
    """Return `Fwd: <subject>`, not doubled."""
    line = _one_line(subject)
    return line if _FORWARD.match(line) else f"Fwd: {line}".rstrip()


def ancestry(message: Message) -> tuple[str | None, list[str]]:
    """Return the In-Reply-To and References of a reply to a message."""
    mail = message.mail
    if mail.message_id is None:
        return None, []
    earlier = mail.references or ([mail.in_reply_to] if mail.in_reply_to else [])
    return mail.message_id, [*(item for item in earlier if item != mail.message_id), mail.message_id]


def reply_draft(
    mailbox: Mailbox,
    message: Message,
    to: list[str],
    *,
    cc: Iterable[str] = (),
    text: str | None = None,
    html: str | None = None,
    attachments: tuple[Attachment, ...] = (),
) -> Draft:
    """Return the draft of a reply: the subject with `Re:`, In-Reply-To and References set."""
    in_reply_to, references = ancestry(message)
    return Draft(
        sender=mailbox.address,
        sender_name=mailbox.display_name,
        to=to,
        cc=addresses.unique(cc),
        subject=reply_subject(message.mail.subject),
        text=text,
        html=html,
        in_reply_to=in_reply_to,
        references=references,
        attachments=attachments,
    )


def forwarded_text(message: Message, note: str | None = None) -> str:
    """Return the text of a forward: the note, then the original with its From, Date, Subject and To."""
    mail = message.mail
    body = mail.body.text if mail.body.text is not None else ""
    lines = ["---------- Forwarded message ----------", *(f"{n}: {v}" for n, v in _summary(message)), "", body]
    return "\n".join([*([note, ""] if note else []), *lines])


def forwarded_html(message: Message, note: str | None = None) -> str:
    """Return the HTML of a forward: the note, then the original with its From, Date, Subject and To."""
    body = message.mail.body
    original = body.html if body.html is not None else f"<pre>{escape(body.text or '')}</pre>"
    head = "".join(f"{name}: {escape(value)}<br>" for name, value in _summary(message))
    return (
        f"{note or ''}<div>---------- Forwarded message ----------<br>{head}</div><blockquote>{original}</blockquote>"
    )


def forwarded_attachments(message: Message) -> tuple[Attachment, ...]:
    """Return the attachments of a forward: the original's, without a Content-ID that cannot be written."""
    return tuple(
        part if part.content_id is None or is_content_id(part.content_id) else replace(part, content_id=None)
        for part in message.mail.body.attachments
    )


def _usable(mail: Mail, field: str) -> list[str]:
    return list(filter(addresses.is_address, mail.bare_addresses(field)))


def _one_line(subject: str | None) -> str:
    # Encoded words can hide line ends, which no header may hold.
    return _UNWRITABLE.sub(" ", subject or "")


def _summary(message: Message) -> list[tuple[str, str]]:
    names = ("from", "date", "subject", "to")
    found = ((name.title(), message.mail.field(name)) for name in names)
    return [(name, value) for name, value in found if value is not None]
