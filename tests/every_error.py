"""Provoke every error that the contract documents know: by what a request is or finds, else by a fault rule.

The documented exchanges are requests that succeed, each in the world in which it does; `provoking` spoils them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from typing import Any, Literal, NamedTuple

import jsonschema_rs
from werkzeug.test import Client, TestResponse

from emulator import Emulator
from emulator.openapi import Operation
from emulator.provider import Provider, choose, choose_revision
from emulator.world import Snapshot
from tests.provoking import WAYS, Attempt, Known, Request, any_request, read_request
from tests.replay import Replay, fixtures_of, generation_of, in_words_of

How = Literal["state", "fault"]

_ERROR = 400


class Error(NamedTuple):
    """An error of an operation."""

    operation: str
    status: int


class Undocumented(AssertionError):
    """An error is not as the contract document has it, or could not be brought about at all."""


def documented(provider: Provider) -> list[Error]:
    """Return every error that the contract document of a generation knows."""
    return [
        Error(operation.id, status)
        for operation in provider.document.operations.values()
        for status in sorted(map(int, operation.responses))
        if status >= _ERROR
    ]


@cache
def provoked(provider: Provider) -> Mapping[Error, How]:
    """Provoke every documented error and return how; Undocumented if one does not come as it is documented."""
    provoker = _Provoker(provider)
    return {error: provoker.provoke(error) for error in documented(provider)}


class _Example(NamedTuple):
    """A documented request, in the world in which it is answered with `status`."""

    emulator: Emulator
    before: Snapshot
    request: Request
    status: int


class _Recorder(Replay):
    """Plays documented exchanges and keeps each, with the world before it."""

    def __init__(self, emulator: Emulator, provider: Provider) -> None:
        super().__init__(emulator.account(provider.name))
        self.examples: list[_Example] = []
        self._operations = provider.document.operations

    def _exchange(self, name: str, exchange: dict[str, Any]) -> None:
        emulator = self.account.emulator
        start = emulator.snapshot()
        self._prepare(exchange)
        request = read_request(self._operations[exchange["operation"]], self._fill(exchange["request"]))
        self.examples.append(_Example(emulator, emulator.snapshot(), request, exchange["response"]["status"]))
        emulator.restore(start)
        super()._exchange(name, exchange)


class _Provoker:
    """Brings about the errors of one generation of a provider."""

    def __init__(self, provider: Provider) -> None:
        self.provider = provider
        self._judge = Judge(provider)
        self._examples: dict[str, list[_Example]] = {}
        for example in _examples(provider):
            operation = provider.document.operations[example.request.operation.id]
            body = in_words_of(provider, example.request.body)
            here = example._replace(request=replace(example.request, operation=operation, body=body))
            self._examples.setdefault(operation.id, []).append(here)
        succeeding = {
            name: [each.request for each in examples if each.status < _ERROR]
            for name, examples in self._examples.items()
        }
        self._known = Known(provider, succeeding)

    def provoke(self, error: Error) -> How:
        """Provoke an error and return how; Undocumented if it does not come as it is documented."""
        operation = self.provider.document.operations[error.operation]
        examples = self._examples_of(operation)
        for example, attempt in self._attempts(examples, error.status):
            response = self._try(example, attempt)
            if response.status_code == error.status:
                self._judge.check(operation, response, attempt.how)
                return "state"
        example = examples[0]
        response = self._try(example, Attempt("a fault rule", example.request), fault=error.status)
        if response.status_code != error.status:
            raise Undocumented(f"{error}: the fault rule gave {response.status_code}")
        self._judge.check(operation, response, "a fault rule")
        return "fault"

    def _examples_of(self, operation: Operation) -> list[_Example]:
        """Return the documented requests to an operation, those that succeed first."""
        known = self._examples.get(operation.id)
        if known is None:
            emulator = Emulator()
            return [_Example(emulator, emulator.snapshot(), any_request(operation), 200)]
        return sorted(known, key=lambda example: example.status >= _ERROR)

    def _attempts(self, examples: list[_Example], status: int) -> Iterator[tuple[_Example, Attempt]]:
        for example in examples:
            if example.status == status:
                yield example, Attempt("a documented exchange", example.request)
        for way in WAYS.get(status, ()):
            for example in examples:
                if example.status < _ERROR:
                    for attempt in way(self._known, example.request):
                        yield example, attempt

    def _try(self, example: _Example, attempt: Attempt, fault: int | None = None) -> TestResponse:
        emulator, provider, world = example.emulator, self.provider, example.emulator.world
        emulator.restore(example.before)
        quick = dict.fromkeys(provider.waiting_operations.values(), 0)
        with world.step():
            choose_revision(world, provider, provider.revision)
            for name, value in {**quick, **attempt.settings}.items():
                choose(world, provider, name, value)
        made = ""
        for request in attempt.first:
            made = _made(_send(emulator, provider, request, made))
        if fault is not None:
            emulator.fault("respond", provider=provider.name, operation=attempt.request.operation.id, status=fault)
        response = _send(emulator, provider, attempt.request, made)
        world.faults.clear()
        world.journal.clear()  # thousands of requests
        if emulator.worlds.failures:
            raise emulator.worlds.failures[0]
        return response


class Judge:
    """Holds errors against the contract document, apart from the emulator's own check."""

    def __init__(self, provider: Provider) -> None:
        self._document = provider.document
        self._validators: dict[int, jsonschema_rs.Validator] = {}

    def check(self, operation: Operation, response: TestResponse, how: str) -> None:
        """Raise Undocumented for an error whose type, body or headers are not as documented."""
        documented = operation.responses[str(response.status_code)]
        where = f"{operation.id} {response.status_code} ({how})"
        schema = operation.response_schema(response.status_code)
        if schema is None or response.mimetype != "application/json":
            raise Undocumented(f"{where} is {response.mimetype}, and documented as {list(documented['content'])}")
        for error in self._validator(schema).iter_errors(response.get_json()):
            raise Undocumented(f"{where}: {error.message} in {response.text}")
        for name, header in documented.get("headers", {}).items():
            if self._document.resolve(header).get("required") and name not in response.headers:
                raise Undocumented(f"{where} came without {name}")

    def _validator(self, schema: Mapping[str, Any]) -> jsonschema_rs.Validator:
        # Most errors share a schema, and compiling one takes longer than a request.
        if id(schema) not in self._validators:
            whole = self._document.whole(schema)
            self._validators[id(schema)] = jsonschema_rs.Draft202012Validator(whole, validate_formats=True)
        return self._validators[id(schema)]


def _send(emulator: Emulator, provider: Provider, request: Request, made: str) -> TestResponse:
    usual = provider.key_headers(emulator.account(provider.name).api_key)
    headers = {**usual, **request.headers}
    if request.anonymous:
        headers = {name: value for name, value in headers.items() if name not in usual}
    options: dict[str, Any] = {"headers": headers, "query_string": dict(request.query)}
    if request.claimed_length is not None:
        options["environ_overrides"] = {"CONTENT_LENGTH": str(request.claimed_length)}
    elif request.data is not None:
        options["data"] = request.data
    elif request.body is not None:
        options["json"] = request.body
    client = Client(emulator.wsgi)
    return client.open(request.url(made), method=request.operation.method, base_url=provider.origin, **options)


def _made(response: TestResponse) -> str:
    """Return the id of what a request has made, as its answer gives it."""
    answer = response.get_json(silent=True)
    data = answer.get("data", answer) if isinstance(answer, dict) else None
    return str(data.get("id", "")) if isinstance(data, dict) else ""


@cache
def _examples(provider: Provider) -> tuple[_Example, ...]:
    found: list[_Example] = []
    for path in fixtures_of(provider):
        recorder = _Recorder(Emulator(), generation_of(path))
        recorder.play(path)
        found += recorder.examples
    return tuple(found)
