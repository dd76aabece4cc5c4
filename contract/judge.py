"""Hold any answer against the contract document, independently of the emulator's own checks."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import cache
from typing import Any
from urllib.parse import quote

import httpx
import schemathesis
from schemathesis.specs.openapi import checks as openapi_checks

from contract import target as aim
from contract.target import Target
from emulator.provider import Provider

logging.getLogger("httpx").setLevel(logging.WARNING)

_CHECKS = [
    openapi_checks.status_code_conformance,
    openapi_checks.content_type_conformance,
    openapi_checks.response_headers_conformance,
    openapi_checks.response_schema_conformance,
]


class Api:
    """Calls operations by id and judges every answer; `calls` are the operations that succeeded."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.succeeded: set[str] = set()
        self._document = target.provider.document

    def call(
        self,
        operation: str,
        path: Mapping[str, str] | None = None,
        *,
        expect: int,
        key: str | None = "",
        **options: Any,
    ) -> Any:
        """Call an operation, assert its status, judge the answer, and return its JSON (None for an empty body).

        `key` is another credential than the target's, or None for none; `options` are httpx's (`json`, `params`).
        """
        known = self._document.operations[operation]
        url = known.path.format(**{name: quote(value, safe="@") for name, value in (path or {}).items()})
        shown = aim.CHOICE.api_key(self.target.provider, operation) if key == "" else key
        headers = {**(self.target.provider.key_headers(shown) if shown else {}), **options.pop("headers", {})}
        response = self.target.http.request(known.method, url, headers=headers, **options)
        assert response.status_code == expect, f"{operation}: expected {expect}, got {_shown(response)}"
        self.judge(operation, response)
        if response.is_success:
            self.succeeded.add(operation)
        return response.json() if response.content else None

    def judge(self, operation: str, response: httpx.Response) -> None:
        """Raise schemathesis' failures if an answer breaks the document; undocumented statuses count."""
        case = _judge(self.target.provider)[operation]
        case.validate_response(response, checks=_CHECKS)


@cache
def _judge(provider: Provider) -> dict[str, Any]:
    """Return a stand-in case for each operation: its answers are judged, it is never sent."""
    schema = schemathesis.openapi.from_dict(dict(provider.document.raw))
    found = {}
    for result in schema.get_all_operations():
        operation: Any = result.ok()  # type: ignore[union-attr]  # our own documents are valid
        parameters = {parameter.name: "-" for parameter in operation.path_parameters}
        found[operation.definition.raw["operationId"]] = operation.Case(path_parameters=parameters)
    return found


def _shown(response: httpx.Response) -> str:
    return f"{response.status_code}: {response.text[:500]}"
