"""Read RFC 5322 mail, lazily and without ever raising: real mail is broken in every way."""

from __future__ import annotations

import binascii
import email
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import Message as Part
from email.policy import Compat32
from email.utils import getaddresses, parsedate_to_datetime
from functools import cached_property
from typing import Any, Final

_HEADER_END = re.compile(rb"\r?\n\r?\n")
_BLANK_LINE = re.compile(rb"(?:\A|\r?\n)\r?\n")
_FIELD = re.compile(rb"[!-9;-~]+:")
_FOLD = re.compile(rb"\r?\n(?=[ \t])")
_MESSAGE_ID = re.compile(r"<[^<>\s]{1,898}>")  # what fits a line
_LONG_REFERENCE = re.compile(r"&#[xX]?[0-9a-fA-F]{9,}")
_ENCODED_WORD = re.compile(r"=\?([^?\s]{1,60})\?([bBqQ])\?([^?]*+(?:\?(?!=)[^?]*+){0,9})\?=")
_BREAKS = re.compile(r"[\r\n\x00]+")
# A codec may warn, and warnings may be errors.
_NO_CHARSET: Final = (LookupError, ValueError, Warning)
_MEDIA_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]+/[a-z0-9!#$&^_.+-]+")
_WORDS = re.compile(r"\s+")
# What is opened and never closed ends with the mail: looking for its end from every start would take for ever.
_TAG = re.compile(
    r"(?si)<(script|style)\b.*?(?:</\1\s*>|\Z)|<head\b.*?(?:</head\s*>|(?=<body\b)|\Z)"
    r"|<!--.*?(?:-->|\Z)|<[^<>]*>"
)
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
        self._raw = raw
        if body is not None:
            self.__dict__["body"] = body

    def __len__(self) -> int:
        return len(self._raw)

    def __getstate__(self) -> dict[str, Any]:
        """Return the mail itself, without what was read off it."""
        return {name: value for name, value in self.__dict__.items() if name.startswith("_")}

    def __repr__(self) -> str:
        return f"<Mail {self.subject!r} from {self.field('from')!r}, {len(self)} bytes>"

    @property
    def raw(self) -> bytes:
        """The bytes that went over the wire."""
        return self._raw

    def under(self, trace: bytes) -> Mail:
        """Return this mail with lines of servers put above its own; what is below them is shared, not copied.

        They are whole, and none of them says what a mail says of itself, such as its Message-ID.
        """
        # What does not begin with a header field reads differently under one.
        return _TracedMail(trace, self) if _FIELD.match(self.raw) else Mail(trace + self.raw)

    @cached_property
    def lines(self) -> list[tuple[str, str]]:
        """All header fields in order: the name as written and the unfolded value, still in encoded words."""
        return _lines_of(self.raw[: blank_line(self.raw)[0]])

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
    def date(self) -> datetime | None:
        """The Date in UTC, or None without one that can be read."""
        values = self.fields.get("date")
        try:
            moment = parsedate_to_datetime(values[0]) if values else None
            return moment and (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
        except (ValueError, OverflowError):
            return None

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
        return [(decode_words(display), address) for display, address in self.encoded_addresses(name)]

    def encoded_addresses(self, name: str) -> list[tuple[str, str]]:
        """Return the pairs of an address field with the display names still in encoded words."""
        try:
            pairs = getaddresses(self.fields.get(name, []))
        except RecursionError:  # comments in comments without end
            return []
        return [(display, address) for display, address in pairs if address]

    def bare_addresses(self, name: str) -> list[str]:
        """Return the addresses of an address field without their display names."""
        return [address for _, address in self.addresses(name)]

    @cached_property
    def body(self) -> Body:
        """Text, HTML and attachments."""
        text = html = None
        attachments = []
        for part in self._leaves():
            kind, name, data = Part.get_content_type(part), _filename(part), _data(part)
            shown_as = part.get_content_disposition()
            is_text = not name and shown_as != "attachment" and kind.startswith(("text/", "multipart/"))
            if is_text and kind == "text/html" and html is None:
                html = _text(part, data)
            elif is_text and kind != "text/html" and text is None:
                text = _text(part, data)
            else:
                attachments.append(Attachment(name, media_type(kind), data, _content_id(part), shown_as == "inline"))
        return Body(text, html, tuple(attachments))

    @cached_property
    def snippet(self) -> str:
        """The start of the body on one line, at most 200 characters."""
        body = self.body
        text = body.text if body.text and body.text.strip() else plain(body.html or "")
        return _WORDS.sub(" ", text[: 20 * _SNIPPET]).strip()[:_SNIPPET]

    def _message_ids(self, name: str) -> list[str]:
        return _MESSAGE_ID.findall(" ".join(self.fields.get(name, [])))

    def _leaves(self) -> list[Part]:
        try:
            return list(_leaves(email.message_from_bytes(self.raw, _Part, policy=_POLICY)))
        except (*_NO_CHARSET, RecursionError):  # a boundary in no charset, parts in parts without end
            end = _HEADER_END.search(self.raw)
            whole = _Part(_POLICY)
            whole.set_payload(self.raw[end.end() if end else 0 :].decode("ascii", "surrogateescape"))
            return [whole]


class _TracedMail(Mail):
    """A mail that passed servers: the header lines they put above it, and the mail as it was before."""

    def __init__(self, trace: bytes, below: Mail) -> None:
        super().__init__(trace)
        self._below = below

    def __len__(self) -> int:
        return len(self._raw) + len(self._below)

    @property
    def raw(self) -> bytes:
        return self._raw + self._below.raw

    @cached_property
    def lines(self) -> list[tuple[str, str]]:
        return _lines_of(self._raw) + self._below.lines

    @cached_property
    def body(self) -> Body:
        return self._below.body

    @property
    def message_id(self) -> str | None:
        return self._below.message_id

    @property
    def in_reply_to(self) -> str | None:
        return self._below.in_reply_to

    @property
    def references(self) -> list[str]:
        return self._below.references


class _Part(Part):
    """A part of a mail; a forwarded mail or delivery report is one piece, byte for byte as it came."""

    def get_content_type(self) -> str:
        """Tell the parser not to look into messages. `Part.get_content_type` tells the truth."""
        kind = super().get_content_type()
        return "application/octet-stream" if kind.startswith("message/") else kind


class _Policy(Compat32):
    """Gives header values unfolded, and raw 8-bit ones as UTF-8."""

    def header_fetch_parse(self, name: str, value: str) -> str:  # noqa: ARG002  # the base class gives the name
        if not value.isascii():
            value = value.encode("ascii", "surrogateescape").decode("utf-8", "replace")
        return _BREAKS.sub("", value)


_POLICY: Final = _Policy()


def blank_line(raw: bytes) -> tuple[int, int]:
    """Return where the head of a mail ends and where its body begins; both are its end if there is no blank line."""
    found = _BLANK_LINE.search(raw)
    return found.span() if found else (len(raw), len(raw))


def _lines_of(head: bytes) -> list[tuple[str, str]]:
    split = (line.partition(b":") for line in _FOLD.sub(b"", head.replace(b"\x00", b"")).splitlines())
    return [
        (name.strip().decode("latin-1"), value.decode("utf-8", "replace").strip())
        for name, colon, value in split
        if colon and name.strip()
    ]


def decode_words(value: str) -> str:
    """Decode RFC 2047 encoded words into one line; what is broken stays as it is."""
    if "=?" not in value:
        return value
    try:
        return _BREAKS.sub(" ", "".join(_decoded(value)))
    except (LookupError, ValueError):
        return value


def media_type(given: str) -> str:
    """Return a media type without parameters, or application/octet-stream for what no attachment can be."""
    bare = given.partition(";")[0].strip().lower()
    usable = _MEDIA_TYPE.fullmatch(bare) and not bare.startswith("multipart/")
    return bare if usable else "application/octet-stream"


def plain(html: str) -> str:
    """Return the text of some HTML, good enough to preview and to search."""
    from html import unescape

    # html.unescape fails on references of thousands of digits; none has more than seven.
    return unescape(_LONG_REFERENCE.sub("", _TAG.sub(" ", html)))


def _decoded(value: str) -> Iterator[str]:
    """Yield plain text as it stands, and neighbouring words of one charset as one: they may split a letter."""
    end, charset, data = 0, "", b""
    for word in _ENCODED_WORD.finditer(value):
        between = value[end : word.start()]
        is_text = not charset or between.strip()  # space between two encoded words is not
        if is_text or word[1].lower() != charset:
            yield _decode(data, charset)
            yield between if is_text else ""
            charset, data = word[1].lower(), b""
        data += _word_bytes(word[2], word[3].encode())
        end = word.end()
    yield _decode(data, charset)
    yield value[end:]


def _word_bytes(encoding: str, content: bytes) -> bytes:
    if encoding in "qQ":
        return binascii.a2b_qp(content, header=True)
    return binascii.a2b_base64(content + b"==")  # missing padding is common


def _decode(data: bytes, charset: str) -> str:
    """Decode bytes into valid Unicode. LookupError or ValueError for what is no charset."""
    if not data:
        return ""
    charset = charset.partition("*")[0]  # RFC 2231 lets a language follow
    if "escape" in charset:
        raise LookupError(f"{charset} is a codec of Python's, not a charset")
    text = data.decode(charset, "replace")
    if text.isascii():
        return text
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:  # lone surrogates in UTF-7
        return text.encode("utf-8", "replace").decode("utf-8")
    return text


def _leaves(part: Part) -> Iterator[Part]:
    stack = [part]
    while stack:
        part = stack.pop()
        if part.is_multipart():
            stack.extend(reversed(part.get_payload()))  # type: ignore[arg-type]  # a list when is_multipart()
        else:
            yield part


def _filename(part: Part) -> str | None:
    try:
        name = part.get_param("filename", None, "content-disposition") or part.get_param("name", None)
        if isinstance(name, tuple):  # RFC 2231: charset, language, text
            return _BREAKS.sub(" ", _decode(name[2].encode("latin-1"), name[0] or "us-ascii")) or None
        return decode_words(name) if name else None
    except (LookupError, TypeError, ValueError):  # broken RFC 2231 parameters
        return None


def _content_id(part: Part) -> str | None:
    return part.get("content-id", "").strip().strip("<>") or None


def _data(part: Part) -> bytes:
    data = part.get_payload(decode=True)
    return data if isinstance(data, bytes) else b""


def _text(part: Part, data: bytes) -> str:
    try:
        text = _decode(data, part.get_content_charset("utf-8"))
    except _NO_CHARSET:  # nobody knows it, or it has NUL in its name
        text = data.decode("utf-8", "replace")
    text = text.replace("\r\n", "\n")
    # The end of the last line is the transport's, unless the text was encoded as a whole.
    return text if _encoding(part) == "base64" else text.removesuffix("\n")


def _encoding(part: Part) -> str:
    return str(part.get("content-transfer-encoding", "7bit")).strip().lower()
