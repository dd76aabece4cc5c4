"""What a request to the control API asks for: its world, and its body held against a schema."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Final

import jsonschema_rs
from flask import g, request

from emulator.provider import Problem
from emulator.servers.http.check import parse_json
from emulator.servers.http.exchange import SPARE_THREAD
from emulator.servers.worlds import Worlds
from emulator.world import World

WORLDS: Final = "emulator.worlds"
"""The WSGI environ key under which the worlds come in with the request."""

TEXT: Final[Mapping[str, Any]] = {"type": ["string", "null"]}
"""The schema of a text that may be left out."""

MAX_WAIT: Final = 60.0
"""For how many seconds a request waits at most."""

Json = dict[str, Any] | list[Any]


def choose_world() -> None:
    """Find the world that the request names, else the default one; Problem if there is none of this name."""
    g.worlds = request.environ[WORLDS]
    name = request.headers.get("X-Emulator-World") or request.args.get("world")
    g.world = g.worlds.default if name is None else g.worlds.get(name)
    if g.world is None:
        raise Problem("not_found", f"no world {name!r}; there are {', '.join(g.worlds)}")


def worlds() -> Worlds:
    """Return all worlds."""
    every: Worlds = g.worlds
    return every


def world() -> World:
    """Return the world that the request is about."""
    chosen: World = g.world
    return chosen


def read_json() -> dict[str, Any]:
    """Return the body, an object; Problem if it is none."""
    value = parse_json(request.get_data() or b"{}")
    if not isinstance(value, dict):
        raise Problem("invalid", "body: an object is needed")
    return value


def read_body(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the body, an object with the schema's properties and no others; Problem says where it is not."""
    value = read_json()
    whole = {"type": "object", "additionalProperties": False, **schema}
    for error in jsonschema_rs.iter_errors(whole, value, mask="Input"):
        where = ".".join(map(str, error.instance_path)) or "body"
        raise Problem("invalid", f"{where}: {error.message}")
    return value


def spare_thread() -> AbstractContextManager[None]:
    """Return a context in which the request may sleep without keeping a thread from others."""
    found: AbstractContextManager[None] = request.environ.get(SPARE_THREAD, nullcontext)()
    return found
