"""Ways for an application to deviate: wrappers that change what one operation is asked or answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any, NamedTuple

from contract.exchange import Paths
from emulator import providers
from tests.live_provider import Wsgi

Json = Any


@dataclass
class Reply:
    """An answer on its way back, to be changed."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Json:
        """The JSON value of the body, None if it has none."""
        return json.loads(self.body) if self.body else None

    @json.setter
    def json(self, value: Json) -> None:
        self.body = json.dumps(value).encode()


@dataclass
class Asked:
    """A request on its way in, to be changed."""

    environ: dict[str, Any]
    notes: dict[str, Any] = field(default_factory=dict)
    """Kept from request to request."""

    @property
    def json(self) -> Json:
        """The JSON value of the body, None if it has none."""
        body = self.environ["wsgi.input"].read(int(self.environ.get("CONTENT_LENGTH") or 0))
        self.environ["wsgi.input"] = BytesIO(body)
        return json.loads(body) if body else None

    @json.setter
    def json(self, value: Json) -> None:
        body = json.dumps(value).encode()
        self.environ["wsgi.input"], self.environ["CONTENT_LENGTH"] = BytesIO(body), str(len(body))


Wrapper = Callable[[Wsgi], Wsgi]


class Deviation(NamedTuple):
    """A provider that does one thing otherwise, the journeys that meet it, and what the run must say.

    `finds` is the kind of the finding and a part of where it is; None for what no document forbids.
    """

    does: str
    provider: str
    operation: str
    journeys: str
    finds: tuple[str, str] | None
    wrapper: Callable[[str], Wrapper]


def answers(operation: str, change: Callable[[Reply], None], status: int | None = None) -> Callable[[str], Wrapper]:
    """Change the answers of an operation: those with this status, else all successes."""

    def wanted(reply: Reply) -> bool:
        return reply.status == status if status else reply.status < 300

    def wrapper_for(provider: str) -> Wrapper:
        def wrap(app: Wsgi) -> Wsgi:
            def serve(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
                if operation_of(provider, environ) != operation:
                    return app(environ, start_response)
                reply = call(app, environ)
                if wanted(reply):
                    change(reply)
                return send(reply, start_response)

            return serve

        return wrap

    return wrapper_for


def requests(
    operation: str, change: Callable[[Asked], Reply | None], notes: dict[str, Any] | None = None
) -> Callable[[str], Wrapper]:
    """Change what an operation is asked, or answer in its place."""
    kept = {} if notes is None else notes

    def wrapper_for(provider: str) -> Wrapper:
        def wrap(app: Wsgi) -> Wsgi:
            def serve(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
                if operation_of(provider, environ) == operation:
                    instead = change(Asked(environ, kept))
                    if instead is not None:
                        return send(instead, start_response)
                return app(environ, start_response)

            return serve

        return wrap

    return wrapper_for


_PATHS: dict[str, Paths] = {}


def operation_of(provider: str, environ: dict[str, Any]) -> str | None:
    """Return the operation that a request is."""
    if provider not in _PATHS:
        _PATHS[provider] = Paths(providers.get(provider).document, f"http://host/{provider}")
    path = environ["PATH_INFO"].encode("latin-1").decode()
    found, _ = _PATHS[provider].find(environ["REQUEST_METHOD"], f"http://host{path}")
    return found.id if found else None


def call(app: Wsgi, environ: dict[str, Any]) -> Reply:
    """Run an application and return its whole answer."""
    told: list[Any] = []
    body = app(environ, lambda status, headers, *_: told.extend((status, headers)))
    content = b"".join(body)
    if hasattr(body, "close"):
        body.close()
    return Reply(int(told[0].split(" ")[0]), dict(told[1]), content)


def send(reply: Reply, start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Answer with a reply."""
    headers = [(name, value) for name, value in reply.headers.items() if name.lower() != "content-length"]
    start_response(f"{reply.status} -", [*headers, ("Content-Length", str(len(reply.body)))])
    return [reply.body]
