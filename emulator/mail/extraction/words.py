"""The words that say what stands next to them, in many languages (`words.json`), and a search for them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Final, NamedTuple

_EDGES: Final = str.maketrans({".": "", "_": " "})
_AS_LISTED: Final = str.maketrans("-_\u2019", "  '")


class Word(NamedTuple):
    """A word that was found, and what it says."""

    start: int
    end: int
    kind: str


def words(topic: str, text: str) -> Iterator[Word]:
    """Yield the words on a topic (`names` of numbers, `links`) that stand in the text, in order."""
    search, kind_of = _prepared(topic)
    for found in search.finditer(text.replace("İ", "i").lower().translate(_AS_LISTED)):
        yield Word(*found.span(), kind_of[found[0]])


@cache
def sentence_end() -> re.Pattern[str]:
    """Return a search for the end of a sentence or paragraph."""
    return re.compile(r"[.!?…](?=\s)|。|\n\s*\n")


@cache
def listed(topic: str) -> dict[str, list[str]]:
    """Return the words of a topic by kind, as listed."""
    import json
    from pathlib import Path

    topics = json.loads(Path(__file__).with_name("words.json").read_text("utf-8"))
    return {kind: " ".join(lines).split() for kind, lines in topics[topic].items()}


def any_of(listed_words: list[str]) -> str:
    """Return an expression for any of the words."""
    return "|".join(re.escape(word).replace("_", "[ _-]?") for word in listed_words)


@cache
def _prepared(topic: str) -> tuple[re.Pattern[str], dict[str, str]]:
    kind_of = {word: kind for kind, some in listed(topic).items() for word in some}
    return re.compile(_tree(set(kind_of))), {word.translate(_EDGES): kind for word, kind in kind_of.items()}


def _tree(some: set[str]) -> str:
    """Return an expression for any of the words, the longest if several fit, that looks at each letter once."""
    rests: dict[str, set[str]] = {}
    for word in some - {""}:
        head = word[: 1 + word.startswith(".")]
        rests.setdefault(head, set()).add(word[len(head) :])
    branches = [_letter(head) + _tree(rest) for head, rest in sorted(rests.items())]
    return f"(?:{'|'.join(branches + [''] * ('' in some))})" if branches else ""


def _letter(head: str) -> str:
    if head == ".":
        return "(?![a-z])"
    letter = re.escape(head[-1].replace("_", " "))
    # Looking back after the letter, and not before it, lets the engine skip all other letters.
    return f"{letter}(?<![a-z]{letter})" if len(head) > 1 else letter
