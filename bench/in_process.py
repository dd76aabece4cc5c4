"""Requests in this process, through the raw WSGI application, against bare Flask routes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from io import BytesIO
from typing import Any

from werkzeug.test import EnvironBuilder

from bench.measure import MICROSECONDS, Effort, Goal, Row, interleave, seconds_per_call
from bench.peers import bare_flask
from emulator import Emulator

_ROUNDS = 40
_ADA = "/api/v1/mail/mailboxes/ada@inkboxmail.com"
_GET = Goal("<=", 1.5)
_CREATE = Goal("<=", 2.0)

Environ = dict[str, Any]


def run(effort: Effort) -> Iterator[Row]:
    """Measure a GET, a create and a send."""
    calls = effort.calls(200)
    creates = [environ("POST", "/api/v1/identities", {"agent_handle": f"agent-{n}"}) for n in range(calls)]
    sends = [environ("POST", f"{_ADA}/messages", _mail(n)) for n in range(calls)]
    yield _compare(effort, "GET mailbox", [environ("GET", _ADA)] * calls, _GET)
    yield _compare(effort, "POST create identity", creates, _CREATE)
    yield _compare(effort, "POST send, delivered here", sends, None)


def environ(method: str, path: str, body: Any = None) -> Environ:
    """Return the WSGI environ of an Inkbox request; its body is kept aside, for each call reads it anew."""
    with Emulator() as emulator:
        account = emulator.account("inkbox")
    headers = list(account.provider.key_headers(account.api_key).items())
    builder = EnvironBuilder(path, account.provider.origin, method=method, headers=headers, json=body)
    made = builder.get_environ()
    builder.close()
    return {**made, "bench.body": b"" if body is None else json.dumps(body).encode()}


def caller(app: Callable[..., Any]) -> Callable[[Environ], None]:
    """Return a function that sends one request to a WSGI application and reads the whole answer."""
    answered: list[str] = []

    def start_response(status: str, _headers: list[tuple[str, str]]) -> None:
        answered[:] = [status]

    def call(given: Environ) -> None:
        body = app({**given, "wsgi.input": BytesIO(given["bench.body"])}, start_response)
        b"".join(body)
        body.close()
        if not answered[0].startswith("2"):
            raise RuntimeError(f"unexpected answer {answered[0]}")

    return call


def _compare(effort: Effort, what: str, ours: Sequence[Environ], goal: Goal | None) -> Row:
    method = ours[0]["REQUEST_METHOD"]
    theirs = [{**each, "PATH_INFO": "/items/ada" if method == "GET" else "/items"} for each in ours]
    with Emulator() as emulator:
        account = emulator.account("inkbox")
        account.mailbox("ada")
        account.mailbox("ben")
        start = emulator.snapshot()
        flask = bare_flask(account.request("GET", _ADA).json)

        def sample_ours() -> float:
            emulator.restore(start)
            emulator.world.journal.clear()
            return seconds_per_call(caller(emulator.wsgi), ours)

        def sample_peer() -> float:
            return seconds_per_call(caller(flask.wsgi_app), theirs)

        samples = interleave(sample_ours, sample_peer, effort.many(_ROUNDS))
    return Row(f"in process: {what}", MICROSECONDS, *samples.least(), f"bare Flask {method} route", goal)


def _mail(n: int) -> dict[str, Any]:
    return {
        "recipients": {"to": ["ben@inkboxmail.com"]},
        "subject": f"Report number {n}",
        "body_text": "The numbers of this week are in.\n" * 10,
    }
