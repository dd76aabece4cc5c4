"""Every mail of a world as a tester wants to see it: in mailboxes of all providers and in the outside tray."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from heapq import merge
from typing import Any

from emulator.mail import addresses, postoffice
from emulator.mail.compose import Draft
from emulator.mail.parse import Mail
from emulator.mail.records import DEPARTURES, MAILBOXES, MESSAGES, Departure, Message
from emulator.world import World, timestamp

OUTSIDE = "outside"


@dataclass(frozen=True, slots=True)
class Sighting:
    """One mail where it arrived. `provider` is None for mail that left the world."""

    to: str
    sender: str
    at: datetime
    mail: Mail
    provider: str | None = None
    message_id: str | None = None

    @property
    def subject(self) -> str:
        """The decoded subject, empty without one."""
        return self.mail.subject or ""

    @property
    def text(self) -> str:
        """The plain text, empty without one."""
        return self.mail.body.text or ""

    @property
    def html(self) -> str:
        """The HTML, empty without one."""
        return self.mail.body.html or ""

    @property
    def attachments(self) -> tuple[Any, ...]:
        """The attachments with filename, content_type and data."""
        return self.mail.body.attachments

    def as_json(self) -> dict[str, Any]:
        """Return the mail as plain JSON values, attachments by name and size only."""
        parts = [
            {"filename": part.filename, "content_type": part.content_type, "size": len(part.data)}
            for part in self.attachments
        ]
        return {
            "to": self.to,
            "from": self.sender,
            "at": timestamp(self.at),
            "provider": self.provider or OUTSIDE,
            "message_id": self.message_id,
            "subject": self.subject,
            "text": self.mail.body.text,
            "html": self.mail.body.html,
            "headers": self.mail.headers,
            "attachments": parts,
        }


def receive(world: World, draft: Draft) -> list[Sighting]:
    """Let a mail come in from the outside and return where it arrived, once for each recipient."""
    mail = postoffice.receive(world, draft)
    return [sighting for address in draft.recipients for sighting in _arrivals(world, address) if sighting.mail is mail]


def sightings(
    world: World, *, to: str | None = None, sender: str | None = None, subject: str | None = None
) -> list[Sighting]:
    """Return what arrived, oldest first: at one address or anywhere; sender and subject match as substrings."""
    found = _arrivals(world, to) if to is not None else _everywhere(world)
    return [sighting for sighting in found if _matches(sighting, sender, subject)]


def wait_for(
    world: World, *, to: str | None = None, sender: str | None = None, subject: str | None = None, timeout: float = 5.0
) -> Sighting | None:
    """Return the newest matching mail, waiting up to `timeout` real seconds for it; None if none came."""
    deadline = time.monotonic() + timeout
    with world.bells.waiting(to) as bell:
        while True:
            bell.clear()
            with world.step():
                found = sightings(world, to=to, sender=sender, subject=subject)
            left = deadline - time.monotonic()
            if found or left <= 0 or world.bells.dismissed or not bell.wait(left):
                return found[-1] if found else None


def _matches(sighting: Sighting, sender: str | None, subject: str | None) -> bool:
    return (sender is None or sender.lower() in sighting.sender.lower()) and (
        subject is None or subject.lower() in sighting.subject.lower()
    )


def _arrivals(world: World, address: str) -> Iterator[Sighting]:
    """Yield what arrived at one address, oldest first."""
    mailbox = postoffice.mailbox_at(world, address)
    if mailbox is None:
        wanted = addresses.normalize(address)
        yield from (item for item in _outside(world) if addresses.normalize(item.to) == wanted)
        return
    for message in world.store.each(MESSAGES, "timeline", (mailbox.id, "inbound")):
        yield _of_message(message, mailbox.provider)


def _everywhere(world: World) -> Iterator[Sighting]:
    inside = sorted(
        (message for message in world.store.everything(MESSAGES) if message.direction == "inbound"),
        key=lambda message: (message.created_at, message.mailbox_id, message.n),
    )
    providers = {mailbox.id: mailbox.provider for mailbox in world.store.everything(MAILBOXES)}
    arrived = (_of_message(message, providers[message.mailbox_id]) for message in inside)
    return merge(arrived, _outside(world), key=lambda sighting: sighting.at)


def _outside(world: World) -> Iterator[Sighting]:
    return (_of_departure(departure) for departure in world.store.each(DEPARTURES, "all", "all"))


def _of_message(message: Message, provider: str) -> Sighting:
    return Sighting(message.recipients[0], message.sender, message.created_at, message.mail, provider, message.id)


def _of_departure(departure: Departure) -> Sighting:
    return Sighting(departure.recipient, departure.sender, departure.at, departure.mail)
