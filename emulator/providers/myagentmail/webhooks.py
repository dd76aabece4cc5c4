"""myagentmail's webhook subscriptions: a tenant's, or a workspace's if its key made them; the secret is shown once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from emulator.provider import Problem
from emulator.providers.myagentmail.keys import Caller
from emulator.providers.myagentmail.settings import NAME
from emulator.providers.myagentmail.workspaces import Workspace
from emulator.webhooks import SUBSCRIPTIONS, Subscription, subscribe
from emulator.world import Collection, World


@dataclass(frozen=True, slots=True)
class WebhookScope:
    """The workspace that a subscription is confined to; `id` is the subscription's."""

    id: str
    workspace_id: str


WEBHOOK_SCOPES: Collection[WebhookScope] = Collection("myagentmail.webhook_scopes")


def create_webhook(world: World, caller: Caller, body: Mapping[str, Any]) -> Subscription:
    """Subscribe a URL to events of the tenant, or of the workspace whose key this is."""
    subscription = subscribe(world, NAME, caller.account_id, body["url"], dict.fromkeys(body["events"]))
    if caller.workspace_id is not None:
        world.store.add(WEBHOOK_SCOPES, WebhookScope(subscription.id, caller.workspace_id))
    return subscription


def list_webhooks(world: World, caller: Caller) -> list[Subscription]:
    """Return the subscriptions that the caller sees, newest first."""
    found = world.store.each(SUBSCRIPTIONS, "of_account", caller.account_id, newest_first=True)
    return [webhook for webhook in found if _sees(world, caller, webhook)]


def find_webhook(world: World, caller: Caller, webhook_id: str) -> Subscription:
    """Return a subscription by id; 404 if the caller does not see it."""
    webhook = world.store.get(SUBSCRIPTIONS, webhook_id.lower())
    if webhook is None or webhook.account_id != caller.account_id or not _sees(world, caller, webhook):
        raise Problem("not_found", "Webhook not found")
    return webhook


def update_webhook(world: World, webhook: Subscription, changes: Mapping[str, Any]) -> Subscription:
    """Change URL, events or whether it is active, what is supplied."""
    changed = replace(
        webhook,
        url=changes.get("url", webhook.url),
        events=tuple(dict.fromkeys(changes.get("events", webhook.events))),
        enabled=changes.get("isActive", webhook.enabled),
        updated_at=world.now(),
    )
    return world.store.put(SUBSCRIPTIONS, changed)


def delete_webhook(world: World, webhook: Subscription) -> None:
    """Delete a subscription."""
    world.store.remove(SUBSCRIPTIONS, webhook.id)
    if world.store.get(WEBHOOK_SCOPES, webhook.id) is not None:
        world.store.remove(WEBHOOK_SCOPES, webhook.id)


def delete_webhooks_of(world: World, workspace: Workspace) -> None:
    """Delete the subscriptions that are confined to a workspace."""
    for webhook in list_webhooks(world, Caller(workspace.account_id, workspace.id)):
        delete_webhook(world, webhook)


def _sees(world: World, caller: Caller, webhook: Subscription) -> bool:
    if caller.workspace_id is None:
        return True
    scope = world.store.get(WEBHOOK_SCOPES, webhook.id)
    return scope is not None and scope.workspace_id == caller.workspace_id
