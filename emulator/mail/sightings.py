"""Every mail of a world as a tester wants to see it: in mailboxes of all providers and in the outside tray."""

from __future__ import annotations

from collections.abc import Container, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from heapq import merge
from typing import Any

from emulator.mail import addresses, postoffice
from emulator.mail.arrivals import Arrived
from emulator.mail.compose import Draft
from emulator.mail.extraction import extract
from emulator.mail.extraction.page import pages
from emulator.mail.parse import Mail
from emulator.mail.records import ALIASES, DEPARTURES, MAILBOXES, MESSAGES, Alias, Departure, Mailbox, Message
from emulator.mail.wanted import ANYTHING, Wanted
from emulator.world import World, timestamp, waiting

OUTSIDE = "outside"
SOMEONE = "someone@outside.test"
"""Who writes from outside unless somebody is named."""


@dataclass(frozen=True, slots=True, repr=False)
class Sighting:
    """One mail where it arrived. `provider` is None for mail that left the world; `arrival` counts all mail."""

    to: str
    sender: str
    at: datetime
    mail: Mail
    provider: str | None = None
    message_id: str | None = None
    arrival: int = 0

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

    @property
    def otp(self) -> str | None:
        """The one-time code it brings, if it brings one."""
        return extract(self.mail).code

    @property
    def link(self) -> str | None:
        """The link that verifies, confirms or signs in, if there is one."""
        return extract(self.mail).link

    @property
    def links(self) -> list[str]:
        """The URLs of all links, each once, as a reader meets them."""
        return list(dict.fromkeys(link.url for page in pages(self.mail) for link in page.links))

    def __str__(self) -> str:
        return f"to {self.to} from {self.sender}: {self.subject!r}"

    def __repr__(self) -> str:
        return f"<Mail {self}>"

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
    """Let a mail come in from the outside and return where it arrived, once for each recipient that takes it."""
    arrived = postoffice.receive(world, draft)
    return [sighting for each in arrived for sighting in _of_arrival(world, each)]


def sightings(
    world: World, *, to: str | None = None, sender: str | None = None, subject: str | None = None
) -> list[Sighting]:
    """Return what arrived, oldest first: at one address or anywhere; sender and subject match as substrings."""
    return matching(world, Wanted(to, sender, subject))


def matching(world: World, wanted: Wanted) -> list[Sighting]:
    """Return the mail that is wanted, oldest first."""
    found = _arrivals(world, wanted.to) if wanted.to is not None else _everywhere(world)
    rest = wanted._replace(to=None)  # what came by an alias went elsewhere by name
    return [sighting for sighting in found if rest.fits(sighting)]


def wait_for(
    world: World, wanted: Wanted = ANYTHING, *, timeout: float = 5.0, taken: Container[int] | None = None
) -> Sighting | None:
    """Return the newest mail that is wanted, waiting up to `timeout` seconds for it; None if none came.

    With `taken` it is the oldest one whose arrival is not in there.
    """

    def look() -> Sighting | None:
        with world.step():
            found = matching(world, wanted)
        if taken is None:
            return found[-1] if found else None
        return next((mail for mail in found if mail.arrival not in taken), None)

    return waiting.wait_for(world, bell_of(wanted), look, timedelta(seconds=timeout))


def bell_of(wanted: Wanted) -> str | None:
    """Return the bell that rings when such mail arrives."""
    return wanted.to and addresses.normalize(wanted.to)


def _arrivals(world: World, address: str, *, newest_first: bool = False) -> Iterator[Sighting]:
    """Yield what arrived at one address, whoever had it at the time, oldest first unless asked otherwise."""
    wanted = addresses.normalize(address)
    inboxes = [
        _inbox(world, mailbox, newest_first=newest_first) for mailbox in world.store.each(MAILBOXES, "ever_at", wanted)
    ]
    alias = world.store.get(ALIASES, wanted)
    if alias is not None:
        inboxes.append(_by_alias(world, alias, newest_first=newest_first))
    left = map(_of_departure, world.store.each(DEPARTURES, "all", ("to", wanted), newest_first=newest_first))
    return merge(*inboxes, left, key=_arrival, reverse=newest_first)


def _inbox(world: World, mailbox: Mailbox, *, newest_first: bool) -> Iterator[Sighting]:
    for message in world.store.each(MESSAGES, "timeline", (mailbox.id, "inbound"), newest_first=newest_first):
        yield _of_message(message, mailbox.provider)


def _by_alias(world: World, alias: Alias, *, newest_first: bool) -> Iterator[Sighting]:
    mailbox = world.store.get(MAILBOXES, alias.mailbox_id)
    assert mailbox is not None, "an alias belongs to a mailbox"
    for message in world.store.each(MESSAGES, "timeline", (mailbox.id, "inbound"), newest_first=newest_first):
        if alias.id in map(addresses.normalize, message.recipients):
            yield replace(_of_message(message, mailbox.provider), to=alias.address)


def _everywhere(world: World) -> list[Sighting]:
    providers = {mailbox.id: mailbox.provider for mailbox in world.store.everything(MAILBOXES)}
    messages = (message for message in world.store.everything(MESSAGES) if message.listed)
    inside = [
        _of_message(message, providers[message.mailbox_id]) for message in messages if message.direction == "inbound"
    ]
    outside = map(_of_departure, world.store.each(DEPARTURES, "all", "all"))
    return sorted([*inside, *outside], key=_arrival)


def _arrival(sighting: Sighting) -> int:
    return sighting.arrival


def _of_message(message: Message, provider: str) -> Sighting:
    to, at = message.recipients[0], message.created_at
    return Sighting(to, message.sender, at, message.mail, provider, message.id, message.arrival)


def _of_arrival(world: World, arrived: Arrived) -> Iterator[Sighting]:
    """Yield what arrived, once for each address that it came by."""
    if isinstance(arrived, Departure):
        yield _of_departure(arrived)
        return
    mailbox = world.store.get(MAILBOXES, arrived.mailbox_id)
    assert mailbox is not None, "it has just arrived there"
    for address in arrived.recipients:
        yield replace(_of_message(arrived, mailbox.provider), to=address)


def _of_departure(departure: Departure) -> Sighting:
    return Sighting(departure.recipient, departure.sender, departure.at, departure.mail, arrival=departure.arrival)
