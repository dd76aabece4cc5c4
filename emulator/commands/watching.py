"""Watching an emulator from outside: whether it is ready, and what happens in it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final
from urllib.parse import urlencode

import click

from emulator.commands.remote import Remote, remote_options, show

_PAUSE: Final = 0.05  # seconds between two looks whether it is there
_LONGEST_CALL: Final = 50
_BEFORE: Final = ("n", "at", "kind")
_LONG: Final = ("request_headers", "request_body", "response_body", "body")


@click.command()
@click.option("--wait", is_flag=True, help="Wait until it is.")
@click.option("--timeout", default=30.0, show_default=True, type=click.FloatRange(0), help="Seconds to wait.")
@remote_options
def ready(wait: bool, timeout: float, url: str, world: str | None, as_json: bool) -> None:
    """Tell whether an emulator is ready; it exits with 1 if not."""
    deadline = time.monotonic() + timeout
    while True:
        try:
            told = _health(Remote(url, world), url)
        except click.ClickException:
            if not wait or time.monotonic() >= deadline:
                raise
            time.sleep(_PAUSE)
        else:
            show(told, as_json, [f"Inbox Emulator {told['version']} is ready at {url}"])
            return


@click.command()
@click.option("-f", "--follow", is_flag=True, help="Go on with what happens, until Ctrl-C.")
@click.option("-n", "--newest", default=20, show_default=True, type=click.IntRange(0), help="How many entries.")
@click.option("--kind", help="Only entries of this kind: http, smtp, imap, webhook, fault, mail.delivered, ...")
@remote_options
def journal(follow: bool, newest: int, kind: str | None, url: str, world: str | None, as_json: bool) -> None:
    """Print what happened: requests, mail, webhooks, faults. With --json each entry is a line of JSON."""
    remote = Remote(url, world)
    last = _entries(remote, 0, kind, 0)
    _tell(last[-newest:] if newest else [], as_json)
    with suppress(KeyboardInterrupt):
        while follow:
            fresh = _entries(remote, last[-1]["n"] if last else 0, kind, _LONGEST_CALL)
            _tell(fresh, as_json)
            last = fresh or last


def _health(remote: Remote, url: str) -> dict[str, Any]:
    told = remote.call("GET", "/health")
    if not isinstance(told, dict) or "version" not in told:
        raise click.ClickException(f"{url} is no emulator: it says nothing of its version")
    return told


def _entries(remote: Remote, after: int, kind: str | None, wait: int) -> list[dict[str, Any]]:
    asked = {"after": after, "wait": wait, **({"kind": kind} if kind else {})}
    found: list[dict[str, Any]] = remote.call("GET", f"/journal?{urlencode(asked)}")["entries"]
    return found


def _tell(entries: list[dict[str, Any]], as_json: bool) -> None:
    for entry in entries:
        show(entry, as_json, [_line(entry)])


def _line(entry: Mapping[str, Any]) -> str:
    rest = {name: value for name, value in entry.items() if name not in (*_BEFORE, *_LONG) and value not in (None, "")}
    about = " ".join(f"{name}={value}" for name, value in rest.items())
    if entry["kind"] == "http":
        about = f"{entry['provider']} {entry['method']} {entry['path']} {entry['status']} {entry['operation'] or '-'}"
    return f"{entry['n']:>5}  {entry['at'][:19].replace('T', ' ')}  {entry['kind']:<15}  {about}"
