"""The app of the control API: its parts put together, and what it answers when something is wrong."""

from __future__ import annotations

from typing import Final

from flask import Flask
from werkzeug.exceptions import HTTPException

from emulator.provider import Problem
from emulator.servers.http.building import built_once
from emulator.servers.http.control import (
    about,
    clock,
    faults,
    files,
    journal,
    mail,
    mailboxes,
    settings,
    state,
    webhooks,
    worlds,
)
from emulator.servers.http.control.asked import Json, choose_world

CONTROL_PREFIX: Final = "/_emulator"
FILES: Final = f"{CONTROL_PREFIX}/files/"
"""Below which files are fetched by signed URL."""
PAGES_PREFIX: Final = f"{CONTROL_PREFIX}/ui/"
"""Below which the pages for people are; the first of them is at the control API's own root."""

_PARTS: Final = (about, worlds, state, clock, mailboxes, mail, files, journal, webhooks, faults, settings)


@built_once
def control_app() -> Flask:
    """Return the control API's app; like the providers' it holds no state."""
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = 64 * 1024 * 1024
    for part in _PARTS:
        app.register_blueprint(part.routes, url_prefix=CONTROL_PREFIX)
    app.before_request(choose_world)
    app.register_error_handler(Problem, _problem)
    app.register_error_handler(HTTPException, _http_error)
    return app


def _problem(problem: Problem) -> tuple[Json, int]:
    return {"error": problem.message}, problem.status


def _http_error(error: HTTPException) -> tuple[Json, int, dict[str, str]]:
    methods = getattr(error, "valid_methods", None)
    headers = {"Allow": ", ".join(sorted(methods))} if methods else {}
    return {"error": error.name}, error.code or 500, headers
