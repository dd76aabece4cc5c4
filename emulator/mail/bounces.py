"""Reports of what could not be delivered (RFC 3464), and answers by machines: mail that mail servers write."""

from __future__ import annotations

from email.utils import format_datetime
from typing import Final

from emulator.mail import addresses
from emulator.mail.compose import Draft, compose
from emulator.mail.parse import Mail
from emulator.mail.records import Transit
from emulator.mail.replies import reply_subject
from emulator.mail.trace import MAX_HOPS, hops
from emulator.world import World

_DAEMON: Final = "MAILER-DAEMON"
_BY_MACHINE: Final = ("bulk", "junk", "list")


def report(world: World, transit: Transit) -> Mail:
    """Write the report that a mail could not be delivered, as the sender's mail server does.

    It is a multipart/report: words for people, message/delivery-status for programs, and the headers of the mail.
    """
    server, now = addresses.domain(transit.sender), world.now()
    boundary = f"=_report{world.store.tick('reports')}"
    parts = (
        ("text/plain; charset=utf-8", _words(transit)),
        ("message/delivery-status", _fields(transit, server, format_datetime(now))),
        ("text/rfc822-headers", _headers(transit.mail)),
    )
    head = [
        f"From: Mail Delivery System <{_DAEMON}@{server}>",
        f"To: {transit.sender}",
        "Subject: Undelivered Mail Returned to Sender",
        f"Date: {format_datetime(now)}",
        f"Message-ID: <{boundary[2:]}.{world.secret('report', boundary).hex()[:12]}@{server}>",
        *_ancestry(transit.mail),
        "Auto-Submitted: auto-replied",
        "MIME-Version: 1.0",
        f'Content-Type: multipart/report; report-type=delivery-status; boundary="{boundary}"',
        "",
    ]
    body = "".join(f"--{boundary}\r\nContent-Type: {kind}\r\n\r\n{text}\r\n" for kind, text in parts)
    return Mail(("\r\n".join(head) + f"\r\n{body}--{boundary}--\r\n").encode("utf-8", "replace"))


def automatic_answer(world: World, transit: Transit) -> Mail:
    """Write what a machine answers to a mail: that somebody is away (RFC 3834)."""
    mail = transit.mail
    n = world.store.tick("automatic answers")
    draft = Draft(
        sender=transit.recipient,
        sender_name=None,
        to=[transit.sender],
        subject=reply_subject(mail.subject),
        text="This is an automatic answer: I am away and will read your mail later.\n",
        in_reply_to=mail.message_id,
        references=[mail.message_id] if mail.message_id else [],
        headers={"Auto-Submitted": "auto-replied"},
    )
    server = addresses.domain(transit.recipient)
    return compose(draft, message_id=f"<automatic-{n}@{server}>", date=world.now())


def is_automatic(sender: str, mail: Mail) -> bool:
    """Tell whether a mail was written by a machine, or goes in circles: no machine may answer it (RFC 3834)."""
    submitted = (mail.field("auto-submitted") or "no").partition(";")[0].strip().lower()
    precedence = (mail.field("precedence") or "").strip().lower()
    return (
        not sender
        or addresses.local_part(sender).upper() == _DAEMON
        or submitted != "no"
        or precedence in _BY_MACHINE
        or "list-id" in mail.fields
        or hops(mail) > MAX_HOPS
    )


def _words(transit: Transit) -> str:
    return (
        "This is the mail system.\r\n\r\n"
        "Your message could not be delivered to the following address:\r\n\r\n"
        f"<{transit.recipient}>: {transit.reply}\r\n"
    )


def _fields(transit: Transit, server: str, date: str) -> str:
    return (
        f"Reporting-MTA: dns; mx.{server}\r\nArrival-Date: {date}\r\n\r\n"
        f"Final-Recipient: rfc822; {transit.recipient}\r\nAction: failed\r\nStatus: {transit.status}\r\n"
        f"Remote-MTA: dns; mx.{addresses.domain(transit.recipient)}\r\n"
        f"Diagnostic-Code: smtp; {transit.reply}\r\nLast-Attempt-Date: {date}\r\n"
    )


def _headers(mail: Mail) -> str:
    names = {"from", "to", "cc", "subject", "date", "message-id"}
    return "".join(f"{name}: {value}\r\n" for name, value in mail.lines if name.lower() in names)


def _ancestry(mail: Mail) -> list[str]:
    """Return the lines that keep the report in the thread of the mail that it is about."""
    if mail.message_id is None:
        return []
    return [f"In-Reply-To: {mail.message_id}", f"References: {mail.message_id}"]
