"""Who may do what: permissions of keys, suspended mailboxes, and the headers that tell of the request limits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from emulator.mail import MAILBOXES, Mailbox
from emulator.openapi import Operation
from emulator.provider import Call, Problem
from emulator.providers.sendmux import keys
from emulator.providers.sendmux.keys import Key
from emulator.world import Account, World

# Requests per minute and key. They are told, not enforced: a fault rule answers 429 on demand.
_LIMITS: Final = {"Management": 600, "Mailbox": 1800, "Sending": 1800}


def team(call: Call) -> Account:
    """Return the team of a call; 403 if its key may not do this."""
    admit(call)
    assert call.account is not None, "every key belongs to a team"
    return call.account


def mailbox_of_key(call: Call) -> Mailbox:
    """Return the mailbox that the key of a call acts for; 403 if the key may not do this, or names another mailbox."""
    key = admit(call)
    wanted = call.query.get("mailbox_id", key.mailbox_id)
    if key.mailbox_id is None or wanted != key.mailbox_id:
        raise _forbidden("The key does not cover this mailbox")
    mailbox = call.world.store.get(MAILBOXES, key.mailbox_id)
    assert mailbox is not None, "the keys of a mailbox that is gone are revoked"
    return mailbox


def admit(call: Call) -> Key:
    """Return the key of a call; 403 if the operation is not for this key."""
    assert call.credential is not None, "the contract asks for one"
    key = keys.key_of(call.world, call.credential)
    _refuse_suspended(call.world, key)
    permission = call.operation.raw.get("x-permission")
    if permission is not None and not keys.permits(key, permission):
        raise _forbidden(f"The key lacks the permission {permission}")
    return key


def standing_headers(world: World, operation: Operation | None, _key: str | None) -> Mapping[str, str]:
    """Return the headers of every answer: not to be stored, and how many requests are left."""
    limit = str(_LIMITS[surface(operation)])
    return {
        "Cache-Control": "no-store",
        "X-RateLimit-Limit": limit,
        "X-RateLimit-Remaining": limit,
        "X-RateLimit-Reset": str(int(world.now().timestamp()) + 1),
    }


def surface(operation: Operation | None) -> str:
    """Return which of the three APIs an operation belongs to: Management, Mailbox or Sending."""
    return "Management" if operation is None else str(operation.raw["tags"][0])


def _refuse_suspended(world: World, key: Key) -> None:
    mailbox = None if key.mailbox_id is None else world.store.get(MAILBOXES, key.mailbox_id)
    if mailbox is not None and mailbox.status == "suspended":
        raise _forbidden("The mailbox is not active")


def _forbidden(message: str) -> Problem:
    return Problem("forbidden", message)
