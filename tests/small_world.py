"""A world of one provider named `x`, for tests of the ground floors."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from emulator.mail import MESSAGES, Draft, Mailbox, Message
from emulator.mail.mailboxes import open_mailbox
from emulator.mail.postoffice import send
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


def send_from(world: World, sender: Mailbox, to: str | list[str], **fields: Any) -> Message:
    with world.step():
        return send(world, sender, draft(to, sender=sender.address, **fields))


def as_it_is(world: World, message: Message) -> Message:
    found = world.store.get(MESSAGES, message.id)
    assert found is not None
    return found


def inbox_of(world: World, box: Mailbox) -> list[Message]:
    return list(world.store.each(MESSAGES, "timeline", (box.id, "inbound")))
