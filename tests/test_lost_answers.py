"""An answer that is lost: what a client finds when it repeats a create, for every POST of every provider.

The documented exchanges are the creates and what has to be there before them. Where a provider promises idempotency,
the repeated request leaves exactly one resource; where it promises none, a second one, or a refusal of the second.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from werkzeug.test import TestResponse

from emulator import Emulator, providers
from emulator.openapi import Operation
from emulator.provider import Provider
from tests.replay import Replay, fixture_files

_KEY = "Idempotency-Key"
# What is written besides resources.
_NOT_RESOURCES = {"counters", "idempotency", "tasks", "settings", "credentials", "folder visits"}
_IN_BODY = {("postern", "send_message"): "idempotency_key", ("postern", "reply_to_message"): "idempotency_key"}
_BY_NAME = {("postern", "create_inbox"): "client_id", ("myagentmail", "create_inbox"): "username"}
_REPLACES = {
    ("inkbox", "create_signing_key"),  # a new key takes the place of the old one
    ("postern", "enroll"),  # the same handle is the same agent
}


def _promised(provider: str, operation: Operation) -> str | None:
    """Return the name under which a provider takes an idempotency key for an operation, None if it takes none."""
    if any(parameter["name"] == _KEY for parameter in operation.parameters):
        return _KEY
    known = (provider, operation.id)
    return _IN_BODY.get(known) or _BY_NAME.get(known)


class LostAnswers(Replay):
    """Plays exchanges; each POST that succeeds is lost first, in both ways, and repeated."""

    def __init__(self, emulator: Emulator, provider: Provider) -> None:
        super().__init__(emulator.account(provider.name))
        self.provider = provider
        self.outcomes: dict[str, str] = {}

    def _exchange(self, name: str, exchange: dict[str, Any]) -> None:
        succeeds = exchange["response"]["status"] < 300
        if exchange["request"]["method"] == "POST" and succeeds:
            before = self.account.emulator.snapshot()
            self._prepare(exchange)
            self._lose(self.provider.document.operations[exchange["operation"]], self._fill(exchange["request"]))
            self.account.emulator.restore(before)
        super()._exchange(name, exchange)

    def _lose(self, operation: Operation, request: dict[str, Any]) -> None:
        emulator, start = self.account.emulator, self.account.emulator.snapshot()
        promised = _promised(self.provider.name, operation)
        request = _with_key(request, promised)
        single = self._sent(request)
        assert single.status_code < 300, single.text
        once = _resources(emulator)
        emulator.restore(start)
        before = _resources(emulator)

        self._drop(operation, request, after=False)
        assert _resources(emulator) == before, f"{operation.id}: lost on its way in, and yet something was done"
        self._drop(operation, request, after=True)
        assert _resources(emulator) == once, f"{operation.id}: lost on its way out, and yet not done"
        repeated = self._sent(request)
        again = _resources(emulator)
        if operation.id == "create_inbox" and _is_numbered(request, single):
            promised = None  # the name was another tenant's: a further number is given each time
        self._judge(operation, promised, single, repeated, same=again == once)

    def _drop(self, operation: Operation, request: dict[str, Any], *, after: bool) -> None:
        self.account.emulator.fault("drop", provider=self.provider.name, operation=operation.id, after=after)
        with pytest.raises(ConnectionResetError):
            self._sent(request)

    def _judge(
        self, operation: Operation, promised: str | None, single: TestResponse, repeated: TestResponse, *, same: bool
    ) -> None:
        if promised is not None:
            assert repeated.status_code < 300, f"{operation.id}: {repeated.text}"
            assert same, f"{operation.id} promises idempotency by {promised}, and did it twice"
            assert _ids(repeated) == _ids(single), operation.id
            self.outcomes[operation.id] = "replayed"
        elif self.outcomes.get(operation.id) == "replayed":
            pass  # it was promised, and kept, in another exchange
        elif repeated.status_code >= 300:
            assert same, f"{operation.id} refused, and did it all the same"
            self.outcomes[operation.id] = "refused"
        else:
            self.outcomes[operation.id] = "same" if same else "twice"

    def _sent(self, request: dict[str, Any]) -> TestResponse:
        options = {name: request[name] for name in ("json", "data") if name in request}
        return self.account.request(request["method"], request["path"], headers=request.get("headers", {}), **options)


def _with_key(request: dict[str, Any], name: str | None) -> dict[str, Any]:
    if name is None:
        return request
    if name == _KEY:
        return {**request, "headers": {_KEY: "one", **request.get("headers", {})}}
    return {**request, "json": {name: "one", **request.get("json", {})}}


def _is_numbered(request: dict[str, Any], answer: TestResponse) -> bool:
    wanted, got = (body.get("username") for body in (request.get("json", {}), answer.get_json()))
    return got is not None and got != wanted


def _resources(emulator: Emulator) -> dict[str, frozenset[str]]:
    """Return the ids of everything that there is, by collection."""
    root = emulator.world.store.root
    return {name: frozenset(root[name].rows) for name in root if name not in _NOT_RESOURCES and root[name].rows}


def _ids(response: TestResponse) -> list[Any]:
    """Return the ids that an answer names, wherever."""
    found, stack = [], [response.get_json(silent=True)]
    while stack:
        value = stack.pop()
        if isinstance(value, Mapping):
            found += [item for key, item in value.items() if key in ("id", "public_id", "message_id", "inbox_id")]
            stack.extend(value.values())
        elif isinstance(value, list):
            stack.extend(value)
    return sorted(map(str, found))


def _played(provider: Provider) -> dict[str, str]:
    outcomes: dict[str, str] = {}
    for path in fixture_files():
        if path.parent.name == provider.name:
            with Emulator() as emulator:
                replay = LostAnswers(emulator, provider)
                replay.play(path)
                outcomes |= replay.outcomes
    return outcomes


@pytest.mark.parametrize("name", providers.names())
def test_a_create_whose_answer_was_lost_can_be_repeated(name: str) -> None:
    provider = providers.get(name)
    outcomes = _played(provider)
    built = [
        one for one in provider.document.operations.values() if one.method == "POST" and "x-missing" not in one.raw
    ]
    assert set(outcomes) == {operation.id for operation in built}, "every POST was lost once"
    assert {one.id for one in built if _promised(name, one)} == {
        operation for operation, outcome in outcomes.items() if outcome == "replayed"
    }
    # What is made without a promise is made twice, or refused because its name is taken.
    makes = {one.id for one in built if "201" in one.responses and not _promised(name, one)}
    kept = {operation for operation in makes if outcomes[operation] == "same"}
    assert kept == {operation for provider_name, operation in _REPLACES if provider_name == name}
