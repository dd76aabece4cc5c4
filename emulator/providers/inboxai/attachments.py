"""InboxAI's attachments: given as base64 or by URL, handed out by links that expire."""

from __future__ import annotations

import base64
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote, urlsplit

from emulator.mail import Attachment, Message
from emulator.provider import MEGABYTE, Call, Invalid, Problem
from emulator.providers.inboxai.settings import setting

if TYPE_CHECKING:
    from emulator.fetching import Fetched

_MAX_TOTAL: Final = 25 * MEGABYTE
_OK: Final = 200

Downloads = Mapping[str, "Fetched"]
"""What was fetched for a request, by URL."""


def attachment_id(message: Message, index: int) -> str:
    """Return the id of the `index`-th attachment of a message."""
    return f"att_{message.id.removeprefix('msg_')}{index:02}"


def find_attachment(message: Message, wanted: str) -> int:
    """Return the index of an attachment; 404 if there is none."""
    for index in range(len(message.mail.body.attachments)):
        if attachment_id(message, index) == wanted:
            return index
    raise Problem("not_found", "Attachment not found")


def fetch(call: Call) -> Downloads:
    """Fetch what a request points to on the hosts that the tester allows. May take long: not under the world's lock."""
    hosts = {str(host).lower() for host in setting(call.world, "attachment_hosts")}
    given = [item["url"] for item in call.body.get("attachments") or () if "content" not in item]
    wanted = [url for url in dict.fromkeys(given) if _host(url) in hosts and call.file_at(url) is None]
    return _fetch(wanted, setting(call.world, "attachment_timeout")) if wanted else {}


def read_attachments(call: Call) -> tuple[Attachment, ...]:
    """Return the attachments of a request; 403 for a host that is not allowed, 413 for too much."""
    given = call.body.get("attachments") or ()
    parts = tuple(_read(call, index, item) for index, item in enumerate(given))
    total = sum(len(part.data) for part in parts)
    if total > _MAX_TOTAL:
        raise Problem("too_large", f"Attachments exceed 25 MB in total: {total} bytes")
    return parts


def _read(call: Call, index: int, item: Mapping[str, Any]) -> Attachment:
    name, content_type = item.get("filename"), item.get("content_type")
    if "content" in item:
        return _attachment(name, content_type, base64.b64decode(item["content"]))
    url = item["url"]
    file = call.file_at(url)
    if file is not None and file.expires_at <= call.world.now():
        raise _not_fetched(index, "the link has expired")
    if file is not None:
        part = file.attachment
        return _attachment(name or part.filename, content_type or part.content_type, part.data)
    download: Fetched | None = call.fetched.get(url)
    if download is None:
        message = f"attachments may not be fetched from {_host(url)}; see the setting attachment_hosts"
        raise Problem("forbidden", message, code="attachment_url_not_allowed")
    failure = download.failure or (
        None if download.status == _OK else f"the host answered {download.status}, not {_OK}"
    )
    if failure is not None:
        raise _not_fetched(index, failure)
    return _attachment(name or _name_in(url), content_type or download.content_type, download.data)


def _attachment(name: str | None, content_type: str | None, data: bytes) -> Attachment:
    return Attachment(name or "attachment", content_type or "application/octet-stream", data)


def _not_fetched(index: int, reason: str) -> Problem:
    where = ("body", "attachments", index, "url")
    return Problem(
        "invalid", f"The attachment was not fetched: {reason}", errors=(Invalid(where, "url", reason, None),)
    )


def _fetch(urls: list[str], seconds: float) -> Downloads:
    from emulator.fetching import fetch as get

    deadline, left = time.monotonic() + seconds, _MAX_TOTAL
    found = {}
    for url in urls:
        found[url] = get("GET", url, limit=left, deadline=deadline)
        left -= len(found[url].data)
    return found


def _host(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:  # [not an IPv6 address]
        return None


def _name_in(url: str) -> str:
    last = unquote(urlsplit(url).path).rpartition("/")[2]
    return "".join(letter for letter in last if letter.isprintable())
