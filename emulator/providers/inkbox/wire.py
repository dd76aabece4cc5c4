"""Inkbox on the wire: id formats, records as JSON, pages, and the error envelope."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from emulator.mail import Attachment, Mailbox, Message, Thread
from emulator.paging import encode_cursor
from emulator.provider import Answer, Invalid, Problem
from emulator.providers.inkbox.resources import Identity, Organization
from emulator.providers.inkbox.signup import Registration, Signup, restrictions
from emulator.world import Credential, Page, timestamp
from emulator.world.ids import DIGITS, HEX, LOWER36, Format, prefixed, prefixed_uuid, uuid
from emulator.world.store import R

IDS: Final[Mapping[str, Format]] = {
    "mailbox": uuid,
    "message": uuid,
    "thread": uuid,
    "identity": uuid,
    "tunnel": uuid,
    "contact_rule": uuid,
    "draft": uuid,
    "import_job": uuid,
    "upload_token": prefixed("", 32),
    "open_token": prefixed("", 32),
    "sending_domain": prefixed_uuid("sending_domain_"),
    "webhook_attempt": uuid,
    "message_id": uuid,
    "account": prefixed("org_", 24),
    "provisional_account": prefixed("org_agent_", 24),
    "api_key": prefixed_uuid("ApiKey_"),
    "local_part": prefixed("", 12, LOWER36),
    "handle_suffix": prefixed("", 6, HEX),
    "signing_key": prefixed("", 64, HEX),
    "webhook": uuid,
    "event": prefixed("evt_", 24, LOWER36),
    "webhook_request": uuid,
    "verification_code": prefixed("", 6, DIGITS),
    "ses_message_id": prefixed("0100", 56, HEX),
}

_INVALID: Final = {
    "required": "missing",
    "type": "type_error",
    "enum": "enum",
    "pattern": "string_pattern_mismatch",
    "minLength": "string_too_short",
    "maxLength": "string_too_long",
    "minItems": "too_short",
    "maxItems": "too_long",
    "minimum": "greater_than_equal",
    "maximum": "less_than_equal",
    "json": "json_invalid",
}
_ECHOED: Final = 500
UNPROCESSABLE: Final = 422


def mailbox(box: Mailbox, webhook_url: str | None) -> dict[str, Any]:
    """Return the mailbox object."""
    return {**_identity_mailbox(box), "webhook_url": webhook_url}


def _identity_mailbox(box: Mailbox) -> dict[str, Any]:
    return {
        "id": box.id,
        "email_address": box.address,
        "display_name": box.display_name,
        "status": box.status,
        "created_at": timestamp(box.created_at),
        "updated_at": timestamp(box.updated_at),
    }


def message(item: Message) -> dict[str, Any]:
    """Return the message object of lists: no bodies."""
    mail = item.mail
    return {
        "id": item.id,
        "mailbox_id": item.mailbox_id,
        "thread_id": item.thread_id,
        "message_id": mail.message_id or f"<{item.id}@unknown>",
        "from_address": next(iter(mail.bare_addresses("from")), item.sender),
        "to_addresses": mail.bare_addresses("to"),
        "cc_addresses": mail.bare_addresses("cc") or None,
        "subject": mail.subject,
        "snippet": mail.snippet or None,
        "direction": item.direction,
        "status": item.status,
        "is_read": item.is_read,
        "is_starred": item.is_starred,
        "has_attachments": bool(mail.body.attachments),
        "created_at": timestamp(item.created_at),
    }


def message_detail(item: Message, ses_message_id: str | None) -> dict[str, Any]:
    """Return the message object with bodies and headers."""
    mail = item.mail
    return {
        **message(item),
        "body_text": mail.body.text,
        "body_html": mail.body.html,
        "bcc_addresses": list(item.bcc) or None,
        "in_reply_to": mail.in_reply_to,
        "references": mail.references or None,
        "attachment_metadata": [_attachment(part) for part in mail.body.attachments] or None,
        "ses_message_id": ses_message_id,
        "updated_at": timestamp(item.updated_at),
    }


def _attachment(part: Attachment) -> dict[str, Any]:
    return {"filename": part.filename, "content_type": part.content_type, "size": len(part.data)}


def thread(item: Thread) -> dict[str, Any]:
    """Return the thread object of lists."""
    return {
        "id": item.id,
        "mailbox_id": item.mailbox_id,
        "subject": item.subject,
        "status": "active",
        "message_count": item.message_count,
        "last_message_at": timestamp(item.last_message_at),
        "created_at": timestamp(item.created_at),
    }


def thread_detail(item: Thread, messages: Sequence[Message]) -> dict[str, Any]:
    """Return the thread object with its messages, oldest first."""
    return {**thread(item), "messages": [message(each) for each in messages]}


def page(found: Page[R], write: Callable[[R], dict[str, Any]]) -> dict[str, Any]:
    """Return a page of a list and the cursor of the next one."""
    key = found.next_key
    return {
        "items": [write(record) for record in found.records],
        "next_cursor": None if key is None else encode_cursor(key),
        "has_more": key is not None,
    }


def search_result(found: Sequence[Message]) -> dict[str, Any]:
    """Return the answer of a search; it is not paged."""
    return {"items": [message(item) for item in found], "next_cursor": None, "has_more": False}


def identity(item: Identity, organization: Organization, box: Mailbox | None) -> dict[str, Any]:
    """Return the identity summary of create, list and update."""
    return {
        "id": item.id,
        "organization_id": organization.organization_id,
        "agent_handle": item.agent_handle,
        "status": item.status,
        "email_address": box and box.address,
        "created_at": timestamp(item.created_at),
        "updated_at": timestamp(item.updated_at),
    }


def identity_detail(item: Identity, organization: Organization, box: Mailbox | None) -> dict[str, Any]:
    """Return the identity with its mailbox."""
    return {
        **identity(item, organization, box),
        "mailbox": box and _identity_mailbox(box),
        "phone_number": None,
    }


def whoami(credential: Credential, key_id: str, organization: Organization | None) -> dict[str, Any]:
    """Return what an API key is; times are unix seconds here and nowhere else."""
    used, expires = credential.last_used_at, credential.expires_at
    return {
        "auth_type": "api_key",
        "auth_subtype": None,
        "organization_id": organization and organization.organization_id,
        "created_by": None,
        "creator_type": credential.kind,
        "key_id": key_id,
        "label": credential.label,
        "description": None,
        "created_at": credential.created_at.timestamp(),
        "last_used_at": used and used.timestamp(),
        "expires_at": expires and expires.timestamp(),
    }


def claim(organization: Organization, signup: Signup, message: str) -> dict[str, Any]:
    """Return where a self-registered agent stands."""
    return {
        "claim_status": signup.claim_status,
        "organization_id": organization.organization_id,
        "message": message,
    }


def resent(organization: Organization, signup: Signup) -> dict[str, Any]:
    """Return where an agent stands that asked for another code."""
    sent = "The agent is claimed already." if signup.claimed else f"A new code was sent to {signup.human_email}."
    return claim(organization, signup, sent)


def registration(made: Registration) -> dict[str, Any]:
    """Return what a registration made; the key is shown here only."""
    return {
        "email_address": made.mailbox.address,
        "api_key": made.api_key,
        "agent_handle": made.identity.agent_handle,
        "human_email": made.signup.human_email,
        **claim(made.organization, made.signup, f"A verification code was sent to {made.signup.human_email}."),
    }


def signup_status(signup: Signup) -> dict[str, Any]:
    """Return where a self-registered agent stands and what it may do."""
    return {
        "claim_status": signup.claim_status,
        "human_state": "human_account_verified" if signup.claimed else "human_no_account",
        "human_email": signup.human_email,
        "restrictions": restrictions(signup),
    }


def problem(error: Problem, _request_id: str) -> Answer:
    """Return `{"detail": ...}`: a list for what fails validation, else a sentence."""
    if error.kind in ("malformed", "wrong_content_type"):
        syntax = Invalid(("body",), "json", error.message, None)
        return Answer({"detail": [_invalid(syntax)]}, UNPROCESSABLE)
    if error.kind == "invalid" or error.status == UNPROCESSABLE:  # one that a fault rule asks for has the shape, too
        errors = error.errors or (Invalid(("body",), "value", error.message, None),)
        return Answer({"detail": [_invalid(each) for each in errors]}, error.status)
    return Answer({"detail": error.message}, error.status)


def _invalid(error: Invalid) -> dict[str, Any]:
    written = {"type": _INVALID.get(error.rule, "value_error"), "loc": list(error.where), "msg": error.message}
    # FastAPI repeats the input; a large one is left out.
    echo = json.dumps(error.value, ensure_ascii=True, default=str)
    return written if len(echo) > _ECHOED else {**written, "input": error.value}
