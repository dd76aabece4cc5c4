"""Postern's wait_for_email: sleep until a matching mail arrives, without polling."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import takewhile
from typing import NamedTuple

from emulator.mail import MESSAGES, Mailbox, Message
from emulator.world import World, waiting


class Wanted(NamedTuple):
    """Which mail to wait for. Without `since` only what arrives from now on counts."""

    sender: str | None = None
    subject: str | None = None
    regex: str | None = None
    since: datetime | None = None

    def matches(self, message: Message) -> bool:
        """Tell whether a mail is wanted: substrings without case, and a search in the body."""
        mail = message.mail
        texts = (mail.field("from") or message.sender, mail.subject or "")
        for wanted, text in zip((self.sender, self.subject), texts, strict=True):
            if wanted is not None and wanted.casefold() not in text.casefold():
                return False
        bodies = (mail.body.text or "", mail.body.html or "")
        return self.regex is None or any(re.search(self.regex, body) for body in bodies)


def wait_for(world: World, find: Callable[[], Mailbox], wanted: Wanted, timeout: timedelta) -> Message | None:
    """Return the first wanted mail, or None after `timeout`, in real seconds or on the world's clock.

    `find` returns the inbox or raises; it is asked again each time, for the inbox may be deleted meanwhile.
    """
    with world.step():
        mailbox = find()
        seen = _newest(world, mailbox) if wanted.since is None else 0

    def look() -> Message | None:
        nonlocal seen
        with world.step():
            arrived = _arrived(world, find(), seen, wanted.since)
        seen = arrived[-1].n if arrived else seen
        # Outside the lock: a regular expression takes the time that it takes.
        return next(filter(wanted.matches, arrived), None)

    return waiting.wait_for(world, mailbox.address, look, timeout)


def _newest(world: World, mailbox: Mailbox) -> int:
    return next((message.n for message in world.store.each(MESSAGES, "timeline", mailbox.id, newest_first=True)), 0)


def _arrived(world: World, mailbox: Mailbox, seen: int, since: datetime | None) -> list[Message]:
    """Return what came in after message number `seen` and not before `since`, oldest first."""
    inbound = world.store.each(MESSAGES, "timeline", (mailbox.id, "inbound"), newest_first=True)
    found = takewhile(lambda item: item.n > seen and (since is None or item.created_at >= since), inbound)
    return list(found)[::-1]
