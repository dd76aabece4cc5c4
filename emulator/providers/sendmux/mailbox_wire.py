"""The Mailbox API on the wire: messages, bodies, threads, folders, submissions, identities and quotas as JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from emulator.mail import Attachment, Mailbox, Message
from emulator.mail.parse import decode_words
from emulator.providers.sendmux.mailbox_changes import Changes, QueryChanges
from emulator.providers.sendmux.mailbox_content import Content, Options, RawBody, clean_content, raw_body
from emulator.providers.sendmux.mailbox_folders import Listed
from emulator.providers.sendmux.mailbox_identity import Quota, Signatures, identity_id
from emulator.providers.sendmux.mailbox_keywords import ANSWERED, DRAFT, FLAGGED, SEEN, keywords
from emulator.providers.sendmux.mailbox_messages import Batch, id_of_attachment
from emulator.providers.sendmux.mailbox_search import body_text, marked, people, snippet
from emulator.providers.sendmux.mailbox_sending import MAX_UPLOAD
from emulator.providers.sendmux.mailbox_threads import Conversation, participants
from emulator.providers.sendmux.submissions import Progress, Submission
from emulator.providers.sendmux.uploads import Intent, Upload
from emulator.providers.sendmux.wire import time
from emulator.world import timestamp

Links = Callable[[Message, int], str]
"""Makes the URL under which the n-th attachment of a message is to be had."""

_EVENT_BODY: Final = 16_384
_REPORT: Final = "message/delivery-status"


# Messages


def message(item: Message, link: Links | None = None) -> dict[str, Any]:
    """Return the message object of lists: no bodies. Without `link` its attachments have no URL."""
    mail = item.mail
    shown = keywords(item)
    return {
        "id": item.id,
        "thread_id": item.thread_id,
        "folder_ids": [item.place],
        "subject": mail.subject,
        "preview": mail.snippet or None,
        "from": next(iter(_people(item, "from")), None),
        "to": _people(item, "to"),
        "cc": _people(item, "cc"),
        "bcc": _people(item, "bcc"),
        "received_at": time(item.created_at),
        "sent_at": _sent_at(item),
        "size_bytes": len(mail),
        "has_attachments": bool(mail.body.attachments),
        "keywords": list(shown),
        "flags": {
            "seen": SEEN in shown,
            "flagged": FLAGGED in shown,
            "draft": DRAFT in shown,
            "answered": ANSWERED in shown,
        },
        "attachments": _attachments(item, link),
    }


def message_detail(item: Message, link: Links | None = None) -> dict[str, Any]:
    """Return the message object with its bodies."""
    body = item.mail.body
    return {
        **message(item, link),
        "text_body": body.text,
        "html_body": body.html,
        **_ancestry(item),
    }


def body(item: Message, raw: RawBody, state: str) -> dict[str, Any]:
    """Return the bodies of a message as they came."""
    return {
        "id": item.id,
        "thread_id": item.thread_id,
        "part": raw.part,
        "body": {"text": raw.text, "html": raw.html, **_cut(raw.cut_at)},
        "states": {"email_state": state},
    }


def content(item: Message, options: Options, state: str, link: Links | None = None) -> dict[str, Any]:
    """Return the cleaned body of a message with what the options ask for."""
    with_attachments = options.include_attachments == "metadata"
    return {
        "id": item.id,
        "thread_id": item.thread_id,
        "subject": item.mail.subject,
        "participants": {
            "from": next(iter(_people(item, "from")), None),
            **{field: _people(item, field) for field in ("to", "cc", "bcc")},
            "reply_to": _people(item, "reply-to"),
        },
        "dates": {"received_at": time(item.created_at), "sent_at": _sent_at(item)},
        "body": _clean_body(clean_content(item, options)),
        "headers": _headers(item, options.include_headers),
        "attachments": _attachments(item, link) if with_attachments else [],
        "states": {"email_state": state, "option_hash": options.hash},
    }


def batch_item(item: Message, mode: str, options: Options, state: str, link: Links) -> dict[str, Any]:
    """Return a message with its body in the mode that was asked for."""
    raw = raw_body(item, options.part, options.max_body_chars) if mode == "raw" else None
    plain = options._replace(part="auto") if options.part == "both" else options
    return {
        "message": message(item, link),
        "raw_body": None if raw is None else body(item, raw, state),
        "content": content(item, plain, state, link) if mode == "clean_json" else None,
    }


def batch(made: Batch, name: str) -> dict[str, Any]:
    """Return what became of many messages; `name` is what those that succeeded are called."""
    states = {"old_state": made.old_state, "new_state": made.new_state}
    return {name: made.done, "not_found": made.not_found, "failed": [], "states": states}


def search_snippet(item: Message, words: str) -> dict[str, Any]:
    """Return where the words stand in a message."""
    return {
        "message_id": item.id,
        "subject": marked(item.mail.subject or "", words) or item.mail.subject,
        "preview": snippet(item, words) if body_text(item).strip() else None,
    }


def event(
    event_type: str, mailbox: Mailbox, at: str, item: Message | None, link: Links | None = None
) -> dict[str, Any]:
    """Return the data of an event: of a mail that came in, or that a client has to look for itself."""
    return {
        "event_type": event_type,
        "team_public_id": mailbox.account_id,
        "mailbox_id": mailbox.id,
        "message_id": None if item is None else _bare_id(item),
        "message_id_kind": "rfc5322" if item and item.mail.message_id else None,
        "sender": item and item.sender,
        "recipients": list(item.recipients) if item else [],
        "is_spam": None if item is None else False,
        "occurred_at": at,
        "message": item and _event_message(item, link),
    }


def _event_message(item: Message, link: Links | None) -> dict[str, Any]:
    texts = {"text": item.mail.body.text, "html": item.mail.body.html}
    cut = {kind: text and text.encode()[:_EVENT_BODY].decode(errors="ignore") for kind, text in texts.items()}
    return {
        **message(item, link),
        "rfc5322_message_id": _bare_id(item),
        "body": {**cut, "is_truncated": cut != texts, "max_bytes": _EVENT_BODY},
    }


def _people(item: Message, field: str) -> list[dict[str, Any]]:
    return _addresses(people(item, field))


def _addresses(pairs: Iterable[tuple[str, str]]) -> list[dict[str, Any]]:
    return [{"email": address, "name": name or None} for name, address in pairs]


def _sent_at(item: Message) -> str | None:
    return None if item.mail.date is None else time(item.mail.date)


def _ancestry(item: Message) -> dict[str, Any]:
    mail = item.mail
    return {
        "message_id": _bare([mail.message_id]),
        "in_reply_to": _bare([mail.in_reply_to]),
        "references": _bare(mail.references),
        "reply_to": _people(item, "reply-to"),
    }


def _bare_id(item: Message) -> str | None:
    return next(iter(_bare([item.mail.message_id])), None)


def _bare(message_ids: Iterable[str | None]) -> list[str]:
    return [each.strip("<>") for each in message_ids if each]


def _attachments(item: Message, link: Links | None) -> list[dict[str, Any]]:
    return [_attachment(item, index, part, link) for index, part in enumerate(item.mail.body.attachments)]


def _attachment(item: Message, index: int, part: Attachment, link: Links | None) -> dict[str, Any]:
    return {
        "id": id_of_attachment(item, index),
        "filename": part.filename,
        "content_type": part.content_type,
        "size_bytes": len(part.data),
        "disposition": "inline" if part.inline else "attachment",
        "content_id": part.content_id,
        **({} if link is None else {"download_url": link(item, index)}),
    }


def _clean_body(found: Content) -> dict[str, Any]:
    return {
        "format": found.format,
        "text": found.text,
        "html": found.html,
        **_cut(found.cut_at),
        "signature_stripped": found.signature_stripped,
        "quotes_stripped": found.quotes_stripped,
        "extracted_links": found.links,
    }


def _cut(at: int | None) -> dict[str, Any]:
    return {"is_truncated": at is not None, "truncated_at_chars": at}


def _headers(item: Message, mode: str) -> dict[str, Any]:
    ancestry = _ancestry(item)
    selected = {**ancestry, "in_reply_to": next(iter(ancestry["in_reply_to"]), None)}
    full = [{"name": name, "value": decode_words(value)} for name, value in item.mail.lines]
    return {
        "mode": mode,
        "selected": None if mode == "none" else selected,
        "full": full if mode == "full" else None,
    }


# Uploads


def upload(item: Upload) -> dict[str, Any]:
    """Return an uploaded file."""
    part = item.part
    return {
        "blob_id": item.id,
        "filename": item.filename,
        "content_type": part.content_type,
        "size_bytes": len(part.data),
    }


def upload_intent(item: Intent, url: str) -> dict[str, Any]:
    """Return where a file can be uploaded without a key, and with which headers."""
    return {
        "upload_id": item.id,
        "upload_url": url,
        "method": "PUT",
        "headers": {"Content-Type": item.content_type, "Content-Length": str(item.size)},
        "max_size_bytes": MAX_UPLOAD,
        "expires_at": timestamp(item.expires_at),
    }


# Folders and threads


def folder(item: Listed) -> dict[str, Any]:
    """Return the folder object."""
    return {
        "id": item.folder.id,
        "name": item.name,
        "parent_id": item.parent_id,
        "role": item.folder.role,
        "sort_order": item.sort_order,
        "total_messages": item.total,
        "unread_messages": item.unread,
        "can_add_items": True,
    }


def thread(item: Conversation, states: Mapping[str, str], link: Links | None = None) -> dict[str, Any]:
    """Return the thread object of lists."""
    messages = item.messages
    return {
        "id": item.thread.id,
        "subject": item.thread.subject,
        "message_count": len(messages),
        "unread_count": sum(not each.seen for each in messages),
        "has_attachments": any(each.mail.body.attachments for each in messages),
        "folder_ids": list(dict.fromkeys(each.place for each in messages)),
        "participants": thread_participants(messages),
        "last_message": message(messages[-1], link) if messages else None,
        "states": thread_states(states),
    }


def thread_detail(item: Conversation, states: Mapping[str, str], link: Links | None = None) -> dict[str, Any]:
    """Return the thread object with the ids of its messages, oldest first."""
    return {**thread(item, states, link), "message_ids": [each.id for each in item.messages]}


def thread_states(states: Mapping[str, str]) -> dict[str, str]:
    """Return the states that a thread hangs on."""
    return {"thread_state": states["threads"], "email_state": states["messages"]}


def thread_participants(messages: Iterable[Message]) -> list[dict[str, Any]]:
    """Return everybody in a thread."""
    return _addresses(participants(messages))


# Changes


def changes(found: Changes) -> dict[str, Any]:
    """Return what changed between two states."""
    return {
        "old_state": found.old_state,
        "new_state": found.new_state,
        "has_more": found.has_more,
        "created": list(found.created),
        "updated": list(found.updated),
        "destroyed": list(found.destroyed),
        **({"sync_required": True} if found.sync_required else {}),
        **({} if found.updated_properties is None else {"updated_properties": list(found.updated_properties)}),
    }


def query_changes(found: QueryChanges, total: int | None) -> dict[str, Any]:
    """Return how the results of a query changed between two states."""
    return {
        "old_query_state": found.old_state,
        "new_query_state": found.new_state,
        "has_more": found.has_more,
        "added": [{"id": each, "index": index} for index, each in found.added],
        "removed": list(found.removed),
        "total": total,
    }


# Submissions, identities, quotas


def submission(
    item: Submission, progress: Sequence[Progress], undo_status: str, reports: Sequence[Message]
) -> dict[str, Any]:
    """Return the submission object."""
    return {
        "id": item.id,
        "identity_id": identity_id(item.mailbox_id),
        "email_id": item.message_id,
        "thread_id": item.thread_id,
        "send_at": time(item.send_at),
        "undo_status": undo_status,
        "envelope": {
            "mail_from": {"email": item.sender, "parameters": None},
            "rcpt_to": [{"email": each, "parameters": None} for each in item.recipients],
        },
        "delivery_status": [
            {
                "email": each.recipient,
                "smtp_reply": each.reply,
                "delivered": each.delivered,
                "displayed": "unknown",
            }
            for each in progress
        ],
        "dsn_blob_ids": [
            id_of_attachment(report, index)
            for report in reports
            for index, part in enumerate(report.mail.body.attachments)
            if part.content_type == _REPORT
        ],
        "mdn_blob_ids": [],
    }


def identity(mailbox: Mailbox, signatures: Signatures) -> dict[str, Any]:
    """Return the identity of a mailbox."""
    return {
        "id": identity_id(mailbox.id),
        "name": mailbox.display_name or "",
        "email": mailbox.address,
        "reply_to": [],
        "bcc": [],
        "text_signature": signatures.text,
        "html_signature": signatures.html,
        "may_delete": False,
    }


def granted_mailbox(mailbox: Mailbox) -> dict[str, Any]:
    """Return a mailbox that a key opens."""
    return {"id": mailbox.id, "email": mailbox.address}


def quota(item: Quota) -> dict[str, Any]:
    """Return the quota object."""
    return {
        "id": item.id,
        "name": "Storage",
        "scope": "account",
        "resource_type": "octets",
        "types": ["Mail"],
        "used": item.used,
        "hard_limit": item.limit,
        "warn_limit": None,
        "soft_limit": None,
        "description": None,
    }


def usage(item: Quota, state: str) -> dict[str, Any]:
    """Return how much of its quota a mailbox uses."""
    shown = {name: value for name, value in quota(item).items() if name not in ("id", "description")}
    full = item.used >= item.limit
    resource = {
        "quota_id": item.id,
        **shown,
        "percent_used": round(100 * item.used / item.limit, 4) if item.limit else None,
        "limit_status": "hard_limit" if full else "ok",
    }
    return {"resources": [resource], "states": {"quota_state": state}}
