"""What a contract run is aimed at: the emulator in this process, or an API at a URL."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import count
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from emulator import providers
from emulator.harness import Emulator
from emulator.provider import Provider

WORLD_HEADER = "X-Emulator-World"
_TIMEOUT = 30.0
_START = "2026-01-01T12:00:00Z"


@dataclass(frozen=True)
class Choice:
    """What the command line chose."""

    provider: str | None = None
    base_url: str | None = None
    key_env: str | None = None
    revision: str | None = None
    operations: str | None = None

    def providers(self) -> list[str]:
        """Return the names of the providers to run against."""
        return [self.provider] if self.provider else providers.names()

    def get(self, name: str) -> Provider:
        """Return a provider in the chosen revision."""
        provider = providers.get(name)
        return provider if self.revision is None else provider.at(self.revision)

    def emulator(self, provider: Provider) -> Emulator:
        """Return a fresh emulator in the revision of this provider."""
        return Emulator(revisions={provider.name: provider.revision})

    def api_key(self, provider: Provider, operation: str | None = None) -> str:
        """Return the key to use: from the environment for a live API, else the emulator's well-known one.

        An operation that is not for the usual key names its credential in the document, as `x-credential`.
        """
        known = None if operation is None else provider.document.operations.get(operation)
        name = "api_key" if known is None else known.raw.get("x-credential", "api_key")
        return os.environ[self.key_env] if self.key_env else provider.credentials[name]


CHOICE = Choice()
"""Set from the command line before anything is collected."""


class Target:
    """One provider to talk to: a fresh emulator in process, a world of its own on a served one, or the live API."""

    def __init__(self, provider: str, choice: Choice) -> None:
        self.provider = choice.get(provider)
        self.api_key = choice.api_key(self.provider)
        self.emulator = None if choice.base_url else choice.emulator(self.provider)
        self.base_url = choice.base_url or self.provider.origin
        transport = httpx.WSGITransport(app=self.emulator.wsgi) if self.emulator else None
        self.http = httpx.Client(base_url=self.base_url, transport=transport, timeout=_TIMEOUT)
        self._run = f"{_RUN}-{next(_TARGETS)}"
        self.live = self.emulator is None and not self._enter_own_world()
        OPEN.append(self)

    def name(self, wanted: str) -> str:
        """Return a name that nobody has: as it is in an emulator, with a suffix of this journey's on a live API."""
        return f"{wanted}-{self._run}" if self.live else wanted

    def needs_emulator(self, reason: str) -> None:
        """Skip the test on a live API."""
        if self.live:
            pytest.skip(reason)

    def control(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Use the emulator's control API; skips the test on a live API."""
        self.needs_emulator("needs the emulator's control API")
        return self.http.request(method, f"{self._origin}/_emulator{path}", **options)

    @property
    def world_header(self) -> dict[str, str]:
        """The header that leads into this target's own world on a served emulator; empty elsewhere."""
        return {} if self.live or self.emulator else {WORLD_HEADER: self._run}

    def close(self) -> None:
        """Close the client; raises what went wrong inside the emulator, if anything did."""
        OPEN.remove(self)
        if self.emulator is None and not self.live:
            self.http.delete(f"{self._origin}/_emulator/worlds/{self._run}", headers={WORLD_HEADER: ""})
        self.http.close()
        if self.emulator:
            self.emulator.close()

    @property
    def _origin(self) -> str:
        return "{0.scheme}://{0.netloc}".format(urlsplit(self.base_url))

    def _enter_own_world(self) -> bool:
        """Make a world of this target's own, if an emulator is what listens; tell whether."""
        try:
            made = self.http.post(f"{self._origin}/_emulator/worlds", json={"name": self._run, "clock": _START})
        except httpx.HTTPError:
            return False
        if made.status_code != httpx.codes.CREATED:
            return False
        self.http.headers[WORLD_HEADER] = self._run
        revision = {"revision": self.provider.revision}
        self.http.put(f"{self._origin}/_emulator/revisions/{self.provider.name}", json=revision)
        return True


OPEN: list[Target] = []
"""The targets that are not closed yet."""

_RUN = os.urandom(3).hex()
_TARGETS = count()


def wsgi_with_document(provider: Provider, app: Callable[..., Iterable[bytes]]) -> Callable[..., Iterable[bytes]]:
    """Return an app that serves the contract document at /openapi.json and the provider at every other path."""
    document = json.dumps(provider.document.raw).encode()
    host = urlsplit(provider.origin).netloc

    def serve(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ["PATH_INFO"] == "/openapi.json":
            start_response("200 OK", [("Content-Type", "application/json")])
            return [document]
        return app({**environ, "HTTP_HOST": host}, start_response)

    return serve
