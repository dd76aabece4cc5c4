"""Accounts of the providers' customers, and the credentials that name them at every door."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from emulator.world.store import Collection, Order, Store


@dataclass(frozen=True, slots=True)
class Account:
    """A customer of one provider: an organization, a tenant, a team."""

    id: str
    provider: str
    name: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Credential:
    """A secret that a client shows, and what it stands for.

    `id` is the secret itself. `account_id` is None for a key that belongs to no account.
    `kind` and `subject` are the provider's: which class of key, and which thing it is confined to.
    """

    id: str
    provider: str
    account_id: str | None
    kind: str
    label: str
    created_at: datetime
    subject: str | None = None
    last_used_at: datetime | None = None
    expires_at: datetime | None = None


ACCOUNTS: Collection[Account] = Collection(
    "accounts",
    ordered={"of_provider": Order(groups=lambda a: (a.provider,), sort=lambda a: (a.created_at,))},
)

CREDENTIALS: Collection[Credential] = Collection(
    "credentials",
    ordered={"of_account": Order(groups=lambda c: (c.account_id,), sort=lambda c: (c.created_at,))},
)


def account_of_key(store: Store, key: str | None) -> str | None:
    """Return the id of the account that a key opens, or None: no key, an unknown one, or one of no account."""
    credential = None if key is None else store.get(CREDENTIALS, key)
    return None if credential is None else credential.account_id
