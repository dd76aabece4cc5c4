"""A key of one identity gets at nothing of another one, whatever operation it tries."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from emulator import Emulator, providers
from tests.replay import Replay, fixtures_of

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
_CURRENT = providers.get("inkbox").at("current")
_FOR_EVERYBODY = {"list_domains"}
"""What is the organization's, and every key may read."""


class _Intruder(Replay):
    """Plays exchanges; a key of another identity tries each of them first."""

    def __init__(self, emulator: Emulator) -> None:
        super().__init__(emulator.account("inkbox"))
        self.tried: set[str] = set()

    def _exchange(self, name: str, exchange: dict[str, Any]) -> None:
        operation = _CURRENT.document.operations[exchange["operation"]]
        own_key = "X-API-Key" in exchange["request"].get("headers", {})
        if operation.needs_credential and not own_key and operation.id not in _FOR_EVERYBODY:
            before = self.account.emulator.snapshot()
            self._prepare(exchange)
            self._intrude(name, self._fill(exchange["request"]))
            self.tried.add(operation.id)
            self.account.emulator.restore(before)
        super()._exchange(name, exchange)

    def _intrude(self, name: str, request: dict[str, Any]) -> None:
        account = self.account
        mine = account.request("POST", "/api/v1/identities", json={"agent_handle": "intruder"}).get_json()
        body = {"label": "Intruder", "scoped_identity_id": mine["id"]}
        key = account.request("POST", "/api/v1/api-keys", json=body).get_json()["api_key"]
        options = {part: request[part] for part in ("json", "data") if part in request}
        there = account.emulator.snapshot()
        seen = account.request(request["method"], request["path"], **options).text
        account.emulator.restore(there)
        headers = {**request.get("headers", {}), "X-API-Key": key}
        answer = account.request(request["method"], request["path"], headers=headers, **options)
        if answer.status_code >= 400:
            assert answer.status_code in (402, 403, 404, 409, 422), f"{name}: {answer.text}"
            return
        own = set(_UUID.findall(str(mine)))
        assert not (set(_UUID.findall(seen)) - own) & set(_UUID.findall(answer.text)), f"{name} shows {answer.text}"


@pytest.mark.parametrize("path", fixtures_of(_CURRENT), ids=lambda path: path.stem)
def test_a_key_of_another_identity_sees_and_changes_nothing(path: Path) -> None:
    with Emulator() as emulator:
        intruder = _Intruder(emulator)
        intruder.play(path)
        assert intruder.tried
