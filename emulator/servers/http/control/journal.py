"""What happened: the journal."""

from __future__ import annotations

from flask import Blueprint, request

from emulator.servers.http.control.asked import Json, world

routes = Blueprint("journal", __name__)


@routes.get("/journal")
def read_journal() -> Json:
    """List what happened after entry number `after`, and how many old entries were dropped."""
    after, kind = request.args.get("after", 0, type=int), request.args.get("kind")
    entries = [entry.as_json() for entry in world().journal if entry.n > after and kind in (None, entry.kind)]
    return {"entries": entries, "evicted": world().journal.evicted}
