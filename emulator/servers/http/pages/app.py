"""The app of the pages: what they share, under which policy they are sent, and what is said when something is wrong."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any, Final

from flask import Flask, Response, g, render_template, request
from werkzeug.exceptions import HTTPException

from emulator import providers
from emulator._version import __version__
from emulator.provider import Problem
from emulator.servers.http.building import built_once
from emulator.servers.http.control import CONTROL_PREFIX, PAGES_PREFIX
from emulator.servers.http.control.asked import choose_world, world, worlds
from emulator.servers.http.pages import clock, coverage, faults, journal, mail, webhooks
from emulator.servers.worlds import DEFAULT
from emulator.world import timestamp

_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_PARTS: Final = (mail, journal, webhooks, clock, faults, coverage)
_NAVIGATION: Final = (
    ("mail.mailboxes", "Mailboxes"),
    ("mail.outside", "Outside"),
    ("journal.entries", "Journal"),
    ("webhooks.deliveries", "Webhooks"),
    ("clock.clock", "Clock"),
    ("faults.faults", "Faults"),
    ("coverage.operations", "Coverage"),
)


@built_once
def pages_app() -> Flask:
    """Return the app of the pages; like the providers' it holds no state."""
    app = Flask(__name__, static_folder="static", static_url_path=f"{PAGES_PREFIX}static")
    app.url_map.strict_slashes = False
    for part in _PARTS:
        app.register_blueprint(part.routes, url_prefix=CONTROL_PREFIX)
    app.before_request(choose_world)
    app.after_request(_protect)
    app.url_defaults(_stay_in_world)
    app.context_processor(_shared)
    app.jinja_env.filters |= {"moment": moment, "pretty": pretty, "size": size}
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.register_error_handler(Problem, _problem)
    app.register_error_handler(HTTPException, _http_error)
    return app


def moment(at: datetime | str | None) -> str:
    """Write a moment for people: date and time to the second, in UTC."""
    if at is None:
        return "never"
    return (at if isinstance(at, str) else timestamp(at))[:19].replace("T", " ")


def pretty(value: Any) -> str:
    """Write a JSON value over several lines; a text as it is."""
    return value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)


def size(n: int) -> str:
    """Write a number of bytes for people."""
    for unit, bytes_ in (("MB", 1_000_000), ("KB", 1_000)):
        if n >= bytes_:
            return f"{n / bytes_:.1f} {unit}"
    return f"{n} bytes"


def _shared() -> dict[str, Any]:
    """Return what every page shows around its own."""
    shown = {
        "version": __version__,
        "navigation": _NAVIGATION,
        "current": _current(),
        "provider_names": providers.names(),
        "control": CONTROL_PREFIX,
    }
    if g.get("world") is None:  # the one that was asked for is not there
        return {**shown, "worlds": [], "world_name": DEFAULT, "now": None, "virtual": False}
    clock = world().clock
    return {
        **shown,
        "worlds": list(worlds()),
        "world_name": _world_name(),
        "now": clock.now(),
        "virtual": clock.virtual,
    }


def _current() -> str | None:
    """Return the part of the navigation that the page belongs to."""
    every = [endpoint for endpoint, _ in _NAVIGATION]
    if request.endpoint in every:
        return request.endpoint
    return next((endpoint for endpoint in every if endpoint.partition(".")[0] == request.blueprint), None)


def _world_name() -> str:
    return DEFAULT if g.get("world") is None else request.args.get("world") or DEFAULT


def _stay_in_world(endpoint: str, values: dict[str, Any]) -> None:
    """Let links lead to pages of the same world."""
    if endpoint != "static" and _world_name() != DEFAULT:
        values.setdefault("world", _world_name())


def _protect(response: Response) -> Response:
    response.headers.setdefault("Content-Security-Policy", _POLICY)
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
    response.headers["X-DNS-Prefetch-Control"] = "off"
    if request.endpoint != "static":
        response.headers["Cache-Control"] = "no-store"
    return response


def _problem(problem: Problem) -> tuple[str, int]:
    return render_template("error.html", title="Not there", message=problem.message), problem.status


def _http_error(error: HTTPException) -> tuple[str, int]:
    message = f"There is no page at {request.path}." if error.code == 404 else str(error.description)
    return render_template("error.html", title=error.name, message=message), error.code or 500
