"""FETCH: which items are asked for, and how a message's are written."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, NamedTuple

from emulator.mail import Message
from emulator.servers.imap_server import structure
from emulator.servers.imap_server.encoding import keyword, literal, moment, string
from emulator.servers.imap_server.parser import Bad, Parser

_MACROS: Final = {
    b"ALL": (b"FLAGS", b"INTERNALDATE", b"RFC822.SIZE", b"ENVELOPE"),
    b"FAST": (b"FLAGS", b"INTERNALDATE", b"RFC822.SIZE"),
    b"FULL": (b"FLAGS", b"INTERNALDATE", b"RFC822.SIZE", b"ENVELOPE", b"BODY"),
}
_SECTIONS: Final = {b"RFC822": b"", b"RFC822.HEADER": b"HEADER", b"RFC822.TEXT": b"TEXT"}
_SIMPLE: Final = (b"FLAGS", b"UID", b"INTERNALDATE", b"RFC822.SIZE", b"ENVELOPE", b"BODYSTRUCTURE", b"BODY")
_PLAIN_NAME: Final = re.compile(rb"[!#$&'*+\-.0-9A-Z^_`a-z|~]+")
_KINDS: Final = (b"HEADER.FIELDS.NOT", b"HEADER.FIELDS", b"HEADER", b"TEXT", b"MIME")


class Section(NamedTuple):
    """A part of a mail: the numbers that lead to it, which of its pieces, the names of fields, and a range of bytes."""

    path: tuple[int, ...] = ()
    kind: bytes = b""
    names: tuple[bytes, ...] = ()
    start: int | None = None
    length: int = 0


@dataclass(frozen=True, slots=True)
class Item:
    """One item to fetch; `name` is how the answer calls it. `section` is None for what is no bytes of the mail."""

    name: bytes
    section: Section | None = None
    peek: bool = True


def parse(words: Parser) -> list[Item]:
    """Take the items of a FETCH command."""
    if not words.skip(b"("):
        name = words.name()
        return [Item(each) for each in _MACROS[name]] if name in _MACROS else [_item(name, words)]
    items = [_item(words.name(), words)]
    while not words.skip(b")"):
        words.space()
        items.append(_item(words.name(), words))
    return items


def _item(name: bytes, words: Parser) -> Item:
    peek = name == b"BODY.PEEK"
    if name in (b"BODY", b"BODY.PEEK") and words.skip(b"["):
        section = _section(words)
        return Item(_section_name(section), section, peek)
    if name in _SECTIONS:
        return Item(name, Section(kind=_SECTIONS[name]), peek=name == b"RFC822.HEADER")
    if name not in _SIMPLE:
        raise Bad("Unknown item to fetch")
    return Item(name)


def _section(words: Parser) -> Section:
    path: list[int] = []
    while words.next_is_number():
        path.append(words.number())
        if not words.skip(b"."):
            break
    kind = next((each for each in _KINDS if words.skip(each)), b"")
    if kind == b"MIME" and not path:
        raise Bad("MIME belongs to a part")
    names: list[bytes] = []
    if kind.startswith(b"HEADER.FIELDS"):
        words.expect(b" (")
        names.append(words.astring())
        while words.skip(b" "):
            names.append(words.astring())
        words.expect(b")")
    words.expect(b"]")
    if not words.skip(b"<"):
        return Section(tuple(path), kind, tuple(names))
    start = words.number()
    words.expect(b".")
    length = words.number()
    words.expect(b">")
    return Section(tuple(path), kind, tuple(names), start, length)


def _section_name(section: Section) -> bytes:
    words = [b"%d" % number for number in section.path] + ([section.kind] if section.kind else [])
    shown = (name if _PLAIN_NAME.fullmatch(name) else string(name) for name in section.names)
    names = b" (%s)" % b" ".join(shown) if section.names else b""
    part = b"<%d>" % section.start if section.start is not None else b""
    return b"BODY[%s%s]%s" % (b".".join(words), names, part)


def marks_seen(items: list[Item]) -> bool:
    """Tell whether fetching these items means that the message was read."""
    return any(item.section is not None and not item.peek for item in items)


def flags(message: Message, *, recent: bool = False) -> bytes:
    """Write the flags and keywords of a message in parentheses."""
    known = [(message.seen, rb"\Seen"), (message.is_starred, rb"\Flagged"), (recent, rb"\Recent")]
    words = [name for has, name in known if has]
    words += [flag.encode() for flag in message.flags] + [keyword(label) for label in message.labels if label]
    return b"(%s)" % b" ".join(words)


class Fetched:
    """A message that is asked for: its parts are read once, and only if they are needed."""

    def __init__(self, message: Message, uid: int, *, recent: bool) -> None:
        self._message = message
        self._uid = uid
        self._recent = recent
        self._part: structure.Part | None = None

    def write(self, items: list[Item]) -> bytes:
        """Write the items in parentheses."""
        return b"(%s)" % b" ".join(b"%s %s" % (item.name, self._value(item)) for item in items)

    def _value(self, item: Item) -> bytes:
        if item.section is not None:
            return self._bytes(item.section)
        message = self._message
        write = {
            b"FLAGS": lambda: flags(message, recent=self._recent),
            b"UID": lambda: b"%d" % self._uid,
            b"INTERNALDATE": lambda: moment(message.created_at),
            b"RFC822.SIZE": lambda: b"%d" % len(message.mail),
            b"ENVELOPE": lambda: structure.envelope(self._whole),
            b"BODY": lambda: structure.body_structure(self._whole, extended=False),
            b"BODYSTRUCTURE": lambda: structure.body_structure(self._whole, extended=True),
        }
        return write[item.name]()

    @property
    def _whole(self) -> structure.Part:
        if self._part is None:
            self._part = structure.read(self._message.mail.raw)
        return self._part

    def _bytes(self, section: Section) -> bytes:
        found = self._piece(section)
        if found is None:
            return b"NIL"
        if section.start is not None:
            found = found[section.start : section.start + section.length]
        return literal(found)

    def _piece(self, section: Section) -> bytes | None:
        if not section.path and not section.kind:
            return self._message.mail.raw
        part = structure.find(self._whole, section.path)
        if part is None or not section.kind:
            return part.content if part else None
        if section.kind == b"MIME":
            return part.header
        mail = part.message if section.path else part
        if mail is None:
            return None
        if section.kind in (b"HEADER", b"TEXT"):
            return mail.header if section.kind == b"HEADER" else mail.content
        return structure.fields(mail.header, section.names, but=section.kind == b"HEADER.FIELDS.NOT")
