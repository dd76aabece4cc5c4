"""Replay documented exchanges from `fixtures/` against an emulator.

In an expected answer `<uuid>`, `<time>`, `<text>` and `<number>` stand for any value of that kind, `<any>` for any at
all; `<text as NAME>` keeps the value, `<text as NAME from REGEX>` its first group, and `{NAME}` in a later request
stands for it. Everything else must be equal. An exchange with `advance` moves the clock before it is played, one with
`settings` chooses them, one with `receive` lets that mail come in from the outside (attachments by name and text).
A file that names a `revision` is of that generation of the API alone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from emulator import providers
from emulator.harness import Account, Emulator
from emulator.provider import Provider
from emulator.providers.sendmux.generation import of_revision

FIXTURES = Path(__file__).parent.parent / "fixtures"

_WILDCARD = re.compile(r"^<(uuid|time|text|number|any)(?: as (\w+)(?: from (.+))?)?>$")
_SAVED = re.compile(r"\{(\w+)\}")


def fixture_files() -> list[Path]:
    """Return every file of documented exchanges, for all providers."""
    return sorted(path for path in FIXTURES.glob("*/*.json") if "exchanges" in json.loads(path.read_text("utf-8")))


def recorded_files() -> list[Path]:
    """Return every file of exchanges that a contract run recorded, for all providers."""
    return sorted(FIXTURES.glob("*/recorded/*.json"))


def replay_recorded(path: Path, provider: str) -> None:
    """Play recorded exchanges against an emulator in the generation that they were recorded of."""
    revision = json.loads(path.read_text("utf-8"))["revision"]
    with Emulator(revisions={provider: revision}) as emulator:
        Replay(emulator.account(provider)).play(path)


def generation_of(path: Path) -> Provider:
    """Return the provider in the generation that a file of documented exchanges is of."""
    provider = providers.get(path.parent.name)
    return provider.at(json.loads(path.read_text("utf-8")).get("revision", provider.revision))


def fixtures_of(provider: Provider) -> list[Path]:
    """Return the files for a generation of a provider: those that name it, and those that name none."""
    found = [path for path in fixture_files() if path.parent.name == provider.name]
    named = {path: json.loads(path.read_text("utf-8")).get("revision") for path in found}
    return [path for path in found if named[path] is None or generation_of(path).revision == provider.revision]


def in_words_of(provider: Provider, written: Any) -> Any:
    """Return a documented request to the first generation in the words of another: Sendmux has renamed its events."""
    if provider.name != "sendmux":
        return written
    first, names = providers.get("sendmux"), of_revision(provider.revision).events
    renamed = {old: names[new] for new, old in of_revision(first.revision).events.items()}
    return _reworded(written, renamed)


def _reworded(value: Any, words: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _reworded(item, words) for key, item in value.items()}
    if isinstance(value, list):
        return [_reworded(item, words) for item in value]
    return words.get(value, value) if isinstance(value, str) else value


class Replay:
    """Plays the exchanges of one file in order."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.saved: dict[str, str] = {}
        self.succeeded: set[str] = set()

    def play(self, path: Path) -> None:
        """Send every request and compare every answer."""
        content = json.loads(path.read_text("utf-8"))
        if "revision" in content:
            self.account.use_revision(content["revision"])
        for number, exchange in enumerate(content["exchanges"], 1):
            name = f"{path.name} #{number} {exchange['operation']}"
            self._exchange(name, exchange)

    def _prepare(self, exchange: dict[str, Any]) -> None:
        """Bring about what an exchange needs: a time, settings, a mail from outside."""
        if "advance" in exchange:
            self.account.emulator.advance(exchange["advance"])
        for setting, value in exchange.get("settings", {}).items():
            self.account.set(setting, value)
        if "receive" in exchange:
            self._receive(self._fill(exchange["receive"]))

    def _exchange(self, name: str, exchange: dict[str, Any]) -> None:
        self._prepare(exchange)
        request, expected = self._fill(exchange["request"]), exchange["response"]
        headers = request.get("headers", {})
        options = {name: request[name] for name in ("json", "data") if name in request}
        response = self.account.request(request["method"], request["path"], headers=headers, **options)
        assert response.status_code == expected["status"], f"{name}: {response.status_code} {response.text[:500]}"
        for header, value in expected.get("headers", {}).items():
            self._compare(f"{name} header {header}", value, response.headers.get(header))
        body = response.get_json(silent=True)
        self._compare(name, expected.get("json"), body)
        if response.status_code < 400:
            self.succeeded.add(exchange["operation"])

    def _receive(self, mail: dict[str, Any]) -> None:
        files = {name: text.encode() for name, text in mail.pop("attachments", {}).items()}
        self.account.emulator.receive(**mail, attachments=files)

    def _fill(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {key: self._fill(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self._fill(item) for item in value]
        if isinstance(value, str):
            return _SAVED.sub(lambda found: self.saved.get(found[1], found[0]), value)
        return value

    def _compare(self, where: str, expected: Any, got: Any) -> None:
        if isinstance(expected, dict):
            assert isinstance(got, dict), f"{where}: expected an object, got {got!r}"
            assert set(got) == set(expected), f"{where}: other keys: {sorted(set(got) ^ set(expected))}"
            for key, item in expected.items():
                self._compare(f"{where}.{key}", item, got[key])
        elif isinstance(expected, list):
            assert isinstance(got, list), f"{where}: expected a list, got {got!r}"
            assert len(got) == len(expected), f"{where}: expected {len(expected)} items, got {got!r}"
            for index, item in enumerate(expected):
                self._compare(f"{where}[{index}]", item, got[index])
        elif isinstance(expected, str) and (wildcard := _WILDCARD.match(expected)):
            assert _is_kind(wildcard[1], got), f"{where}: expected {expected}, got {got!r}"
            if wildcard[2]:
                self.saved[wildcard[2]] = _kept(wildcard[3], str(got))
        else:
            filled = self._fill(expected)
            assert got == filled, f"{where}: expected {filled!r}, got {got!r}"


def _kept(pattern: str | None, value: str) -> str:
    if pattern is None:
        return value
    found = re.search(pattern, value)
    assert found, f"{value!r} does not match {pattern}"
    return found[1]


def _is_kind(kind: str, value: Any) -> bool:
    if kind == "number":
        return isinstance(value, int | float) and not isinstance(value, bool)
    if kind == "any":
        return True
    return isinstance(value, str) and (kind == "text" or _parses(kind, value))


def _parses(kind: str, value: str) -> bool:
    try:
        return str(UUID(value)) == value if kind == "uuid" else datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False
