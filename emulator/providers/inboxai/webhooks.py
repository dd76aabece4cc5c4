"""InboxAI's webhook subscriptions: who is told of which events; the secret is shown once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from emulator.mail import MAILBOXES
from emulator.provider import Problem
from emulator.providers.inboxai.pages import Listed, Window, listed
from emulator.providers.inboxai.settings import NAME
from emulator.webhooks import SUBSCRIPTIONS, Subscription, subscribe
from emulator.world import Account, World


def create_webhook(world: World, account: Account, body: Mapping[str, Any]) -> Subscription:
    """Subscribe a URL to events; 403 for an inbox that is not the organization's."""
    return subscribe(
        world,
        NAME,
        account.id,
        body["url"],
        _once(body["event_types"]),
        mailbox_ids=_inbox_ids(world, account, body.get("inbox_ids") or ()),
        client_id=body.get("client_id"),
    )


def list_webhooks(world: World, account: Account, window: Window) -> Listed[Subscription]:
    """Return a page of the subscriptions of an organization, newest first."""
    return listed(world, SUBSCRIPTIONS, "of_account", account.id, window)


def find_webhook(world: World, account: Account, webhook_id: str) -> Subscription:
    """Return a subscription by id; 404 if it is not the organization's."""
    webhook = world.store.get(SUBSCRIPTIONS, webhook_id)
    if webhook is None or webhook.account_id != account.id:
        raise Problem("not_found", "Webhook not found")
    return webhook


def update_webhook(world: World, account: Account, webhook_id: str, changes: Mapping[str, Any]) -> Subscription:
    """Change URL, events, inboxes or whether it is enabled, what is supplied; 403 for an inbox of somebody else."""
    webhook = find_webhook(world, account, webhook_id)
    inboxes = changes.get("inbox_ids")
    changed = replace(
        webhook,
        url=changes.get("url", webhook.url),
        events=_once(changes.get("event_types", webhook.events)),
        mailbox_ids=webhook.mailbox_ids if inboxes is None else _inbox_ids(world, account, inboxes),
        enabled=changes.get("enabled", webhook.enabled),
        updated_at=world.now(),
    )
    return world.store.put(SUBSCRIPTIONS, changed)


def delete_webhook(world: World, account: Account, webhook_id: str) -> None:
    """Delete a subscription."""
    world.store.remove(SUBSCRIPTIONS, find_webhook(world, account, webhook_id).id)


def _inbox_ids(world: World, account: Account, given: Iterable[str]) -> tuple[str, ...]:
    ids = _once(given)
    for inbox_id in ids:
        inbox = world.store.get(MAILBOXES, inbox_id)
        # Not 404: of an update that would say that the webhook is not there.
        if inbox is None or inbox.account_id != account.id or inbox.deleted:
            raise Problem("forbidden", f"The inbox {inbox_id} is not one of this organization's")
    return ids


def _once(given: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(given))
