"""Inkbox's webhooks: what a mailbox tells of its mail, signed with the key of its organization or its identity."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from emulator.mail import MAILBOXES, Mailbox, Message
from emulator.mail.events import MailEvent
from emulator.mail.mailboxes import mailbox_at
from emulator.providers.inkbox import wire
from emulator.providers.inkbox.current import opens, threads
from emulator.providers.inkbox.current.context import context
from emulator.providers.inkbox.current.webhooks import hook_of
from emulator.providers.inkbox.generation import of_account, of_revision
from emulator.providers.inkbox.resources import EVENTS, IDENTITIES, ORGANIZATIONS
from emulator.providers.inkbox.settings import NAME
from emulator.webhooks import Dialect, Occurrence, Posting, Subscription, hex_hmac
from emulator.world import World, timestamp

_NOT_TOLD: Final = ("is_read", "is_starred")
_BODY_LIMIT: Final = 16_384
_FORWARDED: Final = "message.forwarded"
_STATUSES: Final = {_FORWARDED: "sent"}
"""The status of a message in an event, where it is not the event's last word."""
_BUCKETS: Final = {"inbound": ("from", "cc"), "outbound": ("to", "cc", "bcc")}
"""Whose addresses are looked up."""


def _payload(world: World, about: Occurrence) -> Mapping[str, Any]:
    assert about.mail is not None, "all events are about mail"
    assert about.mailbox is not None, "which is in a mailbox"
    message, event = about.mail.message, about.event_type
    shown = {name: value for name, value in wire.message(message).items() if name not in _NOT_TOLD}
    data: dict[str, Any] = {
        "message": {
            **shown,
            "status": _STATUSES.get(event, event.partition(".")[2]),
            "bcc_addresses": list(message.bcc) or None,
            "email_address": about.mailbox.address,
            **_body(message if event == EVENTS["received"] else None),
        }
    }
    if of_revision(about.revision).names_parties:
        data |= {"contacts": [], "agent_identities": _identities(world, about.mailbox, message)}
    return {"id": about.event_id, "event_type": event, "timestamp": timestamp(about.at), "data": data}


def _body(message: Message | None) -> dict[str, Any]:
    """Return the text of a mail that came, cut to what a webhook carries; nothing of one that was sent."""
    names = ("body", "body_state", "body_truncated", "body_total_chars", "body_included_chars")
    if message is None:
        return dict.fromkeys(names)
    body = message.mail.body
    text = body.text if body.text is not None else body.html
    if text is None:
        return {**dict.fromkeys(names), "body_state": "unavailable"}
    kept, cut = text[:_BODY_LIMIT], len(text) > _BODY_LIMIT
    return dict(zip(names, (kept, "truncated" if cut else "complete", cut, len(text), len(kept)), strict=True))


def _identities(world: World, mailbox: Mailbox, message: Message) -> list[dict[str, Any]]:
    """Return the identities of the organization that have to do with a mail, in the order of its addresses."""
    found = []
    for bucket in _BUCKETS[message.direction]:
        for address in message.bcc if bucket == "bcc" else message.mail.bare_addresses(bucket):
            other = mailbox_at(world, address)
            identity = None if other is None else world.store.find(IDENTITIES, "mailbox", other.id)
            if identity is not None and identity.account_id == mailbox.account_id:
                shown = {"agent_handle": identity.agent_handle, "display_name": identity.display_name}
                found.append({"bucket": bucket, "address": address, "id": identity.id, **shown})
    return found


def _besides(
    world: World, subscription: Subscription, about: Occurrence, payload: Mapping[str, Any]
) -> Mapping[str, Any]:
    """Return the payload with the conversation, for a subscription that asks for it."""
    hook = hook_of(world, subscription)
    if hook is None or hook.context is None or about.event_type != EVENTS["received"]:
        return payload
    assert about.mail is not None, "all events are about mail"
    assert about.mailbox is not None, "which is in a mailbox"
    told = context(world, about.mailbox, about.mail.message, hook.context)
    return {**payload, "data": {**payload["data"], "context": told}}


def _headers(world: World, posting: Posting) -> dict[str, str]:
    request_id = world.derived_id(NAME, "webhook_request", posting.delivery.id, str(posting.attempt))
    headers = {"X-Inkbox-Request-ID": request_id, "X-Inkbox-Timestamp": str(posting.unix_time)}
    key = _signing_key(world, posting)
    if key is not None:
        signed = f"{request_id}.{posting.unix_time}.".encode() + posting.body
        headers["X-Inkbox-Signature"] = f"sha256={hex_hmac(key.removeprefix('whsec_'), signed)}"
    hook = hook_of(world, posting.subscription)
    if hook is not None and hook.auth_token is not None:
        headers["Authorization"] = f"Bearer {hook.auth_token}"
    return headers


def _signing_key(world: World, posting: Posting) -> str | None:
    if of_revision(posting.delivery.revision).identities_sign:
        identity = world.store.find(IDENTITIES, "mailbox", posting.delivery.mailbox_id)
        return identity.signing_key if identity else None
    organization = world.store.get(ORGANIZATIONS, posting.subscription.account_id)
    return organization.signing_key if organization else None


def _word(world: World, event: MailEvent, usual: str) -> str:
    """Return what an event is called: the sending of a forward is an event of its own today."""
    note = opens.note_of(world, event.message) if event.happening == "sent" else None
    if note is None or not note.forwarded:
        return usual
    mailbox = world.store.get(MAILBOXES, event.message.mailbox_id)
    tells = mailbox is not None and of_account(world, mailbox.account_id).tells_forwards
    return _FORWARDED if tells else usual


def _wants(world: World, _subscription: Subscription, about: Occurrence) -> bool:
    """Tell nobody of mail that a contact rule keeps apart."""
    if about.mail is None or about.mailbox is None or about.event_type != EVENTS["received"]:
        return True
    return not threads.will_be_blocked(world, about.mailbox, about.mail.message)


DIALECT: Final = Dialect(EVENTS, _payload, _headers, word=_word, besides=_besides, wants=_wants)
