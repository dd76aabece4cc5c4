"""API keys of identities, and what is known of any key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from emulator.provider import Problem
from emulator.providers.inkbox.current.access import Caller, get_identity
from emulator.providers.inkbox.settings import NAME
from emulator.providers.inkbox.signup import SIGNUPS
from emulator.world import CREDENTIALS, Collection, Credential, World

_SHOWN: Final = 4


@dataclass(frozen=True, slots=True)
class Description:
    """What was written about a key, and who made it; `id` is the key."""

    id: str
    text: str | None
    created_by: str


DESCRIPTIONS: Collection[Description] = Collection("inkbox.key_descriptions")


def create_key(world: World, who: Caller, maker: Credential, body: Mapping[str, Any]) -> Credential:
    """Make a key of an identity; 403 for one of no identity and with a key of an identity, 404 for an unknown one."""
    who.must_be_admin()
    if body.get("scoped_identity_id") is None:
        raise Problem("forbidden", "An API key makes keys of one identity only; name it in scoped_identity_id")
    identity = get_identity(world, who, body["scoped_identity_id"])
    secret = world.new_id(NAME, "api_key", who.organization.id)
    key = Credential(secret, NAME, who.organization.id, "agent", body["label"], world.now(), subject=identity.id)
    world.store.add(DESCRIPTIONS, Description(secret, body.get("description"), key_id(world, maker)))
    return world.store.add(CREDENTIALS, key)


def key_id(world: World, key: Credential) -> str:
    """Return the id under which a key is shown; the key itself is secret."""
    return world.derived_id(NAME, "api_key", "id", key.id)


def shown_of(key: Credential) -> tuple[str, str]:
    """Return the beginning and the end of a key that may be shown."""
    start = key.id.index("_") + 1 + _SHOWN if "_" in key.id else _SHOWN
    return key.id[:start], key.id[-_SHOWN:]


def description_of(world: World, key: Credential) -> Description:
    """Return what was written about a key."""
    return world.store.get(DESCRIPTIONS, key.id) or Description(key.id, None, "user")


def is_claimed(world: World, who: Caller) -> bool:
    """Tell whether a human stands behind the organization: always, unless it registered itself."""
    signup = world.store.get(SIGNUPS, who.organization.id)
    return signup is None or signup.claimed
