"""Receivers: where a delivery is posted to. Applications in this process, this machine, and hosts that are allowed."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from inspect import signature
from typing import Any, Final, NamedTuple
from urllib.parse import unquote, urlsplit

from emulator.fetching import Fetched, fetch, is_allowed
from emulator.world import World
from emulator.world.settings import get_setting

HOSTS: Final = "webhooks.hosts"
"""The setting that names the hosts outside this machine that may be posted to, e.g. `["*.example.com"]`."""

_ANSWER_LIMIT: Final = 64 * 1024
_HTTP_FUNCTION, _WSGI, _ASGI = 1, 2, 3


class Received(NamedTuple):
    """What a Python function that is a receiver is called with."""

    url: str
    headers: Mapping[str, str]
    """By name in lower case."""
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON values."""
        return json.loads(self.body)


class Request(NamedTuple):
    """What is posted."""

    url: str
    headers: Mapping[str, str]
    body: bytes
    timeout: float


def receiver_of(world: World, url: str) -> Any | None:
    """Return the application in this process that answers a URL, None if there is none; the longest prefix decides."""
    matching = [prefix for prefix in world.receivers if url.startswith(prefix)]
    return world.receivers[max(matching, key=len)] if matching else None


def may_take_long(world: World, url: str) -> bool:
    """Tell whether posting to a URL opens a connection."""
    return receiver_of(world, url) is None and is_allowed(url, get_setting(world, HOSTS, ()))


def post(world: World, request: Request) -> Fetched:
    """Post a request to an application in this process or over HTTP, and return what it answers.

    What goes wrong is told in `failure`. To be called without the world's lock.
    """
    app = receiver_of(world, request.url)
    if app is not None:
        return _call(app, request)
    if not is_allowed(request.url, get_setting(world, HOSTS, ())):
        return Fetched(failure=_refusal(request.url))
    deadline = time.monotonic() + request.timeout
    return fetch(
        "POST", request.url, headers=request.headers, body=request.body, limit=_ANSWER_LIMIT, deadline=deadline
    )


def kind_of(app: Callable[..., Any]) -> int:
    """Return how many arguments an application takes: 1 a function of `Received`, 2 WSGI, 3 ASGI; TypeError else."""
    try:
        wanted = len(signature(app).parameters)
    except (TypeError, ValueError):
        wanted = 0
    if wanted not in (_HTTP_FUNCTION, _WSGI, _ASGI):
        raise TypeError(f"{app!r} is no receiver: a function of one argument, a WSGI or an ASGI application is")
    return wanted


def _refusal(url: str) -> str:
    try:
        host = urlsplit(url).netloc or url
    except ValueError:  # not even a URL, such as http://[0
        host = url
    return (
        f"{host} is not on this machine: register an application with emulator.receive_webhooks({url!r}, app), "
        f"or allow the host with the setting {HOSTS}"
    )


def _call(app: Callable[..., Any], request: Request) -> Fetched:
    call = {_HTTP_FUNCTION: _call_function, _WSGI: _call_wsgi, _ASGI: _call_asgi}[kind_of(app)]
    try:
        return call(app, request)
    except Exception as error:  # noqa: BLE001  # whatever the application under test does, a server would answer 500
        return Fetched(500, data=f"{type(error).__name__}: {error}".encode())


def _call_function(app: Callable[[Received], Any], request: Request) -> Fetched:
    """Call a function; it returns a status, a status and a text, or None for 200."""
    headers = {name.lower(): value for name, value in request.headers.items()}
    answer = app(Received(request.url, headers, request.body))
    status, text = answer if isinstance(answer, tuple) else (answer, "")
    return Fetched(200 if status is None else int(status), data=str(text).encode())


def _call_wsgi(app: Callable[..., Any], request: Request) -> Fetched:
    from werkzeug.test import Client

    parts = urlsplit(request.url)
    answer = Client(app).post(
        parts.path or "/",
        base_url=f"{parts.scheme}://{parts.netloc}",
        query_string=parts.query,
        headers=dict(request.headers),
        data=request.body,
        environ_overrides={"REMOTE_ADDR": "127.0.0.1"},
    )
    return Fetched(answer.status_code, data=answer.data[:_ANSWER_LIMIT])


def _call_asgi(app: Callable[..., Any], request: Request) -> Fetched:
    """Call an ASGI application on a loop of its own: the caller's thread may be running another."""
    import asyncio

    answered: list[Fetched | Exception] = []

    def run() -> None:
        try:
            answered.append(asyncio.run(_asgi(app, request)))
        except Exception as error:  # noqa: BLE001  # raised again in the thread that waits for it
            answered.append(error)

    thread = threading.Thread(target=run, name="emulator-asgi", daemon=True)
    thread.start()
    thread.join(request.timeout)
    if not answered:
        return Fetched(failure="it took too long")
    if isinstance(answered[0], Exception):
        raise answered[0]
    return answered[0]


async def _asgi(app: Callable[..., Any], request: Request) -> Fetched:
    parts = urlsplit(request.url)
    headers = {"host": parts.netloc, "content-length": str(len(request.body)), **request.headers}
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": parts.scheme,
        "path": unquote(parts.path or "/"),
        "raw_path": (parts.path or "/").encode(),
        "query_string": parts.query.encode(),
        "root_path": "",
        "headers": [(name.lower().encode(), value.encode("utf-8")) for name, value in headers.items()],
        "client": ("127.0.0.1", 0),
        "server": (parts.hostname, parts.port or 80),
    }
    sent: list[dict[str, Any]] = []
    incoming = [{"type": "http.request", "body": request.body, "more_body": False}]

    async def receive() -> dict[str, Any]:
        return incoming.pop() if incoming else {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await app(scope, receive, send)
    status = next(message["status"] for message in sent if message["type"] == "http.response.start")
    data = b"".join(message.get("body", b"") for message in sent if message["type"] == "http.response.body")
    return Fetched(status, data=data[:_ANSWER_LIMIT])
