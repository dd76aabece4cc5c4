"""What a provider says of its webhooks: the events, what is posted, how it is signed, when it is tried again."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from emulator.mail import Mailbox
from emulator.mail.events import Happening, MailEvent
from emulator.webhooks.deliveries import Delivery
from emulator.webhooks.subscriptions import Subscription
from emulator.world import World

ASSUMED_RETRIES: Final = (timedelta(seconds=30), timedelta(minutes=2), timedelta(minutes=10))
"""When a delivery is tried again, counted from its first failure, where a provider does not say it."""


class Occurrence(NamedTuple):
    """Something that is told: the event's id, its type in the provider's words, when it was, and what it is about.

    `revision` is the generation of the provider's API that the account uses.
    """

    event_id: str
    event_type: str
    at: datetime
    account_id: str
    revision: str
    mailbox: Mailbox | None = None
    mail: MailEvent | None = None
    subject: Any = None


class Posting(NamedTuple):
    """An attempt that is about to be made: the `attempt`-th, at this time, of this delivery."""

    subscription: Subscription
    delivery: Delivery
    attempt: int
    at: datetime

    @property
    def body(self) -> bytes:
        """The exact bytes that are posted."""
        return self.delivery.body.encode("utf-8", "surrogatepass")

    @property
    def unix_time(self) -> int:
        """The time of the attempt in whole seconds since 1970."""
        return int(self.at.timestamp())


@dataclass(frozen=True)
class Dialect:
    """The webhooks of one provider."""

    events: Mapping[Happening, str]
    """The provider's word for what happens to mail; what it does not tell is left out."""
    payload: Callable[[World, Occurrence], Mapping[str, Any]]
    """Return the JSON that is posted."""
    headers: Callable[[World, Posting], Mapping[str, str]]
    """Return the headers of an attempt, its signature among them."""
    retries: tuple[timedelta, ...] = ASSUMED_RETRIES
    timeout: float = 10
    """Real seconds that a receiver has."""
    given_up: Callable[[World, Subscription], None] = field(default=lambda _world, _subscription: None)
    """What happens to a subscription whose receiver never took a delivery."""
    word: Callable[[World, MailEvent, str], str] = field(default=lambda _world, _event, usual: usual)
    """Return the provider's word for what happens to this mail, where it is not always the usual one."""
    besides: Callable[[World, Subscription, Occurrence, Mapping[str, Any]], Mapping[str, Any]] | None = None
    """Return the JSON as this subscription is posted it, where not all are posted the same."""
    wants: Callable[[World, Subscription, Occurrence], bool] = field(default=lambda *_: True)
    """Tell whether a subscription of that account may hear of it, where more than its events and mailboxes decide."""

    @property
    def max_attempts(self) -> int:
        """How often a delivery is tried at most."""
        return 1 + len(self.retries)


RevisionOf = Callable[[World, str], str]
"""Returns the revision of the provider's API that an account uses."""

_DIALECTS: dict[str, tuple[Dialect, RevisionOf]] = {}


def dialect(provider: str) -> Dialect | None:
    """Return how a provider speaks to webhooks, None if it does not."""
    known = _DIALECTS.get(provider)
    return None if known is None else known[0]


def revision_in_use(world: World, provider: str, account_id: str) -> str:
    """Return the revision of a provider's API that an account uses; the provider has a dialect."""
    return _DIALECTS[provider][1](world, account_id)


def register(provider: str, spoken: Dialect, revision_of: RevisionOf) -> None:
    """Say how a provider speaks to webhooks."""
    _DIALECTS[provider] = (spoken, revision_of)


def hex_hmac(key: str, data: bytes) -> str:
    """Return the HMAC-SHA256 of some data under a key that is used as the text that it is, in hexadecimal."""
    return hmac.new(key.encode("utf-8", "surrogatepass"), data, hashlib.sha256).hexdigest()
