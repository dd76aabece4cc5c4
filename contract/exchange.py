"""A request and its answer, and the operation of the contract document that it was."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import unquote, urlsplit

import httpx

from emulator.openapi import JSON_TYPE, Document, Operation

_PARAMETER = re.compile(r"\{(\w+)\}")
_OK = range(200, 300)


@dataclass(frozen=True)
class Exchange:
    """One request and the whole of its answer."""

    operation: Operation | None
    """None, where the request is none of the document's: an unknown path, a download."""
    parameters: dict[str, str]
    """The values of the path's parameters."""
    request: httpx.Request
    sent: bytes
    status: int
    headers: httpx.Headers
    body: bytes

    @property
    def succeeded(self) -> bool:
        """Tell whether the answer is a success."""
        return self.status in _OK

    @property
    def content_type(self) -> str:
        """The media type of the answer, without its parameters."""
        return str(self.headers.get("Content-Type", "")).partition(";")[0].strip().lower()

    @cached_property
    def json(self) -> Any:
        """The answer's JSON value; ValueError if it is none."""
        return json.loads(self.body)

    @cached_property
    def sent_json(self) -> Any:
        """The request's JSON value, None if it has none."""
        if self.request.headers.get("Content-Type", "").partition(";")[0] != JSON_TYPE:
            return None
        try:
            return json.loads(self.sent)
        except ValueError:
            return None

    def json_or_none(self) -> Any:
        """Return the answer's JSON value, None if it has none."""
        try:
            return self.json if self.content_type.endswith("json") else None
        except ValueError:
            return None


class Paths:
    """Finds the operation of a request. `base_url` stands in the place of the provider's origin."""

    def __init__(self, document: Document, base_url: str) -> None:
        parts = urlsplit(base_url)
        self._origin = (parts.scheme, parts.netloc)
        self._prefix = parts.path.rstrip("/")
        # Literal paths first: /messages/send is not /messages/{id}.
        known = sorted(document.operations.values(), key=lambda operation: operation.path.count("{"))
        self._known = [(operation.method, _pattern(operation.path), operation) for operation in known]

    def find(self, method: str, url: str) -> tuple[Operation | None, dict[str, str]]:
        """Return the operation and the values of its path parameters; None and nothing for any other request."""
        parts = urlsplit(url)
        if (parts.scheme, parts.netloc) != self._origin or not parts.path.startswith(self._prefix):
            return None, {}
        path = parts.path.removeprefix(self._prefix)
        path = path.rstrip("/") or path
        for wanted, pattern, operation in self._known:
            found = pattern.fullmatch(path) if wanted == method else None
            if found:
                return operation, {name: unquote(value) for name, value in found.groupdict().items()}
        return None, {}


def _pattern(path: str) -> re.Pattern[str]:
    literal, *rest = _PARAMETER.split(path.rstrip("/"))
    written = re.escape(literal)
    for name, after in zip(rest[::2], rest[1::2], strict=True):
        written += f"(?P<{name}>[^/]+){re.escape(after)}"
    return re.compile(written)
