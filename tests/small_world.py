"""A world of one provider named `x`, for tests of the ground floors."""

from __future__ import annotations

from datetime import UTC, datetime

from emulator.mail import Draft, Mailbox
from emulator.mail.mailboxes import open_mailbox
from emulator.world import Clock, World
from emulator.world.ids import prefixed, uuid

START = datetime(2026, 1, 1, tzinfo=UTC)
FORMATS = {"x": {"mailbox": prefixed("box_", 8), "message": uuid, "thread": uuid, "message_id": uuid, "thing": uuid}}


def small_world(seed: str = "seed", start: datetime | None = START) -> World:
    return World(seed, Clock(start), FORMATS)


def mailbox(world: World, address: str, account: str = "account") -> Mailbox:
    return open_mailbox(world, "x", account, address, display_name=None)


def draft(to: str | list[str], subject: str | None = "Hello", **fields: object) -> Draft:
    given = {"sender": "someone@outside.test", "sender_name": None, "subject": subject, "text": "Hi", **fields}
    return Draft(to=[to] if isinstance(to, str) else to, **given)  # type: ignore[arg-type]  # the caller's fields
