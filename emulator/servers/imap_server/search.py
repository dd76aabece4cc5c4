"""SEARCH: read what is looked for, and tell whether a message is that."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from email.utils import parsedate_tz
from functools import partial
from typing import Final, NamedTuple

from emulator.mail import Message
from emulator.mail.parse import decode_words, plain
from emulator.servers.imap_server.clues import Clue, date_clue, text_clue
from emulator.servers.imap_server.encoding import label
from emulator.servers.imap_server.parser import Bad, NumberSet, Parser

_DEEPEST: Final = 100
CHARSETS: Final = {b"US-ASCII": "ascii", b"UTF-8": "utf-8", b"ISO-8859-1": "latin-1"}


class UnknownCharset(Exception):
    """The charset of a search is not one of CHARSETS."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A message of the folder with its number and UID there; the last ones stand for `*`."""

    message: Message
    number: int
    uid: int
    recent: bool
    last_number: int
    last_uid: int


Test = Callable[[Candidate], bool]


class Search(NamedTuple):
    """What is looked for, and where it can only be: among these numbers or UIDs, the unread, those with this flag.

    Wherever that is, `clues` rule out much of it.
    """

    test: Test
    numbers: NumberSet | None
    uids: NumberSet | None
    unseen: bool
    flag: str | None
    clues: list[Clue]


def parse(words: Parser) -> Search:
    """Take what a SEARCH command looks for. UnknownCharset if it is written in one."""
    charset = "utf-8"
    if words.skip(b"CHARSET "):
        name = words.astring().upper()
        if name not in CHARSETS:
            raise UnknownCharset
        charset = CHARSETS[name]
        words.space()
    reader = _Reader(words, charset)
    return Search(reader.tests(0), reader.numbers, reader.uids, reader.unseen, reader.flag, reader.clues)


class _Reader:
    def __init__(self, words: Parser, charset: str) -> None:
        self._words = words
        self._charset = charset
        self.numbers: NumberSet | None = None
        self.uids: NumberSet | None = None
        self.unseen = False
        self.flag: str | None = None
        self.clues: list[Clue] = []

    def tests(self, depth: int) -> Test:
        """Take keys until a parenthesis or the end; all of them must be true."""
        found = [self.test(depth)]
        while self._words.skip(b" "):
            found.append(self.test(depth))
        return found[0] if len(found) == 1 else lambda candidate: all(test(candidate) for test in found)

    def test(self, depth: int) -> Test:
        """Take one key."""
        words = self._words
        if depth > _DEEPEST:
            raise Bad("The search is nested too deeply")
        if words.skip(b"("):
            inner = self.tests(depth + 1)
            words.expect(b")")
            return inner
        if words.next_is_number():
            numbers = words.numbers()
            self.numbers = numbers if depth == 0 else self.numbers
            return partial(_numbered, numbers)
        key = words.word()
        if key in _FLAGS:
            self.unseen |= depth == 0 and key in (b"UNSEEN", b"NEW")
            self.flag = _NAMES.get(key, self.flag) if depth == 0 else self.flag
            return _FLAGS[key]
        words.space()
        return self._with_argument(key, depth)

    def _with_argument(self, key: bytes, depth: int) -> Test:
        words = self._words
        if key == b"NOT":
            return partial(_negated, self.test(depth + 1))
        if key == b"OR":
            one = self.test(depth + 1)
            words.space()
            return partial(_either, one, self.test(depth + 1))
        if key == b"UID":
            numbers = words.numbers()
            self.uids = numbers if depth == 0 else self.uids
            return partial(_has_uid, numbers)
        if key in (b"KEYWORD", b"UNKEYWORD"):
            return partial(_labeled, label(words.atom()), key == b"KEYWORD")
        if key in (b"LARGER", b"SMALLER"):
            return partial(_sized, words.number(), key == b"LARGER")
        if key in _DATES:
            return self._with_date(_DATES[key], words.date().date(), depth)
        return self._with_text(key, depth)

    def _with_date(self, key: _DateKey, day: date, depth: int) -> Test:
        if depth == 0:
            self.clues.append(date_clue(key.day, key.day_of, partial(key.fits, day)))
        return partial(_dated, key, day)

    def _with_text(self, key: bytes, depth: int) -> Test:
        texts: Callable[[Message], list[str]]
        if key == b"HEADER":
            name = self._text().strip()
            self._words.space()
            kind, texts = f"HEADER {name}", partial(_field, name)
        elif key in _TEXTS:
            kind, texts = key.decode(), _TEXTS[key]
        else:
            raise Bad("Unknown search key")
        wanted = self._text()
        if depth == 0:
            self.clues.append(text_clue(kind, texts, wanted))
        return partial(_in_text, texts, wanted)

    def _text(self) -> str:
        return self._words.astring().decode(self._charset, "replace").lower()


def _numbered(numbers: NumberSet, candidate: Candidate) -> bool:
    return any(a <= candidate.number <= b for a, b in numbers.within(candidate.last_number))


def _has_uid(numbers: NumberSet, candidate: Candidate) -> bool:
    return any(a <= candidate.uid <= b for a, b in numbers.within(candidate.last_uid))


def _negated(test: Test, candidate: Candidate) -> bool:
    return not test(candidate)


def _either(one: Test, other: Test, candidate: Candidate) -> bool:
    return one(candidate) or other(candidate)


def _labeled(wanted: str, has: bool, candidate: Candidate) -> bool:
    return (wanted in candidate.message.labels) == has


def _sized(limit: int, larger: bool, candidate: Candidate) -> bool:
    size = len(candidate.message.mail)
    return size > limit if larger else size < limit


def _in_text(texts: Callable[[Message], list[str]], wanted: str, candidate: Candidate) -> bool:
    return any(wanted in text.lower() for text in texts(candidate.message))


def _field(name: str, message: Message) -> list[str]:
    hidden = list(message.bcc) if name == "bcc" else []
    return [*map(decode_words, message.mail.fields.get(name, ())), *hidden]


def _body(message: Message) -> list[str]:
    body = message.mail.body
    return [body.text or "", plain(body.html or "")]


def _everything(message: Message) -> list[str]:
    return [*(f"{name}: {decode_words(value)}" for name, value in message.mail.lines), *_body(message)]


def _arrived(message: Message) -> date:
    return message.created_at.astimezone(UTC).date()


def _sent(message: Message) -> date:
    """Return the day in the Date header as it is written there; without one, when the mail came."""
    written = message.mail.fields.get("date")
    try:
        parsed = parsedate_tz(written[0][:200]) if written else None
        return _arrived(message) if parsed is None else datetime(*parsed[:3], tzinfo=UTC).date()
    except (ValueError, IndexError, OverflowError):  # a day that no calendar has
        return _arrived(message)


class _DateKey(NamedTuple):
    """Which day of a message is compared, and whether messages of a first to a last day can fit the day asked for."""

    day: str
    day_of: Callable[[Message], date]
    fits: Callable[[date, date, date], bool]


def _dated(key: _DateKey, wanted: date, candidate: Candidate) -> bool:
    day = key.day_of(candidate.message)
    return key.fits(wanted, day, day)


def _flagged(flag: str, has: bool, candidate: Candidate) -> bool:
    return (flag in candidate.message.flags) == has


_FLAGS: Final[dict[bytes, Test]] = {
    b"ALL": lambda _: True,
    b"SEEN": lambda c: c.message.seen,
    b"UNSEEN": lambda c: not c.message.seen,
    b"FLAGGED": lambda c: c.message.is_starred,
    b"UNFLAGGED": lambda c: not c.message.is_starred,
    b"RECENT": lambda c: c.recent,
    b"OLD": lambda c: not c.recent,
    b"NEW": lambda c: c.recent and not c.message.seen,
    **{
        prefix + flag.upper().encode(): partial(_flagged, f"\\{flag}", not prefix)
        for flag in ("Answered", "Deleted", "Draft")
        for prefix in (b"", b"UN")
    },
}

_NAMES: Final = {flag.upper().encode(): f"\\{flag}" for flag in ("Answered", "Deleted", "Draft", "Flagged")}

_TEXTS: Final[dict[bytes, Callable[[Message], list[str]]]] = {
    **{name.upper().encode(): partial(_field, name) for name in ("bcc", "cc", "from", "subject", "to")},
    b"BODY": _body,
    b"TEXT": _everything,
}

_DATES: Final[dict[bytes, _DateKey]] = {
    prefix + key: _DateKey(day, day_of, fits)
    for prefix, day, day_of in ((b"", "arrived", _arrived), (b"SENT", "sent", _sent))
    for key, fits in (
        (b"BEFORE", lambda wanted, first, _: first < wanted),
        (b"ON", lambda wanted, first, last: first <= wanted <= last),
        (b"SINCE", lambda wanted, _, last: last >= wanted),
    )
}
