"""What happened: the journal, and events as it goes on."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Final

from flask import Blueprint, Response, request

from emulator.servers.http.control.asked import MAX_WAIT, Json, spare_thread, world
from emulator.world import Entry, World, timestamp
from emulator.world.waiting import changes

routes = Blueprint("journal", __name__)

_HEARTBEAT: Final = 5.0  # seconds until a client that has gone is noticed
_APART: Final = 0.1  # seconds between two events
_RETRY: Final = 1000  # milliseconds after which a browser connects again


@routes.get("/journal")
def read_journal() -> Json:
    """List what happened after entry number `after`, and how many old entries were dropped.

    With `kind` only entries of this kind. With `wait` it waits up to so many seconds (60 at most) for the first one.
    """
    after, kind = request.args.get("after", 0, type=int), request.args.get("kind")
    wait = min(request.args.get("wait", 0.0, type=float), MAX_WAIT)
    found = _entries(after, kind)
    if not found and wait > 0:
        with spare_thread():
            found = _await_entries(after, kind, wait)
    return {"entries": [entry.as_json() for entry in found], "evicted": world().journal.evicted}


@routes.get("/events")
def stream_events() -> Response:
    """Tell of every change as it happens, as server-sent events: the time and the number of the newest journal entry.

    Changes that follow each other closely are told together.
    """
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return Response(_events(world(), spare_thread()), content_type="text/event-stream", headers=headers)


def _entries(after: int, kind: str | None) -> list[Entry]:
    return [entry for entry in world().journal if entry.n > after and kind in (None, entry.kind)]


def _await_entries(after: int, kind: str | None, seconds: float) -> list[Entry]:
    deadline = time.monotonic() + seconds
    with changes(world()) as changed:
        while True:
            changed.clear()
            found = _entries(after, kind)
            left = deadline - time.monotonic()
            if found or left <= 0 or world().bells.dismissed:
                return found
            changed.wait(left)


def _events(world: World, spare: AbstractContextManager[None]) -> Iterator[bytes]:
    """Yield an event at once and after every change, until the doors close; a client that has gone is noticed late."""
    with spare, changes(world) as changed:
        yield f"retry: {_RETRY}\n\n".encode()
        while not world.bells.dismissed:
            changed.clear()
            told = json.dumps({"now": timestamp(world.now()), "journal": world.journal.last})
            yield f"event: change\ndata: {told}\n\n".encode()
            while not changed.wait(_HEARTBEAT):
                yield b":\n\n"
            if not world.bells.dismissed:
                time.sleep(_APART)
