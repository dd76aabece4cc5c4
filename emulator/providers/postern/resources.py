"""Postern's records and rules: inboxes, messages, threads and webhooks of an organization."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple

from emulator.mail import MAILBOXES, MESSAGES, THREADS, Draft, Mailbox, Message, Thread, replies
from emulator.mail.mailboxes import holder, mailbox_at, open_mailbox
from emulator.mail.postoffice import send
from emulator.provider import Problem, once_per_key, recalled
from emulator.providers.postern.enrollment import EnrollmentToken
from emulator.providers.postern.limits import count_send
from emulator.providers.postern.settings import DOMAIN, NAME, setting
from emulator.webhooks import Subscription, subscribe
from emulator.world import Account, Duplicate, Page, World
from emulator.world.idempotency import remember
from emulator.world.ordered import Key

MESSAGE_RECEIVED: Final = "message.received"


class NewInbox(NamedTuple):
    """An inbox as its creation answers it, with the webhook that was registered for it."""

    mailbox: Mailbox
    webhook: Subscription | None


# Inboxes


def recall_inbox(world: World, token: EnrollmentToken, body: Mapping[str, Any]) -> NewInbox | None:
    """Return what the same `client_id` created before, if it still lives; 409 if it came with other input."""
    known: NewInbox | None = recalled(world, _creations(token), body.get("client_id"), _significant(body))
    if known is None or _existing(world, known.mailbox.id) is None:
        return None
    return known


@holder(NAME)
def receives_for(world: World, name: str) -> bool:
    """Tell whether Postern receives the mail of a domain: of those that an organization has."""
    return name in map(str.lower, setting(world, "domains"))


def choose_address(world: World, token: EnrollmentToken, body: Mapping[str, Any], domains: Sequence[str]) -> str:
    """Return the address of a new inbox; 403 for a domain that the key may not use, 409 for an address in use."""
    allowed = token.allowed_domains or [domain.lower() for domain in domains]
    default = DOMAIN if DOMAIN in allowed else next(iter(allowed), DOMAIN)
    domain = (body.get("domain") or default).lower()
    if domain not in allowed:
        raise Problem("forbidden", f"The key may not create inboxes at {domain}")
    if body.get("username") is None:
        return _generated_address(world, token.account_id, domain)
    address = f"{body['username'].lower()}@{domain}"
    if mailbox_at(world, address) is not None:
        raise _address_taken(address)
    return address


def create_inbox(world: World, token: EnrollmentToken, address: str, body: Mapping[str, Any]) -> NewInbox:
    """Open an inbox, with a webhook when asked for one; its `client_id` stands for it from now on."""
    mailbox, url = _open(world, token.account_id, address, body.get("display_name")), body.get("inbound_webhook_url")
    webhook = None if url is None else _subscribe(world, token.account_id, url, mailbox)
    made = NewInbox(mailbox, webhook)
    if body.get("client_id") is not None:
        remember(world, _creations(token), body["client_id"], _significant(body), made)
    return made


def open_test_mailbox(world: World, account: Account, local_part: str | None) -> Mailbox:
    """Open an inbox at the shared subdomain."""
    address = f"{local_part.lower()}@{DOMAIN}" if local_part else _generated_address(world, account.id, DOMAIN)
    return _open(world, account.id, address, None)


def list_inboxes(world: World, account_id: str, limit: int, after: Key | None) -> Page[Mailbox]:
    """Return a page of the inboxes of an organization, newest first."""
    return world.store.page(MAILBOXES, "of_account", account_id, limit=limit, after=after)


def find_inbox(world: World, account_id: str, addr: str) -> Mailbox:
    """Return an inbox by address or id; 404 if it is not the organization's or deleted."""
    mailbox = mailbox_at(world, addr) if "@" in addr else _existing(world, addr)
    if mailbox is None or mailbox.account_id != account_id:
        raise _not_found()
    return mailbox


def delete_inbox(world: World, mailbox: Mailbox) -> None:
    """Delete an inbox for good: it and its mail are hidden, its address is free, the quota is not refunded."""
    world.store.put(MAILBOXES, replace(mailbox, status="deleted", updated_at=world.now()))
    world.bells.ring(mailbox.address)


def _open(world: World, account_id: str, address: str, display_name: str | None) -> Mailbox:
    try:
        return open_mailbox(world, NAME, account_id, address, display_name=display_name, status="live")
    except Duplicate:
        raise _address_taken(address) from None


def _existing(world: World, mailbox_id: str) -> Mailbox | None:
    mailbox = world.store.get(MAILBOXES, mailbox_id)
    return None if mailbox is None or mailbox.deleted else mailbox


def _generated_address(world: World, account_id: str, domain: str) -> str:
    while True:
        address = f"{world.new_id(NAME, 'local_part', account_id)}@{domain}"
        if mailbox_at(world, address) is None:
            return address


def _creations(token: EnrollmentToken) -> tuple[str, ...]:
    return (NAME, "create_inbox", token.account_id)


def _address_taken(address: str) -> Problem:
    return Problem("conflict", f"The address {address} is taken", code="address_taken")


def _not_found() -> Problem:
    return Problem("not_found", "No such resource (or not yours)")


# Messages and threads


def send_message(world: World, mailbox: Mailbox, body: Mapping[str, Any], daily_cap: int | bool | None) -> Message:
    """Send a mail as the request body describes it and return the sender's copy; 429 above the daily cap."""
    to, reply_to = body["to"], body.get("reply_to")
    draft = Draft(
        sender=mailbox.address,
        sender_name=mailbox.display_name,
        to=[to] if isinstance(to, str) else to,
        cc=body.get("cc") or [],
        bcc=body.get("bcc") or [],
        reply_to=[reply_to] if reply_to else [],
        subject=body.get("subject"),
        text=body.get("text"),
        html=body.get("html"),
    )
    return _send_once(world, mailbox, draft, body, daily_cap)


def reply_to_message(world: World, message: Message, body: Mapping[str, Any], daily_cap: int | bool | None) -> Message:
    """Reply to a message and return the sender's copy; 400 if the message has nobody to reply to."""
    mailbox = world.store.get(MAILBOXES, message.mailbox_id)
    assert mailbox is not None, "find_message returns messages of living inboxes"
    to = replies.reply_recipients(message)
    if not to:
        raise Problem("refused", "The message has no address to reply to")
    draft = replies.reply_draft(mailbox, message, to, text=body.get("text"), html=body.get("html"))
    return _send_once(world, mailbox, draft, {"message_id": message.id, **body}, daily_cap, message.thread_id)


def list_messages(
    world: World, mailbox: Mailbox, direction: str | None, unread_only: bool, limit: int, after: Key | None
) -> Page[Message]:
    """Return a page of the messages of an inbox, newest first."""
    group = mailbox.id if direction is None else (mailbox.id, direction)
    where = unread if unread_only else None
    return world.store.page(MESSAGES, "timeline", group, limit=limit, after=after, where=where)


def unread(message: Message) -> bool:
    """Tell whether a message came in and was not read."""
    return message.direction == "inbound" and not message.is_read


def find_message(world: World, account_id: str, message_id: str) -> Message:
    """Return a message by id; 404 if it is not in an inbox of the organization."""
    message = world.store.get(MESSAGES, message_id)
    if message is None or not _owns(world, account_id, message.mailbox_id):
        raise _not_found()
    return message


def read_message(world: World, message: Message) -> Message:
    """Note that a message was read."""
    return world.store.put(MESSAGES, replace(message, is_read=True)) if unread(message) else message


def list_threads(world: World, mailbox: Mailbox, limit: int, after: Key | None) -> Page[Thread]:
    """Return a page of the threads of an inbox, last activity first."""
    return world.store.page(THREADS, "activity", mailbox.id, limit=limit, after=after)


def find_thread(world: World, account_id: str, thread_id: str) -> Thread:
    """Return a thread by id; 404 if it is not in an inbox of the organization."""
    thread = world.store.get(THREADS, thread_id)
    if thread is None or not _owns(world, account_id, thread.mailbox_id):
        raise _not_found()
    return thread


def _owns(world: World, account_id: str, mailbox_id: str) -> bool:
    mailbox = _existing(world, mailbox_id)
    return mailbox is not None and mailbox.account_id == account_id


def _send_once(
    world: World,
    mailbox: Mailbox,
    draft: Draft,
    given: Mapping[str, Any],
    daily_cap: int | bool | None,
    thread_id: str | None = None,
) -> Message:
    def perform() -> Message:
        count_send(world, mailbox, daily_cap)
        return send(world, mailbox, draft, thread_id)

    return once_per_key(world, (NAME, "send", mailbox.id), given.get("idempotency_key"), _significant(given), perform)


# Webhooks


def create_webhook(world: World, account_id: str, body: Mapping[str, Any]) -> Subscription:
    """Subscribe a URL to one inbox or all; 404 if the inbox is not the organization's."""
    address = body.get("address")
    mailbox = None if address is None else find_inbox(world, account_id, address)
    return _subscribe(world, account_id, body["url"], mailbox)


def _subscribe(world: World, account_id: str, url: str, mailbox: Mailbox | None) -> Subscription:
    mailbox_ids = () if mailbox is None else (mailbox.id,)
    return subscribe(world, NAME, account_id, url, (MESSAGE_RECEIVED,), mailbox_ids=mailbox_ids)


def _significant(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return what decides whether a request is the same again: null is like nothing."""
    return {name: value for name, value in given.items() if value is not None}
