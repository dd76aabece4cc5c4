"""InboxAI's webhooks: events about mail and domains. The payload follows the similar product agentmail.to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from emulator.mail import MESSAGES, THREADS, threads
from emulator.mail.events import MailEvent
from emulator.providers.inboxai import wire
from emulator.providers.inboxai.domains import VERIFIED
from emulator.webhooks import Dialect, Occurrence, Posting, hex_hmac
from emulator.world import World, timestamp

_RECEIVED: Final = "message.received"


def _payload(world: World, about: Occurrence) -> Mapping[str, Any]:
    head = {"type": "event", "event_type": about.event_type, "event_id": about.event_id}
    if about.event_type == VERIFIED:
        return {**head, "domain": wire.domain(about.subject)}
    assert about.mail is not None, "all other events are about mail"
    if about.event_type == _RECEIVED:
        return {**head, **_message(world, about.mail)}
    message, recipients = about.mail.message, list(about.mail.recipients)
    told = {
        "inbox_id": message.mailbox_id,
        "thread_id": message.thread_id,
        "message_id": message.id,
        "timestamp": timestamp(about.at),
    }
    return {**head, **_told(about.mail, told, recipients)}


def _message(world: World, event: MailEvent) -> dict[str, Any]:
    message = world.store.get(MESSAGES, event.message.id) or event.message
    thread = world.store.get(THREADS, message.thread_id)
    shown = {} if thread is None else {"thread": wire.thread(thread, threads.messages_of(world, thread))}
    return {"message": wire.message_detail(message), **shown}


def _told(event: MailEvent, told: dict[str, Any], recipients: list[str]) -> dict[str, Any]:
    """Return what is said of a mail on its way out, under the name that the event has for it."""
    outcome = event.outcome
    if outcome is None:
        return {"send" if event.happening == "sent" else "delivery": {**told, "recipients": recipients}}
    if event.happening == "bounced":
        addresses = [{"address": address, "status": outcome.status} for address in recipients]
        kind = "Permanent" if outcome.permanent else "Transient"
        return {"bounce": {**told, "type": kind, "sub_type": "General", "recipients": addresses}}
    if event.happening == "complained":
        return {"complaint": {**told, "type": "abuse", "sub_type": None, "recipients": recipients}}
    return {"reject": {**told, "reason": outcome.reply}}


def _headers(_world: World, posting: Posting) -> dict[str, str]:
    signed = f"{posting.unix_time}.".encode() + posting.body
    return {
        "X-Webhook-Id": posting.delivery.event_id,
        "X-Webhook-Timestamp": str(posting.unix_time),
        "X-Webhook-Signature": f"sha256={hex_hmac(posting.subscription.secret or '', signed)}",
    }


DIALECT: Final = Dialect(
    {
        "received": _RECEIVED,
        "sent": "message.sent",
        "delivered": "message.delivered",
        "bounced": "message.bounced",
        "complained": "message.complained",
        "rejected": "message.rejected",
    },
    _payload,
    _headers,
)
