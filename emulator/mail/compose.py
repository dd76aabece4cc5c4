"""Write RFC 5322 mail from what an API was given."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from email.header import Header
from email.utils import encode_rfc2231, format_datetime
from typing import Final

from emulator.mail.addresses import unique, write
from emulator.mail.parse import Attachment, Body, Mail

_LINE: Final = 998
_FOLD_AT: Final = 76
_PLAIN_VALUE = re.compile(r"^[\x21-\x7e]+(?: [\x21-\x7e]+)*$")
_PLAIN_FILENAME = re.compile(r'^[^\x00-\x1f\x7f-\U0010ffff"\\]{1,76}$')
_MEDIA_TYPE = re.compile(r"^[a-z0-9!#$&^_.+-]+/[a-z0-9!#$&^_.+-]+$")
_FORBIDDEN = re.compile(r"[\r\n\x00]")
_HEADER_NAME = re.compile(r"^[\x21-\x39\x3b-\x7e]+$")


@dataclass(frozen=True, slots=True)
class Draft:
    """A mail to be written. Addresses are bare; `bcc` is never written, only delivered to."""

    sender: str
    sender_name: str | None
    to: list[str]
    subject: str | None = None
    text: str | None = None
    html: str | None = None
    cc: list[str] = field(default_factory=list)
    bcc: list[str] = field(default_factory=list)
    reply_to: list[str] = field(default_factory=list)
    in_reply_to: str | None = None
    references: list[str] = field(default_factory=list)
    attachments: tuple[Attachment, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def recipients(self) -> list[str]:
        """Everybody the mail goes to, once each."""
        return unique([*self.to, *self.cc, *self.bcc])


def compose(draft: Draft, *, message_id: str, date: datetime) -> Mail:
    """Write a draft as mail with CRLF line ends, ready for any SMTP server.

    ValueError if a header of the draft holds CR, LF or NUL, or has no header's name.
    """
    head = _head(draft, message_id, date)
    # Derived, not random: the same mail has the same bytes in every run.
    boundary = "=_" + re.sub(r"[^0-9A-Za-z]", "", message_id)[:40]
    content = _content(draft, boundary)
    raw = "\r\n".join(head).encode("utf-8") + b"\r\n" + content
    return Mail(raw, _body_of(draft))


def _head(draft: Draft, message_id: str, date: datetime) -> list[str]:
    lines = [
        _header("From", write(draft.sender_name, draft.sender)),
        *_address_header("To", draft.to),
        *_address_header("Cc", draft.cc),
        *_address_header("Reply-To", draft.reply_to),
    ]
    if draft.subject is not None:
        lines.append(_unstructured("Subject", draft.subject))
    lines.append(_header("Date", format_datetime(date)))
    lines.append(_header("Message-ID", message_id))
    if draft.in_reply_to:
        lines.append(_header("In-Reply-To", draft.in_reply_to))
    if draft.references:
        lines.append("References: " + "\r\n ".join(draft.references))
    lines.extend(_unstructured(name, value) for name, value in draft.headers.items())
    lines.append("MIME-Version: 1.0")
    return lines


def _address_header(name: str, addresses: list[str]) -> list[str]:
    return [f"{name}: " + ",\r\n ".join(map(_checked, addresses))] if addresses else []


def _header(name: str, value: str) -> str:
    return f"{name}: {value}"


def _checked(value: str) -> str:
    if _FORBIDDEN.search(value):
        raise ValueError(f"a header value cannot hold CR, LF or NUL: {value!r}")
    return value


def _unstructured(name: str, value: str) -> str:
    if not _HEADER_NAME.match(name):
        raise ValueError(f"not a header name: {name!r}")
    _checked(value)
    if len(name) + 2 + len(value) <= _FOLD_AT and _PLAIN_VALUE.match(value) and "=?" not in value:
        return f"{name}: {value}"
    if not value:
        return f"{name}: "
    charset = "utf-8" if _must_encode(value) else "us-ascii"
    return f"{name}: " + Header(value, charset, maxlinelen=_FOLD_AT, header_name=name).encode(linesep="\r\n")


def _must_encode(value: str) -> bool:
    return not _PLAIN_VALUE.match(value) or "=?" in value or max(map(len, value.split(" "))) > _FOLD_AT


def _content(draft: Draft, boundary: str) -> bytes:
    bodies = [
        _text_part(kind, text) for kind, text in (("plain", draft.text), ("html", draft.html)) if text is not None
    ] or [_text_part("plain", "")]
    content = bodies[0] if len(bodies) == 1 else _multipart("alternative", boundary + "a", bodies)
    if draft.attachments:
        content = _multipart("mixed", boundary + "m", [content, *map(_attachment_part, draft.attachments)])
    return content


def _multipart(subtype: str, boundary: str, parts: list[bytes]) -> bytes:
    line = b"--" + boundary.encode()
    head = f'Content-Type: multipart/{subtype}; boundary="{boundary}"\r\n\r\n'.encode()
    return head + b"".join(line + b"\r\n" + part + b"\r\n" for part in parts) + line + b"--\r\n"


def _text_part(subtype: str, text: str) -> bytes:
    encoding, data = _encode_text(text)
    head = f"Content-Type: text/{subtype}; charset=utf-8\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"
    return head.encode() + data + b"\r\n"


def _encode_text(text: str) -> tuple[str, bytes]:
    lines = text.replace("\r\n", "\n")
    if "\r" in lines or "\x00" in lines:
        return "base64", _base64(text.encode("utf-8"))
    wire = lines.replace("\n", "\r\n").encode("utf-8")
    if wire.isascii() and all(len(line) <= _LINE for line in wire.split(b"\r\n")) and not _has_boundary_like(wire):
        return "7bit", wire
    # b2a_qp takes the line ends of its input; a space at a line's end is encoded by istext.
    return "quoted-printable", binascii.b2a_qp(wire, istext=True)


def _has_boundary_like(wire: bytes) -> bool:
    return wire.startswith(b"--=_") or b"\n--=_" in wire


def _base64(data: bytes) -> bytes:
    return base64.encodebytes(data).replace(b"\n", b"\r\n")[:-2]


def _attachment_part(attachment: Attachment) -> bytes:
    disposition = "inline" if attachment.inline else "attachment"
    lines = [f"Content-Type: {media_type(attachment.content_type)}", "Content-Transfer-Encoding: base64"]
    lines.append(f"Content-Disposition: {disposition}{_filename_parameter(attachment.filename)}")
    if attachment.content_id:
        lines.append(f"Content-ID: <{_checked(attachment.content_id)}>")
    return "\r\n".join(lines).encode("utf-8") + b"\r\n\r\n" + _base64(attachment.data)


def _filename_parameter(filename: str | None) -> str:
    if filename is None:
        return ""
    if _PLAIN_FILENAME.match(filename) and "=?" not in filename:
        return f'; filename="{filename}"'
    return f"; filename*={encode_rfc2231(filename, 'utf-8')}"


def _body_of(draft: Draft) -> Body:
    text, html = draft.text, draft.html
    if text is None and html is None:
        text = ""
    lf = [None if value is None else value.replace("\r\n", "\n") for value in (text, html)]
    attachments = (replace(part, content_type=media_type(part.content_type)) for part in draft.attachments)
    return Body(lf[0], lf[1], tuple(attachments))


def media_type(given: str) -> str:
    """Return a media type without parameters, or application/octet-stream for what no attachment can be."""
    bare = given.partition(";")[0].strip().lower()
    usable = _MEDIA_TYPE.match(bare) and not bare.startswith("multipart/")
    return bare if usable else "application/octet-stream"
