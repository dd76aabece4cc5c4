"""Verification links: of all links of a mail, the one whose address, label or sentence says so."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import Final

from emulator.mail.extraction.page import Link, Page
from emulator.mail.extraction.words import sentence_end, words

_ENOUGH: Final = 3  # points
_SAYS: Final = {"yes": 3, "perhaps": 1}
_REACH: Final = 200  # letters
_AROUND: Final = " \t<([\"'"
_ENDS: Final = " .:!?。"


def find_link(pages: Iterable[Page]) -> str | None:
    """Return the address of the best verification link."""
    best, most = None, _ENOUGH - 1
    for page in pages:
        floor = 0
        for link in page.links:
            points = _points(page.text, link, floor)
            floor = link.end
            if points > most:
                best, most = link.url, points
    return best


def _points(text: str, link: Link, floor: int) -> int:
    path = _boring().sub("", link.url)
    before = text[max(floor, link.start - _REACH) : link.start]
    in_path, in_label = _said(path), _said(text[link.start : link.end])
    if len(path) < 2 or "else" in in_path | in_label:
        return 0
    in_sentence = _said(_sentence(before.rstrip(_AROUND)))
    if "alarm" in in_sentence | in_label:
        return 0
    said = _value(in_label) or _value(in_sentence)
    if not said:  # "Here", "Continue" or a bare address under a paragraph
        said = _value_above(text, before.rstrip(_AROUND + "\n"))
    return _value(in_path) + said + bool(_opaque().search(path))


def _value_above(text: str, above: str) -> int:
    """Return what the sentence above a link is worth, or the subject if that sentence only leads to the link."""
    value = _value(_said(_sentence(above.rstrip(_ENDS))))
    if above.endswith(":"):
        return value or max(0, _value(_said(text[:_REACH].partition("\n")[0])) - 1)
    return max(0, value - 1)


def _said(text: str) -> set[str]:
    return {word.kind for word in words("links", text)}


def _value(kinds: set[str]) -> int:
    return max((_SAYS.get(kind, 0) for kind in kinds), default=0)


def _sentence(text: str) -> str:
    return sentence_end().split(text)[-1]


@cache
def _boring() -> re.Pattern[str]:
    # The site, and what counts visitors: any word may stand there.
    return re.compile(r"(?i)^[a-z]+://[^/?#]*|\butm_\w+=[^&#]*")


@cache
def _opaque() -> re.Pattern[str]:
    # A token is a long word in which letters and digits mix.
    return re.compile(r"(?<![A-Za-z0-9])(?=[A-Za-z]*\d)(?=\d*[A-Za-z])[A-Za-z0-9]{10,}")
