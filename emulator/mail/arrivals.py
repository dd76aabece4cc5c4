"""Arrivals: a mail that nothing holds up comes into mailboxes of this world, or into the tray for the outside."""

from __future__ import annotations

from collections.abc import Iterable

from emulator.mail import addresses, trace
from emulator.mail.events import MailEvent, tell
from emulator.mail.filing import file_mail
from emulator.mail.mailboxes import mailbox_at
from emulator.mail.parse import Mail
from emulator.mail.records import DEPARTURES, Departure, Mailbox, Message
from emulator.world import World

Arrived = Message | Departure


def arrive(
    world: World, sender: str, recipients: Iterable[str], mail: Mail, *, helo: str | None = None
) -> list[Arrived]:
    """Let a mail arrive at addresses that take it, one copy for each mailbox, and return what it is there.

    `helo` is what a client at the SMTP door called itself, None for mail that came from its sender's server.
    """
    found = [(recipient, mailbox_at(world, recipient)) for recipient in recipients]
    at: dict[str, list[str]] = {}
    for recipient, mailbox in found:
        if mailbox is not None:
            at.setdefault(mailbox.id, []).append(_as_known(mailbox, recipient))
            world.bells.ring(recipient)  # it may be an alias
    arrived: list[Arrived] = []
    for recipient, mailbox in found:
        if mailbox is None:
            arrived.append(_depart(world, sender, recipient, mail))
        elif mailbox.id in at:  # one copy, by however many of its addresses a mailbox is reached
            traced = trace.received(world, mail, sender, recipient, helo=helo)
            message = file_mail(world, mailbox, traced, "inbound", "received", sender, at.pop(mailbox.id))
            journal(world, "delivered", sender, recipient, mail, message=message.id)
            tell(world, MailEvent("received", message, message.recipients))
            arrived.append(message)
    return arrived


def journal(world: World, kind: str, sender: str, recipient: str, mail: Mail, **details: str) -> None:
    """Note in the journal what a mail met at a recipient, as `mail.<kind>`."""

    def render() -> dict[str, str | None]:
        return {"from": sender, "to": recipient, "subject": mail.subject, **details}

    size = len(sender) + len(recipient) + sum(map(len, details.values()))
    world.journal.add(world.now(), f"mail.{kind}", render, size)


def _as_known(mailbox: Mailbox, recipient: str) -> str:
    is_own = addresses.normalize(recipient) == addresses.normalize(mailbox.address)
    return mailbox.address if is_own else recipient


def _depart(world: World, sender: str, recipient: str, mail: Mail) -> Departure:
    n = world.store.tick("departures")
    arrival = world.store.tick("arrivals")
    departure = Departure(f"departure-{n}", n, world.now(), sender, recipient, mail, arrival)
    world.bells.ring(recipient)
    journal(world, "left", sender, recipient, mail)
    return world.store.add(DEPARTURES, departure)
