"""Requests over loopback, against a bare Flask app on the same server."""

from __future__ import annotations

import json
from collections.abc import Iterator

from bench.load import drive, http_complete, http_request
from bench.measure import REQUESTS, Effort, Row, interleave
from bench.processes import Served, emulator, peer

_ROUNDS = 12
_MAILBOX = "/inkbox/api/v1/mail/mailboxes/ada@inkboxmail.com"
_IDENTITIES = "/inkbox/api/v1/identities"


def run(effort: Effort) -> Iterator[Row]:
    """Measure GET and POST on one connection and on eight."""
    calls = effort.calls(400)
    bodies = [json.dumps({"agent_handle": f"agent-{n}"}).encode() for n in range(calls)]
    with emulator() as served:
        answer = _prepare(served)
        get = [http_request("GET", _MAILBOX, served.headers)] * calls
        post = [http_request("POST", _IDENTITIES, served.headers, body) for body in bodies]
        peer_get = [http_request("GET", "/items/ada", served.headers)] * calls
        peer_post = [http_request("POST", "/items", served.headers, body) for body in bodies]
        with peer("flask", answer) as port:
            for method, ours, theirs in (("GET", get, peer_get), ("POST", post, peer_post)):
                for connections in (1, 8):
                    yield _compare(effort, served, port, method, ours, theirs, connections)


def _compare(
    effort: Effort, served: Served, port: int, method: str, ours: list[bytes], theirs: list[bytes], connections: int
) -> Row:
    def sample_ours() -> float:
        _prepare(served)
        return _drive(served.http_port, ours, connections)

    samples = interleave(sample_ours, lambda: _drive(port, theirs, connections), effort.many(_ROUNDS))
    plural = "connection" if connections == 1 else "connections"
    what = f"served: {method}, {connections} {plural}"
    return Row(what, REQUESTS, *samples.least(), "bare Flask, same server")


def _prepare(served: Served) -> object:
    served.reset()
    served.open_mailbox("ada")
    return served.call("GET", _MAILBOX)


def _drive(port: int, requests: list[bytes], connections: int) -> float:
    scripts = [requests[start::connections] for start in range(connections)]
    return drive(port, [script for script in scripts if script], connections, http_complete) / len(requests)
