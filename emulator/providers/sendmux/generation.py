"""What changed between the generations of Sendmux's API. Asked here only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from emulator.provider import Call

FIRST: Final = "2026-04"
CURRENT: Final = "2026-08"

_GIGABYTE: Final = 1024**3


@dataclass(frozen=True, slots=True)
class Generation:
    """What one generation does its own way.

    `one_secret` says that a mailbox's bearer key is its password for IMAP and SMTP too. `quota_tiers` are the sizes
    a mailbox may have, any if empty. `events` are the names of events, by the newest ones.
    """

    one_secret: bool
    quota_tiers: tuple[int, ...]
    events: Mapping[str, str]
    sent_status: int


_NEWEST_EVENTS: Final = (
    "message.delivered",
    "message.bounced",
    "message.complained",
    "message.rejected",
    "message.delivery_delayed",
    "message.received",
    "message.received.spam",
    "sendmux.test",
)

_GENERATIONS: Final[Mapping[str, Generation]] = {
    FIRST: Generation(
        one_secret=False,
        quota_tiers=(),
        events={
            "message.delivered": "ses.delivery",
            "message.bounced": "ses.bounce",
            "message.complained": "ses.complaint",
            "message.rejected": "ses.reject",
            "message.delivery_delayed": "ses.delivery_delay",
            "message.received": "mail.inbound",
            "sendmux.test": "sendmux.test",
        },
        sent_status=201,
    ),
    CURRENT: Generation(
        one_secret=True,
        quota_tiers=(_GIGABYTE, 5 * _GIGABYTE, 50 * _GIGABYTE),
        events={name: name for name in _NEWEST_EVENTS},
        sent_status=200,
    ),
}


def of_revision(revision: str) -> Generation:
    """Return what a revision does its own way."""
    return _GENERATIONS[revision]


def generation(call: Call) -> Generation:
    """Return what the generation that answers this call does its own way."""
    return of_revision(call.provider.revision)
