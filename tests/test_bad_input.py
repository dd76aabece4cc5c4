"""Bad input of every kind gets the provider's own error, never a 500 and never a page of HTML."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from emulator import Emulator, coverage
from emulator.openapi import Operation
from emulator.provider import Provider

_MALFORMED: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "application/json"),
    "cut off": (b'{"a": ', "application/json"),
    "not JSON": (b"hello", "application/json"),
    "array": (b"[]", "application/json"),
    "null": (b"null", "application/json"),
    "number": (b"1e999", "application/json"),
    "NaN": (b'{"agent_handle": NaN}', "application/json"),
    "lone surrogate": (rb'{"agent_handle": "\ud800", "name": "\ud800", "username": "\ud800"}', "application/json"),
    "NUL": (rb'{"agent_handle": "a\u0000b", "name": "a\u0000b", "username": "a\u0000b"}', "application/json"),
    "not UTF-8": (b'{"agent_handle": "\xff\xfe"}', "application/json"),
    "UTF-16": ('{"agent_handle": "x"}'.encode("utf-16"), "application/json"),
    "deep": (b"[" * 100_000, "application/json"),
    "huge number": (b"1" * 5000, "application/json"),
    "form": (b"agent_handle=x", "application/x-www-form-urlencoded"),
    "text": (b'{"agent_handle": "x"}', "text/plain"),
    "XML": (b"<a/>", "application/xml"),
    "no content type": (b'{"agent_handle": "x"}', ""),
}
_every_generation = pytest.mark.parametrize(
    "provider", coverage.generations(), ids=lambda provider: f"{provider.name}-{provider.revision}"
)
_WRONG: list[Any] = [0, -1, 1.5, True, None, "", " ", "\r\nBcc: a@b.test", "x" * 100_000, [], [[]], {}, {"$ref": "#"}]


def _emulator(provider: Provider) -> Emulator:
    return Emulator(revisions={provider.name: provider.revision})


def _built(provider: Provider) -> list[Operation]:
    built = coverage.built(provider)
    return [operation for operation in provider.document.operations.values() if operation.id in built]


def _paths(operation: Operation) -> str:
    parameters = {item["name"]: "nobody" for item in operation.parameters if item["in"] == "path"}
    return operation.path.format(**parameters)


def _bodies(operation: Operation, provider: Provider) -> Iterator[tuple[str, bytes, str]]:
    yield from ((name, data, kind) for name, (data, kind) in _MALFORMED.items())
    schema = provider.document.resolve(operation.body_schema or {})
    for name in schema.get("properties", {"anything": {}}):
        for value in _WRONG:
            yield f"{name}={str(value)[:20]!r}", json.dumps({name: value}).encode(), "application/json"


def _is_the_providers_error(provider: Provider, body: Any) -> bool:
    operation = next(iter(provider.document.operations.values()))
    schema = operation.response_schema(401)
    known = provider.document.resolve(schema or {})
    return isinstance(body, dict) and set(known.get("required", ())) <= set(body)


@_every_generation
def test_malformed_requests_get_the_providers_error(provider: Provider) -> None:
    sent = 0
    with _emulator(provider) as emulator:
        account = emulator.account(provider.name)
        for operation in _built(provider):
            if operation.body_schema is None or operation.id in provider.waiting_operations:
                continue
            for what, data, kind in _bodies(operation, provider):
                response = account.request(operation.method, _paths(operation), data=data, content_type=kind)
                sent += 1
                where = f"{operation.id} with {what}: {response.status_code} {response.text[:300]}"
                assert response.status_code < 500, where
                if response.status_code >= 400:
                    assert _is_the_providers_error(provider, response.get_json()), where
    assert sent >= 200


@_every_generation
def test_wrong_query_values_get_the_providers_error(provider: Provider) -> None:
    with _emulator(provider) as emulator:
        account = emulator.account(provider.name)
        for operation in _built(provider):
            for parameter in (item for item in operation.parameters if item["in"] == "query"):
                for value in ("", "-1", "9" * 400, "x", "\0", "%", "\ud7ff", "null", "1.5", "true&x=1"):
                    query = {parameter["name"]: value}
                    response = account.request(operation.method, _paths(operation), query_string=query)
                    assert response.status_code < 500, f"{operation.id} with {query}: {response.text[:300]}"


@_every_generation
def test_hostile_path_values_are_answered(provider: Provider) -> None:
    hostile = (
        "%00",
        "%ff",
        "..",
        "%2e%2e%2f",
        "a%0d%0ab",
        "x" * 5000,
        "%F0%9F%90%99",
        "'--",
        "{}",
        "@",
        "a@b@c",
        "%25",
    )
    with _emulator(provider) as emulator:
        account = emulator.account(provider.name)
        for operation in _built(provider):
            if "{" not in operation.path:
                continue
            names = [item["name"] for item in operation.parameters if item["in"] == "path"]
            for value in hostile:
                path = operation.path.format(**dict.fromkeys(names, value))
                response = account.request(operation.method, path)
                assert response.status_code < 500, f"{operation.method} {path}: {response.text[:300]}"


@_every_generation
def test_an_unknown_path_is_the_providers_404_with_a_hint(provider: Provider) -> None:
    with _emulator(provider) as emulator:
        response = emulator.account(provider.name).request("GET", "/no/such/path")
        assert response.status_code == 404
        assert _is_the_providers_error(provider, response.get_json())
        assert "no operation at this path is emulated" in response.headers["X-Emulator-Hint"]


@_every_generation
def test_a_wrong_method_is_405_with_allow(provider: Provider) -> None:
    with _emulator(provider) as emulator:
        account = emulator.account(provider.name)
        for operation in _built(provider):
            response = account.request("TRACE", _paths(operation))
            assert response.status_code == 405, operation.id
            assert operation.method in response.headers["Allow"], operation.id
            assert _is_the_providers_error(provider, response.get_json()), operation.id


@_every_generation
def test_an_oversized_body_is_refused_unread(provider: Provider) -> None:
    operation = next(one for one in provider.document.operations.values() if one.body_schema is not None)
    with _emulator(provider) as emulator:
        body = b" " * (provider.body_limit + 1)
        response = emulator.account(provider.name).request(
            operation.method, _paths(operation), data=body, content_type="application/json"
        )
        assert response.status_code == 413
        assert _is_the_providers_error(provider, response.get_json())
