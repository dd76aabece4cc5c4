"""The worlds of the emulator: made, removed, reset, kept and restored."""

from __future__ import annotations

from flask import Blueprint

from emulator.provider import Problem
from emulator.servers.http.control.asked import TEXT, Json, read_body, world, worlds
from emulator.servers.worlds import new_world, own_keys
from emulator.world import Clock, parse_moment

routes = Blueprint("worlds", __name__)

_WORLD = {
    "required": ["name"],
    "properties": {
        "name": {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,64}$"},
        "seed": {"type": "string"},
        "clock": TEXT,
    },
}


@routes.get("/worlds")
def list_worlds() -> Json:
    """Name the worlds."""
    return {"worlds": list(worlds())}


@routes.post("/worlds")
def create_world() -> tuple[Json, int]:
    """Make a world of its own; the answer holds its credentials, which lead every request into it."""
    body = read_body(_WORLD)
    name, clock = body["name"], _clock(body.get("clock"))
    if worlds().get(name) is not None:
        raise Problem("conflict", f"there is a world {name!r} already")
    made = new_world(body.get("seed", name), clock, strict=worlds().default.strict)
    keys = own_keys(made, name)
    worlds().add(name, made)
    return {"name": name, "seed": made.seed, "api_keys": keys}, 201


@routes.delete("/worlds/<name>")
def delete_world(name: str) -> tuple[str, int]:
    """Remove a world."""
    try:
        worlds().remove(name)
    except KeyError:
        raise Problem("not_found", f"no world {name!r}; there are {', '.join(worlds())}") from None
    except ValueError as error:
        raise Problem("conflict", str(error)) from None
    return "", 204


@routes.post("/reset")
def reset() -> Json:
    """Put the world back to its start."""
    world().reset()
    return {"reset": True}


@routes.post("/snapshots")
def save_snapshot() -> tuple[Json, int]:
    """Keep the world's present state under a number."""
    world().saved.append(world().snapshot())
    return {"id": len(world().saved)}, 201


@routes.post("/snapshots/<int:number>/restore")
def restore_snapshot(number: int) -> Json:
    """Put a kept state back."""
    snapshots = world().saved
    if not 1 <= number <= len(snapshots):
        raise Problem("not_found", f"no snapshot {number}; {len(snapshots)} were taken")
    world().restore(snapshots[number - 1])
    return {"restored": number}


def _clock(start: str | None) -> Clock:
    """Return a clock that stands at `start`, or one like the default world's."""
    if start is None:
        return worlds().default.clock.fork()
    try:
        return Clock(parse_moment(start))
    except ValueError as error:
        raise Problem("invalid", f"clock: {error}") from None
