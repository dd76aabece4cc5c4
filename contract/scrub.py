"""Keep secrets out of every file a run writes: by the name they stand under, by their form, and by their value."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import quote

from contract.exchange import Exchange
from emulator.openapi import Document
from emulator.world.masking import is_secret

HIDDEN = "***"
_SHORTEST = 6

_RUN = re.compile(rf"[\w@.+/=~%:-]{{{_SHORTEST},}}")
_SPLIT = re.compile(r"[-_.:/=+{}]+")
_WORD = re.compile(r"(?:[A-Z]?[a-z]{1,20}){1,3}|[A-Z]{1,16}|\d{1,4}|[a-zA-Z]{1,4}\d{1,3}|\d{1,3}[a-z]{1,4}")
_TIME = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d)?(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)?)?")


class Scrubber:
    """Knows the secrets of a run as they turn up, and what of an exchange may be shown.

    What may be shown is told by form: words, small numbers and times. Everything else that a provider answered could
    be a secret under a name nobody knows, and is hidden. `words` are no secrets wherever they stand.
    """

    def __init__(self, secrets: Iterable[str] = (), words: frozenset[str] = frozenset()) -> None:
        self._words = words
        self._secrets: set[str] = set()
        for secret in secrets:
            self.learn(secret)

    def learn(self, secret: str) -> None:
        """Hide this value from now on, wherever it stands."""
        if len(secret) >= _SHORTEST and secret not in self._words:
            self._secrets.update((secret, quote(secret, safe="")))

    def learn_from(self, exchange: Exchange) -> None:
        """Hide what an exchange carried under the name of a secret."""
        for headers in (exchange.request.headers, exchange.headers):
            for name, value in headers.items():
                if is_secret(name):
                    self.learn(value)
                    self.learn(value.rpartition(" ")[2])
        for value in (exchange.sent_json, exchange.json_or_none()):
            for secret in _named_secrets(value, ""):
                self.learn(secret)

    def text(self, text: str) -> str:
        """Return a text without known secrets, and without anything that could be one."""
        return _RUN.sub(lambda found: found[0] if _is_plain(found[0]) else HIDDEN, self.known(text))

    def known(self, text: str) -> str:
        """Return a text without the secrets that are known by value."""
        for secret in sorted(self._secrets, key=len, reverse=True):
            if secret in text:
                text = text.replace(secret, HIDDEN)
        return text

    def value(self, value: Any, name: str = "") -> Any:
        """Return a JSON value in which only what may be shown is left."""
        if isinstance(value, dict):
            return {self.text(key): self.value(item, name if is_secret(name) else key) for key, item in value.items()}
        if isinstance(value, list):
            return [self.value(item, name) for item in value]
        if value is None or isinstance(value, bool):
            return value
        if is_secret(name):
            return HIDDEN
        return self.text(value) if isinstance(value, str) else value

    def evidence(self, exchange: Exchange) -> dict[str, Any]:
        """Return an exchange to show: its path by the template of the document."""
        path = exchange.operation.path if exchange.operation else self.text(exchange.request.url.path)
        return {
            "request": {
                "method": exchange.request.method,
                "path": path,
                "query": self.value(dict(exchange.request.url.params)),
                "json": self.value(exchange.sent_json),
            },
            "response": {
                "status": exchange.status,
                "headers": self.value(dict(exchange.headers)),
                "json": self.value(exchange.json_or_none()),
            },
        }


def words_of(document: Document) -> frozenset[str]:
    """Return every string that a contract document knows: values of enums and constants, names, parts of paths."""
    parts = {part for operation in document.operations.values() for part in _SPLIT.split(operation.path)}
    return frozenset({*_words(document.raw), *document.operations, *parts})


def _words(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, item in value.items():
            if name in ("enum", "const"):
                yield from (one for one in (item if isinstance(item, list) else [item]) if isinstance(one, str))
            if name == "properties" and isinstance(item, dict):
                yield from item
            if name == "name" and isinstance(item, str):
                yield item
            yield from _words(item)
    elif isinstance(value, list):
        for item in value:
            yield from _words(item)


def _is_plain(run: str) -> bool:
    return bool(_TIME.fullmatch(run.rstrip(".:"))) or all(_WORD.fullmatch(part) for part in _SPLIT.split(run) if part)


def _named_secrets(value: Any, name: str) -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _named_secrets(item, name if is_secret(name) else key)
    elif isinstance(value, list):
        for item in value:
            yield from _named_secrets(item, name)
    elif value is not None and not isinstance(value, bool) and is_secret(name):
        yield str(value)
