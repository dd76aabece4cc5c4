"""Inkbox of today on the wire: drafts and imports as JSON."""

from __future__ import annotations

from typing import Any

from emulator.mail import Mail, Mailbox
from emulator.mail.parse import Body
from emulator.providers.inkbox.current import drafts, imports
from emulator.providers.inkbox.current.drafts import SavedDraft
from emulator.providers.inkbox.current.imports import Job
from emulator.providers.inkbox.current.wire import moment
from emulator.world import World, timestamp


def draft_summary(box: Mailbox, item: SavedDraft) -> dict[str, Any]:
    """Return the draft object of lists."""
    return {
        "id": item.id,
        "mailbox_id": item.mailbox_id,
        "from_address": box.address,
        "to_addresses": list(item.to),
        "cc_addresses": list(item.cc),
        "bcc_addresses": list(item.bcc),
        "subject": item.subject,
        "snippet": Mail(b"", Body(item.body_text, item.body_html, ())).snippet or None,
        "has_attachments": bool(item.attachments),
        "attachment_count": len(item.attachments),
        "generation": item.generation,
        "send_state": "draft",
        "track_opens": item.track_opens,
        "created_at": timestamp(item.created_at),
        "updated_at": timestamp(item.updated_at),
    }


def draft(world: World, box: Mailbox, item: SavedDraft) -> dict[str, Any]:
    """Return the draft object with bodies and attachments."""
    return {
        **draft_summary(box, item),
        "body_text": item.body_text,
        "body_html": item.body_html,
        "reply_to": item.reply_to,
        "thread_id": item.thread_id,
        "message_id": drafts.message_id(box, item),
        "in_reply_to": drafts.in_reply_to(world, box, item),
        "references": list(item.references),
        "forward_source_message_id": item.forwards_id,
        "forward_note_text": item.note_text,
        "forward_note_html": item.note_html,
        "attachment_metadata": [
            {
                "part_index": index,
                "filename": part.filename or "attachment",
                "content_type": part.content_type,
                "size": len(part.data),
                "content_id": part.content_id,
                "is_inline": part.inline,
            }
            for index, part in enumerate(item.attachments)
        ],
    }


def job(item: Job) -> dict[str, Any]:
    """Return an import job."""
    addresses = item.original_addresses
    return {
        "id": item.id,
        "mailbox_id": item.mailbox_id,
        "status": item.status,
        "source_format": item.source_format,
        "original_addresses": None if addresses is None else list(addresses),
        "mark_as_read": item.mark_as_read,
        "upload_size_bytes": item.upload_size,
        **imports.counted(item),
        "error_detail": item.error,
        "created_at": timestamp(item.created_at),
        "updated_at": timestamp(item.updated_at),
        "started_at": moment(item.started_at),
        "finished_at": moment(item.finished_at),
    }


def upload_target(item: Job, base_url: str) -> dict[str, Any]:
    """Return where and with which fields the file of an import is uploaded."""
    return {
        "url": f"{base_url}/api/v1/mail/import-uploads/{item.id}",
        "fields": {"key": item.token},
        "expires_in_seconds": int(imports.UPLOAD_LIFETIME.total_seconds()),
    }
