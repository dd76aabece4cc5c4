"""The session of a mailbox: what the Mailbox API can do, how much of it, and the states to begin with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from emulator.mail import Mailbox
from emulator.openapi import Operation
from emulator.providers.sendmux.mailbox_changes import TYPES
from emulator.providers.sendmux.mailbox_content import MESSAGE_CHARS, THREAD_CHARS
from emulator.providers.sendmux.mailbox_sending import MAX_INLINE, MAX_MESSAGE, MAX_UPLOAD

_SECTIONS: Final = {
    "messages": "messages",
    "attachments:upload": "messages",
    "attachment-uploads": "messages",
    "folders": "folders",
    "threads": "threads",
    "submissions": "submissions",
    "changes": "sync",
    "events": "sync",
    "quotas": "usage",
    "usage": "usage",
}


def session(mailbox: Mailbox, states: Mapping[str, str], operations: Iterable[Operation]) -> dict[str, Any]:
    """Return what the Mailbox API can do, and the states to begin with."""
    return {
        "mailbox": {"id": mailbox.id, "email": mailbox.address, "display_name": mailbox.display_name},
        "states": dict(states),
        "capabilities": _CAPABILITIES,
        "endpoints": _endpoints(operations),
        "limits": _LIMITS,
        "gated": _GATED,
    }


def _endpoints(operations: Iterable[Operation]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {name: [] for name in ("mailbox", *dict.fromkeys(_SECTIONS.values()))}
    for operation in operations:
        path = operation.path.removeprefix("/api/v1")
        section = path.removeprefix("/mailbox/").partition("/")[0]
        found[_SECTIONS.get(section, "messages" if ":batch" in section else "mailbox")].append(
            f"{operation.method} {path}"
        )
    return found


def _all(*names: str) -> dict[str, Any]:
    return dict.fromkeys(names, True)


_CAPABILITIES: Final[Mapping[str, Any]] = {
    "attachments": {
        **_all("download", "metadata", "range_download", "send_with_uploaded_blob", "upload"),
        "parsing": False,
    },
    "folders": _all("changes", "create", "delete", "detail", "list", "query_changes", "update"),
    "identities": {**_all("changes", "list", "update"), "create": False, "delete": False},
    "messages": {
        **_all(
            "batch_get", "batch_update", "changes", "clean_content", "count", "delete", "detail", "keywords", "list"
        ),
        **_all("permanent_delete", "query_changes", "raw_body", "search_snippets"),
        "update_fields": ["seen", "flagged", "keywords"],
    },
    "quotas": {**_all("changes", "list", "usage"), "update": False},
    "submissions": _all("changes", "detail", "list", "send"),
    "sync": {
        "query_changes": ["messages", "folders"],
        "typed_changes": True,
        "types": list(TYPES),
    },
    "threads": _all("changes", "clean_content", "detail", "list", "messages"),
}

_LIMITS: Final = {
    "list_limit_max": 100,
    "changes_limit_max": 500,
    "batch_ids_max": 100,
    "body_chars_max": 1_000_000,
    "message_body_chars_default": MESSAGE_CHARS,
    "thread_body_chars_default": THREAD_CHARS,
    "inline_attachment_bytes_max": MAX_INLINE,
    "attachment_upload_bytes_max": MAX_UPLOAD,
    "outbound_raw_message_bytes_max": MAX_MESSAGE,
    "keywords_per_update_max": 50,
}

_GATED: Final = {
    **_all("attachment_parsing", "blob_copy", "blob_lookup", "filter_script_writes", "identity_mutation"),
    **_all("message_copy", "message_import", "message_parse", "quota_mutation", "raw_protocol", "vacation_response"),
    "events": False,
}
