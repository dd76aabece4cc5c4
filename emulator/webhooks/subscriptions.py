"""Webhook subscriptions: who wants to be told what, where, and with which secret it is signed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from emulator.mail import Mailbox
from emulator.world import Collection, Order, World


@dataclass(frozen=True, slots=True)
class Subscription:
    """A receiver of events. No `mailbox_ids` means all of the account's.

    It is `failing` when a delivery was given up and the provider shows that.
    """

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
    failing: bool = False


SUBSCRIPTIONS: Collection[Subscription] = Collection(
    "webhooks.subscriptions",
    ordered={
        "of_account": Order(groups=lambda s: (s.account_id,), sort=lambda s: (s.created_at, s.n)),
        # By what it is about: a mailbox, or everything of the account.
        "about": Order(groups=lambda s: s.mailbox_ids or (s.account_id,), sort=lambda s: (s.created_at, s.n)),
    },
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
    secret: bool = True,
) -> Subscription:
    """Add a subscription with a new secret; the provider's `ids` know the kinds webhook and webhook_secret.

    Without `secret` its deliveries are signed with what the provider has for that, if with anything.
    """
    now = world.now()
    subscription = Subscription(
        id=world.new_id(provider, "webhook", account_id),
        provider=provider,
        account_id=account_id,
        url=url,
        events=tuple(events),
        mailbox_ids=tuple(mailbox_ids),
        secret=world.new_id(provider, "webhook_secret", account_id) if secret else None,
        created_at=now,
        updated_at=now,
        n=world.store.tick(SUBSCRIPTIONS.name, account_id),
        client_id=client_id,
    )
    return world.store.add(SUBSCRIPTIONS, subscription)


def interested(world: World, account_id: str, event_type: str, mailbox: Mailbox | None) -> Iterator[Subscription]:
    """Yield the subscriptions of an account that want an event, oldest first.

    An event that is about no mailbox goes to all that want it.
    """
    if mailbox is None:
        found = list(world.store.each(SUBSCRIPTIONS, "of_account", account_id))
    else:
        about = (mailbox.id, account_id)
        found = [each for group in about for each in world.store.each(SUBSCRIPTIONS, "about", group)]
    for subscription in sorted(found, key=lambda each: each.n):
        if subscription.enabled and event_type in subscription.events:
            yield subscription
