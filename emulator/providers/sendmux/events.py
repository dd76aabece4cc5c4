"""Sendmux's webhooks: what became of mail that was sent, and mail that came, in the words of the team's generation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

from emulator.mail import Message
from emulator.mail.events import MailEvent
from emulator.mail.records import Outcome
from emulator.providers.sendmux.generation import of_revision
from emulator.providers.sendmux.wire import time
from emulator.webhooks import SUBSCRIPTIONS, Dialect, Occurrence, Posting, Subscription, hex_hmac
from emulator.world import World

_RETRIES: Final = tuple(map(timedelta, (0,) * 7, (30, 120, 600, 1800, 3600, 14_400, 43_200)))
"""Seven more attempts, counted from the first failure."""

_DELAYED_FOR: Final = timedelta(hours=1)
_SUBTYPES: Final = {"1.1": "NoEmail", "2.2": "MailboxFull"}
_DATA: Final = (
    "message_id",
    "message_id_kind",
    "sendmux_message_id",
    "sender",
    "recipients",
    "mailbox_id",
    "bounce_type",
    "bounce_subtype",
    "complaint_type",
    "complaint_subtype",
    "reject_reason",
    "delay_type",
    "delay_expires_at",
    "is_spam",
    "webhook_id",
)


def event_name(revision: str, event_type: str) -> str:
    """Return what a generation calls an event."""
    return of_revision(revision).events.get(event_type, event_type)


def _payload(_world: World, about: Occurrence) -> Mapping[str, Any]:
    mail = about.mail
    told = {"recipients": [], "webhook_id": about.subject} if mail is None else _of_mail(mail)
    return {
        "id": about.event_id,
        "type": event_name(about.revision, about.event_type),
        "team_public_id": about.account_id,
        "occurred_at": time(about.at),
        "data": {**dict.fromkeys(_DATA), "is_spam": False, **told},
    }


def _of_mail(event: MailEvent) -> dict[str, Any]:
    message, outcome = event.message, event.outcome
    inbound = message.direction == "inbound"
    shown = {
        "message_id": (message.mail.message_id or "").strip("<>") or None if inbound else message.id,
        "message_id_kind": "rfc5322" if inbound else "provider",
        "sendmux_message_id": None if inbound else message.id,
        "sender": _sender(message),
        "recipients": list(event.recipients),
        "mailbox_id": message.mailbox_id,
    }
    return shown if outcome is None else {**shown, **_of_outcome(outcome)}


def _of_outcome(outcome: Outcome) -> dict[str, Any]:
    subtype = _SUBTYPES.get(outcome.status.partition(".")[2], "General")
    if outcome.action == "failed":
        return {"bounce_type": "Permanent" if outcome.permanent else "Transient", "bounce_subtype": subtype}
    if outcome.action == "complained":
        return {"complaint_type": "abuse"}
    if outcome.action == "rejected":
        return {"reject_reason": outcome.reply}
    return {"delay_type": subtype, "delay_expires_at": time(outcome.at + _DELAYED_FOR)}


def _sender(message: Message) -> str:
    return next(iter(message.mail.bare_addresses("from")), message.sender)


def _headers(_world: World, posting: Posting) -> dict[str, str]:
    delivery = posting.delivery
    return {
        "X-Sendmux-Signature": f"sha256={hex_hmac(posting.subscription.secret or '', posting.body)}",
        "X-Sendmux-Event-Id": delivery.event_id,
        "X-Sendmux-Event-Type": event_name(delivery.revision, delivery.event_type),
        "X-Sendmux-Delivery-Attempt": str(posting.attempt),
    }


def _given_up(world: World, subscription: Subscription) -> None:
    world.store.put(SUBSCRIPTIONS, replace(subscription, failing=True))


DIALECT: Final = Dialect(
    {
        "received": "message.received",
        "delivered": "message.delivered",
        "delayed": "message.delivery_delayed",
        "bounced": "message.bounced",
        "complained": "message.complained",
        "rejected": "message.rejected",
    },
    _payload,
    _headers,
    retries=_RETRIES,
    given_up=_given_up,
)
