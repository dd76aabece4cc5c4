"""Postern on the wire: id formats, records as JSON, pages, and the error envelope."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from emulator.mail import Mailbox, Message, Thread, addresses
from emulator.mail.extraction import Extracted
from emulator.paging import encode_cursor
from emulator.provider import Answer, Invalid, Problem
from emulator.providers.postern import payment
from emulator.providers.postern.enrollment import Enrollment, EnrollmentToken
from emulator.providers.postern.resources import NewInbox, unread
from emulator.webhooks import Subscription
from emulator.world import Page, timestamp
from emulator.world.ids import DIGITS, LOWER36, Format, prefixed
from emulator.world.store import R

IDS: Final[Mapping[str, Format]] = {
    "mailbox": prefixed("inbox_", 12),
    "message": prefixed("msg_", 12),
    "thread": prefixed("thread_", 12),
    "agent": prefixed("agent_", 12),
    "webhook": prefixed("wh_", 12),
    "event": prefixed("evt_", 12),
    "request": prefixed("req_", 12),
    "message_id": prefixed("", 24, LOWER36),
    "account": prefixed("org_", 16),
    "api_key": prefixed("pk_agent_", 32),
    "enrollment_id": prefixed("", 12),
    "enrollment_secret": prefixed("", 32),
    "local_part": prefixed("agent", 8, DIGITS),
    "webhook_secret": prefixed("whsec_", 32),
}

_CODES: Final = {
    400: "bad_request",
    401: "invalid_api_key",
    402: "payment_required",
    403: "scope_denied",
    404: "not_found",
    405: "method_not_allowed",
    409: "idempotency_conflict",
    413: "payload_too_large",
    422: "validation_failed",
    429: "rate_limited",
    501: "not_implemented",
}
_PREFIX_SHOWN: Final = 13
_RETRY_AFTER: Final = "60"


def enrollment(made: Enrollment) -> dict[str, Any]:
    """Return what redeeming a token gave; the key is shown here only."""
    agent, key, token = made
    return {
        "agent_id": agent.id,
        "agent_key": key.id,
        "agent_key_prefix": key.id[:_PREFIX_SHOWN],
        "scopes": list(token.scopes),
        "allowed_domains": list(token.allowed_domains),
        "mailboxes_used": token.used_count,
        "mailboxes_max": token.max_mailboxes,
        "expires_at": _time(key.expires_at),
    }


def enrollment_token(token: EnrollmentToken) -> dict[str, Any]:
    """Return a new enrollment token; the key is shown here only."""
    return {
        "id": token.id,
        "enrollment_token": token.key,
        "label": token.label,
        "scopes": list(token.scopes),
        "allowed_domains": list(token.allowed_domains),
        "max_mailboxes": token.max_mailboxes,
        "used_count": token.used_count,
        "reusable": token.reusable,
        "expires_at": _time(token.expires_at),
        "revoked": token.revoked,
    }


def inbox(box: Mailbox) -> dict[str, Any]:
    """Return the inbox object."""
    return {
        "id": box.id,
        "address": box.address,
        "display_name": box.display_name,
        "domain": addresses.domain(box.address),
        "status": box.status,
        "created_at": _time(box.created_at),
    }


def new_inbox(made: NewInbox) -> dict[str, Any]:
    """Return the inbox object of a creation; the secret of its webhook is shown here only."""
    hook = made.webhook
    return {**inbox(made.mailbox), **({} if hook is None else {"webhook": {"id": hook.id, "secret": hook.secret}})}


def inbox_item(box: Mailbox) -> dict[str, Any]:
    """Return the inbox object of lists."""
    return {"id": box.id, "address": box.address, "status": box.status}


def accepted(item: Message) -> dict[str, Any]:
    """Return the answer of a send or reply."""
    return {"id": item.id, "status": item.status, "thread_id": item.thread_id}


def message(item: Message) -> dict[str, Any]:
    """Return the message object of lists: no bodies."""
    mail = item.mail
    return {
        "id": item.id,
        "thread_id": item.thread_id,
        "direction": item.direction,
        "from": _sender(item),
        "to": mail.bare_addresses("to"),
        "subject": mail.subject,
        "snippet": mail.snippet,
        "received_at": _time(item.created_at),
        "unread": unread(item),
    }


def message_detail(item: Message) -> dict[str, Any]:
    """Return the message object with bodies and headers."""
    mail = item.mail
    return {**message(item), "text": mail.body.text, "html": mail.body.html, "headers": mail.headers}


def thread(item: Thread, messages: Sequence[Message]) -> dict[str, Any]:
    """Return the thread object of lists."""
    everybody = [address for each in messages for address in (_sender(each), *each.mail.bare_addresses("to"))]
    return {
        "id": item.id,
        "subject": item.subject,
        "message_count": item.message_count,
        "last_message_at": _time(item.last_message_at),
        "participants": addresses.unique(everybody),
    }


def thread_detail(item: Thread, messages: Sequence[Message]) -> dict[str, Any]:
    """Return the thread with its messages, oldest first."""
    return {"id": item.id, "subject": item.subject, "messages": [message_detail(each) for each in messages]}


def page(found: Page[R], write: Callable[[R], dict[str, Any]]) -> dict[str, Any]:
    """Return a page of a list and the cursor of the next one."""
    key = found.next_key
    return {
        "data": [write(record) for record in found.records],
        "next_cursor": None if key is None else encode_cursor(key),
    }


def matched(item: Message, extracted: Extracted) -> dict[str, Any]:
    """Return the answer of a wait that was over in time."""
    names = ("id", "thread_id", "from", "subject", "received_at")
    shown = message(item)
    return {
        "timed_out": False,
        "message": {name: shown[name] for name in names},
        "extracted": {
            "otp_code": extracted.code,
            "verification_link": extracted.link,
            "credentials": [each._asdict() for each in extracted.credentials] or None,
        },
    }


def timed_out() -> dict[str, Any]:
    """Return the answer of a wait in which nothing came."""
    return {"timed_out": True, "message": None, "extracted": None}


def webhook(item: Subscription) -> dict[str, Any]:
    """Return a new webhook; the secret is shown here only."""
    return {"id": item.id, "url": item.url, "events": list(item.events), "secret": item.secret}


def purchase(balance: payment.Balance) -> dict[str, Any]:
    """Return the answer of a purchase."""
    names = ("network", "asset", "amount", "resource")
    shown = {name: payment.CHALLENGE[name] for name in names}
    return {"status": "settled", **shown, "mailboxes_available": balance.mailboxes}


def problem(error: Problem, request_id: str) -> Answer:
    """Return `{"error": {code, message, details, request_id}}`, with the challenge on 402."""
    status = 400 if error.kind == "wrong_content_type" else error.status
    written = {
        "code": error.code or _CODES.get(status, "internal_error"),
        "message": error.message,
        "details": [_invalid(each) for each in error.errors] or None,
        "request_id": request_id,
    }
    if status == 402:
        challenge = {"PAYMENT-REQUIRED": payment.challenge_header()}
        return Answer({"error": written, "payment": dict(payment.CHALLENGE)}, status, challenge)
    return Answer({"error": written}, status, {"Retry-After": _RETRY_AFTER} if status == 429 else {})


def _sender(item: Message) -> str:
    return next(iter(item.mail.bare_addresses("from")), item.sender)


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else timestamp(moment, "seconds")


def _invalid(error: Invalid) -> dict[str, Any]:
    place, *path = map(str, error.where)
    return {"field": ".".join(path) or place, "message": error.message}
