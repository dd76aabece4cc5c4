"""The whole state of a world: filled from a plan, written to a file, and read from one."""

from __future__ import annotations

from flask import Blueprint, Response, request

from emulator import snapshots, starting
from emulator.provider import Problem
from emulator.servers.http.control.asked import Json, read_json, world

routes = Blueprint("state", __name__)


@routes.post("/fill")
def fill() -> tuple[Json, int]:
    """Put mailboxes and mail into the world, as a plan has them; all of it, or nothing."""
    try:
        return {"mail": starting.fill(world(), starting.checked(read_json(), "body"))}, 201
    except starting.PlanError as error:
        raise Problem("invalid", str(error)) from None


@routes.get("/state")
def read_state() -> Response:
    """Return the whole state as the content of a file; it holds keys and mail."""
    return Response(snapshots.dump(world()), mimetype="application/octet-stream")


@routes.put("/state")
def write_state() -> Json:
    """Put a state back that was read before, of this world or another."""
    try:
        world().restore(snapshots.load(request.get_data()))
    except snapshots.SnapshotError as error:
        raise Problem("invalid", str(error)) from None
    return {"restored": True, "seed": world().seed}
