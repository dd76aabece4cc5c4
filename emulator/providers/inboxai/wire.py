"""InboxAI on the wire: id formats, records as JSON, pages, and the error body."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from emulator.mail import Attachment, Mailbox, Message, Thread
from emulator.mail.addresses import domain as domain_of
from emulator.mail.addresses import local_part, unique
from emulator.provider import Answer, Invalid, Problem
from emulator.providers.inboxai.attachments import attachment_id
from emulator.providers.inboxai.domains import DnsRecord, Domain
from emulator.providers.inboxai.keys import ApiKey
from emulator.providers.inboxai.messages import custom_headers
from emulator.providers.inboxai.pages import Listed
from emulator.providers.inboxai.resources import Organization
from emulator.webhooks import Subscription
from emulator.world import timestamp
from emulator.world.ids import HEX, LOWER36, Format, prefixed, uuid
from emulator.world.store import R

_LONG_ID: Final = 24
_PREFIX: Final = len("inai_xxxx_")


def _api_key(digest: bytes) -> str:
    letters = prefixed("", 32, LOWER36)(digest)
    return f"inai_{letters[:4]}_{letters[4:]}"


IDS: Final[Mapping[str, Format]] = {
    "mailbox": prefixed("", _LONG_ID, LOWER36),
    "message": prefixed("msg_", _LONG_ID, LOWER36),
    "thread": prefixed("thr_", _LONG_ID, LOWER36),
    "message_id": uuid,
    "account": prefixed("org_", _LONG_ID, LOWER36),
    "api_key": _api_key,
    "api_key_id": prefixed("key_", _LONG_ID, LOWER36),
    "webhook": prefixed("wh_", _LONG_ID, LOWER36),
    "event": prefixed("evt_", _LONG_ID, LOWER36),
    "webhook_secret": prefixed("", 64, HEX),
    "dkim_key": prefixed("MIG", 32),
    "local_part": prefixed("", 12, LOWER36),
}

_WORDS: Final = {
    400: ("BadRequestError", "bad_request"),
    401: ("UnauthorizedError", "unauthorized"),
    403: ("ForbiddenError", "forbidden"),
    404: ("NotFoundError", "not_found"),
    405: ("MethodNotAllowedError", "method_not_allowed"),
    409: ("ConflictError", "conflict"),
    413: ("PayloadTooLargeError", "payload_too_large"),
    429: ("RateLimitError", "rate_limited"),
    500: ("InternalError", "internal_error"),
    501: ("NotImplementedError", "not_implemented"),
    503: ("UnavailableError", "unavailable"),
}
_VALIDATION: Final = ("malformed", "invalid", "wrong_content_type")


def organization(item: Organization) -> dict[str, Any]:
    """Return the organization with its counts and limits."""
    account = item.account
    return {
        "org_id": account.id,
        "name": account.name,
        "inbox_count": item.inbox_count,
        "inbox_limit": item.inbox_limit,
        "domain_count": item.domain_count,
        "domain_limit": item.domain_limit,
        "created_at": timestamp(account.created_at),
        "updated_at": timestamp(account.created_at),
    }


def inbox(box: Mailbox, client_id: str | None) -> dict[str, Any]:
    """Return the inbox object."""
    return {
        "inbox_id": box.id,
        "email_address": box.address,
        "username": local_part(box.address),
        "domain": domain_of(box.address),
        "display_name": box.display_name,
        "client_id": client_id,
        "created_at": timestamp(box.created_at),
        "updated_at": timestamp(box.updated_at),
    }


def message(item: Message) -> dict[str, Any]:
    """Return the message object of lists: no bodies."""
    mail = item.mail
    return {
        "inbox_id": item.mailbox_id,
        "thread_id": item.thread_id,
        "message_id": item.id,
        "direction": item.direction,
        "labels": list(item.labels),
        "timestamp": timestamp(item.created_at),
        "from": _sender(item),
        "to": mail.bare_addresses("to"),
        "cc": mail.bare_addresses("cc") or None,
        "subject": mail.subject,
        "preview": mail.snippet,
        "size": len(mail),
        "attachments": [_attachment(item, index) for index in range(len(mail.body.attachments))],
    }


def message_detail(item: Message) -> dict[str, Any]:
    """Return the message object with bodies and headers."""
    mail = item.mail
    return {
        **message(item),
        "reply_to": mail.bare_addresses("reply-to") or None,
        "bcc": list(item.bcc) or None,
        "text": mail.body.text,
        "html": mail.body.html,
        "in_reply_to": mail.in_reply_to,
        "references": mail.references or None,
        "headers": custom_headers(item),
        "created_at": timestamp(item.created_at),
        "updated_at": timestamp(item.updated_at),
    }


def sent(item: Message) -> dict[str, Any]:
    """Return what sending, replying and forwarding answer."""
    return {"message_id": item.id, "thread_id": item.thread_id}


def _sender(item: Message) -> str:
    name, address = next(iter(item.mail.addresses("from")), ("", item.sender))
    return f"{name} <{address}>" if name else address


def _attachment(item: Message, index: int) -> dict[str, Any]:
    part = item.mail.body.attachments[index]
    return {
        "attachment_id": attachment_id(item, index),
        "filename": part.filename,
        "size": len(part.data),
        "content_type": part.content_type,
        "content_disposition": _disposition(part),
        "content_id": part.content_id,
    }


def _disposition(part: Attachment) -> str:
    return "inline" if part.inline else "attachment"


def attachment_link(item: Message, index: int, url: str, expires_at: datetime) -> dict[str, Any]:
    """Return an attachment with the link that opens it until it expires."""
    return {**_attachment(item, index), "download_url": url, "expires_at": timestamp(expires_at)}


def thread(item: Thread, messages: Sequence[Message]) -> dict[str, Any]:
    """Return the thread object of lists; its messages come oldest first."""
    newest = messages[-1]
    return {
        "inbox_id": item.mailbox_id,
        "thread_id": item.id,
        "labels": list(dict.fromkeys(label for each in messages for label in each.labels)),
        "timestamp": timestamp(item.last_message_at),
        "received_timestamp": _last(messages, "inbound"),
        "sent_timestamp": _last(messages, "outbound"),
        "senders": unique(address for each in messages for address in _from(each)),
        "recipients": unique(address for each in messages for address in _to(each)),
        "subject": item.subject,
        "preview": newest.mail.snippet,
        "last_message_id": newest.id,
        "message_count": item.message_count,
        "size": sum(len(each.mail) for each in messages),
    }


def thread_detail(item: Thread, messages: Sequence[Message]) -> dict[str, Any]:
    """Return the thread object with its messages, oldest first."""
    return {
        "inbox_id": item.mailbox_id,
        "thread_id": item.id,
        "subject": item.subject,
        "message_count": item.message_count,
        "preview": messages[-1].mail.snippet,
        "messages": [_thread_message(each) for each in messages],
    }


def _thread_message(item: Message) -> dict[str, Any]:
    return {
        "message_id": item.id,
        "direction": item.direction,
        "from": _sender(item),
        "to": item.mail.bare_addresses("to"),
        "subject": item.mail.subject,
        "text": item.mail.body.text,
        "timestamp": timestamp(item.created_at),
    }


def _last(messages: Sequence[Message], direction: str) -> str | None:
    return next((timestamp(each.created_at) for each in reversed(messages) if each.direction == direction), None)


def _from(item: Message) -> list[str]:
    return item.mail.bare_addresses("from") or [item.sender]


def _to(item: Message) -> list[str]:
    return [*item.mail.bare_addresses("to"), *item.mail.bare_addresses("cc")]


def domain(item: Domain) -> dict[str, Any]:
    """Return the domain object with its DNS records."""
    return {
        "domain_id": item.id,
        "status": "VERIFIED" if item.verified else "PENDING",
        "feedback_enabled": item.feedback_enabled,
        "records": [_record(record) for record in item.records],
        "created_at": timestamp(item.created_at),
        "updated_at": timestamp(item.updated_at),
    }


def _record(record: DnsRecord) -> dict[str, Any]:
    return {
        "type": record.type,
        "name": record.name,
        "value": record.value,
        "status": "VALID" if record.valid else "MISSING",
        "priority": record.priority,
    }


def webhook(item: Subscription) -> dict[str, Any]:
    """Return the webhook object without its secret."""
    return {
        "webhook_id": item.id,
        "url": item.url,
        "event_types": list(item.events),
        "inbox_ids": list(item.mailbox_ids),
        "enabled": item.enabled,
        "client_id": item.client_id,
        "created_at": timestamp(item.created_at),
        "updated_at": timestamp(item.updated_at),
    }


def created_webhook(item: Subscription) -> dict[str, Any]:
    """Return a webhook with its secret, which is shown here only."""
    return {**webhook(item), "secret": item.secret}


def api_key(item: ApiKey, used_at: datetime | None) -> dict[str, Any]:
    """Return an API key by its prefix."""
    return {
        "key_id": item.id,
        "name": item.name,
        "prefix": f"{item.key[:_PREFIX]}...",
        "used_at": used_at and timestamp(used_at),
        "created_at": timestamp(item.created_at),
    }


def created_api_key(item: ApiKey) -> dict[str, Any]:
    """Return an API key in full, which is shown here only."""
    return {**api_key(item, None), "key": item.key}


def page(found: Listed[R], write: Callable[[R], dict[str, Any]]) -> dict[str, Any]:
    """Return a page of a list with the size of the whole."""
    return {
        "data": [write(record) for record in found.records],
        "total": found.total,
        "page": found.window.number,
        "page_size": found.window.size,
    }


def problem(error: Problem, _request_id: str) -> Answer:
    """Return `{"name", "code", "message"}`, and `errors` for what fails validation."""
    if error.kind in _VALIDATION:
        errors = error.errors or (Invalid(("body",), error.kind, error.message, None),)
        found = [{"path": list(each.where[1:]), "message": each.message} for each in errors]
        return Answer({**_error("ValidationError", "validation_error", error.message), "errors": found}, 400)
    name, code = _WORDS.get(error.status, ("Error", "error"))
    return Answer(_error(name, error.code or code, error.message), error.status)


def _error(name: str, code: str, message: str) -> dict[str, Any]:
    return {"name": name, "code": code, "message": message}
