"""Reports of what could not be delivered (RFC 3464), and answers by machines: mail that mail servers write."""

from __future__ import annotations

from datetime import datetime
from email.utils import format_datetime
from typing import Final

from emulator.mail import addresses
from emulator.mail.compose import Draft, compose
from emulator.mail.parse import Mail, blank_line
from emulator.mail.records import MESSAGES, Message, Transit
from emulator.mail.replies import reply_subject
from emulator.mail.trace import exchanger, goes_in_circles
from emulator.world import World

_DAEMON: Final = "MAILER-DAEMON"
_BY_MACHINE: Final = ("bulk", "junk", "list")


def report(world: World, transit: Transit) -> Mail:
    """Write the report that a mail could not be delivered, as the sender's mail server does.

    It is a multipart/report: words for people, message/delivery-status for programs, and the headers of the mail.
    """
    server, now = exchanger(transit.sender).removeprefix("mx."), world.now()
    number = str(world.store.tick("reports"))
    local = f"report{number}.{world.secret('report', number).hex()[:12]}"
    boundary = f"=_{local}"  # nothing that is repeated here can hold it
    parts = (
        ("text/plain; charset=utf-8", _words(transit)),
        ("message/delivery-status", _fields(transit, now)),
        ("text/rfc822-headers; charset=utf-8", _headers(transit.mail)),
    )
    head = [
        f"From: Mail Delivery System <{_DAEMON}@{server}>",
        f"To: {transit.sender}",
        "Subject: Undelivered Mail Returned to Sender",
        f"Date: {format_datetime(now)}",
        f"Message-ID: <{local}@{server}>",
        *_ancestry(transit.mail),
        "Auto-Submitted: auto-replied",
        "MIME-Version: 1.0",
        f'Content-Type: multipart/report; report-type=delivery-status; boundary="{boundary}"',
        "",
    ]
    body = "".join(f"--{boundary}\r\nContent-Type: {kind}\r\n{_encoded_as(text)}\r\n{text}\r\n" for kind, text in parts)
    return Mail(("\r\n".join(head) + f"\r\n{body}--{boundary}--\r\n").encode("utf-8", "replace"))


def reports_of(world: World, message: Message) -> list[Message]:
    """Return the reports about a sent mail that came back to its mailbox, oldest first."""
    sent = message.mail.message_id
    thread = world.store.each(MESSAGES, "timeline", message.thread_id)
    return [each for each in thread if sent and each.mail.in_reply_to == sent and _is_report(each.mail)]


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
        or goes_in_circles(mail)
    )


def _is_report(mail: Mail) -> bool:
    kind = (mail.field("content-type") or "").lower()
    return kind.startswith("multipart/report") and "delivery-status" in kind


def _words(transit: Transit) -> str:
    return (
        "This is the mail system.\r\n\r\n"
        "Your message could not be delivered to the following address:\r\n\r\n"
        f"<{transit.recipient}>: {transit.reply}\r\n"
    )


def _fields(transit: Transit, now: datetime) -> str:
    recipient = transit.recipient
    kind = "rfc822" if recipient.isascii() else "utf-8"
    return (
        f"Reporting-MTA: dns; {exchanger(transit.sender)}\r\nArrival-Date: {format_datetime(transit.since)}\r\n\r\n"
        f"Final-Recipient: {kind}; {_plain(recipient)}\r\nAction: failed\r\nStatus: {transit.status}\r\n"
        f"Remote-MTA: dns; {exchanger(recipient)}\r\n"
        f"Diagnostic-Code: smtp; {_plain(transit.reply)}\r\nLast-Attempt-Date: {format_datetime(now)}\r\n"
    )


def _headers(mail: Mail) -> str:
    """Return the header lines as they stand, folds too: unfolded they could be too long."""
    head = mail.raw[: blank_line(mail.raw)[0]]
    return b"".join(line + b"\r\n" for line in head.splitlines()).decode("utf-8", "replace")


def _plain(text: str) -> str:
    """Write text in ASCII, other letters by their number, as RFC 6533 has addresses in a report."""
    return "".join(letter if letter.isascii() else f"\\x{{{ord(letter):X}}}" for letter in text)


def _encoded_as(text: str) -> str:
    return "" if text.isascii() else "Content-Transfer-Encoding: 8bit\r\n"


def _ancestry(mail: Mail) -> list[str]:
    """Return the lines that keep the report in the thread of the mail that it is about."""
    if mail.message_id is None:
        return []
    return [f"In-Reply-To: {mail.message_id}", f"References: {mail.message_id}"]
