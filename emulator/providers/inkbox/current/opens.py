"""What is noted of a mail that was sent: that it is a forward, and when its recipients opened it."""

from __future__ import annotations

import base64
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from emulator.mail import Mailbox, Message
from emulator.provider import Problem
from emulator.providers.inkbox.settings import NAME
from emulator.world import Collection, World

PIXEL: Final = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
"""A transparent GIF of one pixel."""

_DEBOUNCE: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Note:
    """A forward, or a mail that is tracked with `token`; `id` is the message's."""

    id: str
    token: str | None
    forwarded: bool
    opened_at: datetime | None = None
    last_at: datetime | None = None
    count: int = 0


NOTES: Collection[Note] = Collection("inkbox.sent_notes", unique={"token": lambda n: n.token})


def new_token(world: World, mailbox: Mailbox) -> str:
    """Return what the URL of a new pixel ends with."""
    return world.new_id(NAME, "open_token", mailbox.id)


def pixel(url: str) -> str:
    """Return the HTML that fetches a pixel."""
    return f'<img src="{url}" width="1" height="1" alt="">'


def note(world: World, message: Message, token: str | None, *, forwarded: bool) -> None:
    """Note what is special about a mail that was sent."""
    if token is not None or forwarded:
        world.store.add(NOTES, Note(message.id, token, forwarded))


def note_of(world: World, message: Message) -> Note | None:
    """Return what is noted of a message; None if it is neither a forward nor tracked."""
    return world.store.get(NOTES, message.id)


def record(world: World, token: str) -> None:
    """Count that a mail was opened, unless it was within the last minute; 404 for no pixel of this world."""
    found = world.store.find(NOTES, "token", token)
    if found is None:
        raise Problem("not_found", "There is no such pixel")
    now = world.now()
    if found.last_at is None or now - found.last_at >= _DEBOUNCE:
        opened = replace(found, opened_at=found.opened_at or now, last_at=now, count=found.count + 1)
        world.store.put(NOTES, opened)
