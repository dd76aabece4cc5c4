"""The clock of a world: read, frozen, set, advanced, run."""

from __future__ import annotations

from flask import Blueprint

from emulator.provider import Problem
from emulator.servers.http.control.asked import TEXT, Json, read_body, world
from emulator.world import parse_duration, parse_moment, timestamp

routes = Blueprint("clock", __name__)

_FREEZE = {"properties": {"at": TEXT}}
_ADVANCE = {"required": ["by"], "properties": {"by": {"type": ["string", "number"]}}}


@routes.get("/clock")
def read_clock() -> Json:
    """Tell the world's time, and whether it only moves when told."""
    return {"now": timestamp(world().now()), "virtual": world().clock.virtual}


@routes.post("/clock/advance")
def advance_clock() -> Json:
    """Move a virtual clock forward by `by`, e.g. "1h", and do what became due."""
    by = str(read_body(_ADVANCE)["by"])
    try:
        done = world().advance(parse_duration(by))
    except ValueError as error:
        raise Problem("conflict" if "clock" in str(error) else "invalid", str(error)) from None
    return {"now": timestamp(world().now()), "tasks_done": done}


@routes.post("/clock/freeze")
def freeze_clock() -> Json:
    """Let time stand still: now, or at the time `at`; a clock that stands is moved there."""
    return _set_clock(read_body(_FREEZE).get("at"))


@routes.post("/clock/set")
def set_clock() -> Json:
    """Let time stand still at the time `at`, which may not lie in the past; what is due until then is done."""
    return _set_clock(read_body({**_FREEZE, "required": ["at"]})["at"])


@routes.post("/clock/run")
def run_clock() -> Json:
    """Do all that is planned, moving a virtual clock from one thing to the next, until nothing is left."""
    done = world().run_until_idle()
    return {"now": timestamp(world().now()), "tasks_done": done}


def _set_clock(at: str | None) -> Json:
    try:
        world().freeze(None if at is None else parse_moment(at))
    except ValueError as error:
        raise Problem("conflict" if "clock" in str(error) else "invalid", str(error)) from None
    return read_clock()
