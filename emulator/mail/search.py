"""Full-text search over messages: all words must occur; more occurrences rank higher, then the newer."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from emulator.mail.parse import plain
from emulator.mail.records import Message

_WORD = re.compile(r"\w+")
_SUBJECT_WEIGHT = 4


def search(messages: Iterable[Message], query: str, limit: int) -> list[Message]:
    """Return up to `limit` of the messages (given newest first) that hold all words of `query`, best first.

    Words are compared without case; a query without words finds nothing.
    """
    words = set(_words(query))
    if not words:
        return []
    ranked = ((_rank(message, words), message) for message in messages)
    # sorted() is stable: equal ranks stay newest first.
    found = sorted(((rank, message) for rank, message in ranked if rank), key=lambda pair: -pair[0])
    return [message for _, message in found[:limit]]


def _rank(message: Message, words: set[str]) -> int:
    counts = _counts(message)
    return sum(counts[word] for word in words) if all(counts[word] for word in words) else 0


def _counts(message: Message) -> Counter[str]:
    mail = message.mail
    counts = Counter({word: n * _SUBJECT_WEIGHT for word, n in Counter(_words(mail.subject or "")).items()})
    for text in (mail.field("from") or "", mail.body.text or "", plain(mail.body.html or "")):
        counts.update(_words(text))
    return counts


def _words(text: str) -> list[str]:
    return _WORD.findall(text.casefold())
