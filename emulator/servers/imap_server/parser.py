"""Read the words of a command."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Final, NamedTuple, TypeVar

from emulator.servers.imap_server import encoding

_T = TypeVar("_T")

_TAG: Final = re.compile(rb"[^\x00-\x20\x7f-\xff(){%*\"\\+]{1,100}(?= )")
_ATOM: Final = re.compile(rb"[^\x00-\x20\x7f-\xff(){%*\"\\\]]+")
_ASTRING: Final = re.compile(rb"[^\x00-\x20\x7f(){%*\"\\]+")
_PATTERN: Final = re.compile(rb"[^\x00-\x20\x7f(){\"\\]+")
_QUOTED: Final = re.compile(rb'"((?:[^"\\\r\n]|\\["\\])*+)"')
_ESCAPE: Final = re.compile(rb"\\(.)")
_LITERAL: Final = re.compile(rb"~?\{(\d{1,12})\+?\}\r?\n")
_FLAG: Final = re.compile(rb"\\?[^\x00-\x20\x7f-\xff(){%*\"\\\]]+")
_NAME: Final = re.compile(rb"[A-Za-z0-9.]+")
_NUMBER: Final = re.compile(rb"\d{1,10}")
_SET: Final = re.compile(rb"(?:\d{1,10}|\*)(?::(?:\d{1,10}|\*))?(?:,(?:\d{1,10}|\*)(?::(?:\d{1,10}|\*))?)*")
_MAX: Final = 2**32


class Bad(Exception):
    """The command is not IMAP; the message says what is wrong."""


class NumberSet(NamedTuple):
    """The ranges of a set such as `1,3:*`; the greatest number there is stands for `*` (None)."""

    ranges: list[tuple[int | None, int | None]]

    def within(self, last: int) -> list[tuple[int, int]]:
        """Return the ranges with `last` for the star, the smaller end first."""
        ends = ((last if a is None else a, last if b is None else b) for a, b in self.ranges)
        return [(min(pair), max(pair)) for pair in ends]


class Parser:
    """Reads a command from left to right. Every method takes what it is named for, or raises Bad."""

    def __init__(self, command: bytes) -> None:
        self._text = command
        self._at = 0

    @property
    def rest(self) -> bytes:
        """What is left of the line."""
        return self._text[self._at :].rstrip(b"\r\n")

    def tag(self) -> bytes:
        """Take the tag of the command."""
        return self._take(_TAG, "a tag")

    def space(self) -> None:
        """Take one space."""
        if not self.skip(b" "):
            raise Bad("A space is missing")

    def end(self) -> None:
        """Take the end of the command."""
        if self.rest:
            raise Bad("There is more than expected at the end")

    def skip(self, word: bytes) -> bool:
        """Take this word, compared without case, if it is next; tell whether it was."""
        found = self._text[self._at : self._at + len(word)].upper() == word
        self._at += len(word) * found
        return found

    def expect(self, word: bytes) -> None:
        """Take this word."""
        if not self.skip(word):
            raise Bad(f"{word.decode()!r} is missing")

    def atom(self) -> bytes:
        """Take an atom."""
        return self._take(_ATOM, "an atom")

    def word(self) -> bytes:
        """Take an atom in upper case."""
        return self.atom().upper()

    def name(self) -> bytes:
        """Take the name of an item, in upper case; it ends where a bracket opens."""
        return self._take(_NAME, "a name").upper()

    def number(self) -> int:
        """Take a number."""
        return _small(self._take(_NUMBER, "a number"))

    def astring(self) -> bytes:
        """Take an atom, a quoted string or a literal."""
        return self._string_or(_ASTRING)

    def text(self) -> str:
        """Take an astring as text."""
        return self.astring().decode("utf-8", "replace")

    def folder(self) -> str:
        """Take the name of a folder."""
        return _checked(encoding.read_folder_name, self.astring())

    def pattern(self) -> str:
        """Take the name of folders with wildcards."""
        return _checked(encoding.read_folder_name, self._string_or(_PATTERN))

    def literal(self) -> bytes:
        """Take a literal."""
        size = int(self._take(_LITERAL, "a literal", 1))
        self._at += size
        return self._text[self._at - size : self._at]

    def flags(self) -> list[bytes]:
        """Take flags in parentheses, or some without."""
        if not self.next_is(b"("):
            found = [self._take(_FLAG, "a flag")]
            while self.skip(b" "):
                found.append(self._take(_FLAG, "a flag"))
            return found
        self.expect(b"(")
        found = []
        while not self.skip(b")"):
            found.append(self._take(_FLAG, "a flag"))
            self.skip(b" ")
        return found

    def numbers(self) -> NumberSet:
        """Take a set of numbers."""
        ranges = self._take(_SET, "a set of numbers").split(b",")
        ends = (each.partition(b":") for each in ranges)
        return NumberSet([(_end(a), _end(b if colon else a)) for a, colon, b in ends])

    def date(self) -> datetime:
        """Take a date."""
        return _checked(encoding.read_date, self.astring())

    def moment(self) -> datetime:
        """Take a date with time and zone."""
        return _checked(encoding.read_moment, self._string_or(None))

    def next_is(self, word: bytes) -> bool:
        """Tell whether this comes next."""
        return self._text.startswith(word, self._at)

    def next_is_number(self) -> bool:
        """Tell whether a set of numbers comes next."""
        return self._text[self._at : self._at + 1] in (b"*", *(b"%d" % digit for digit in range(10)))

    def _string_or(self, plain: re.Pattern[bytes] | None) -> bytes:
        if self.next_is(b'"'):
            return _ESCAPE.sub(rb"\1", self._take(_QUOTED, "a quoted string", 1))
        if self.next_is(b"{") or self.next_is(b"~{") or plain is None:
            return self.literal()
        return self._take(plain, "a string")

    def _take(self, pattern: re.Pattern[bytes], what: str, group: int = 0) -> bytes:
        found = pattern.match(self._text, self._at)
        if found is None:
            raise Bad(f"Expected {what}")
        self._at = found.end()
        return found[group]


def _checked(read: Callable[[bytes], _T], raw: bytes) -> _T:
    try:
        return read(raw)
    except ValueError as error:
        raise Bad(str(error)) from None


def _end(text: bytes) -> int | None:
    return None if text == b"*" else _small(text)


def _small(digits: bytes) -> int:
    number = int(digits)
    if number >= _MAX:
        raise Bad("The number is too big")
    return number
