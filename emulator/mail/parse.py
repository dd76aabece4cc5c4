"""Read RFC 5322 mail, lazily and without ever raising: real mail is broken in every way."""

from __future__ import annotations

import base64
import email
import email.policy
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.errors import MessageError
from email.header import decode_header, make_header
from email.message import Message as Part
from email.utils import collapse_rfc2231_value, getaddresses
from functools import cached_property
from typing import Final

_HEADER_END = re.compile(rb"\r?\n\r?\n")
_FOLD = re.compile(rb"\r?\n(?=[ \t])")
_MESSAGE_ID = re.compile(r"<[^<>\s]+>")
_WORDS = re.compile(r"\s+")
_TAG = re.compile(r"(?s)<(script|style|head)\b.*?</\1\s*>|<!--.*?-->|<[^>]*>")
_SNIPPET: Final = 200


@dataclass(frozen=True, slots=True)
class Attachment:
    """A part that is not the body: its name, media type, bytes, and Content-ID without brackets."""

    filename: str | None
    content_type: str
    data: bytes
    content_id: str | None = None
    inline: bool = False


@dataclass(frozen=True, slots=True)
class Body:
    """What a mail says: its first text and HTML (newlines as LF), and everything else as attachments."""

    text: str | None
    html: str | None
    attachments: tuple[Attachment, ...]


class Mail:
    """One mail as the bytes that went over the wire, and what they say, read when first asked for.

    The sender's and all recipients' messages share one Mail. Give `body` when it is known already.
    """

    def __init__(self, raw: bytes, body: Body | None = None) -> None:
        self.raw = raw
        if body is not None:
            self.__dict__["body"] = body

    def __len__(self) -> int:
        return len(self.raw)

    @cached_property
    def lines(self) -> list[tuple[str, str]]:
        """All header fields in order: the name as written and the unfolded value, still in encoded words."""
        end = _HEADER_END.search(b"\n" + self.raw)
        head = self.raw[: end.start()] if end else self.raw
        split = (line.partition(b":") for line in _FOLD.sub(b"", head).splitlines())
        return [
            (name.strip().decode("latin-1"), value.decode("utf-8", "replace").strip())
            for name, colon, value in split
            if colon and name.strip()
        ]

    @cached_property
    def fields(self) -> dict[str, list[str]]:
        """The values of the header fields by lower-case name, still in encoded words."""
        found: dict[str, list[str]] = {}
        for name, value in self.lines:
            found.setdefault(name.lower(), []).append(value)
        return found

    def field(self, name: str) -> str | None:
        """Return the first field of this lower-case name, encoded words decoded, or None."""
        values = self.fields.get(name)
        return decode_words(values[0]) if values else None

    @property
    def headers(self) -> dict[str, str]:
        """The last of each field under its name as written, encoded words decoded."""
        return {name: decode_words(value) for name, value in self.lines}

    @property
    def subject(self) -> str | None:
        """The decoded subject, or None without one."""
        return self.field("subject")

    @cached_property
    def message_id(self) -> str | None:
        """The Message-ID with its angle brackets, or None."""
        return next(iter(self._message_ids("message-id")), None)

    @cached_property
    def in_reply_to(self) -> str | None:
        """The first Message-ID of In-Reply-To, with brackets, or None."""
        return next(iter(self._message_ids("in-reply-to")), None)

    @cached_property
    def references(self) -> list[str]:
        """The Message-IDs of References, oldest first."""
        return self._message_ids("references")

    def addresses(self, name: str) -> list[tuple[str, str]]:
        """Return the (display name, address) pairs of an address field, e.g. `to`."""
        # Split before decoding: an encoded name may hold a comma.
        pairs = getaddresses(self.fields.get(name, []))
        return [(decode_words(display), address) for display, address in pairs if address]

    def bare_addresses(self, name: str) -> list[str]:
        """Return the addresses of an address field without their display names."""
        return [address for _, address in self.addresses(name)]

    @cached_property
    def body(self) -> Body:
        """Text, HTML and attachments."""
        text = html = None
        attachments = []
        for part in _leaves(email.message_from_bytes(self.raw, policy=email.policy.compat32)):
            kind, name, data = part.get_content_type(), _filename(part), _data(part)
            shown_as = _disposition(part)
            if name or shown_as == "attachment" or not kind.startswith(("text/", "multipart/")):
                attachments.append(Attachment(name, kind, data, _content_id(part), shown_as == "inline"))
            elif kind == "text/html":
                html = _text(part, data) if html is None else html
            else:
                text = _text(part, data) if text is None else text
        return Body(text, html, tuple(attachments))

    @cached_property
    def snippet(self) -> str:
        """The start of the body on one line, at most 200 characters."""
        body = self.body
        text = body.text if body.text and body.text.strip() else plain(body.html or "")
        return _WORDS.sub(" ", text[: 20 * _SNIPPET]).strip()[:_SNIPPET]

    def _message_ids(self, name: str) -> list[str]:
        return _MESSAGE_ID.findall(" ".join(self.fields.get(name, [])))


def decode_words(value: str) -> str:
    """Decode RFC 2047 encoded words; what is broken stays as it is."""
    if "=?" not in value:
        return value
    try:
        return str(make_header(decode_header(value)))
    except (LookupError, ValueError, MessageError):
        return value


def plain(html: str) -> str:
    """Return the text of some HTML, good enough to preview and to search."""
    from html import unescape

    return unescape(_TAG.sub(" ", html))


def _leaves(part: Part) -> Iterator[Part]:
    # walk() would take the body of a forwarded mail for the body; message/rfc822 stays whole.
    stack = [part]
    while stack:
        part = stack.pop()
        if part.get_content_maintype() == "multipart" and part.is_multipart():
            stack.extend(reversed(part.get_payload()))  # type: ignore[arg-type]  # a list when is_multipart()
        else:
            yield part


def _filename(part: Part) -> str | None:
    try:
        name = part.get_param("filename", None, "content-disposition") or part.get_param("name", None)
        if name is None or isinstance(name, str):
            return decode_words(name) if name else None
        return collapse_rfc2231_value(name)
    except (LookupError, TypeError, ValueError):  # broken RFC 2231 parameters
        return None


def _disposition(part: Part) -> str | None:
    try:
        return part.get_content_disposition()
    except (AttributeError, TypeError, ValueError):  # raw 8-bit in the header
        return None


def _content_id(part: Part) -> str | None:
    value = part.get("content-id")
    return str(value).strip().strip("<>") or None if value else None


def _data(part: Part) -> bytes:
    try:
        if part.is_multipart():
            inner: bytes = part.get_payload(0).as_bytes()  # type: ignore[union-attr]  # message/rfc822 holds one
            return base64.b64decode(inner) if _encoding(part) == "base64" else inner
        data = part.get_payload(decode=True)
        return data if isinstance(data, bytes) else b""
    except (LookupError, ValueError, TypeError, AttributeError):  # broken uuencode, raw 8-bit in a forward
        return b""


def _text(part: Part, data: bytes) -> str:
    try:
        text = data.decode(part.get_content_charset("utf-8"), "replace")
    except (LookupError, ValueError):  # a charset nobody knows, or with NUL in its name
        text = data.decode("utf-8", "replace")
    text = text.replace("\r\n", "\n")
    # The end of the last line is the transport's, unless the text was encoded as a whole.
    return text if _encoding(part) == "base64" else text.removesuffix("\n")


def _encoding(part: Part) -> str:
    return str(part.get("content-transfer-encoding", "7bit")).strip().lower()
