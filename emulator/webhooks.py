"""Webhook subscriptions: who wants to be told what, where, and with which secret it is signed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from emulator.world import Collection, Order


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
