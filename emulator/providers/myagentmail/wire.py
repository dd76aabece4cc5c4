"""myagentmail on the wire: id formats, records as JSON, and the error body."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from emulator.mail import Mailbox, Message, Thread
from emulator.mail.addresses import domain as domain_of
from emulator.mail.addresses import local_part
from emulator.provider import Answer, Door, Invalid, Problem
from emulator.providers.myagentmail.domains import DEFAULT_DOMAIN, DnsRecord, Domain, dns_records
from emulator.providers.myagentmail.drafts import SavedDraft
from emulator.providers.myagentmail.folders import Row
from emulator.providers.myagentmail.keys import Caller
from emulator.providers.myagentmail.lists import ContactList, ListEntry
from emulator.providers.myagentmail.messages import Filing, Listed, attachment_id, is_read
from emulator.providers.myagentmail.resources import Inbox, Tenant
from emulator.providers.myagentmail.workspaces import Workspace, WorkspaceKey
from emulator.webhooks import Subscription
from emulator.world import timestamp
from emulator.world.ids import HEX, LOWER36, Format, prefixed, uuid

IDS: Final[Mapping[str, Format]] = {
    "mailbox": uuid,
    "message": uuid,
    "thread": uuid,
    "message_id": uuid,
    "account": uuid,
    "workspace": uuid,
    "workspace_key_id": uuid,
    "domain": uuid,
    "draft": uuid,
    "list": uuid,
    "list_entry": uuid,
    "webhook": uuid,
    "event": prefixed("evt_", 24),
    "api_key": prefixed("tk_", 32, HEX),
    "workspace_key": prefixed("wk_", 32, HEX),
    "inbox_key": prefixed("ak_", 32, HEX),
    "imap_password": prefixed("", 24),
    "webhook_secret": prefixed("whsec_", 32),
    "dns_token": prefixed("", 24, LOWER36),
    "local_part": prefixed("", 12, LOWER36),
}

_CODES: Final = {
    400: "VALIDATION_ERROR",
    401: "UNAUTHORIZED",
    403: "FORBIDDEN",
    404: "NOT_FOUND",
    405: "METHOD_NOT_ALLOWED",
    409: "ALREADY_EXISTS",
    413: "PAYLOAD_TOO_LARGE",
    429: "RATE_LIMITED",
    501: "NOT_IMPLEMENTED",
    502: "SMTP_RELAY_ERROR",
    503: "UNAVAILABLE",
}
_VALIDATION: Final = ("malformed", "invalid", "wrong_content_type")
_IMAP: Final = Door(f"imap.{DEFAULT_DOMAIN}", 993)
_SMTP: Final = Door(f"smtp.{DEFAULT_DOMAIN}", 587)
_KEY_PREFIX: Final = len("wk_00000000")


def me(kind: str, caller: Caller | None) -> dict[str, Any]:
    """Return what a key is: its class, and the tenant, workspace and inbox that it stands for."""
    return {
        "type": kind,
        "tenantId": caller and caller.account_id,
        "workspaceId": caller and caller.workspace_id,
        "inboxId": caller and caller.inbox_id,
    }


def inbox(
    item: Inbox, box: Mailbox, aliases: Sequence[str], doors: Mapping[str, Door], *, password: bool = False
) -> dict[str, Any]:
    """Return the inbox object, with its password where the API shows it."""
    login = {"username": box.address, **({"password": item.imap_password} if password else {})}
    imap, smtp = doors.get("imaps", _IMAP), doors.get("smtp", _SMTP)
    return {
        "id": item.id,
        "email": item.primary,
        "canonicalEmail": box.address,
        "username": local_part(box.address),
        "domain": domain_of(box.address),
        "displayName": box.display_name,
        "workspaceId": item.workspace_id,
        "addresses": [address(item, each) for each in (box.address, *aliases)],
        **({"imapPassword": item.imap_password} if password else {}),
        "imap": {**imap._asdict(), "tls": True, **login},
        "smtp": {**smtp._asdict(), "starttls": True, **login},
        "createdAt": timestamp(item.created_at),
    }


def address(item: Inbox, one: str) -> dict[str, Any]:
    """Return an address of an inbox."""
    return {"address": one, "isPrimary": one == item.primary}


def sent(item: Message) -> dict[str, Any]:
    """Return the answer of sending, replying and forwarding."""
    return {"id": item.id, "threadId": item.thread_id, "status": "sent", "messageId": item.mail.message_id}


def message(item: Message) -> dict[str, Any]:
    """Return the message object."""
    mail = item.mail
    return {
        "id": item.id,
        "direction": item.direction,
        "from": _sender(item),
        "to": _to(item),
        "subject": mail.subject,
        "plainBody": mail.body.text,
        "htmlBody": mail.body.html,
        "isRead": is_read(item),
        "threadId": item.thread_id,
        "messageIdHeader": mail.message_id,
        "inReplyTo": mail.in_reply_to,
        "receivedAt": timestamp(item.created_at),
        "attachments": attachments(item),
    }


def marked_message(item: Message, filing: Filing) -> dict[str, Any]:
    """Return the message object with all its marks."""
    return {**message(item), "isStarred": item.is_starred, "isArchived": filing.archived}


def messages(found: Listed) -> dict[str, Any]:
    """Return a part of the messages of an inbox with the size of the whole."""
    offset, limit = found.window
    return {
        "messages": [message(item) for item in found.messages],
        "pagination": {"total": found.total, "limit": limit, "offset": offset},
    }


def attachments(item: Message) -> list[dict[str, Any]]:
    """Return the attachments of a message, without their bytes."""
    return [
        {
            "id": attachment_id(item, index),
            "filename": part.filename,
            "contentType": part.content_type,
            "sizeBytes": len(part.data),
        }
        for index, part in enumerate(item.mail.body.attachments)
    ]


def thread(item: Thread, found: Sequence[Message]) -> dict[str, Any]:
    """Return a thread with its messages, oldest first."""
    return {
        "threadId": item.id,
        "messageCount": item.message_count,
        "messages": [message(each) for each in found],
    }


def row(item: Row) -> dict[str, Any]:
    """Return a message as the lists across inboxes show it."""
    found, box, talk = item.message, item.mailbox, item.conversation
    return {
        "id": found.id,
        "inboxId": box.id,
        "inboxUsername": local_part(box.address),
        "inboxDomain": domain_of(box.address),
        "direction": found.direction,
        "from": _sender(found),
        "to": _to(found),
        "subject": found.mail.subject,
        "snippet": found.mail.snippet,
        "isRead": is_read(found),
        "isStarred": found.is_starred,
        "isArchived": item.filing.archived,
        "receivedAt": timestamp(found.created_at),
        "threadId": found.thread_id,
        **({} if talk is None else {"threadCount": talk.messages, "threadUnreadCount": talk.unread}),
    }


def folder_counts(counts: Mapping[str, int]) -> dict[str, Any]:
    """Return how many messages each folder holds."""
    totals = {name: {"total": counts[name]} for name in ("sent", "starred", "archived", "trash")}
    return {"inbox": {"unread": counts["unread"], "total": counts["inbox"]}, **totals}


def _sender(item: Message) -> str:
    name, bare = next(iter(item.mail.addresses("from")), ("", item.sender))
    return f"{name} <{bare}>" if name else bare


def _to(item: Message) -> str:
    return ", ".join(item.mail.bare_addresses("to"))


def draft(item: SavedDraft) -> dict[str, Any]:
    """Return the draft object."""
    return {
        "id": item.id,
        "inboxId": item.inbox_id,
        "to": list(item.to),
        "cc": list(item.cc),
        "bcc": list(item.bcc),
        "subject": item.subject,
        "plainBody": item.plain_body,
        "htmlBody": item.html_body,
        "replyToMessageId": item.reply_to_message_id,
        "createdAt": timestamp(item.created_at),
        "updatedAt": timestamp(item.updated_at),
    }


def contact_list(item: ContactList) -> dict[str, Any]:
    """Return a new list."""
    return {
        "id": item.id,
        "name": item.name,
        "description": item.description,
        "entryCount": 0,
        "entries": [],
        "createdAt": timestamp(item.created_at),
    }


def list_entry(item: ListEntry) -> dict[str, Any]:
    """Return an address on a list."""
    return {
        "id": item.id,
        "email": item.email,
        "displayName": item.display_name,
        "metadata": dict(item.metadata),
        "createdAt": timestamp(item.created_at),
    }


def domain(item: Domain) -> dict[str, Any]:
    """Return the domain object with its DNS records."""
    return {
        "id": item.id,
        "domain": item.name,
        "status": item.status,
        "workspaceId": item.workspace_id,
        "dnsRecords": [_record(record) for record in dns_records(item)],
        "createdAt": timestamp(item.created_at),
        "updatedAt": timestamp(item.updated_at),
    }


def _record(record: DnsRecord) -> dict[str, Any]:
    return record._asdict()


def webhook(item: Subscription) -> dict[str, Any]:
    """Return the webhook object without its secret."""
    return {
        "id": item.id,
        "url": item.url,
        "events": list(item.events),
        "isActive": item.enabled,
        "createdAt": timestamp(item.created_at),
    }


def created_webhook(item: Subscription) -> dict[str, Any]:
    """Return a webhook with its secret, which is shown here only."""
    return {**webhook(item), "secret": item.secret}


def workspace(item: Workspace, inbox_count: int, domain_count: int) -> dict[str, Any]:
    """Return the workspace object with its counts."""
    return {
        "id": item.id,
        "name": item.name,
        "slug": item.slug,
        "isDefault": item.is_default,
        "inboxCount": inbox_count,
        "domainCount": domain_count,
        "createdAt": timestamp(item.created_at),
    }


def workspace_key(item: WorkspaceKey) -> dict[str, Any]:
    """Return a workspace's key by its prefix."""
    return {
        "id": item.id,
        "prefix": item.key[:_KEY_PREFIX],
        "name": item.name,
        "createdAt": timestamp(item.created_at),
    }


def created_workspace_key(item: WorkspaceKey) -> dict[str, Any]:
    """Return a workspace's key in full, which is shown here only."""
    return {**workspace_key(item), "key": item.key, "workspaceId": item.workspace_id}


def tenant(made: Tenant) -> dict[str, Any]:
    """Return a new tenant; its key is shown here only."""
    return {
        "id": made.account.id,
        "name": made.account.name,
        "apiKey": made.key.id,
        "defaultWorkspaceId": made.workspace.id,
        "createdAt": timestamp(made.account.created_at),
    }


def problem(error: Problem, _request_id: str) -> Answer:
    """Return `{"error", "code"}`, `details` for what fails validation, and what the problem says besides."""
    if error.kind in _VALIDATION:
        errors = error.errors or (Invalid(("body",), error.kind, error.message, None),)
        found = [{"path": list(each.where), "message": each.message} for each in errors]
        place = "body" if errors[0].where[0] == "body" else "parameters"
        text = f"Request {place} failed schema validation"
        return Answer({"error": text, "code": _CODES[400], "details": found}, 400)
    code = error.code or _CODES.get(error.status, "INTERNAL_ERROR")
    return Answer({"error": error.message, "code": code, **error.details}, error.status)
