"""Read what is there: call every operation that only reads, with the ids that other answers hold."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

import pytest

from contract.judge import Api
from contract.links import deletion_of, items_of
from contract.target import Target
from emulator.openapi import Operation

_STREAM = "text/event-stream"
_SWITCHES = "101"


def operations(target: Target) -> list[Operation]:
    """Return the operations that read, those that need few ids first; none that waits or streams."""
    known = target.provider.document.operations.values()
    reading = [one for one in known if one.method == "GET" and not _blocks(target, one)]
    return sorted(reading, key=lambda operation: operation.path.count("{"))


class Reader:
    """Calls operations, in any order, and keeps what the lists held; `known` may be called for their ids."""

    def __init__(self, target: Target, known: Sequence[Operation]) -> None:
        self._target = target
        self._api = Api(target)
        self._known = known
        self._called: set[str] = set()
        self._lists: dict[str, tuple[dict[str, str], list[dict[str, Any]]]] = {}
        """By the path of a list: the parameters that it was asked with, and its items."""

    def read(self, operation: Operation) -> None:
        """Call an operation; skips the test if there is nothing to read."""
        self._called.add(operation.id)
        path, query = self._path(operation), dict(_query(operation))
        status, answer = self._api.look(operation.id, path, params=query)
        if not 200 <= status < 300:
            pytest.skip(f"{operation.id} answered {status}")
        self._lists[operation.path] = (path, list(items_of(answer)))

    def _path(self, operation: Operation) -> dict[str, str]:
        found: dict[str, str] = {}
        above = ""
        for part in operation.path.split("/")[1:]:
            if part.startswith("{"):
                found |= self._value(above, part[1:-1], found)
            above = f"{above}/{part}"
        return found

    def _value(self, above: str, name: str, found: dict[str, str]) -> dict[str, str]:
        """Return the value of a path parameter, and of those above it, from the list that holds such things."""

        def holds_such(path: str) -> bool:
            return path == above or (not found and path.rpartition("/")[2] == above.rpartition("/")[2])

        self._call_first(one for one in self._known if holds_such(one.path))
        for path, (asked, items) in self._lists.items():
            if not items or not holds_such(path):
                continue
            known = {item: asked[item] for item in found if item in asked}
            item = next((item for item in items if self._name(above, name, item)), None)
            if item is not None:
                return {**known, name: str(self._name(above, name, item))}
        pytest.skip(f"nothing is listed at {above}")

    def _call_first(self, lists: Iterable[Operation]) -> None:
        """Call what was not called yet: the test of a list may come later, or be another process's."""
        for operation in lists:
            if operation.id not in self._called:
                with suppress(pytest.skip.Exception):
                    self.read(operation)

    def _name(self, above: str, name: str, item: Mapping[str, Any]) -> Any:
        """Return what an item is called in a path: as the links say, by the parameter's name, or by its id."""
        document = self._target.provider.document
        for create in document.operations.values():
            deletion = deletion_of(document, create) if create.path.rstrip("/") == above else None
            if deletion and name in deletion.expressions:
                return item.get(deletion.expressions[name].rpartition("/")[2])
        return item.get(name, item.get("id"))


def _blocks(target: Target, operation: Operation) -> bool:
    streams = any(_STREAM in response.get("content", {}) for response in operation.responses.values())
    return streams or _SWITCHES in operation.responses or operation.id in target.provider.waiting_operations


def _query(operation: Operation) -> Iterator[tuple[str, Any]]:
    """Yield the query parameters that an operation needs; skips the test if the document gives no value for one."""
    for parameter in operation.parameters:
        if parameter["in"] == "query" and parameter.get("required"):
            value = _example(parameter)
            if value is None:
                pytest.skip(f"{operation.id} needs {parameter['name']}, and the document gives no example")
            yield parameter["name"], value


def _example(parameter: Mapping[str, Any]) -> Any:
    """Return a value for a query parameter, None if the document does not say what it takes."""
    schema = parameter.get("schema", {})
    known = [parameter.get("example"), schema.get("default"), *schema.get("examples", ()), *schema.get("enum", ())]
    free = schema.get("type") == "string" and not {"pattern", "format"} & set(schema)
    return next((value for value in known if value is not None), "hello" if free else None)
