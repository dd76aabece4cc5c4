"""One-time codes: of everything that looks like a code, what the words next to it name so.

A number belongs to the word that names it: the nearest one in its sentence, or around it if it stands alone on a line,
in a cell or in a tag. Words that stand together name it together: an "order code" is the number of an order.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import islice
from typing import Final, NamedTuple

from emulator.mail.extraction.page import Page
from emulator.mail.extraction.words import Word, any_of, listed, sentence_end, words

_ENOUGH: Final = 3  # points
_CLOSE, _NEAR, _REACH, _CLAUSE = 8, 80, 250, 60  # letters
# How surely a kind of word announces a one-time code, in points: an entry and a code are as good as a sure word.
_CODES: Final = {"entry": 1, "code": 2, "sure": 3}
_ABOVE: Final = 60  # how far a number is from a heading that gives it another name, in letters
_BREAK: Final = 20  # what the end of a sentence counts, in letters


class _Name(NamedTuple):
    """What the words say of a number: how surely they call it a code, and from how far away."""

    strength: int
    distance: int
    direct: bool = False


def find_code(pages: Iterable[Page]) -> str | None:
    """Return the code that is announced best, without the spaces and dashes between its digits."""
    best, most = None, _ENOUGH - 1
    for page in pages:
        for points, code in _Reader(page).codes():
            if points > most:
                best, most = code, points
    return best and _written(best)


class _Reader:
    """Reads what looks like a code in one page."""

    def __init__(self, page: Page) -> None:
        self._text, self._edges = page.text, page.edges
        self._found = list(_code_like().finditer(page.text))
        self._words = list(words("names", page.text)) if self._found else []
        self._title_end = page.text.index("\n")
        self._starts = [word.start for word in self._words]

    def codes(self) -> Iterator[tuple[int, str]]:
        floor = 0
        for found in self._found:
            yield self._points(found, floor), found["code"]
            # What stands before a number does not name the next one too.
            floor = floor if found["letters"] else found.end()

    def _points(self, found: re.Match[str], floor: int) -> int:
        alone = self._is_alone(found)
        if found["letters"] and (self._is_word(found) or not (alone or "-" in found["letters"])):
            return 0
        name = self._before(found.start(), floor, alone) or self._after(found.end(), alone)
        if name is None and alone:
            name = self._subject()
        if name is None or not name.strength or (name.strength < _CODES["sure"] and self._is_part_of_a_deal(found)):
            return 0
        closeness = (name.distance <= _CLOSE) - (name.distance > _NEAR)
        return name.strength + closeness + name.direct + alone + _shape(found)

    def _is_alone(self, found: re.Match[str]) -> bool:
        start, end = found.span()
        before, after = self._text[max(0, start - 9) : start], self._text[end : end + 9]
        in_line = bool(_line_starts().search(before) and _line_ends().match(after))
        return in_line or (start in self._edges and end in self._edges)

    def _is_word(self, found: re.Match[str]) -> bool:
        n = bisect_left(self._starts, found.start())
        return n < len(self._words) and self._starts[n] < found.end()

    def _is_part_of_a_deal(self, found: re.Match[str]) -> bool:
        """Tell whether it may be a voucher or a booking: they have letters."""
        around = range(*(bisect_left(self._starts, at) for at in (found.start() - _REACH, found.end() + _REACH)))
        return not found["digits"] and any(self._words[n].kind == "deal" for n in around)

    def _subject(self) -> _Name | None:
        name = self._before(self._title_end, 0, alone=True)
        return name and name._replace(distance=_REACH)

    def _before(self, end: int, floor: int, alone: bool) -> _Name | None:
        direct = bool(_announced().search(self._text[max(floor, end - 12) : end]))
        for n in range(bisect_left(self._starts, end) - 1, bisect_left(self._starts, floor) - 1, -1):
            distance = self._distance(self._words[n].end, end, alone)
            if distance is None:
                return None
            if self._words[n].kind in _CODES or distance <= _ABOVE:
                chain = (self._words[m] for m in range(n, bisect_left(self._starts, floor) - 1, -1))
                return _Name(self._strength(chain), distance, direct)
        return None

    def _after(self, start: int, alone: bool) -> _Name | None:
        n = bisect_left(self._starts, start)
        if n == len(self._words) or (not alone and self._text.startswith("\n", start)):
            return None
        distance = self._distance(start, self._starts[n], alone)
        direct = bool(_announces().match(self._text, start))
        return None if distance is None else _Name(self._strength(islice(self._words, n, None)), distance, direct)

    def _distance(self, start: int, end: int, alone: bool) -> int | None:
        """Return how far apart two places are, None if they have nothing to do with each other."""
        if end - start > _REACH:
            return None
        breaks = len(sentence_end().findall(self._text, start, end))
        distance = end - start + _BREAK * breaks
        return None if distance > _REACH or (breaks and not alone) else distance

    def _strength(self, chain: Iterable[Word]) -> int:
        """Return how surely the words of one clause, the nearest first, speak of a one-time code."""
        strength = 0
        last: Word | None = None
        for word in chain:
            first, second = sorted((word, last or word))
            if second.start - first.end > _CLAUSE or sentence_end().search(self._text, first.end, second.start):
                break
            if word.kind in ("deal", "other"):
                is_one_name = not self._text[first.end : second.start].strip(" -")
                return 0 if last is None or (is_one_name and strength == _CODES["code"]) else strength
            strength |= _CODES[word.kind]
            last = word
        return strength


def _shape(found: re.Match[str]) -> int:
    code = found["code"]
    if found["letters"]:
        return -1 if "-" in code else -2
    if found["digits"]:
        is_year = len(code) == 4 and code[:2] in ("19", "20")
        return (sum(map(str.isdecimal, code)) == 6) - is_year
    return -any(map(str.islower, code))


def _written(code: str) -> str:
    digits = re.sub(r"[\s-]", "", code)
    return "".join(str(int(digit)) for digit in digits) if digits.isdecimal() else code


@cache
def _code_like() -> re.Pattern[str]:
    digits = r"\d(?:[ \t-]{1,3}\d){3,7}|\d{3}[ -]\d{3}|\d{2}[ -]\d{2}[ -]\d{2}|\d{4}[ -]\d{4}|\d{4,8}"
    mixed = r"(?=[A-Z-]*\d)(?=[\d-]*[A-Z])[A-Z0-9]{3,4}-[A-Z0-9]{3,4}|(?=[A-Za-z]*\d)(?=\d*[A-Za-z])[A-Za-z0-9]{5,10}"
    letters = r"[A-Z]{3}-[A-Z]{3}|[A-Z]{4}-[A-Z]{4}|[A-Z]{5,8}"
    letter = r"0-9A-Za-z\u00aa-\u05ff"
    some = listed("numbers")
    unit = rf"{any_of(some['unit_with_no_space'])}|(?:{any_of(some['unit'])})\b"
    return re.compile(
        rf"(?<![{letter}@#$€£/.&?%+-])(?<!\d[ :,])(?:[A-Z]-(?=\d))?"
        rf"(?P<code>(?P<digits>{digits})|{mixed}|(?P<letters>{letters}))"
        rf"(?![{letter}\d@]|[.,:/ -]\d|-[{letter}]| ?(?i:{unit}))"
    )


@cache
def _announced() -> re.Pattern[str]:
    return re.compile(rf"(?i)(?:[:=\t]|{_is()})\W*$")


@cache
def _announces() -> re.Pattern[str]:
    return re.compile(rf"(?i)\W{{0,3}}(?:{_is()})")


def _is() -> str:
    some = listed("numbers")
    return rf"\b(?:{any_of(some['is'])})\b|{any_of(some['is_with_no_space'])}"


@cache
def _line_starts() -> re.Pattern[str]:
    return re.compile(r"(?:^|[\n\t])[^\w\n\t]*$")


@cache
def _line_ends() -> re.Pattern[str]:
    return re.compile(r"[^\w\n\t]*(?:$|[\n\t])")
