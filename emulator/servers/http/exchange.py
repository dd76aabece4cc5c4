"""One HTTP exchange: what is known of a request on its way through the house, and how the journal shows it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from werkzeug.datastructures import EnvironHeaders

from emulator.openapi import Operation
from emulator.provider import Provider
from emulator.servers.worlds import Worlds
from emulator.world import Account
from emulator.world.accounts import account_of_key
from emulator.world.masking import mask_body, mask_headers, mask_query

Environ = dict[str, Any]

EXCHANGE: Final = "emulator.exchange"
"""The WSGI environ key of the Exchange."""

SPARE_THREAD: Final = "emulator.spare_thread"
"""The WSGI environ key of a context manager that keeps the server from running out of threads while one sleeps."""

_KEPT: Final = 64 * 1024


class Exchange:
    """A request to a provider: the world it acts on from the start, account and operation when they are found."""

    __slots__ = (
        "account",
        "answer_headers",
        "answered",
        "cut",
        "environ",
        "key",
        "operation",
        "provider",
        "request_id",
        "sent",
        "status",
        "world",
        "worlds",
    )

    def __init__(self, provider: Provider, worlds: Worlds, environ: Environ) -> None:
        self.worlds = worlds
        self.environ = environ
        self.key = provider.read_key(EnvironHeaders(environ))
        named = worlds.get(environ.get("HTTP_X_EMULATOR_WORLD", ""))
        self.world = named or worlds.of_key(provider, self.key)
        self.provider = provider
        if provider.generations:
            self.provider = provider.in_use(self.world, account_of_key(self.world.store, self.key))
        self.operation: Operation | None = None
        self.account: Account | None = None
        self.request_id = self._new_request_id()
        self.sent = b""
        self.status = 0
        self.answered = b""
        self.answer_headers: Mapping[str, str] = {}
        self.cut: int | None = None
        """After how many bytes of its body the answer breaks off, if it does."""

    @property
    def origin(self) -> str:
        """The scheme and host that the client used."""
        return origin(self.environ)

    @property
    def base_url(self) -> str:
        """What the client uses in the place of the provider's origin."""
        return f"{self.origin}{self.environ.get('SCRIPT_NAME', '')}"

    def _new_request_id(self) -> str:
        if self.provider.request_id_header is None:
            return ""
        # Counted apart from the step: a request that fails had an id all the same.
        with self.world.lock:
            return self.world.new_id(self.provider.name, "request", self.key or "anonymous")

    def close(self) -> None:
        """Note the exchange in the journal; bodies are kept up to 64 KiB and masked when shown."""
        environ = self.environ
        method, path, query = environ["REQUEST_METHOD"], environ["PATH_INFO"], environ.get("QUERY_STRING", "")
        headers = [item for item in environ.items() if item[0].startswith("HTTP_")]
        provider, operation = self.provider.name, self.operation and self.operation.id
        account, status = self.account and self.account.id, self.status
        cut, told = self.cut, self.answer_headers
        sent, answered = self.sent[:_KEPT], self.answered[:_KEPT]

        def brief() -> dict[str, Any]:
            hint = told.get("X-Emulator-Hint")
            return {
                "provider": provider,
                "operation": operation,
                "account": account,
                "method": method,
                "path": path,
                "query": mask_query(query),
                "status": status,
                **({} if cut is None else {"cut_after": max(0, cut)}),
                **({} if hint is None else {"hint": hint}),
            }

        def render() -> dict[str, Any]:
            return {
                **brief(),
                "request_headers": mask_headers((_header_name(name), value) for name, value in headers),
                "request_body": mask_body(sent),
                "response_headers": mask_headers(told.items()),
                "response_body": mask_body(answered),
            }

        size = len(sent) + len(answered) + len(path) + len(query)
        self.world.journal.add(self.world.now(), "http", render, size, brief)


def origin(environ: Environ) -> str:
    """Return the scheme and host that the client used, e.g. `http://127.0.0.1:8025`."""
    host = environ.get("HTTP_HOST") or f"{environ['SERVER_NAME']}:{environ['SERVER_PORT']}"
    return f"{environ['wsgi.url_scheme']}://{host}"


def _header_name(key: str) -> str:
    return key[5:].replace("_", "-").title()
