"""The page of the clock: what time it is in a world, and what is planned."""

from __future__ import annotations

from itertools import islice
from typing import Final

from flask import Blueprint, render_template

from emulator.servers.http.control.asked import world
from emulator.servers.http.pages.lists import PER_PAGE
from emulator.world.agenda import TASKS

routes = Blueprint("clock", __name__)

_STEPS: Final = {"1m": "1 minute", "15m": "15 minutes", "1h": "1 hour", "1d": "1 day", "7d": "7 days"}


@routes.get("/ui/clock")
def clock() -> str:
    """Show the time of the world and what is planned, and turn it."""
    with world().step():
        tasks = list(islice(world().store.each(TASKS, "due", "all"), PER_PAGE))
        total = world().store.count(TASKS, "due", "all")
    return render_template("clock.html", tasks=tasks, total=total, steps=_STEPS)
