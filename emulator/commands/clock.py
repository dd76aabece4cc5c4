"""The clock of a running emulator."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from emulator.commands.remote import Remote, remote_options, show


@click.group()
def clock() -> None:
    """Read and turn the clock of a running emulator."""


def _turn(url: str, world: str | None, as_json: bool, path: str, body: Mapping[str, Any] | None) -> None:
    told = Remote(url, world).call("GET" if body is None else "POST", path, body)
    does = "" if told.get("virtual", True) else ", and goes on"
    done = f", {told['tasks_done']} things done" if "tasks_done" in told else ""
    show(told, as_json, [f"it is {told['now']}{does}{done}"])


@clock.command("show")
@remote_options
def show_clock(url: str, world: str | None, as_json: bool) -> None:
    """Tell the time of the world, and whether it stands still."""
    _turn(url, world, as_json, "/clock", None)


@clock.command("freeze")
@click.argument("at", required=False)
@remote_options
def freeze_clock(at: str | None, url: str, world: str | None, as_json: bool) -> None:
    """Let time stand still: now, or at the time AT, e.g. 2027-01-01T12:00:00Z."""
    _turn(url, world, as_json, "/clock/freeze", {"at": at} if at else {})


@clock.command("set")
@click.argument("at")
@remote_options
def set_clock(at: str, url: str, world: str | None, as_json: bool) -> None:
    """Let time stand still at AT, which may not lie in the past; what is due until then is done."""
    _turn(url, world, as_json, "/clock/set", {"at": at})


@clock.command("advance")
@click.argument("by")
@remote_options
def advance_clock(by: str, url: str, world: str | None, as_json: bool) -> None:
    """Move a clock that stands still forward by BY (90s, 15m, 1h, 7d), and do what became due."""
    _turn(url, world, as_json, "/clock/advance", {"by": by})


@clock.command("run")
@remote_options
def run_clock(url: str, world: str | None, as_json: bool) -> None:
    """Do all that is planned, moving the clock from one thing to the next, until nothing is left."""
    _turn(url, world, as_json, "/clock/run", {})
