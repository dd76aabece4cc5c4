"""A tester's view over all mailboxes: what is in them, and one mail as each of them has it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

from emulator.mail import addresses, threads
from emulator.mail.folders import Folder, count_unseen
from emulator.mail.mailboxes import mailbox_at
from emulator.mail.records import DEPARTURES, INBOX, MAILBOXES, MESSAGES, Departure, Mailbox, Message
from emulator.world import World, timestamp


class Summary(NamedTuple):
    """A mailbox, how many mails it has received and sent, how many in its inbox are unread, and when the last came."""

    mailbox: Mailbox
    mails: int
    unread: int
    last_at: datetime | None

    def as_json(self) -> dict[str, Any]:
        """Return the summary as plain JSON values."""
        return {
            "id": self.mailbox.id,
            "provider": self.mailbox.provider,
            "address": self.mailbox.address,
            "status": self.mailbox.status,
            "mails": self.mails,
            "unread": self.unread,
            "last_at": self.last_at and timestamp(self.last_at),
        }


class Side(NamedTuple):
    """A conversation as one mailbox has it, oldest first."""

    mailbox: Mailbox
    messages: list[Message]


def open_mailboxes(world: World) -> list[Mailbox]:
    """Return the mailboxes of all providers that are not deleted, provider by provider, oldest first."""
    there = (mailbox for mailbox in world.store.everything(MAILBOXES) if not mailbox.deleted)
    return sorted(there, key=lambda mailbox: (mailbox.provider, mailbox.created_at, mailbox.n, mailbox.id))


def summary(world: World, mailbox: Mailbox) -> Summary:
    """Return how much is in a mailbox; its size does not matter to the cost."""
    newest = world.store.newest(MESSAGES, "timeline", mailbox.id, start=0, count=1)
    return Summary(
        mailbox,
        world.store.count(MESSAGES, "timeline", mailbox.id),
        count_unseen(world, Folder(INBOX, mailbox.id, "INBOX", INBOX)),
        newest[0].created_at if newest else None,
    )


def find_mail(world: World, mail_id: str) -> Message | Departure | None:
    """Return the message, or the mail in the tray for the outside, that has this id; None if there is none."""
    return world.store.get(MESSAGES, mail_id) or world.store.get(DEPARTURES, mail_id)


def sides(world: World, found: Message | Departure) -> list[Side]:
    """Return the conversation that a mail belongs to as each mailbox has it that wrote or got the mail."""
    mail = found.mail
    named = (*mail.bare_addresses("from"), *mail.bare_addresses("to"), *mail.bare_addresses("cc"))
    envelope = (found.sender, found.recipient) if isinstance(found, Departure) else (found.sender, *found.recipients)
    mailboxes = list(_mailboxes_at(world, (*envelope, *named)).values())
    if isinstance(found, Message) and (own := world.store.get(MAILBOXES, found.mailbox_id)) is not None:
        mailboxes = [own, *(other for other in mailboxes if other.id != own.id)]
    return [Side(mailbox, messages) for mailbox in mailboxes if (messages := _conversation(world, mailbox, found))]


def _mailboxes_at(world: World, named: Iterable[str]) -> dict[str, Mailbox]:
    found = (mailbox_at(world, address) for address in addresses.unique(named))
    return {mailbox.id: mailbox for mailbox in found if mailbox is not None}


def _conversation(world: World, mailbox: Mailbox, found: Message | Departure) -> list[Message]:
    own = found if isinstance(found, Message) and found.mailbox_id == mailbox.id else None
    if own is None and found.mail.message_id is not None:
        own = threads.find_by_message_id(world, mailbox.id, found.mail.message_id)
    if own is None:
        return []
    return list(world.store.each(MESSAGES, "timeline", own.thread_id)) or [own]
