"""What the emulator is: whether it is up, and what of the providers it emulates."""

from __future__ import annotations

from flask import Blueprint

from emulator import coverage, providers
from emulator._version import __version__
from emulator.servers.http.control.asked import Json, worlds

routes = Blueprint("about", __name__)


@routes.get("/health")
def health() -> Json:
    """Tell that the emulator is up, its version and its worlds."""
    return {"ready": True, "version": __version__, "providers": providers.names(), "worlds": list(worlds())}


@routes.get("/coverage")
def read_coverage() -> Json:
    """List every documented operation: built or missing, source, assumptions, date of the last live check."""
    return {"operations": coverage.rows()}
