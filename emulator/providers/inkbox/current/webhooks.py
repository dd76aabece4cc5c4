"""Webhook subscriptions of identities, and the log of every attempt to post to them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

from emulator.fetching import is_loopback
from emulator.mail import MAILBOXES
from emulator.provider import Problem, invalid
from emulator.providers.inkbox.current.access import Caller, get_identity
from emulator.providers.inkbox.current.identities import rotate_signing_key
from emulator.providers.inkbox.resources import IDENTITIES, Identity
from emulator.providers.inkbox.settings import NAME, setting
from emulator.webhooks import DELIVERIES, SUBSCRIPTIONS, Attempt, Delivery, Subscription, replay, subscribe
from emulator.world import Collection, World

_MAX_LISTED: Final = 200
_OWNERS: Final = ("mailbox_id", "phone_number_id", "agent_identity_id")


@dataclass(frozen=True, slots=True)
class Hook:
    """What Inkbox keeps of a subscription besides; `id` is the subscription's.

    `by_mailbox` tells that its owner was named by the mailbox, as earlier clients do.
    """

    id: str
    identity_id: str
    by_mailbox: bool
    context: Mapping[str, Any] | None
    auth_token: str | None


class Webhook(NamedTuple):
    """A subscription with what Inkbox keeps of it."""

    subscription: Subscription
    hook: Hook

    @property
    def is_mixed(self) -> bool:
        """Whether it hears of several families of events."""
        return len({event.partition(".")[0] for event in self.subscription.events}) > 1


class Row(NamedTuple):
    """An attempt to post a delivery, the next one if there was none yet."""

    id: str
    delivery: Delivery
    attempt: Attempt | None


HOOKS: Collection[Hook] = Collection("inkbox.hooks")


def create_webhook(world: World, who: Caller, body: Mapping[str, Any]) -> tuple[Webhook, str | None]:
    """Subscribe a URL to events of an identity; return the identity's new signing key, if it had none.

    404 for an unknown owner, 409 if it has 20 subscriptions, 422 unless there is one owner and the URL will do.
    """
    identity, by_mailbox = _owner(world, who, body)
    limit = setting(world, "subscriptions_per_owner")
    if len(list(_of_identity(world, who, identity.id))) >= limit:
        raise Problem("conflict", f"The owner has {limit} subscriptions already")
    mailboxes = (identity.mailbox_id,) if identity.mailbox_id else ()
    url = _url(body["url"])
    made = subscribe(world, NAME, identity.account_id, url, body["event_types"], mailbox_ids=mailboxes, secret=False)
    hook = Hook(made.id, identity.id, by_mailbox, body.get("context_config"), body.get("auth_token"))
    key = rotate_signing_key(world, identity).signing_key if identity.signing_key is None else None
    return Webhook(made, world.store.add(HOOKS, hook)), key


def list_webhooks(world: World, who: Caller, query: Mapping[str, Any]) -> list[Webhook]:
    """Return the subscriptions that the caller sees, oldest first; 422 for several owners."""
    owners = {name: query[name].lower() for name in _OWNERS if name in query}
    if len(owners) > 1:
        raise Problem("invalid", f"Give one of {', '.join(_OWNERS)} at most")
    return [
        webhook
        for webhook in _every(world, who)
        if owners.get("agent_identity_id") in (None, webhook.hook.identity_id)
        and owners.get("mailbox_id") in (None, *webhook.subscription.mailbox_ids)
        and "phone_number_id" not in owners
        and query.get("url") in (None, webhook.subscription.url)
        and query.get("event_type") in (None, *webhook.subscription.events)
        and ("scope" in query or not webhook.is_mixed)
    ]


def find_webhook(world: World, who: Caller, subscription_id: str) -> Webhook:
    """Return a subscription by id; 404 if the caller sees none."""
    found = _webhook(world, world.store.get(SUBSCRIPTIONS, subscription_id.lower()))
    if found is None or found.subscription.account_id != who.organization.id:
        raise Problem("not_found", "Webhook subscription not found")
    get_identity(world, who, found.hook.identity_id)
    return found


def update_webhook(world: World, webhook: Webhook, changes: Mapping[str, Any], scope: str | None) -> Webhook:
    """Change what is supplied; 409 for one to several families of events without the scope."""
    _check_scope(webhook, scope)
    hook = replace(
        webhook.hook,
        context=changes.get("context_config", webhook.hook.context),
        auth_token=changes.get("auth_token", webhook.hook.auth_token),
    )
    subscription = replace(
        webhook.subscription,
        url=_url(changes["url"]) if "url" in changes else webhook.subscription.url,
        events=tuple(changes.get("event_types", webhook.subscription.events)),
        updated_at=world.now(),
    )
    return Webhook(world.store.put(SUBSCRIPTIONS, subscription), world.store.put(HOOKS, hook))


def delete_webhook(world: World, webhook: Webhook, scope: str | None) -> None:
    """Delete a subscription; 409 for one to several families of events without the scope."""
    _check_scope(webhook, scope)
    world.store.remove(SUBSCRIPTIONS, webhook.subscription.id)
    world.store.remove(HOOKS, webhook.hook.id)


def hook_of(world: World, subscription: Subscription) -> Hook | None:
    """Return what Inkbox keeps of a subscription; None for one of the earlier generation."""
    return world.store.get(HOOKS, subscription.id)


# Deliveries


def list_rows(world: World, who: Caller, query: Mapping[str, Any]) -> list[Row]:
    """Return a part of the attempts that the caller sees, newest first."""
    subscription_id = query["subscription_id"].lower() if "subscription_id" in query else None
    found = [
        row
        for row in _rows(world, who)
        if subscription_id in (None, row.delivery.subscription_id)
        and query.get("event_type") in (None, row.delivery.event_type)
        and query.get("success") in (None, row.attempt is not None and row.attempt.succeeded)
        and "phone_number_id" not in query
    ]
    limit = min(max(query["limit"], 1), _MAX_LISTED)
    return found[query["offset"] : query["offset"] + limit]


def why_not_again(world: World, row: Row) -> str | None:
    """Return why an event cannot be posted once more, or None: it can."""
    subscription = world.store.get(SUBSCRIPTIONS, row.delivery.subscription_id)
    if subscription is None:
        return "The subscription is gone"
    listed = row.delivery.event_type in subscription.events
    return None if listed else "The subscription does not list the event any more"


def replay_row(world: World, who: Caller, row_id: str) -> Row:
    """Post an event once more and return the new row; 404 for an unknown one, 409 if nobody wants it any more."""
    row = next((each for each in _rows(world, who) if each.id == row_id.lower()), None)
    if row is None:
        raise Problem("not_found", "Webhook delivery not found")
    reason = why_not_again(world, row)
    if reason is not None:
        raise Problem("conflict", reason)
    again = replay(world, row.delivery)
    return Row(_row_id(world, again, 1), again, None)


def _rows(world: World, who: Caller) -> Iterator[Row]:
    seen = _seen_mailboxes(world, who)
    rows = [
        Row(_row_id(world, delivery, n), delivery, delivery.attempts[n - 1] if delivery.attempts else None)
        for delivery in world.store.each(DELIVERIES, "all", "all")
        if delivery.account_id == who.organization.id and delivery.mailbox_id in seen
        for n in range(1, max(1, len(delivery.attempts)) + 1)
    ]
    return iter(sorted(rows, key=_when, reverse=True))


def _when(row: Row) -> tuple[Any, ...]:
    at = row.delivery.created_at if row.attempt is None else row.attempt.at
    return (at, row.delivery.created_at, row.delivery.n, row.attempt.n if row.attempt else 0, row.id)


def _row_id(world: World, delivery: Delivery, n: int) -> str:
    return world.derived_id(NAME, "webhook_attempt", delivery.id, str(n))


def _seen_mailboxes(world: World, who: Caller) -> set[str]:
    every = world.store.everything(MAILBOXES)
    mine = {mailbox.id for mailbox in every if mailbox.account_id == who.organization.id}
    if who.is_admin:
        return mine
    identity = world.store.get(IDENTITIES, who.identity_id or "")
    return {identity.mailbox_id} & mine if identity and identity.mailbox_id else set()


# Subscriptions


def _owner(world: World, who: Caller, body: Mapping[str, Any]) -> tuple[Identity, bool]:
    named = {name: body[name] for name in _OWNERS if body.get(name) is not None}
    if len(named) != 1:
        raise invalid("agent_identity_id", f"Give exactly one of {', '.join(_OWNERS)}", None)
    [(name, given)] = named.items()
    if name == "agent_identity_id":
        return get_identity(world, who, given), False
    identity = world.store.find(IDENTITIES, "mailbox", given.lower())
    if identity is None:
        raise Problem("not_found", "The owner was not found")
    return get_identity(world, who, identity.id), True


def _every(world: World, who: Caller) -> Iterator[Webhook]:
    for subscription in world.store.each(SUBSCRIPTIONS, "of_account", who.organization.id):
        found = _webhook(world, subscription)
        if found is not None and who.identity_id in (None, found.hook.identity_id):
            yield found


def _of_identity(world: World, who: Caller, identity_id: str) -> Iterator[Webhook]:
    return (each for each in _every(world, who) if each.hook.identity_id == identity_id)


def _webhook(world: World, subscription: Subscription | None) -> Webhook | None:
    hook = None if subscription is None else world.store.get(HOOKS, subscription.id)
    return None if subscription is None or hook is None else Webhook(subscription, hook)


def _check_scope(webhook: Webhook, scope: str | None) -> None:
    if webhook.is_mixed and scope is None:
        raise Problem("conflict", "This subscription is to several families of events; say scope=identity")


def _url(given: str) -> str:
    try:
        parts = urlsplit(given)
        host, scheme = parts.hostname, parts.scheme
        usable = bool(host) and (scheme == "https" or is_loopback(host))
    except ValueError:
        usable = False
    if not usable:
        raise invalid("url", "The URL has to begin with https://", given)
    return given
