"""Write RFC 5322 mail from what an API was given."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from email.utils import format_datetime
from textwrap import TextWrapper
from typing import Final
from urllib.parse import quote

from emulator.mail.addresses import encode_words, unique, utf8_pieces, write
from emulator.mail.parse import Attachment, Body, Mail, media_type

_LINE: Final = 998
_FOLD_AT: Final = 76
_FILENAME_BYTES: Final = 20
_FOLDER: Final = TextWrapper(_FOLD_AT, break_long_words=False, break_on_hyphens=False)
_PLAIN_VALUE = re.compile(r"[\x21-\x7e]+(?: [\x21-\x7e]+)*")
_PLAIN_FILENAME = re.compile(r"[ !#-\[\]-~]{1,76}")
_FORBIDDEN = re.compile(r"[\r\n\x00]")
_FORBIDDEN_RUN = re.compile(r"[\r\n\x00]+")
_HEADER_NAME = re.compile(r"[\x21-\x39\x3b-\x7e]{1,76}")
_CONTENT_ID = re.compile(r"[\x21-\x3b\x3d\x3f-\x7e]{1,900}")
_OWN_HEADERS: Final = {"from", "to", "cc", "bcc", "subject", "date", "message-id", "mime-version"}


@dataclass(frozen=True, slots=True)
class Draft:
    """A mail to be written. Addresses are bare; `bcc` is never written, only delivered to.

    `names` holds the display names of recipients, by address.
    """

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
    names: Mapping[str, str] = field(default_factory=dict)

    @property
    def recipients(self) -> list[str]:
        """Everybody the mail goes to, once each."""
        return unique([*self.to, *self.cc, *self.bcc])


def compose(draft: Draft, *, message_id: str, date: datetime) -> Mail:
    """Write a draft as mail with CRLF line ends, ready for any SMTP server.

    ValueError if a header of the draft holds CR, LF or NUL or has no header's name, if `headers` names one that is
    written here (From, Subject, Content-Type and so on), or if a Content-ID is not printable ASCII without spaces.
    """
    head = _head(draft, message_id, date)
    if draft.attachments:
        draft = replace(draft, attachments=tuple(map(_as_written, draft.attachments)))
    # Derived, not random: the same mail has the same bytes in every run.
    boundary = "=_" + re.sub(r"[^0-9A-Za-z]", "", message_id)[:40]
    content = _content(draft, boundary)
    raw = "\r\n".join(head).encode("utf-8") + b"\r\n" + content
    return Mail(raw, _body_of(draft))


def _head(draft: Draft, message_id: str, date: datetime) -> list[str]:
    lines = [
        "From: " + write(_checked(draft.sender_name or ""), _checked(draft.sender)),
        *_address_header("To", draft.to, draft.names),
        *_address_header("Cc", draft.cc, draft.names),
        *_address_header("Reply-To", draft.reply_to, draft.names),
    ]
    if draft.subject is not None:
        lines.append(_unstructured("Subject", draft.subject))
    lines.append(f"Date: {format_datetime(date)}")
    lines.append(f"Message-ID: {_checked(message_id)}")
    if draft.in_reply_to:
        lines.append(f"In-Reply-To: {_checked(draft.in_reply_to)}")
    if draft.references:
        lines.append("References: " + "\r\n ".join(map(_checked, draft.references)))
    lines.extend(_custom(name, value) for name, value in draft.headers.items())
    lines.append("MIME-Version: 1.0")
    return lines


def _address_header(name: str, addresses: list[str], names: Mapping[str, str]) -> list[str]:
    written = (write(_checked(names.get(address, "")), _checked(address)) for address in addresses)
    return [f"{name}: " + ",\r\n ".join(written)] if addresses else []


def _checked(value: str) -> str:
    if _FORBIDDEN.search(value):
        raise ValueError(f"a header value cannot hold CR, LF or NUL: {value!r}")
    return value


def _custom(name: str, value: str) -> str:
    if not _HEADER_NAME.fullmatch(name):
        raise ValueError(f"not a header name: {name!r}")
    if name.lower() in _OWN_HEADERS or name.lower().startswith("content-"):
        raise ValueError(f"the header {name} cannot be set, it is written from the rest of the mail")
    return _unstructured(name, value)


def _unstructured(name: str, value: str) -> str:
    line = f"{name}: {_checked(value)}"
    if not value:
        return line
    if not _PLAIN_VALUE.fullmatch(value) or "=?" in value:
        return f"{name}: {encode_words(value)}"
    if len(line) <= _FOLD_AT:
        return line
    folded = _FOLDER.wrap(line)
    # A link in a header must stay one word, but only as long as a line can hold it.
    return "\r\n ".join(folded) if max(map(len, folded)) < _LINE else f"{name}: {encode_words(value)}"


def _content(draft: Draft, boundary: str) -> bytes:
    bodies = [
        _text_part(kind, text) for kind, text in (("plain", draft.text), ("html", draft.html)) if text is not None
    ] or [_text_part("plain", "")]
    content = bodies[0] if len(bodies) == 1 else _multipart("alternative", boundary + "a", bodies)
    if draft.attachments:
        parts = (_attachment_part(attachment, boundary.encode()) for attachment in draft.attachments)
        content = _multipart("mixed", boundary + "m", [content, *parts])
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
    if wire.isascii() and _fits(wire) and not _has_boundary_like(wire):
        return "7bit", wire
    # b2a_qp takes the line ends of its input, so there must be one; a space at a line's end is encoded by istext.
    return "quoted-printable", binascii.b2a_qp(wire + b"\r\n", istext=True)[:-2]


def _fits(wire: bytes) -> bool:
    return all(len(line) <= _LINE for line in wire.split(b"\r\n"))


def _has_boundary_like(wire: bytes) -> bool:
    return wire.startswith(b"--=_") or b"\n--=_" in wire


def _encode_attachment(attachment: Attachment, boundary: bytes) -> tuple[str, bytes]:
    data = attachment.data
    # A forwarded mail may not be encoded (RFC 2046, 5.2.1); one that cannot travel as it is has to be.
    if attachment.content_type.startswith("message/") and _is_wire(data) and b"--" + boundary not in data:
        return "7bit" if data.isascii() else "8bit", data
    return "base64", _base64(data)


def _is_wire(data: bytes) -> bool:
    line_ends = data.count(b"\r\n")
    return data.count(b"\r") == data.count(b"\n") == line_ends and b"\x00" not in data and _fits(data)


def _base64(data: bytes) -> bytes:
    return base64.encodebytes(data).replace(b"\n", b"\r\n")[:-2]


def _as_written(attachment: Attachment) -> Attachment:
    """Return the attachment as a reader of the mail will find it."""
    kind = media_type(attachment.content_type)
    filename = _FORBIDDEN_RUN.sub(" ", attachment.filename or "") or None
    content_id = (attachment.content_id or "").strip().strip("<>") or None
    if content_id and not is_content_id(content_id):
        raise ValueError(f"not a Content-ID: {content_id!r}")
    # A nameless text that is shown inline would be a body.
    inline = attachment.inline and not (filename is None and kind.startswith("text/"))
    return Attachment(filename, kind, attachment.data, content_id, inline)


def is_content_id(text: str) -> bool:
    """Tell whether `text` can be written as a Content-ID, without its angle brackets."""
    return _CONTENT_ID.fullmatch(text) is not None


def _attachment_part(attachment: Attachment, boundary: bytes) -> bytes:
    encoding, data = _encode_attachment(attachment, boundary)
    disposition = "inline" if attachment.inline else "attachment"
    lines = [f"Content-Type: {attachment.content_type}", f"Content-Transfer-Encoding: {encoding}"]
    lines.append(f"Content-Disposition: {disposition}{_filename_parameter(attachment.filename)}")
    if attachment.content_id:
        lines.append(f"Content-ID: <{attachment.content_id}>")
    return "\r\n".join(lines).encode("ascii") + b"\r\n\r\n" + data


def _filename_parameter(filename: str | None) -> str:
    if filename is None:
        return ""
    if _PLAIN_FILENAME.fullmatch(filename) and "=?" not in filename:
        return f'; filename="{filename}"'
    pieces = [quote(piece, safe="") for piece in utf8_pieces(filename, _FILENAME_BYTES)]
    pieces[0] = f"utf-8''{pieces[0]}"
    if len(pieces) == 1:
        return f";\r\n filename*={pieces[0]}"
    return "".join(f";\r\n filename*{n}*={piece}" for n, piece in enumerate(pieces))


def _body_of(draft: Draft) -> Body:
    text, html = draft.text, draft.html
    if text is None and html is None:
        text = ""
    lf = [None if value is None else value.replace("\r\n", "\n") for value in (text, html)]
    return Body(lf[0], lf[1], draft.attachments)
