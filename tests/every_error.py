"""Provoke every error that the contract documents know: by what a request is or finds, else by a fault rule."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

from werkzeug.test import TestResponse

from emulator import Emulator, coverage
from emulator.harness import Account
from emulator.openapi import Operation
from emulator.provider import Answer, Provider
from emulator.servers.http.check import OperationCheck
from tests.replay import Replay, fixture_files

How = Literal["state", "fault"]

_ERROR = 400
_PARAMETER = re.compile(r"\{[^}]+\}")
_HUGE = str(10**12)


class Error(NamedTuple):
    """An error of an operation."""

    operation: str
    status: int


class _Watch(Replay):
    """Plays documented exchanges and notes every error that they are answered with."""

    def __init__(self, account: Account) -> None:
        super().__init__(account)
        self.met: set[Error] = set()

    def _exchange(self, name: str, exchange: dict[str, Any]) -> None:
        super()._exchange(name, exchange)
        if exchange["response"]["status"] >= _ERROR:
            self.met.add(Error(exchange["operation"], exchange["response"]["status"]))


def generations() -> list[Provider]:
    """Return every provider in every generation."""
    return list(coverage.generations())


def documented(provider: Provider) -> set[Error]:
    """Return every error that a contract document knows, of operations that are built."""
    return {Error(operation.id, status) for operation in _built(provider) for status in _statuses(operation)}


def provoked(provider: Provider) -> dict[Error, How]:
    """Provoke every documented error and return how; AssertionError if one does not come as it is documented."""
    by_state = documented(provider) & (_met_in_fixtures(provider) | _met_by_asking(provider))
    for error in documented(provider) - by_state:
        _provoke_by_fault(provider, error)
    return {error: "state" if error in by_state else "fault" for error in sorted(documented(provider))}


def _built(provider: Provider) -> list[Operation]:
    built = coverage.built(provider)
    return [operation for operation in provider.document.operations.values() if operation.id in built]


def _statuses(operation: Operation) -> list[int]:
    return [int(status) for status in operation.responses if status.isdigit() and int(status) >= _ERROR]


def _account(emulator: Emulator, provider: Provider) -> Account:
    account = emulator.account(provider.name)
    account.use_revision(provider.revision)
    return account


def _met_in_fixtures(provider: Provider) -> set[Error]:
    met: set[Error] = set()
    for path in fixture_files():
        # The documented exchanges are of the first generation.
        if path.parent.name == provider.name and "seed" in provider.aliases:
            with Emulator() as emulator:
                watch = _Watch(emulator.account(provider.name))
                watch.play(path)
                met |= watch.met
    return met


def _met_by_asking(provider: Provider) -> set[Error]:
    """Ask each operation for things that are not there, in wrong words, with every key and with none."""
    met: set[Error] = set()
    with Emulator() as emulator:
        account = _account(emulator, provider)
        start = emulator.snapshot()
        for operation in _built(provider):
            for response in _asked(account, operation):
                met.add(Error(operation.id, response.status_code))
            emulator.restore(start)
    return {error for error in met if error.status >= _ERROR}


def _asked(account: Account, operation: Operation) -> Iterator[TestResponse]:
    path, wrong = _path(operation), {"json": ["no", "object"]}
    yield account.request(operation.method, path, environ_overrides={"CONTENT_LENGTH": _HUGE}, data=b"x")
    for key in ("nobody's", *account.credentials.values()):
        headers = account.provider.key_headers(key)
        yield account.request(operation.method, path, headers=headers, json={})
        yield account.request(operation.method, path, headers=headers, **wrong)
        yield account.request(operation.method, path, headers=headers, query_string={"limit": "x", "page": "x"})


def _path(operation: Operation) -> str:
    return _PARAMETER.sub("00000000-0000-4000-8000-00000000abcd", operation.path)


def _provoke_by_fault(provider: Provider, error: Error) -> None:
    operation = provider.document.operations[error.operation]
    with Emulator() as emulator:
        account = _account(emulator, provider)
        emulator.fail(provider.name, error.operation, error.status)
        response = account.request(operation.method, _path(operation), json={})
        assert response.status_code == error.status, f"{error}: {response.status_code} {response.text[:200]}"
        answer = Answer(response.get_json(), response.status_code)
        OperationCheck(provider.document, operation).answer(answer)
