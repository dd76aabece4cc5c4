"""Inkbox's webhooks: what a mailbox tells of its mail, signed with the organization's key once there is one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from emulator.mail import Message
from emulator.providers.inkbox import wire
from emulator.providers.inkbox.resources import EVENTS, NAME, ORGANIZATIONS
from emulator.webhooks import Dialect, Occurrence, Posting, hex_hmac
from emulator.world import World, timestamp

_NOT_TOLD: Final = ("is_read", "is_starred")
_BODY_LIMIT: Final = 16_384


def _payload(_world: World, about: Occurrence) -> Mapping[str, Any]:
    assert about.mail is not None, "all events are about mail"
    assert about.mailbox is not None, "which is in a mailbox"
    message, event = about.mail.message, about.event_type
    shown = {name: value for name, value in wire.message(message).items() if name not in _NOT_TOLD}
    return {
        "id": about.event_id,
        "event_type": event,
        "timestamp": timestamp(about.at),
        "data": {
            "message": {
                **shown,
                "status": event.partition(".")[2],
                "bcc_addresses": list(message.bcc) or None,
                "email_address": about.mailbox.address,
                **_body(message if event == EVENTS["received"] else None),
            }
        },
    }


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


def _headers(world: World, posting: Posting) -> dict[str, str]:
    organization = world.store.get(ORGANIZATIONS, posting.subscription.account_id)
    request_id = world.derived_id(NAME, "webhook_request", posting.delivery.id, str(posting.attempt))
    headers = {"X-Inkbox-Request-ID": request_id, "X-Inkbox-Timestamp": str(posting.unix_time)}
    key = None if organization is None else organization.signing_key
    if key is not None:
        signed = f"{request_id}.{posting.unix_time}.".encode() + posting.body
        headers["X-Inkbox-Signature"] = f"sha256={hex_hmac(key.removeprefix('whsec_'), signed)}"
    return headers


DIALECT: Final = Dialect(EVENTS, _payload, _headers)
