"""The parts of a mail as they lie in its bytes: nothing is written anew, so sizes and sections are exact."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from emulator.mail.parse import Mail
from emulator.servers.imap_server.encoding import string

_HEADER_END: Final = re.compile(rb"\n\r?\n")
_FIELD: Final = re.compile(rb"[^\r\n][^\n]*(?:\n(?=[ \t])[^\n]*)*\n?")
_PARAMETER: Final = re.compile(r';\s*([^\s=;"]+)\s*=\s*(?:"((?:[^"\\]|\\.)*+)"|([^;\s"]*))')
_ESCAPE: Final = re.compile(r"\\(.)")
_MESSAGE: Final = "message/rfc822"
_DEEPEST: Final = 20
_MOST_PARTS: Final = 1000
_LONGEST_VALUE: Final = 10_000


@dataclass(frozen=True, eq=False)
class Part:
    """A part of a mail, or the mail itself: its header begins at `start`, its content at `body`, `end` is after it."""

    raw: bytes
    start: int
    body: int
    end: int
    depth: int = 0
    default: str = "text/plain"

    @property
    def header(self) -> bytes:
        """The header with the empty line at its end."""
        return self.raw[self.start : self.body]

    @property
    def content(self) -> bytes:
        """What follows the header, as it was sent."""
        return self.raw[self.body : self.end]

    @property
    def whole(self) -> bytes:
        """Header and content."""
        return self.raw[self.start : self.end]

    @cached_property
    def mail(self) -> Mail:
        """The header, to be asked for its fields."""
        return Mail(self.header)

    @cached_property
    def kind(self) -> str:
        """The media type in lower case; a plainer one than declared, if what is declared cannot be found."""
        if self._declared.startswith("multipart/") and not self.children:
            return "text/plain"
        return "application/octet-stream" if self._declared == _MESSAGE and not self.message else self._declared

    @cached_property
    def children(self) -> list[Part]:
        """The parts of a multipart."""
        boundary = dict(parameters(self.field("content-type") or "")).get("boundary", "")
        if not self._declared.startswith("multipart/") or not boundary or self.depth >= _DEEPEST:
            return []
        default = _MESSAGE if self._declared == "multipart/digest" else "text/plain"
        pieces = _between(self.raw, self.body, self.end, boundary.encode("utf-8", "replace"))
        return [_part(self.raw, start, end, self.depth + 1, default) for start, end in pieces]

    @cached_property
    def message(self) -> Part | None:
        """The mail that this part holds, if it holds one."""
        encoded = (self.field("content-transfer-encoding") or "").lower() in ("base64", "quoted-printable")
        if self._declared != _MESSAGE or encoded or self.depth >= _DEEPEST:
            return None
        return _part(self.raw, self.body, self.end, self.depth + 1)

    @property
    def parts(self) -> list[Part]:
        """What the numbers of a section count in a mail: the parts, or its content alone."""
        return self.children or [self]

    def field(self, name: str) -> str | None:
        """Return the first field of this lower-case name, or None."""
        return next((value[:_LONGEST_VALUE] for value in self.mail.fields.get(name, ())), None)

    @cached_property
    def _declared(self) -> str:
        kind = (self.field("content-type") or self.default).partition(";")[0].strip().lower()
        return kind if all(kind.partition("/")) else self.default


def read(raw: bytes) -> Part:
    """Return a mail as a part."""
    return _part(raw, 0, len(raw))


def _part(raw: bytes, start: int, end: int, depth: int = 0, default: str = "text/plain") -> Part:
    for empty in (b"\r\n", b"\n"):  # there need not be a header
        if raw.startswith(empty, start, end):
            return Part(raw, start, start + len(empty), end, depth, default)
    found = _HEADER_END.search(raw, start, end)
    return Part(raw, start, found.end() if found else end, end, depth, default)


def _between(raw: bytes, start: int, end: int, boundary: bytes) -> Iterator[tuple[int, int]]:
    """Yield where the parts between the delimiter lines lie; the line end before a delimiter belongs to it."""
    line = re.compile(rb"(?:(?<=\n)|\A)--" + re.escape(boundary) + rb"(--)?[ \t]*(?:\r?\n|\Z)")
    begun: int | None = None
    for n, found in enumerate(line.finditer(raw[start:end])):
        at = start + found.start()
        if begun is not None:
            yield begun, max(begun, at - (2 if raw[at - 2 : at] == b"\r\n" else 1))
        begun = start + found.end()
        if found[1] or n == _MOST_PARTS:
            return
    if begun is not None:
        yield begun, end


def find(mail: Part, path: Sequence[int]) -> Part | None:
    """Return the part that the numbers of a section lead to, or None."""
    here, numbered = mail, mail.parts
    for number in path:
        if not 0 < number <= len(numbered):
            return None
        here = numbered[number - 1]
        numbered = here.message.parts if here.message else here.children
    return here


def fields(header: bytes, names: Sequence[bytes], *, but: bool) -> bytes:
    """Return the fields of these names in their order (or all `but` these), and an empty line."""
    wanted = {name.lower() for name in names}
    found = (field for field in _FIELD.findall(header))
    return b"".join(one for one in found if (one.partition(b":")[0].strip().lower() in wanted) != but) + b"\r\n"


def parameters(value: str) -> list[tuple[str, str]]:
    """Return the parameters of a field such as Content-Type, names in lower case."""
    found = _PARAMETER.findall(value)
    return [(name.lower(), _ESCAPE.sub(r"\1", quoted) or plain) for name, quoted, plain in found]


def envelope(part: Part) -> bytes:
    """Write the ENVELOPE of a mail."""

    def field(name: str) -> bytes:
        values = part.mail.fields.get(name)
        return string(values[0] if values else None)

    sender = _addresses(part, "from")
    answers = [_addresses(part, name, sender) for name in ("sender", "reply-to")]
    others = [_addresses(part, name) for name in ("to", "cc", "bcc")]
    words = [field("date"), field("subject"), sender, *answers, *others, field("in-reply-to"), field("message-id")]
    return b"(%s)" % b" ".join(words)


def _addresses(part: Part, name: str, otherwise: bytes = b"NIL") -> bytes:
    pairs = part.mail.encoded_addresses(name)
    return b"(%s)" % b"".join(_address(*pair) for pair in pairs) if pairs else otherwise


def _address(name: str, address: str) -> bytes:
    local, _, host = address.rpartition("@") if "@" in address else (address, "", "")
    return b"(%s NIL %s %s)" % (string(name or None), string(local), string(host))


def body_structure(part: Part, *, extended: bool) -> bytes:
    """Write the BODYSTRUCTURE of a mail; not `extended`: its BODY."""
    subtype = part.kind.partition("/")[2].upper()
    if part.children:
        inner = b"".join(body_structure(child, extended=extended) for child in part.children)
        more = b" %s %s" % (_parameters(part, "content-type"), _how_shown(part)) if extended else b""
        return b"(%s %s%s)" % (inner, string(subtype), more)
    words = [
        string(part.kind.partition("/")[0].upper()),
        string(subtype),
        _parameters(part, "content-type"),
        string(part.field("content-id")),
        string(part.field("content-description")),
        string((part.field("content-transfer-encoding") or "7bit").upper()),
        b"%d" % (part.end - part.body),
    ]
    if part.message:
        words += [envelope(part.message), body_structure(part.message, extended=extended)]
    if part.message or part.kind.startswith("text/"):
        words.append(b"%d" % part.raw.count(b"\n", part.body, part.end))
    if extended:
        words += [string(part.field("content-md5")), _how_shown(part)]
    return b"(%s)" % b" ".join(words)


def _how_shown(part: Part) -> bytes:
    value = part.field("content-disposition")
    shown = b"NIL"
    if value:
        kind = value.partition(";")[0].strip().upper()
        shown = b"(%s %s)" % (string(kind), _parameters(part, "content-disposition"))
    return b"%s %s %s" % (shown, string(part.field("content-language")), string(part.field("content-location")))


def _parameters(part: Part, field: str) -> bytes:
    value = part.field(field)
    if value is None and field == "content-type" and part.kind == "text/plain":
        value = ";charset=us-ascii"
    pairs = [word for name, text in parameters(value or "") for word in (string(name.upper()), string(text))]
    return b"(%s)" % b" ".join(pairs) if pairs else b"NIL"
