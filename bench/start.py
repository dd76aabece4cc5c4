"""From the start of a process to its first answer, against a bare Flask app on the same server."""

from __future__ import annotations

from collections.abc import Iterator
from time import perf_counter

from bench.measure import MILLISECONDS, Effort, Goal, Row, interleave
from bench.processes import emulator, peer, request

_ROUNDS = 15


def run(effort: Effort) -> Iterator[Row]:
    """Measure `emulator serve` and a bare app, each until its first 200."""
    samples = interleave(_ours, _peer, effort.many(_ROUNDS))
    yield Row("start to first answer", MILLISECONDS, *samples.least(), "bare Flask, same server", Goal("<=", 1.4))


def _ours() -> float:
    began = perf_counter()
    with emulator() as served:
        served.call("GET", "/inkbox/api/v1/mail/mailboxes")
        return perf_counter() - began


def _peer() -> float:
    began = perf_counter()
    with peer("cheroot", []) as port:
        request(port, "GET", "/items/ada", {})
        return perf_counter() - began
