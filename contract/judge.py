"""Call operations by id; every answer is held against the contract document."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from urllib.parse import quote

import httpx

from contract.conformance import documented_response
from contract.receiver import Heard, Receiver
from contract.target import Target

T = TypeVar("T")

_WEBHOOK_PATIENCE = 10.0
_BETWEEN_LOOKS = 0.02

logging.getLogger("httpx").setLevel(logging.WARNING)


class Api:
    """Calls operations by id; `succeeded` are those that did.

    How answers break the document is found by the target's wire, for these calls and for any other; it fails the test
    at its end, so that a journey goes on over a missing field and still proves its rule.
    """

    def __init__(self, target: Target) -> None:
        self.target = target
        self.succeeded: set[str] = set()
        self.credentials: dict[str, str] = {}
        """Credentials of the journey's own, by the names that operations ask for them with (`x-credential`)."""
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
        """Call an operation, assert its status, and return its JSON (None for an empty body).

        `key` is another credential than the target's, or None for none; `options` are httpx's (`json`, `params`).
        """
        response = self._send(operation, path or {}, key, expect=expect, **options)
        assert self._is_expected(operation, response, expect), f"{operation}: expected {expect}, got {_shown(response)}"
        if response.is_success:
            self.succeeded.add(operation)
        return response.json() if response.content else None

    def look(self, operation: str, path: Mapping[str, str], **options: Any) -> tuple[int, Any]:
        """Call an operation whatever it answers; return the status and the JSON, None for anything else."""
        response = self._send(operation, path, "", expect=None, **options)
        kind = response.headers.get("Content-Type", "").partition(";")[0]
        return response.status_code, response.json() if response.content and kind.endswith("json") else None

    def key_of(self, operation: str) -> str:
        """Return the key that an operation is called with: the journey's own one, or the target's."""
        name = self._document.operations[operation].raw.get("x-credential", "api_key")
        return self.credentials.get(name) or self.target.run.choice.api_key(self.target.provider, operation)

    def _send(
        self, operation: str, path: Mapping[str, str], key: str | None, *, expect: int | None, **options: Any
    ) -> httpx.Response:
        known = self._document.operations[operation]
        url = known.path.format(**{name: quote(value, safe="@") for name, value in path.items()})
        shown = self.key_of(operation) if key == "" else key
        headers = {**(self.target.provider.key_headers(shown) if shown else {}), **options.pop("headers", {})}
        extensions = {"expect": expect, **options.pop("extensions", {})}
        return self.target.http.request(known.method, url, headers=headers, extensions=extensions, **options)

    def _is_expected(self, operation: str, response: httpx.Response, expect: int) -> bool:
        """Tell whether a status is as expected, or another success that is found already to be undocumented.

        A journey goes on over the latter: what it proves may hold all the same.
        """
        if response.status_code == expect:
            return True
        documented = documented_response(self._document.operations[operation], response.status_code)
        return documented is None and response.is_success and httpx.codes.is_success(expect)

    def until(self, look: Callable[[], T], enough: Callable[[T], bool] = bool) -> T:
        """Look until there is enough to see, and return it: mail takes its time. Else what the last look saw."""
        return self.target.until(look, enough)

    def webhook(self, receiver: Receiver) -> Heard:
        """Return the first webhook that arrives; fails if none does."""
        deadline = time.monotonic() + _WEBHOOK_PATIENCE
        while not receiver.heard and time.monotonic() < deadline:
            time.sleep(_BETWEEN_LOOKS)
        assert receiver.heard, "no webhook came"
        return receiver.heard[0]

    def judge(self, operation: str, response: httpx.Response) -> None:
        """Assert that a response is one of this operation, so that it was held against the document."""
        assert self.target.wire.operation_of(response.request) == operation


def _shown(response: httpx.Response) -> str:
    return f"{response.status_code}: {response.text[:500]}"
