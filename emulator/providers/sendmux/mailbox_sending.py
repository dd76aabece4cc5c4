"""Sending by the Mailbox API: from the identity of a mailbox, with its signature, noted as a submission."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any, Final

from emulator.mail import Attachment, Draft, Mailbox, Message, addresses
from emulator.mail.postoffice import send
from emulator.provider import Problem
from emulator.providers.sendmux.mailbox_identity import signatures_of
from emulator.providers.sendmux.problems import unprocessable
from emulator.providers.sendmux.submissions import note_submission
from emulator.providers.sendmux.uploads import get_upload
from emulator.world import World

MAX_INLINE: Final = 5_000_000
MAX_MESSAGE: Final = 26_214_400
MAX_UPLOAD: Final = 7_500_000

_REFERENCES: Final = ("in-reply-to", "references")


def send_message(world: World, mailbox: Mailbox, body: Mapping[str, Any]) -> Message:
    """Send a mail as the request body describes it and return the sender's copy.

    403 for another sender than the mailbox, 413 for too much, 422 for a blob that is not there.
    """
    sender, signatures = body.get("from") or {}, signatures_of(world, mailbox)
    check_sender(mailbox, sender.get("email", mailbox.address))
    fields = {name: body.get(name) or () for name in ("to", "cc", "bcc", "reply_to")}
    to, cc, bcc, reply_to = ([each["email"] for each in people] for people in fields.values())
    draft = Draft(
        sender=mailbox.address,
        sender_name=sender.get("name") or mailbox.display_name,
        to=to,
        cc=cc,
        bcc=bcc,
        reply_to=reply_to,
        subject=body["subject"],
        text=_signed(body.get("text_body"), "\n\n", signatures.text),
        html=_signed(body.get("html_body"), "<br><br>", signatures.html),
        attachments=_attachments(world, mailbox, body.get("attachments") or ()),
        headers={name: _header(name, value) for name, value in (body.get("custom_headers") or {}).items()},
        names={each["email"]: each["name"] for people in fields.values() for each in people if each.get("name")},
    )
    message = send(world, mailbox, draft)
    if len(message.mail) > MAX_MESSAGE:
        raise Problem("too_large", f"The message has {len(message.mail)} bytes, {MAX_MESSAGE} are allowed")
    note_submission(world, message)
    return message


def check_sender(mailbox: Mailbox, address: str) -> None:
    """Refuse with 403 to send in somebody else's name."""
    if addresses.normalize(address) != addresses.normalize(mailbox.address):
        raise Problem("forbidden", "The sender has to be the mailbox of the key")


def _signed(text: str | None, gap: str, signature: str) -> str | None:
    return f"{text}{gap}{signature}" if text is not None and signature else text


def _attachments(world: World, mailbox: Mailbox, given: Sequence[Mapping[str, Any]]) -> tuple[Attachment, ...]:
    parts = tuple(_attachment(world, mailbox, index, item) for index, item in enumerate(given))
    inline = sum(len(part.data) for part, item in zip(parts, given, strict=True) if "content" in item)
    if inline > MAX_INLINE:
        raise Problem("too_large", f"Attachments inside a request may have {MAX_INLINE} bytes, these have {inline}")
    return parts


def _attachment(world: World, mailbox: Mailbox, index: int, item: Mapping[str, Any]) -> Attachment:
    name, content_type = item["filename"], item["content_type"]
    if "content" in item:
        return Attachment(name, content_type, base64.b64decode(item["content"]))
    upload = get_upload(world, mailbox.id, item["blob_id"])
    if upload is None:
        raise unprocessable(f"attachments.{index}.blob_id", "No such blob", item["blob_id"])
    return Attachment(name, content_type, upload.part.data)


def _header(name: str, value: str) -> str:
    # The API shows Message-IDs without their brackets, so they come back like that.
    if name.lower() not in _REFERENCES:
        return value
    return " ".join(each if each.startswith("<") else f"<{each}>" for each in value.split())
