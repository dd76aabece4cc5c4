"""Save the exchanges of journeys as fixtures: with placeholders for what differs from run to run, and no secrets.

A fixture holds no text that a provider chose: of strings only those stay that were sent, and words that the contract
document lists; all others become `<text>`, `<time>` or `<uuid>`. What a later request sends again is kept by name.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit
from uuid import UUID

from contract.exchange import Exchange
from contract.observed import document_hash, now
from contract.scrub import HIDDEN, words_of
from contract.target import Target

_SMALL = 100
_SIZE = re.compile("size|bytes|length|chars|seconds", re.IGNORECASE)
_SHORTEST = 4
_LONG = 10
_ANYTHING = "<any>"
_CONDITIONS = ("If-Match", "If-None-Match", "Range")
_NAME = re.compile(r"[^a-z0-9]+")


class Recorder:
    """Makes fixtures of the exchanges of journeys with one target."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._prefix = urlsplit(target.base_url).path.rstrip("/")
        self._words = words_of(target.provider.document)
        self._mark = re.compile(rf"-{re.escape(target.run.mark)}-\d+", re.IGNORECASE)
        self._scrubber = target.run.scrubber
        self._sent: set[str] = set()
        self._saved: dict[str, str] = {}
        """Values of answers that are sent later, with their names."""

    def fixture(self, exchanges: list[Exchange]) -> list[dict[str, Any]]:
        """Return exchanges as they are replayed; none if one of them cannot be, or there are none."""
        exchanges = _without_polling(exchanges)
        if not all(map(self._can_be_replayed, exchanges)) or _sends_parts(exchanges):
            return []
        found = []
        for number, exchange in enumerate(exchanges):
            later = "\n".join(map(_sent_text, exchanges[number + 1 :]))
            request = self._request(exchange)
            self._sent |= {*_strings(exchange.sent_json), *exchange.parameters.values()}
            name = exchange.operation.id if exchange.operation else ""
            found.append({"operation": name, "request": request, "response": self._response(exchange, later)})
        hidden = any(HIDDEN in json.dumps(one["request"]) for one in found)
        return [] if hidden else found

    def _can_be_replayed(self, exchange: Exchange) -> bool:
        """Tell whether an exchange is one of JSON with the usual key, at an operation of the document."""
        plain = exchange.json_or_none() is not None or not exchange.body
        asked = exchange.sent_json is not None or not exchange.sent
        headers = self._target.provider.key_headers(self._target.api_key)
        usual = all(exchange.request.headers.get(name) == value for name, value in headers.items())
        conditional = any(name in exchange.request.headers for name in _CONDITIONS)
        return exchange.operation is not None and plain and asked and usual and not conditional

    def _request(self, exchange: Exchange) -> dict[str, Any]:
        path = self._filled(exchange.request.url.raw_path.decode().removeprefix(self._prefix))
        request: dict[str, Any] = {"method": exchange.request.method, "path": path}
        if exchange.sent_json is not None:
            request["json"] = self._filled_value(exchange.sent_json)
        key = exchange.request.headers.get("Idempotency-Key")
        return {**request, **({"headers": {"Idempotency-Key": self._filled(key)}} if key else {})}

    def _filled_value(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {name: self._filled_value(item) for name, item in value.items()}
        if isinstance(value, list):
            return [self._filled_value(item) for item in value]
        return self._filled(value) if isinstance(value, str) else value

    def _filled(self, text: str) -> str:
        """Return what was sent, with the names of values that came from answers."""
        for value, name in sorted(self._saved.items(), key=lambda pair: -len(pair[0])):
            text = text.replace(value, f"{{{name}}}").replace(quote(value, safe="@"), f"{{{name}}}")
        return self._scrubber.known(self._mark.sub("", text))

    def _response(self, exchange: Exchange, later: str) -> dict[str, Any]:
        response: dict[str, Any] = {"status": exchange.status}
        if exchange.body:
            value = exchange.json
            everybodys = exchange.request.method == "GET" and not exchange.parameters
            response["json"] = self._expected(_without_lists(value) if everybodys else value, later)
        return response

    def _expected(self, value: Any, later: str, name: str = "") -> Any:
        if isinstance(value, dict):
            return {key: self._expected(item, later, key) for key, item in value.items()}
        if isinstance(value, list):
            return [self._expected(item, later, name) for item in value]
        if isinstance(value, str):
            return value if value == _ANYTHING else self._expected_text(value, later)
        if isinstance(value, bool) or value is None:
            return value
        counts = isinstance(value, int) and abs(value) < _SMALL and not _SIZE.search(name)
        return value if counts else "<number>"

    def _expected_text(self, text: str, later: str) -> str:
        if text in self._saved:
            return f"{{{self._saved[text]}}}"
        if text in self._words or text in self._sent or text == "":
            return self._filled(text)
        kind = _kind(text)
        if len(text) >= _SHORTEST and (text in later or quote(text, safe="@") in later):
            self._saved[text] = f"value{len(self._saved) + 1}"
            return f"<{kind} as {self._saved[text]}>"
        return f"<{kind}>"


def _sends_parts(exchanges: list[Exchange]) -> bool:
    """Tell whether only a part of an address that an answer gave is sent later: it has no name in a fixture."""
    for number, exchange in enumerate(exchanges):
        later = "\n".join(_sent_text(one) for one in exchanges[number + 1 :])
        for text in _strings(exchange.json_or_none()):
            local, at, _ = text.partition("@")
            whole = later.replace(text, "").replace(quote(text, safe="@"), "")
            if at and len(local) >= _LONG and local not in _sent_text(exchange) and local in whole:
                return True
    return False


def _without_lists(value: Any) -> Any:
    """Return an answer whose lists may hold anything: those of a whole account hold more than the run made."""
    if isinstance(value, dict):
        return {name: _without_lists(item) for name, item in value.items()}
    return _ANYTHING if isinstance(value, list) else value


def _without_polling(exchanges: list[Exchange]) -> list[Exchange]:
    """Return the exchanges without looks that were repeated until there was enough to see."""
    asked = [(one.request.method, one.request.url, one.sent) for one in exchanges]
    last = len(exchanges) - 1
    return [
        one
        for number, one in enumerate(exchanges)
        if number == last or one.request.method != "GET" or asked[number] != asked[number + 1]
    ]


def _kind(text: str) -> str:
    try:
        if str(UUID(text)) == text:
            return "uuid"
    except ValueError:
        pass
    try:
        return "time" if "T" in text and datetime.fromisoformat(text).tzinfo is not None else "text"
    except ValueError:
        return "text"


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _strings(item)


def _sent_text(exchange: Exchange) -> str:
    return f"{exchange.request.url.raw_path.decode()}\n{exchange.sent.decode('utf-8', 'replace')}"


def save(folder: Path, journey: str, target: Target, exchanges: list[dict[str, Any]]) -> None:
    """Write the fixture of a journey, with where and when it comes from."""
    content = {
        "source": f"recorded by the contract suites at {target.base_url} ({target.run.kind}): {journey}",
        "date": now()[:10],
        "revision": target.provider.revision,
        "document": document_hash(target.provider.document),
        "exchanges": exchanges,
    }
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
    path = folder / f"{_NAME.sub('-', journey.lower()).strip('-')}.json"
    path.write_text(target.run.scrubber.known(text), "utf-8")
