"""Sendmux's webhook subscriptions: who is told of which events; the secret is shown when it is made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

from emulator.fetching import is_loopback
from emulator.mail import MAILBOXES
from emulator.provider import Problem
from emulator.providers.sendmux.generation import Generation
from emulator.providers.sendmux.problems import limit_exceeded, unprocessable
from emulator.providers.sendmux.settings import NAME, setting
from emulator.webhooks import DELIVERIES, SUBSCRIPTIONS, Attempt, Delivery, Subscription, publish, subscribe
from emulator.world import Account, Collection, Page, World
from emulator.world.ordered import Key

KEPT_FOR: Final = timedelta(days=7)
"""How long an attempt and its payload can be read."""

_TEST: Final = "sendmux.test"


@dataclass(frozen=True, slots=True)
class Label:
    """What Sendmux keeps of a subscription besides; `id` is the subscription's."""

    id: str
    name: str | None


class Webhook(NamedTuple):
    """A subscription with its name."""

    subscription: Subscription
    name: str | None

    @property
    def id(self) -> str:
        """The id of the subscription."""
        return self.subscription.id


class Tried(NamedTuple):
    """An attempt to post an event, which the API calls a delivery."""

    id: str
    delivery: Delivery
    attempt: Attempt

    @property
    def result(self) -> str:
        """What came of it, in the API's word."""
        if self.attempt.succeeded:
            return "success"
        return "retrying" if self.attempt.next_at is not None else "permanent_failure"


LABELS: Collection[Label] = Collection("sendmux.webhook_labels")


def create_webhook(world: World, account: Account, body: Mapping[str, Any], rules: Generation) -> Webhook:
    """Subscribe a URL to events; 409 at the limit, 422 for wrong values."""
    limit = setting(world, "webhook_limit")
    if limit is not None and world.store.count(SUBSCRIPTIONS, "of_account", account.id) >= limit:
        raise limit_exceeded(limit, "webhooks")
    made = subscribe(
        world,
        NAME,
        account.id,
        _url(body["url"]),
        _events(body["event_types"], rules),
        mailbox_ids=_mailbox_ids(world, account, body.get("filters")),
    )
    made = world.store.put(SUBSCRIPTIONS, replace(made, enabled=body.get("enabled", True)))
    world.store.add(LABELS, Label(made.id, body.get("name")))
    return _named(world, made)


def list_webhooks(world: World, account: Account, limit: int, after: Key | None) -> Page[Webhook]:
    """Return a page of the subscriptions of a team, newest first."""
    found = world.store.page(SUBSCRIPTIONS, "of_account", account.id, limit=limit, after=after)
    return Page([_named(world, each) for each in found.records], found.next_key)


def find_webhook(world: World, account: Account, webhook_id: str) -> Webhook:
    """Return a subscription by id; 404 if it is not the team's."""
    found = world.store.get(SUBSCRIPTIONS, webhook_id)
    if found is None or found.account_id != account.id:
        raise Problem("not_found", "No such webhook")
    return _named(world, found)


def update_webhook(
    world: World, account: Account, webhook: Webhook, changes: Mapping[str, Any], rules: Generation
) -> Webhook:
    """Change what is supplied; 422 for wrong values. One that is enabled again is failing no more."""
    found = webhook.subscription
    enabled = changes.get("enabled", found.enabled)
    changed = replace(
        found,
        url=_url(changes["url"]) if "url" in changes else found.url,
        events=_events(changes["event_types"], rules) if "event_types" in changes else found.events,
        mailbox_ids=_mailbox_ids(world, account, changes["filters"]) if "filters" in changes else found.mailbox_ids,
        enabled=enabled,
        failing=found.failing and not (enabled and not found.enabled),
        updated_at=world.now(),
    )
    world.store.put(LABELS, Label(found.id, changes.get("name", webhook.name)))
    return _named(world, world.store.put(SUBSCRIPTIONS, changed))


def delete_webhook(world: World, webhook: Webhook) -> None:
    """Delete a subscription."""
    world.store.remove(SUBSCRIPTIONS, webhook.subscription.id)
    world.store.remove(LABELS, webhook.subscription.id)


def rotate_secret(world: World, webhook: Webhook) -> Webhook:
    """Give a subscription a new secret; the old one is good for nothing any more."""
    found = webhook.subscription
    secret = world.new_id(NAME, "webhook_secret", found.account_id)
    return _named(world, world.store.put(SUBSCRIPTIONS, replace(found, secret=secret, updated_at=world.now())))


def test_webhook(world: World, webhook: Webhook) -> str:
    """Post a test event and return its id; 409 if the subscription does not want any."""
    found = webhook.subscription
    if _TEST not in found.events:
        raise Problem("conflict", f"The webhook is not subscribed to {_TEST}")
    event_id = publish(world, NAME, found.account_id, _TEST, subject=found.id, only=found)
    assert event_id is not None, "it goes to the one subscription"
    return event_id


def list_attempts(
    world: World, webhook: Webhook, event_type: str | None, result: str | None, limit: int, after: Key | None
) -> Page[Tried]:
    """Return a page of the attempts of the last seven days to post to a subscription, newest first."""
    found = [
        each
        for each in _attempts(world, webhook)
        if event_type in (None, each.delivery.event_type) and result in (None, each.result)
    ]
    keys = [(each.attempt.at, each.delivery.n, each.attempt.n, each.id) for each in found]
    start = 0 if after is None else next((n for n, key in enumerate(keys) if key < after), len(found))
    taken = found[start : start + limit]
    return Page(taken, keys[start + limit - 1] if start + limit < len(found) else None)


def find_attempt(world: World, webhook: Webhook, attempt_id: str) -> Tried:
    """Return an attempt by id; 404 if there is none, or it is older than seven days."""
    found = next((each for each in _attempts(world, webhook) if each.id == attempt_id), None)
    if found is None:
        raise Problem("not_found", "No such delivery")
    return found


def _attempts(world: World, webhook: Webhook) -> list[Tried]:
    oldest = world.now() - KEPT_FOR
    tried = [
        Tried(world.derived_id(NAME, "webhook_attempt", delivery.id, str(attempt.n)), delivery, attempt)
        for delivery in world.store.each(DELIVERIES, "of_subscription", webhook.id, newest_first=True)
        for attempt in delivery.attempts
        if attempt.at > oldest
    ]
    return sorted(tried, key=lambda each: (each.attempt.at, each.delivery.n, each.attempt.n, each.id), reverse=True)


def _named(world: World, subscription: Subscription) -> Webhook:
    label = world.store.get(LABELS, subscription.id)
    assert label is not None, f"{subscription.id} has no label"
    return Webhook(subscription, label.name)


def _url(given: str) -> str:
    try:
        parts = urlsplit(given)
        host, scheme = parts.hostname, parts.scheme
        usable = bool(host) and (scheme == "https" or (scheme == "http" and is_loopback(host)))
    except ValueError:
        usable = False
    if not usable:
        raise unprocessable("url", "The URL has to begin with https://", given)
    return given


def _events(given: Iterable[str], rules: Generation) -> tuple[str, ...]:
    newest = {name: event for event, name in rules.events.items()}
    for name in given:
        if name not in newest:
            raise unprocessable("event_types", f"There is no event {name}", name)
    events = tuple(dict.fromkeys(newest[name] for name in given))
    if not events:
        raise unprocessable("event_types", "At least one event", [])
    return events


def _mailbox_ids(world: World, account: Account, given: Mapping[str, Any] | None) -> tuple[str, ...]:
    ids = tuple(dict.fromkeys(given["mailbox_ids"])) if given else ()
    for mailbox_id in ids:
        mailbox = world.store.get(MAILBOXES, mailbox_id)
        if mailbox is None or mailbox.account_id != account.id or mailbox.deleted:
            raise unprocessable("filters.mailbox_ids", "Not a mailbox of this team", mailbox_id)
    return ids
