"""What happens in a mailbox as a stream of server-sent events: every mail that comes in, until somebody hangs up."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from itertools import takewhile
from threading import Event as Bell
from typing import Any, Final, NamedTuple

from emulator.mail import MESSAGES, Mailbox, Message
from emulator.provider import Problem
from emulator.world import World

RECEIVED: Final = "message.received"
SPAM: Final = "message.received.spam"
SYNC_REQUIRED: Final = "sync_required"

_PREFIX: Final = "evt_"

Write = Callable[[str, Message | None], dict[str, Any]]
"""Writes the data of an event of a type."""


class Listener(NamedTuple):
    """What somebody wants to hear of, from where on, how often to be told that the line stands, and for how long."""

    types: frozenset[str]
    last_event_id: str | None
    ping: timedelta
    close_after: timedelta


def stream(world: World, find: Callable[[], Mailbox], listener: Listener, write: Write) -> Iterator[bytes]:
    """Yield the events of a mailbox as they happen, the missed ones first, then pings while nothing happens.

    It ends after `close_after` in real time or on the world's clock, when the doors close, and when `find` does not
    find the mailbox any more.
    """
    with world.step():
        mailbox, now = find(), world.now()
        known = _place_of(world, mailbox, listener.last_event_id)
        seen = _newest(world, mailbox) if known is None else known
    line = _Line(world, find, listener, time.monotonic() + listener.close_after.total_seconds(), now)
    # At once, so that the client sees that it is connected.
    yield b": connected\n\n"
    if known is None:
        yield _frame(f"{_PREFIX}sync", write(SYNC_REQUIRED, None))
    with world.bells.waiting(mailbox.address) as bell:
        yield from line.frames(bell, seen, write)


def event_id(message: Message) -> str:
    """Return the id of the event that a message came in: the message's letters under another prefix."""
    return f"{_PREFIX}{message.id.removeprefix('msg_')}"


class _Line(NamedTuple):
    world: World
    find: Callable[[], Mailbox]
    listener: Listener
    deadline: float
    since: datetime

    def frames(self, bell: Bell, seen: int, write: Write) -> Iterator[bytes]:
        while True:
            bell.clear()
            try:
                with self.world.step():
                    arrived = _arrived(self.world, self.find(), seen)
                    over = self.world.now() >= self.since + self.listener.close_after
                    frames = [_frame(event_id(each), write(RECEIVED, each)) for each in arrived]
            except Problem:
                return
            seen = arrived[-1].n if arrived else seen
            if RECEIVED in self.listener.types:
                yield from frames
            left = self.deadline - time.monotonic()
            if over or left <= 0 or self.world.bells.dismissed:
                return
            if not bell.wait(min(left, self.listener.ping.total_seconds())):
                yield b": ping\n\n"


def _place_of(world: World, mailbox: Mailbox, last_event_id: str | None) -> int | None:
    """Return the number of the message that an event told of, of the newest one without an event; None: not known."""
    if not last_event_id:
        return _newest(world, mailbox)
    message = world.store.get(MESSAGES, f"msg_{last_event_id.removeprefix(_PREFIX)}")
    return None if message is None or message.mailbox_id != mailbox.id else message.n


def _newest(world: World, mailbox: Mailbox) -> int:
    newest = world.store.each(MESSAGES, "timeline", (mailbox.id, "inbound"), newest_first=True)
    return next((message.n for message in newest), 0)


def _arrived(world: World, mailbox: Mailbox, seen: int) -> list[Message]:
    """Return what came in after message number `seen`, oldest first."""
    inbound = world.store.each(MESSAGES, "timeline", (mailbox.id, "inbound"), newest_first=True)
    return list(takewhile(lambda message: message.n > seen, inbound))[::-1]


def _frame(frame_id: str, data: dict[str, Any]) -> bytes:
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return f"id: {frame_id}\nevent: {data['event_type']}\ndata: {text}\n\n".encode()
