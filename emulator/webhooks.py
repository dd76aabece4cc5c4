"""Webhook subscriptions: who wants to be told what, where, and with which secret it is signed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from emulator.world import Collection, Order, World


@dataclass(frozen=True, slots=True)
class Subscription:
    """A receiver of events. No `mailbox_ids` means all of the account's."""

    id: str
    provider: str
    account_id: str
    url: str
    events: tuple[str, ...]
    mailbox_ids: tuple[str, ...]
    secret: str | None
    created_at: datetime
    updated_at: datetime
    n: int
    enabled: bool = True
    client_id: str | None = None


SUBSCRIPTIONS: Collection[Subscription] = Collection(
    "webhooks.subscriptions",
    ordered={"of_account": Order(groups=lambda s: (s.account_id,), sort=lambda s: (s.created_at, s.n))},
)


def subscribe(
    world: World,
    provider: str,
    account_id: str,
    url: str,
    events: Iterable[str],
    *,
    mailbox_ids: Iterable[str] = (),
    client_id: str | None = None,
) -> Subscription:
    """Add a subscription with a new secret; the provider's `ids` know the kinds webhook and webhook_secret."""
    now = world.now()
    subscription = Subscription(
        id=world.new_id(provider, "webhook", account_id),
        provider=provider,
        account_id=account_id,
        url=url,
        events=tuple(events),
        mailbox_ids=tuple(mailbox_ids),
        secret=world.new_id(provider, "webhook_secret", account_id),
        created_at=now,
        updated_at=now,
        n=world.store.tick(SUBSCRIPTIONS.name, account_id),
        client_id=client_id,
    )
    return world.store.add(SUBSCRIPTIONS, subscription)
