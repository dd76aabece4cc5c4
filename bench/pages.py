"""The pages for people: the first screen of one with 10,000 items, against the same page when it is empty."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any, Final

from werkzeug.test import EnvironBuilder

from bench.in_process import Environ, caller
from bench.measure import MICROSECONDS, Effort, Goal, Row, interleave, seconds_per_call
from emulator import Emulator

_GOAL: Final = Goal("<=", 3.0)
_ITEMS: Final = 10_000


def run(effort: Effort) -> Iterator[Row]:
    """Measure the pages of a mailbox, of the tray for the outside, of the journal and of all mailboxes."""
    items = effort.calls(_ITEMS)
    with ExitStack() as stack:
        empty, full = stack.enter_context(Emulator()), stack.enter_context(Emulator())
        boxes = {emulator: emulator.account("inkbox").mailbox("ada") for emulator in (empty, full)}
        inkbox = full.account("inkbox")
        for n in range(items):
            inkbox.request("GET", "/api/whoami")
            full.receive([boxes[full].address, "jane@example.com"], f"Report {n}", "All is well.")
        paths: dict[str, Callable[[Emulator], str]] = {
            "a mailbox": lambda emulator: f"/_emulator/ui/mailbox?id={boxes[emulator].id}",
            "the tray for the outside": lambda _: "/_emulator/ui/outside",
            "the journal": lambda _: "/_emulator/ui/journal",
            "all mailboxes": lambda _: "/_emulator/",
        }
        for what, path in paths.items():
            yield _compare(effort, f"page of {what}, {items:,} items", (full, empty), path)


def _compare(effort: Effort, what: str, sides: tuple[Emulator, Emulator], path: Callable[[Emulator], str]) -> Row:
    full, empty = (_sample(emulator, path(emulator), effort.calls(20)) for emulator in sides)
    samples = interleave(full, empty, effort.many(20))
    return Row(what, MICROSECONDS, *samples.least(), "the same page, empty", _GOAL)


def _sample(emulator: Emulator, path: str, calls: int) -> Callable[[], float]:
    builder = EnvironBuilder(path, "http://127.0.0.1:8025")
    given: Environ = {**builder.get_environ(), "bench.body": b""}
    builder.close()
    call: Callable[[Any], None] = caller(emulator.wsgi)
    return lambda: seconds_per_call(call, [given] * calls)
