"""myagentmail's recipient safeguard: mail goes to whom the inbox knows, unless the sender vouches for the address."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import takewhile

from emulator.mail import MESSAGES, Mailbox, Message, addresses
from emulator.mail.mailboxes import mailbox_at
from emulator.provider import Problem
from emulator.world import Collection, World


@dataclass(frozen=True, slots=True)
class Contact:
    """An address that an inbox had mail from (`heard`) or to; `id` is inbox and address."""

    id: str
    heard: bool


@dataclass(frozen=True, slots=True)
class Progress:
    """How many messages of an inbox the contacts are from; `id` is the inbox's."""

    id: str
    seen: int


CONTACTS: Collection[Contact] = Collection("myagentmail.contacts")
_PROGRESS: Collection[Progress] = Collection("myagentmail.contacts_progress")


def check_recipients(world: World, mailbox: Mailbox, recipients: Iterable[str]) -> None:
    """Refuse with 403 recipients that never wrote to an inbox, unless they are emulated and it wrote to them."""
    _note_new_mail(world, mailbox)
    unknown = [address for address in addresses.unique(recipients) if not _knows(world, mailbox, address)]
    if unknown:
        message = f"Not known to reply to this inbox: {', '.join(unknown)}. Pass verified: true to send all the same"
        raise Problem("forbidden", message, code="RECIPIENT_NOT_VERIFIED")


def _knows(world: World, mailbox: Mailbox, address: str) -> bool:
    contact = world.store.get(CONTACTS, _contact_id(mailbox, address))
    return contact is not None and (contact.heard or mailbox_at(world, address) is not None)


def _note_new_mail(world: World, mailbox: Mailbox) -> None:
    """Note the contacts of the mail since last time: looking through all of it for every send would take too long."""
    progress = world.store.get(_PROGRESS, mailbox.id) or world.store.add(_PROGRESS, Progress(mailbox.id, 0))
    newest_first = world.store.each(MESSAGES, "timeline", mailbox.id, newest_first=True)
    new = list(takewhile(lambda message: message.n > progress.seen, newest_first))
    for message in new:
        _note(world, mailbox, message)
    if new:
        world.store.put(_PROGRESS, replace(progress, seen=new[0].n))


def _note(world: World, mailbox: Mailbox, message: Message) -> None:
    heard = message.direction == "inbound"
    for address in _senders(message) if heard else iter(message.recipients):
        contact = Contact(_contact_id(mailbox, address), heard)
        known = world.store.get(CONTACTS, contact.id)
        if known is None:
            world.store.add(CONTACTS, contact)
        elif heard and not known.heard:
            world.store.put(CONTACTS, contact)


def _senders(message: Message) -> Iterator[str]:
    yield message.sender
    yield from message.mail.bare_addresses("from")


def _contact_id(mailbox: Mailbox, address: str) -> str:
    return f"{mailbox.id} {addresses.normalize(address)}"
