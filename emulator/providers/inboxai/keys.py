"""InboxAI's API keys: shown in full once, listed by their prefix, refused when revoked."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from emulator.provider import Problem
from emulator.providers.inboxai.pages import Listed, Window, listed
from emulator.providers.inboxai.settings import NAME
from emulator.world import CREDENTIALS, Account, Collection, Credential, Order, World


@dataclass(frozen=True, slots=True)
class ApiKey:
    """What the API shows of a credential; `key` is the credential's id."""

    id: str
    account_id: str
    name: str
    key: str
    created_at: datetime
    n: int


API_KEYS: Collection[ApiKey] = Collection(
    "inboxai.api_keys",
    ordered={"of_account": Order(groups=lambda k: (k.account_id,), sort=lambda k: (k.created_at, k.n))},
)


def create_key(world: World, account: Account, name: str) -> ApiKey:
    """Make a new key of an organization."""
    return add_key(world, account.id, name, world.new_id(NAME, "api_key", account.id))


def add_key(world: World, account_id: str, name: str, key: str) -> ApiKey:
    """Let a key open an organization."""
    now = world.now()
    world.store.add(CREDENTIALS, Credential(key, NAME, account_id, "api_key", name, now))
    key_id = world.new_id(NAME, "api_key_id", account_id)
    n = world.store.tick(API_KEYS.name, account_id)
    return world.store.add(API_KEYS, ApiKey(key_id, account_id, name, key, now, n))


def list_keys(world: World, account: Account, window: Window) -> Listed[ApiKey]:
    """Return a page of the keys of an organization, newest first."""
    return listed(world, API_KEYS, "of_account", account.id, window)


def used_at(world: World, key: ApiKey) -> datetime | None:
    """Return when a key last opened the door, or None."""
    credential = world.store.get(CREDENTIALS, key.key)
    return None if credential is None else credential.last_used_at


def revoke_key(world: World, account: Account, key_id: str) -> None:
    """Revoke and delete a key; 404 if it is not the organization's."""
    key = world.store.get(API_KEYS, key_id)
    if key is None or key.account_id != account.id:
        raise Problem("not_found", "API key not found")
    world.store.remove(API_KEYS, key.id)
    # The credential stays, expired: lenient mode must not take the key for a new one.
    credential = world.store.get(CREDENTIALS, key.key)
    assert credential is not None, f"{key.id} has no credential"
    world.store.put(CREDENTIALS, replace(credential, expires_at=world.now()))
