"""Inkbox of today on the wire: webhook subscriptions and their deliveries as JSON."""

from __future__ import annotations

from typing import Any

from emulator.providers.inkbox.current import webhooks
from emulator.providers.inkbox.current.access import Caller
from emulator.providers.inkbox.current.webhooks import Row, Webhook
from emulator.world import World, timestamp

_CLASSES = ("email", "texts", "calls")
_MS = 1000


def subscription(who: Caller, item: Webhook) -> dict[str, Any]:
    """Return a subscription; its owner is shown in the way in which it was named."""
    found, hook = item
    by_mailbox = hook.by_mailbox and bool(found.mailbox_ids)
    return {
        "id": found.id,
        "organization_id": who.organization.organization_id,
        "mailbox_id": found.mailbox_ids[0] if by_mailbox else None,
        "phone_number_id": None,
        "agent_identity_id": None if by_mailbox else hook.identity_id,
        "owner_identity_id": hook.identity_id,
        "url": found.url,
        "event_types": list(found.events),
        "status": "active",
        # Classes that are not configured are shown as null.
        "context_config": None if hook.context is None else {**dict.fromkeys(_CLASSES), **hook.context},
        "has_auth_token": hook.auth_token is not None,
        "auth_token": hook.auth_token,
        "created_at": timestamp(found.created_at),
        "updated_at": timestamp(found.updated_at),
    }


def delivery(world: World, who: Caller, row: Row) -> dict[str, Any]:
    """Return an attempt to post an event; one that is about to be made has no answer yet."""
    item, attempt = row.delivery, row.attempt
    reason = webhooks.why_not_again(world, row)
    return {
        "id": row.id,
        "organization_id": who.organization.organization_id,
        "webhook_subscription_id": item.subscription_id,
        "phone_number_id": None,
        "event_id": item.event_id,
        "event_type": item.event_type,
        "url": item.url,
        "request_payload": item.body,
        "response_status": attempt and attempt.status,
        "response_body": attempt and attempt.answer,
        "error_detail": attempt and attempt.error,
        "duration_ms": None if attempt is None else round(attempt.seconds * _MS),
        "is_replay": item.is_replay,
        "created_at": timestamp(item.created_at if attempt is None else attempt.at),
        "replayable": reason is None,
        "replay_unavailable_reason": reason,
    }
