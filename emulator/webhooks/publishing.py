"""Publishing: an event becomes a delivery for everybody who wants it, and is posted until it is taken or given up."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

from emulator._version import __version__
from emulator.fetching import Fetched
from emulator.mail import MAILBOXES, Mailbox
from emulator.mail.events import MailEvent, listener
from emulator.webhooks.deliveries import DELIVERIES, Attempt, Delivery, State
from emulator.webhooks.dialect import Dialect, Occurrence, Posting, dialect, revision_in_use
from emulator.webhooks.subscriptions import SUBSCRIPTIONS, Subscription, interested
from emulator.world import World
from emulator.world.agenda import handler, schedule
from emulator.world.faults import Occasion, WebhookFault
from emulator.world.masking import mask_body, mask_headers

_ATTEMPT: Final = "webhooks.attempt"
_KEPT: Final = 16 * 1024


def publish(
    world: World,
    provider: str,
    account_id: str,
    event_type: str,
    *,
    mailbox: Mailbox | None = None,
    mail: MailEvent | None = None,
    subject: Any = None,
    only: Subscription | None = None,
) -> str | None:
    """Tell everybody who wants an event of it, or `only` one; return the event's id, None if nobody wants it.

    It happens within a step; what is posted leaves when the step is done. `subject` is for the dialect's payload.
    """
    spoken = dialect(provider)
    wanted = [only] if only else list(interested(world, account_id, event_type, mailbox))
    if spoken is None or not wanted:
        return None
    event_id = world.new_id(provider, "event", account_id)
    revision = revision_in_use(world, provider, account_id)
    about = Occurrence(event_id, event_type, world.now(), account_id, revision, mailbox, mail, subject)
    payload: Mapping[str, Any] | None = None
    for subscription in wanted:
        if spoken.wants(world, subscription, about):
            payload = payload or spoken.payload(world, about)
            told = payload if spoken.besides is None else spoken.besides(world, subscription, about, payload)
            body = json.dumps(told, ensure_ascii=False, separators=(",", ":"))
            _dispatch(world, _delivery(world, subscription, about, body))
    return event_id


def replay(world: World, delivery: Delivery) -> Delivery:
    """Deliver an event once more: signed anew, under the same event id. LookupError if the subscription is gone."""
    subscription = world.store.get(SUBSCRIPTIONS, delivery.subscription_id)
    if subscription is None:
        raise LookupError(f"the subscription {delivery.subscription_id} is gone")
    n = world.store.tick(DELIVERIES.name, subscription.id)
    again = replace(
        delivery,
        id=f"{subscription.id}/{n}",
        n=n,
        url=subscription.url,
        created_at=world.now(),
        state="pending",
        attempts=(),
        is_replay=True,
    )
    return _dispatch(world, again)


@listener
def _on_mail(world: World, event: MailEvent) -> None:
    """Publish what happens to mail, where anybody subscribed to anything."""
    if world.store.root.get(SUBSCRIPTIONS.name) is None:
        return
    mailbox = world.store.get(MAILBOXES, event.message.mailbox_id)
    spoken = None if mailbox is None else dialect(mailbox.provider)
    event_type = None if spoken is None else spoken.events.get(event.happening)
    if mailbox is not None and spoken is not None and event_type is not None:
        event_type = spoken.word(world, event, event_type)
        publish(world, mailbox.provider, mailbox.account_id, event_type, mailbox=mailbox, mail=event)


def _delivery(world: World, subscription: Subscription, about: Occurrence, body: str) -> Delivery:
    n = world.store.tick(DELIVERIES.name, subscription.id)
    return Delivery(
        id=f"{subscription.id}/{n}",
        subscription_id=subscription.id,
        provider=subscription.provider,
        account_id=subscription.account_id,
        mailbox_id=None if about.mailbox is None else about.mailbox.id,
        url=subscription.url,
        event_id=about.event_id,
        event_type=about.event_type,
        body=body,
        created_at=about.at,
        n=n,
        revision=about.revision,
    )


def _dispatch(world: World, delivery: Delivery) -> Delivery:
    """Keep a delivery and plan its first attempt, or what a fault rule makes of it."""
    struck = None
    if len(world.faults):
        occasion = Occasion(delivery.provider, delivery.event_type, delivery.account_id)
        struck = world.faults.take(WebhookFault, occasion)
    first = world.now() + timedelta(seconds=struck.late if struck else 0)
    kept = world.store.add(DELIVERIES, replace(delivery, tampered=bool(struck and struck.tamper)))
    schedule(world, first, _ATTEMPT, kept.id)
    if struck and struck.twice:
        schedule(world, first, _ATTEMPT, kept.id)
    return kept


# Attempts


@handler(_ATTEMPT)
def _put_out(world: World, delivery_id: str) -> None:
    """Hand an attempt to the outbox: nobody is called under the world's lock."""
    from emulator.webhooks import receivers

    delivery = world.store.get(DELIVERIES, delivery_id)
    if delivery is not None:
        here = not receivers.may_take_long(world, delivery.url)
        work = partial(_attempt, world, delivery_id, world.restored)
        world.outbox.put(delivery.subscription_id, work, here=here)


def _attempt(world: World, delivery_id: str, restored: int) -> None:
    from emulator.webhooks import receivers

    with world.lock:
        prepared = _prepare(world, delivery_id, restored)
    if prepared is None:
        return
    spoken, posting, headers = prepared
    began = time.monotonic()
    answer = receivers.post(world, receivers.Request(posting.delivery.url, headers, posting.body, spoken.timeout))
    taken = 0.0 if world.clock.virtual else time.monotonic() - began
    with world.step():
        if world.restored == restored:
            _note(world, spoken, posting, headers, answer, taken)


def _prepare(world: World, delivery_id: str, restored: int) -> tuple[Dialect, Posting, dict[str, str]] | None:
    """Return what is posted now, or None: the world is another, or the subscription wants it no more."""
    delivery = world.store.get(DELIVERIES, delivery_id) if world.restored == restored else None
    subscription = None if delivery is None else world.store.get(SUBSCRIPTIONS, delivery.subscription_id)
    spoken = None if delivery is None else dialect(delivery.provider)
    if delivery is None or spoken is None:
        return None
    if subscription is None or not subscription.enabled:
        world.store.put(DELIVERIES, replace(delivery, state="failed"))
        return None
    posting = Posting(subscription, delivery, len(delivery.attempts) + 1, world.now())
    signed = posting
    if delivery.tampered:  # the signature is that of another text
        signed = posting._replace(delivery=replace(delivery, body=f"{delivery.body} "))
    own = {"Content-Type": "application/json", "User-Agent": f"Inbox-Emulator/{__version__}"}
    return spoken, posting, own | dict(spoken.headers(world, signed))


def _note(
    world: World, spoken: Dialect, posting: Posting, headers: dict[str, str], answer: Fetched, seconds: float
) -> None:
    delivery = world.store.get(DELIVERIES, posting.delivery.id)
    if delivery is None:
        return
    attempt = Attempt(
        n=len(delivery.attempts) + 1,
        at=posting.at,
        headers=tuple(headers.items()),
        status=answer.status or None,
        answer=answer.data.decode("utf-8", "replace")[:_KEPT] if answer.failure is None else None,
        error=answer.failure,
        seconds=round(seconds, 3),
        next_at=None,
    )
    over = attempt.succeeded or delivery.state == "delivered"
    if not over:
        attempt = attempt._replace(next_at=_next(spoken, delivery, attempt))
    _journal(world, delivery, attempt)
    state: State = "delivered" if over else "pending" if attempt.next_at else "failed"
    delivery = world.store.put(DELIVERIES, replace(delivery, state=state, attempts=(*delivery.attempts, attempt)))
    if attempt.next_at is not None:
        schedule(world, attempt.next_at, _ATTEMPT, delivery.id)
    elif state == "failed":
        _give_up(world, spoken, delivery)


def _next(spoken: Dialect, delivery: Delivery, attempt: Attempt) -> datetime | None:
    """Return when a delivery is tried again, counted from its first failure; None after the last time."""
    if attempt.n > len(spoken.retries):
        return None
    first = delivery.attempts[0].at if delivery.attempts else attempt.at
    return max(first + spoken.retries[attempt.n - 1], attempt.at)


def _give_up(world: World, spoken: Dialect, delivery: Delivery) -> None:
    subscription = world.store.get(SUBSCRIPTIONS, delivery.subscription_id)
    if subscription is not None:
        spoken.given_up(world, subscription)


def _journal(world: World, delivery: Delivery, attempt: Attempt) -> None:
    def brief() -> dict[str, Any]:
        return {
            "provider": delivery.provider,
            "subscription": delivery.subscription_id,
            "delivery": delivery.id,
            "event": delivery.event_type,
            "event_id": delivery.event_id,
            **mask_headers([("url", delivery.url)]),
            "attempt": attempt.n,
            "status": attempt.status,
            "error": attempt.error,
            "next_at": attempt.next_at and attempt.next_at.isoformat(),
        }

    def render() -> dict[str, Any]:
        return {**brief(), "body": mask_body(delivery.body.encode("utf-8", "replace"))}

    world.journal.add(attempt.at, "webhook", render, len(delivery.body), brief)
