"""What a webhook tells of the conversation that a mail belongs to, as its subscription asks for."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from emulator.mail import THREADS, Mailbox, Message, threads
from emulator.providers.inkbox.current.threads import is_blocked
from emulator.world import World, timestamp


def context(world: World, mailbox: Mailbox, message: Message, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Return a block for each class that is wanted; there are neither texts nor calls."""
    blocks: dict[str, Any] = {}
    for name, how in wanted.items():
        if how is not None and name == "email":
            blocks[name] = _emails(world, mailbox, message, how)
        elif how is not None:
            blocks[name] = {"scope": "contact", "items": [], "truncated": False, "skipped": "no_resource"}
    return blocks


def _emails(world: World, mailbox: Mailbox, message: Message, how: Mapping[str, Any]) -> dict[str, Any]:
    """Return the mail of the thread before this one, oldest first: the last few, or that of some hours."""
    thread = world.store.get(THREADS, message.thread_id)
    known = [] if thread is None else threads.messages_of(world, thread)
    earlier = [each for each in known if each.n < message.n and not is_blocked(each)]
    if how["mode"] == "count":
        chosen, asked = earlier[-how["count"] :], {"requested": how["count"]}
    else:
        since = world.now() - timedelta(hours=how["hours"])
        chosen, asked = [each for each in earlier if each.created_at >= since], {"hours": how["hours"]}
    items = [_item(mailbox, each) for each in chosen]
    return {"scope": "thread", "items": items, "truncated": False, "mode": how["mode"], **asked}


def _item(mailbox: Mailbox, message: Message) -> dict[str, Any]:
    mail = message.mail
    return {
        "id": message.id,
        "direction": message.direction,
        "from_address": next(iter(mail.bare_addresses("from")), message.sender),
        "to_addresses": mail.bare_addresses("to"),
        "created_at": timestamp(message.created_at),
        "subject": mail.subject,
        "snippet": mail.snippet or None,
        "email_address": mailbox.address,
    }
