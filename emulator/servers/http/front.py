"""One door for all providers: by path prefix (`/inkbox/...`) or Host header; `/_emulator` is the emulator itself."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from functools import cache
from typing import Any, Final

from emulator import providers
from emulator.servers.http.app import provider_app
from emulator.servers.http.control import CONTROL_PREFIX, FILES, PAGES_PREFIX, WORLDS, control_app
from emulator.servers.http.exchange import EXCHANGE, Environ, Exchange, origin
from emulator.servers.http.guard import refusal
from emulator.servers.http.strikes import cut_short
from emulator.servers.worlds import Worlds

StartResponse = Callable[..., Any]

_HOME: Final = (CONTROL_PREFIX, f"{CONTROL_PREFIX}/")
_JSON: Final = [("Content-Type", "application/json")]


class Front:
    """The WSGI application of an emulator: finds the provider and hands the worlds on."""

    def __init__(self, worlds: Worlds) -> None:
        self.worlds = worlds

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        path: str = environ.get("PATH_INFO", "")
        if path.startswith(CONTROL_PREFIX):
            return self._own(path, environ, start_response)
        host = environ.get("HTTP_HOST", "").lower()
        name = self._of_host(host) or self._of_host(host.partition(":")[0])
        if name is None:
            name = path[1:].partition("/")[0]
            if not self._serves(name):
                return self._no_provider(path, environ, start_response)
            environ["SCRIPT_NAME"] = f"{environ.get('SCRIPT_NAME', '')}/{name}"
            environ["PATH_INFO"] = path[len(name) + 1 :]
        world = environ.get("HTTP_X_EMULATOR_WORLD")
        if world and self.worlds.get(world) is None:
            return _no_world(world, environ, start_response)
        exchange = environ[EXCHANGE] = Exchange(providers.get(name), self.worlds, environ)
        try:
            answer = provider_app(name, exchange.provider.revision)(environ, start_response)
        finally:
            exchange.close()
        return answer if exchange.cut is None else cut_short(answer, exchange.cut)

    def _of_host(self, host: str) -> str | None:
        name = _hosts().get(host) or self.worlds.hosts.get(host)
        return name if name is not None and self._serves(name) else None

    def _serves(self, name: str) -> bool:
        return name in (_names() if self.worlds.offered is None else self.worlds.offered)

    def _names_of_this(self) -> set[str]:
        """Return the host names that mean this emulator: those it was told, and the providers' it stands in for."""
        return self.worlds.names | {host.partition(":")[0] for host in (*_hosts(), *self.worlds.hosts)}

    def _own(self, path: str, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request about the emulator itself: to a page, or to the control API."""
        # A signed URL is a credential, and is fetched by whatever name the provider's client knows.
        refused = None if path.startswith(FILES) else refusal(environ, self._names_of_this())
        if refused is not None:
            return _refuse(refused, start_response)
        environ[WORLDS] = self.worlds
        if path in _HOME or path.startswith(PAGES_PREFIX):
            from emulator.servers.http.pages import pages_app

            return pages_app()(environ, start_response)
        return control_app()(environ, start_response)

    def _no_provider(self, path: str, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        base = origin(environ)
        bases = {name: f"{base}/{name}" for name in filter(self._serves, providers.names())}
        status, message = "200 OK", "Inbox Emulator: give your client one of these base URLs"
        if path in ("", "/") and "text/html" in environ.get("HTTP_ACCEPT", ""):  # a person came
            start_response("302 Found", [("Location", f"{CONTROL_PREFIX}/")])
            return []
        if path not in ("", "/"):
            near = get_close_matches(path[1:].partition("/")[0], bases, 1)
            hint = f"did you mean /{near[0]}?" if near else "a path begins with a provider's name"
            status, message = "404 Not Found", f"nothing is served at {path}: {hint}"
        start_response(status, _JSON)
        return [json.dumps({"message": message, "providers": bases, "control": f"{base}{CONTROL_PREFIX}"}).encode()]


@cache
def _names() -> frozenset[str]:
    return frozenset(providers.names())


@cache
def _hosts() -> dict[str, str]:
    return {host: provider.name for provider in providers.every() for host in provider.all_hosts}


def _refuse(reason: str, start_response: StartResponse) -> Iterable[bytes]:
    start_response("403 Forbidden", _JSON)
    return [json.dumps({"error": reason}).encode()]


def _no_world(name: str, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    message = f"X-Emulator-World names no world {name!r}; make it with POST {origin(environ)}{CONTROL_PREFIX}/worlds"
    start_response("404 Not Found", _JSON)
    return [json.dumps({"message": message}).encode()]
