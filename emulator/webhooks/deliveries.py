"""Webhook deliveries: one event for one subscription, and every attempt to post it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, NamedTuple

from emulator.world import Collection, Order, timestamp
from emulator.world.masking import mask_body, mask_headers

State = Literal["pending", "delivered", "failed"]


class Attempt(NamedTuple):
    """One try to post a delivery: the headers that were sent, and the answer or in `error` why there was none.

    `seconds` is how long it took in real time, `next_at` when it is tried again.
    """

    n: int
    at: datetime
    headers: tuple[tuple[str, str], ...]
    status: int | None
    answer: str | None
    error: str | None
    seconds: float
    next_at: datetime | None

    @property
    def succeeded(self) -> bool:
        """Whether the receiver took it."""
        return self.status is not None and 200 <= self.status < 300  # what HTTP calls success


@dataclass(frozen=True, slots=True)
class Delivery:
    """An event on its way to a subscription. `body` is the exact text that is posted, the same at each attempt.

    `n` counts the deliveries of the subscription. `revision` is the generation of the provider's API that it speaks.
    """

    id: str
    subscription_id: str
    provider: str
    account_id: str
    mailbox_id: str | None
    url: str
    event_id: str
    event_type: str
    body: str
    created_at: datetime
    n: int
    revision: str
    state: State = "pending"
    attempts: tuple[Attempt, ...] = ()
    is_replay: bool = False
    tampered: bool = False


DELIVERIES: Collection[Delivery] = Collection(
    "webhooks.deliveries",
    ordered={
        "of_subscription": Order(groups=lambda d: (d.subscription_id,), sort=lambda d: (d.n,)),
        "all": Order(groups=lambda d: ("all",), sort=lambda d: (d.created_at, d.id)),
    },
)


def delivery_json(delivery: Delivery) -> dict[str, Any]:
    """Return a delivery with its attempts as plain JSON values, secrets masked."""
    return {
        "id": delivery.id,
        "provider": delivery.provider,
        "subscription": delivery.subscription_id,
        **mask_headers([("url", delivery.url)]),
        "event": delivery.event_type,
        "event_id": delivery.event_id,
        "created_at": timestamp(delivery.created_at),
        "state": delivery.state,
        "is_replay": delivery.is_replay,
        "body": mask_body(delivery.body.encode("utf-8", "replace")),
        "attempts": [_attempt_json(attempt) for attempt in delivery.attempts],
    }


def _attempt_json(attempt: Attempt) -> dict[str, Any]:
    return {
        **attempt._asdict(),
        "at": timestamp(attempt.at),
        "next_at": attempt.next_at and timestamp(attempt.next_at),
        "headers": mask_headers(attempt.headers),
    }
