"""Sending by the Sending API: one mail or many at once, by a team's sending accounts, on its credits."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, NamedTuple

from emulator.mail import Attachment, Draft, Mailbox, Message
from emulator.mail.postoffice import send
from emulator.provider import MEGABYTE, Problem
from emulator.providers.sendmux import sending_accounts, uploads
from emulator.providers.sendmux.mailbox_sending import check_sender
from emulator.providers.sendmux.problems import unprocessable
from emulator.providers.sendmux.settings import setting
from emulator.world import World

MAX_UPLOAD: Final = 18 * MEGABYTE

_MAX_RECIPIENTS: Final = 50
_REFUSED_TYPES: Final = frozenset(
    (
        *("7z", "app", "bat", "bz2", "cab", "cmd", "com", "dll", "dmg", "exe", "gz", "iso", "jar", "js", "lnk", "msi"),
        *("ps1", "rar", "reg", "scr", "sh", "tar", "tgz", "vbs", "wsf", "xz", "zip"),
    )
)
_STARTS: Final[Mapping[str, bytes]] = {
    "application/pdf": b"%PDF",
    "image/png": b"\x89PNG\r\n\x1a\n",
    "image/jpeg": b"\xff\xd8\xff",
    "image/gif": b"GIF8",
}


class Result(NamedTuple):
    """What became of one mail of a batch: the sender's copy, or why there is none."""

    message: Message | None
    problem: Problem | None


def send_email(world: World, mailbox: Mailbox, body: Mapping[str, Any]) -> Message:
    """Send a mail as the request body describes it and return the sender's copy.

    402 without credits, 403 for another sender than the mailbox, 422 for what is well formed and wrong, 503 if no
    sending account is active.
    """
    check_sender(mailbox, body["from"]["email"])
    _check_may_send(world, mailbox)
    return _send(world, mailbox, body)


def send_batch(world: World, mailbox: Mailbox, messages: Sequence[Mapping[str, Any]]) -> list[Result]:
    """Send many mails, each by itself.

    402 and 503 as for one, 422 if none of them can be sent.
    """
    for body in messages:
        if body["from"]["email"].lower() == mailbox.address.lower():
            _check_may_send(world, mailbox)
            break
    results = [_try(world, mailbox, body) for body in messages]
    problems = [result.problem for result in results if result.problem is not None]
    if len(problems) == len(results):
        raise Problem("invalid", f"All messages failed: {problems[0].message}", code="validation_error")
    return results


def find_attachment(world: World, owner_id: str, attachment_id: str) -> uploads.Upload:
    """Return an uploaded file by id; 404 if it is not the team's or has expired."""
    found = uploads.get_upload(world, owner_id, attachment_id)
    if found is None:
        raise Problem("not_found", "No such attachment")
    return found


def check_file(filename: str, content_type: str | None, data: bytes | None, where: str = "filename") -> None:
    """Refuse with 422 programs, archives, and files that are not of the type they are said to be."""
    if filename.lower().rpartition(".")[2] in _REFUSED_TYPES:
        raise unprocessable(where, "Files of this type are not sent", filename)
    start = _STARTS.get(uploads.type_of(filename, content_type))
    if start is not None and data is not None and not data.startswith(start):
        raise unprocessable(where, "The file is of another type than it is said to be", filename)


def check_size(size: float) -> None:
    """Refuse with 413 a file that is too large, with 400 one that is empty."""
    if size > MAX_UPLOAD:
        raise Problem("too_large", f"A file may have {MAX_UPLOAD} bytes, this one has {size}")
    if size == 0:
        raise Problem("refused", "The file is empty")


def _check_may_send(world: World, mailbox: Mailbox) -> None:
    if Decimal(setting(world, "balance")) <= 0:
        raise Problem("payment_required", "The balance does not cover it")
    if sending_accounts.active_account(world, mailbox.account_id) is None:
        raise Problem("unavailable", "No sending account is active", code="no_active_providers")


def _try(world: World, mailbox: Mailbox, body: Mapping[str, Any]) -> Result:
    before = world.store.root
    try:
        check_sender(mailbox, body["from"]["email"])
        return Result(_send(world, mailbox, body), None)
    except Problem as problem:
        world.store.root = before
        return Result(None, problem)


def _send(world: World, mailbox: Mailbox, body: Mapping[str, Any]) -> Message:
    cc, bcc, reply_to = body.get("cc") or [], body.get("bcc") or [], body.get("reply_to")
    recipients = [body["to"], *cc, *bcc]
    if len(recipients) > _MAX_RECIPIENTS:
        raise unprocessable("to", f"A mail may have {_MAX_RECIPIENTS} recipients", len(recipients))
    group = body.get("delivery_group")
    if group is not None:  # no operation of the API makes one
        raise unprocessable("delivery_group", "Not a delivery group of this team", group)
    named = [*recipients, *([] if reply_to is None else [reply_to])]
    draft = Draft(
        sender=mailbox.address,
        sender_name=body["from"].get("name") or mailbox.display_name,
        to=[body["to"]["email"]],
        cc=[each["email"] for each in cc],
        bcc=[each["email"] for each in bcc],
        reply_to=[] if reply_to is None else [reply_to["email"]],
        subject=body["subject"],
        text=body.get("text_body"),
        html=body["html_body"],
        attachments=_attachments(world, mailbox, body.get("attachments") or ()),
        headers=body.get("custom_headers") or {},
        names={each["email"]: each["name"] for each in named if each.get("name")},
    )
    return send(world, mailbox, draft)


def _attachments(world: World, mailbox: Mailbox, given: Sequence[Mapping[str, Any]]) -> tuple[Attachment, ...]:
    return tuple(_attachment(world, mailbox, f"attachments.{index}", item) for index, item in enumerate(given))


def _attachment(world: World, mailbox: Mailbox, where: str, item: Mapping[str, Any]) -> Attachment:
    if "attachment_id" in item:
        upload = uploads.get_upload(world, mailbox.account_id, item["attachment_id"])
        if upload is None:
            raise unprocessable(f"{where}.attachment_id", "No such attachment", item["attachment_id"])
        return upload.part
    name, data = item["filename"], base64.b64decode(item["content"])
    check_file(name, item.get("type"), data, f"{where}.filename")
    return Attachment(name, uploads.type_of(name, item.get("type")), data)
