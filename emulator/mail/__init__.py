"""The mail system: RFC 5322 mail, mailboxes, threads and delivery. It knows no provider and no HTTP."""

from emulator.mail.compose import Draft
from emulator.mail.parse import Attachment, Body, Mail
from emulator.mail.records import DEPARTURES, MAILBOXES, MESSAGES, THREADS, Departure, Mailbox, Message, Thread

__all__ = [
    "DEPARTURES",
    "MAILBOXES",
    "MESSAGES",
    "THREADS",
    "Attachment",
    "Body",
    "Departure",
    "Draft",
    "Mail",
    "Mailbox",
    "Message",
    "Thread",
]
