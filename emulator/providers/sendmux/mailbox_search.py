"""Which messages a query of the Mailbox API means, and where in them its words stand."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from html import escape
from typing import Any, Final

from emulator.mail import Message, addresses
from emulator.mail.parse import plain
from emulator.provider import Problem
from emulator.providers.sendmux.mailbox_keywords import keywords
from emulator.world import parse_moment

Test = Callable[[Message], bool]

_AROUND: Final = 60
_PREVIEW: Final = 255


def people(message: Message, field: str) -> list[tuple[str, str]]:
    """Return the (name, address) pairs of an address field; `bcc` is known of one's own mail alone."""
    found = [(name, address) for name, address in message.mail.addresses(field) if addresses.is_address(address)]
    return found or [("", address) for address in message.bcc] if field == "bcc" else found


def moment(text: str, name: str) -> datetime:
    """Return the time of a query value; 400 if it is none."""
    try:
        return parse_moment(text)
    except ValueError:
        raise Problem("refused", f"{name} is not an ISO 8601 time") from None


def test_of(query: Mapping[str, Any]) -> Test | None:
    """Return what a message must pass to be meant by a query, None if every message is; 400 for wrong values."""
    tests = [make(query[name]) for name, make in _TESTS.items() if name in query]
    if ("header_name" in query) != ("header_value" in query):
        raise Problem("refused", "header_name and header_value are used together")
    if "header_name" in query:
        name = query["header_name"].lower()
        tests.append(_holding(query["header_value"], lambda message: message.mail.fields.get(name, ())))
    return (lambda message: all(test(message) for test in tests)) if tests else None


def is_filtered(query: Mapping[str, Any]) -> bool:
    """Tell whether a query asks for some of the messages only, threads aside."""
    return bool(query.keys() & {*_TESTS, "header_name", "header_value"})


def holds(text: str, words: str) -> bool:
    """Tell whether every word occurs in a text, without case."""
    return all(word in text.casefold() for word in words.casefold().split())


def everything(message: Message) -> Iterable[str]:
    """Yield what a full-text search looks at: the addresses, the subject and the body."""
    yield from (
        f"{name} {address}" for field in ("from", "to", "cc", "bcc") for name, address in people(message, field)
    )
    yield message.mail.subject or ""
    yield body_text(message)


def body_text(message: Message) -> str:
    """Return the text of a message, of its HTML if it has no other."""
    body = message.mail.body
    return body.text if body.text and body.text.strip() else plain(body.html or "")


def marked(text: str, words: str) -> str | None:
    """Return some text as HTML with the words marked, None if it holds none of them."""
    wanted = sorted({re.escape(word) for word in words.split()}, key=len, reverse=True)
    pieces = re.split(f"({'|'.join(wanted)})", text, flags=re.IGNORECASE) if wanted else [text]
    if len(pieces) == 1:
        return None
    return "".join(f"<mark>{escape(piece)}</mark>" if at % 2 else escape(piece) for at, piece in enumerate(pieces))


def snippet(message: Message, words: str) -> str | None:
    """Return the part of a message's text around the first of the words, on one line, with the words marked."""
    text = " ".join(body_text(message).split())
    low = text.casefold()
    starts = [at for at in (low.find(word) for word in words.casefold().split()) if at >= 0]
    start = max(0, min(starts, default=0) - _AROUND)
    return marked(text[start : start + _PREVIEW], words)


def _holding(words: str, texts: Callable[[Message], Iterable[str]]) -> Test:
    return lambda message: holds("\n".join(texts(message)), words)


def _person(field: str) -> Callable[[str], Test]:
    return lambda words: _holding(words, lambda message: map(" ".join, people(message, field)))


def _after(text: str) -> Test:
    start = moment(text, "after")
    return lambda message: message.created_at >= start


def _before(text: str) -> Test:
    end = moment(text, "before")
    return lambda message: message.created_at < end


_TESTS: Final[Mapping[str, Callable[[Any], Test]]] = {
    "folder_id": lambda folder_id: lambda message: message.place == folder_id,
    "q": lambda words: _holding(words, everything),
    **{field: _person(field) for field in ("from", "to", "cc", "bcc")},
    "subject": lambda words: _holding(words, lambda message: [message.mail.subject or ""]),
    "body": lambda words: _holding(words, lambda message: [body_text(message)]),
    "min_size_bytes": lambda size: lambda message: len(message.mail) >= size,
    "max_size_bytes": lambda size: lambda message: len(message.mail) < size,
    "keyword": lambda keyword: lambda message: keyword.lower() in keywords(message),
    "not_keyword": lambda keyword: lambda message: keyword.lower() not in keywords(message),
    "after": _after,
    "before": _before,
    "has_attachment": lambda asked: lambda message: not asked or bool(message.mail.body.attachments),
    "is_unread": lambda asked: lambda message: not asked or not message.seen,
}
