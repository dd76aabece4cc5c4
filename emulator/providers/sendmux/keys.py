"""Sendmux's keys: a team's and a mailbox's, what each may do, shown in full once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from emulator.mail import MAILBOXES, Mailbox
from emulator.mail.logins import add_login, remove_login
from emulator.provider import Problem
from emulator.providers.sendmux.problems import limit_exceeded
from emulator.providers.sendmux.settings import NAME, setting
from emulator.world import CREDENTIALS, Collection, Credential, Order, World

ROOT: Final = "root"
MAILBOX: Final = "mailbox"

_NAMESPACES: Final = ("domain", "mailbox.admin", "webhook", "provider", "logs", "analytics", "billing")

FULL: Final = tuple(f"{namespace}.*" for namespace in _NAMESPACES)
READONLY: Final = tuple(f"{namespace}.read" for namespace in _NAMESPACES)
OF_MAILBOX: Final = ("mailbox.read", "email.receive", "email.send", "mailbox.settings.update")


@dataclass(frozen=True, slots=True)
class Key:
    """What the API shows of a credential. `id` is its public id, `secret` the credential's own.

    `password` is for IMAP and SMTP, where the bearer key is not good for them too.
    """

    id: str
    account_id: str
    mailbox_id: str | None
    name: str
    secret: str
    password: str | None
    permissions: tuple[str, ...]
    created_at: datetime
    n: int
    revoked: bool = False


KEYS: Collection[Key] = Collection(
    "sendmux.keys",
    unique={"secret": lambda k: k.secret},
    ordered={
        "active": Order(
            groups=lambda k: () if k.revoked else (k.mailbox_id or k.account_id,), sort=lambda k: (k.created_at, k.n)
        )
    },
)


def add_root_key(world: World, account_id: str, secret: str, name: str, permissions: tuple[str, ...] = FULL) -> Key:
    """Let a key open a team's side of the API."""
    return _add(world, account_id, None, name, secret, None, permissions)


def add_mailbox_key(
    world: World, mailbox: Mailbox, name: str, *, secret: str | None = None, one_secret: bool = True
) -> Key:
    """Let a key open a mailbox; a new secret, unless one is given, and a password of its own, unless one serves all."""
    password = None if one_secret else world.new_id(NAME, "password", mailbox.id)
    bearer = secret or world.new_id(NAME, "mailbox_key", mailbox.id)
    add_login(world, mailbox, mailbox.address, password or bearer, any_user=True)
    return _add(world, mailbox.account_id, mailbox.id, name, bearer, password, OF_MAILBOX)


def create_mailbox_key(world: World, mailbox: Mailbox, name: str, *, one_secret: bool) -> Key:
    """Make another key of a mailbox; 422 if the mailbox is not active, 409 at the limit, 503 if none can be made."""
    if mailbox.status != "active":
        raise Problem("invalid", "The mailbox is not active", code="validation_error")
    limit = setting(world, "credential_limit")
    if limit is not None and world.store.count(KEYS, "active", mailbox.id) >= limit:
        raise limit_exceeded(limit, "credentials")
    if not setting(world, "credentials_available"):
        raise Problem("unavailable", "Credentials cannot be made at the moment")
    return add_mailbox_key(world, mailbox, name, one_secret=one_secret)


def revoke_mailbox_key(world: World, mailbox: Mailbox, key_id: str) -> Key:
    """Revoke a key of a mailbox, revoked or not; 404 if the mailbox never had it."""
    key = world.store.get(KEYS, key_id)
    if key is None or key.mailbox_id != mailbox.id:
        raise Problem("not_found", "No such key")
    return _revoke(world, key)


def revoke_all(world: World, mailbox: Mailbox) -> None:
    """Revoke every key of a mailbox."""
    for key in list(world.store.each(KEYS, "active", mailbox.id)):
        _revoke(world, key)


def key_of(world: World, credential: Credential) -> Key:
    """Return what the API shows of a credential."""
    key = world.store.find(KEYS, "secret", credential.id)
    assert key is not None, "every credential has a key"
    return key


def permits(key: Key, permission: str) -> bool:
    """Tell whether a key has a permission, by name or by its namespace's wildcard."""
    return permission in key.permissions or f"{permission.rpartition('.')[0]}.*" in key.permissions


def _add(
    world: World,
    account_id: str,
    mailbox_id: str | None,
    name: str,
    secret: str,
    password: str | None,
    permissions: tuple[str, ...],
) -> Key:
    now, scope = world.now(), mailbox_id or account_id
    kind = MAILBOX if mailbox_id else ROOT
    world.store.add(CREDENTIALS, Credential(secret, NAME, account_id, kind, name, now, subject=mailbox_id))
    n = world.store.tick(KEYS.name, scope)
    key_id = world.new_id(NAME, "key", scope)
    return world.store.add(KEYS, Key(key_id, account_id, mailbox_id, name, secret, password, permissions, now, n))


def _revoke(world: World, key: Key) -> Key:
    if key.revoked:
        return key
    # The credential stays, expired: lenient mode must not take the key for a new one.
    credential = world.store.get(CREDENTIALS, key.secret)
    assert credential is not None, f"{key.id} has no credential"
    world.store.put(CREDENTIALS, replace(credential, expires_at=world.now()))
    mailbox = world.store.get(MAILBOXES, key.mailbox_id or "")
    if mailbox is not None:
        remove_login(world, mailbox, key.password or key.secret)
    return world.store.put(KEYS, replace(key, revoked=True))
