"""The control API under `/_emulator`: what a tester may ask of the emulator and do to its worlds."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from itertools import chain
from typing import Any, Final

import jsonschema_rs
from flask import Blueprint, Flask, Response, g, request
from werkzeug.exceptions import HTTPException
from werkzeug.http import dump_options_header

from emulator import coverage, providers
from emulator._version import __version__
from emulator.fault_rules import add_rule, rule_json, scenarios, start_scenario
from emulator.mail import Attachment, Draft, addresses
from emulator.mail.files import open_file
from emulator.mail.sightings import receive, sightings, wait_for
from emulator.mail.wanted import Wanted
from emulator.provider import Problem, choose, choose_revision
from emulator.servers.http.building import built_once
from emulator.servers.http.check import parse_json
from emulator.servers.worlds import Worlds, new_world
from emulator.webhooks import DELIVERIES, replay
from emulator.webhooks.deliveries import delivery_json
from emulator.webhooks.receivers import HOSTS
from emulator.world import CREDENTIALS, Clock, World, parse_duration, parse_moment, timestamp
from emulator.world.settings import get_setting, set_setting

CONTROL_PREFIX: Final = "/_emulator"
WORLDS: Final = "emulator.worlds"
"""The WSGI environ key under which the worlds come in with the request."""

_MAX_WAIT: Final = 60.0

Json = dict[str, Any] | list[Any]

routes = Blueprint("control", __name__, url_prefix=CONTROL_PREFIX)

_ADDRESSES = {"anyOf": [{"type": "string", "minLength": 1}, {"type": "array", "items": {"type": "string"}}]}
_TEXT = {"type": ["string", "null"]}
_ATTACHMENT = {
    "type": "object",
    "required": ["filename", "content_base64"],
    "properties": {
        "filename": {"type": "string"},
        "content_type": {"type": "string"},
        "content_base64": {"type": "string"},
    },
}
_MAIL = {
    "required": ["to"],
    "properties": {
        "from": {"type": "string"},
        "to": _ADDRESSES,
        "cc": _ADDRESSES,
        "bcc": _ADDRESSES,
        "subject": _TEXT,
        "text": _TEXT,
        "html": _TEXT,
        "in_reply_to": _TEXT,
        "attachments": {"type": "array", "items": _ATTACHMENT},
    },
}
_WAIT = {
    "properties": {
        "to": _TEXT,
        "from": _TEXT,
        "subject": _TEXT,
        "timeout": {"type": "number", "minimum": 0, "maximum": _MAX_WAIT},
    }
}
_WORLD = {
    "required": ["name"],
    "properties": {
        "name": {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,64}$"},
        "seed": {"type": "string"},
        "clock": _TEXT,
    },
}
_VALUE = {"required": ["value"], "properties": {"value": {}}}
_REVISION = {"required": ["revision"], "properties": {"revision": {"type": "string"}, "api_key": _TEXT}}
_FREEZE = {"properties": {"at": _TEXT}}
_HOSTS = {"required": ["hosts"], "properties": {"hosts": {"type": "array", "items": {"type": "string"}}}}
_ADVANCE = {"required": ["by"], "properties": {"by": {"type": ["string", "number"]}}}


@built_once
def control_app() -> Flask:
    """Return the control API's app; like the providers' it holds no state."""
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = 64 * 1024 * 1024
    app.register_blueprint(routes)
    app.before_request(_choose_world)
    app.register_error_handler(Problem, _problem)
    app.register_error_handler(HTTPException, _http_error)
    return app


@routes.get("/health")
def health() -> Json:
    """Tell that the emulator is up, its version and its worlds."""
    return {"ready": True, "version": __version__, "providers": providers.names(), "worlds": list(_worlds())}


@routes.get("/worlds")
def list_worlds() -> Json:
    """Name the worlds."""
    return {"worlds": list(_worlds())}


@routes.post("/worlds")
def create_world() -> tuple[Json, int]:
    """Make a world of its own; the answer holds its credentials, which lead every request into it."""
    body = _body(_WORLD)
    name, clock = body["name"], _clock(body.get("clock"))
    if _worlds().get(name) is not None:
        raise Problem("conflict", f"there is a world {name!r} already")
    world = new_world(body.get("seed", name), clock, strict=_worlds().default.strict)
    keys = {}
    with world.step():
        for provider in providers.every():
            key = world.derived_id(provider.name, "api_key", "world", name)
            keys[provider.name] = provider.open_account(world, key).id
    world.settled_origin()
    _worlds().add(name, world)
    return {"name": name, "seed": world.seed, "api_keys": keys}, 201


@routes.delete("/worlds/<name>")
def delete_world(name: str) -> tuple[str, int]:
    """Remove a world."""
    try:
        _worlds().remove(name)
    except KeyError:
        raise Problem("not_found", f"no world {name!r}; there are {', '.join(_worlds())}") from None
    except ValueError as error:
        raise Problem("conflict", str(error)) from None
    return "", 204


@routes.post("/reset")
def reset() -> Json:
    """Put the world back to its start."""
    _world().reset()
    return {"reset": True}


@routes.post("/snapshots")
def save_snapshot() -> tuple[Json, int]:
    """Keep the world's present state under a number."""
    _world().saved.append(_world().snapshot())
    return {"id": len(_world().saved)}, 201


@routes.post("/snapshots/<int:number>/restore")
def restore_snapshot(number: int) -> Json:
    """Put a kept state back."""
    snapshots = _world().saved
    if not 1 <= number <= len(snapshots):
        raise Problem("not_found", f"no snapshot {number}; {len(snapshots)} were taken")
    _world().restore(snapshots[number - 1])
    return {"restored": number}


@routes.get("/clock")
def read_clock() -> Json:
    """Tell the world's time, and whether it only moves when told."""
    return {"now": timestamp(_world().now()), "virtual": _world().clock.virtual}


@routes.post("/clock/advance")
def advance_clock() -> Json:
    """Move a virtual clock forward by `by`, e.g. "1h", and do what became due."""
    by = str(_body(_ADVANCE)["by"])
    try:
        done = _world().advance(parse_duration(by))
    except ValueError as error:
        raise Problem("conflict" if "clock" in str(error) else "invalid", str(error)) from None
    return {"now": timestamp(_world().now()), "tasks_done": done}


@routes.post("/clock/freeze")
def freeze_clock() -> Json:
    """Let time stand still: now, or at the time `at`; a clock that stands is moved there."""
    return _set_clock(_body(_FREEZE).get("at"))


@routes.post("/clock/set")
def set_clock() -> Json:
    """Let time stand still at the time `at`, which may not lie in the past; what is due until then is done."""
    return _set_clock(_body({**_FREEZE, "required": ["at"]})["at"])


@routes.post("/clock/run")
def run_clock() -> Json:
    """Do all that is planned, moving a virtual clock from one thing to the next, until nothing is left."""
    done = _world().run_until_idle()
    return {"now": timestamp(_world().now()), "tasks_done": done}


@routes.get("/webhooks")
def list_deliveries() -> Json:
    """List every delivery to a webhook with its attempts, oldest first."""
    with _world().step():
        found = list(_world().store.each(DELIVERIES, "all", "all"))
    return {"deliveries": [delivery_json(each) for each in found]}


@routes.post("/webhooks/<path:delivery_id>/replay")
def replay_delivery(delivery_id: str) -> tuple[Json, int]:
    """Post a delivery once more, signed anew."""
    try:
        with _world().step():
            found = _world().store.get(DELIVERIES, delivery_id)
            if found is None:
                raise Problem("not_found", f"no delivery {delivery_id!r}")
            return delivery_json(replay(_world(), found)), 201
    except LookupError as error:
        raise Problem("conflict", str(error)) from None


@routes.put("/webhooks/hosts")
def allow_hosts() -> Json:
    """Name the hosts outside this machine that webhooks may be posted to: `{"hosts": ["*.example.com"]}`."""
    hosts = _body(_HOSTS)["hosts"]
    with _world().step():
        set_setting(_world(), HOSTS, hosts)
    return {"hosts": hosts}


@routes.get("/faults")
def list_faults() -> Json:
    """List the fault rules and what they hit."""
    return {"faults": [rule_json(rule) for rule in _world().faults]}


@routes.post("/faults")
def add_fault() -> tuple[Json, int]:
    """Add a fault rule; refused if the contract does not know the status, unless `force` is true.

    Or start a scenario: `{"scenario": "sendmux:provisioning-fails"}`.
    """
    given = _json_body()
    try:
        if given.keys() == {"scenario"}:
            return {"faults": list(map(rule_json, start_scenario(_world(), str(given["scenario"]))))}, 201
        with _world().lock:
            return rule_json(add_rule(_world(), given)), 201
    except LookupError as error:
        raise Problem("not_found", str(error)) from None
    except ValueError as error:
        raise Problem("invalid", str(error)) from None


@routes.get("/scenarios")
def list_scenarios() -> Json:
    """Say what can be had by name: failures that the providers document."""
    return {"scenarios": scenarios()}


@routes.delete("/faults/<rule_id>")
def remove_fault(rule_id: str) -> tuple[str, int]:
    """Remove a fault rule."""
    if not _world().faults.remove(rule_id):
        raise Problem("not_found", f"no fault rule {rule_id!r}")
    return "", 204


@routes.get("/settings")
def list_settings() -> Json:
    """List every provider's settings with their values in this world."""
    return {
        provider.name: {
            name: get_setting(_world(), f"{provider.name}.{name}", default)
            for name, default in provider.settings.items()
        }
        for provider in providers.every()
    }


@routes.put("/settings/<provider>/<name>")
def put_setting(provider: str, name: str) -> Json:
    """Choose a provider's setting: `{"value": ...}`."""
    value = _body(_VALUE)["value"]
    try:
        with _world().step():
            choose(_world(), providers.get(provider), name, value)
    except LookupError as error:
        raise Problem("not_found", str(error)) from None
    except ValueError as error:
        raise Problem("invalid", str(error)) from None
    return {name: value}


@routes.put("/revisions/<provider>")
def put_revision(provider: str) -> Json:
    """Use another revision of a provider's API in this world: `{"revision": ...}`, for one account with `api_key`."""
    body = _body(_REVISION)
    credential = _world().store.get(CREDENTIALS, body.get("api_key") or "")
    if body.get("api_key") and credential is None:
        raise Problem("not_found", "no account has this api_key")
    try:
        with _world().step():
            account_id = None if credential is None else credential.account_id
            choose_revision(_world(), providers.get(provider), body["revision"], account_id)
    except LookupError as error:
        raise Problem("not_found", str(error)) from None
    return {"revision": body["revision"]}


@routes.get("/journal")
def read_journal() -> Json:
    """List what happened after entry number `after`, and how many old entries were dropped."""
    after, kind = request.args.get("after", 0, type=int), request.args.get("kind")
    entries = [entry.as_json() for entry in _world().journal if entry.n > after and kind in (None, entry.kind)]
    return {"entries": entries, "evicted": _world().journal.evicted}


@routes.get("/messages")
def list_messages() -> Json:
    """List every mail where it arrived, oldest first; filters `to`, `from`, `subject`."""
    arguments = request.args
    with _world().step():
        found = sightings(
            _world(), to=arguments.get("to"), sender=arguments.get("from"), subject=arguments.get("subject")
        )
        return {"messages": [sighting.as_json() for sighting in found]}


@routes.post("/messages")
def receive_message() -> tuple[Json, int]:
    """Let a mail come in from the outside: `to`, and optionally `from`, `subject`, `text`, `html`, `cc`, `bcc`.

    `attachments` have `filename`, `content_base64` and optionally `content_type`.
    """
    draft = draft_from(_body(_MAIL))
    with _world().step():
        arrived = receive(_world(), draft)
        return {"messages": [sighting.as_json() for sighting in arrived]}, 201


@routes.post("/wait")
def wait() -> Json:
    """Wait up to `timeout` seconds (60 at most) for a mail; `message` is null if none came."""
    body = _body(_WAIT)
    found = wait_for(
        _world(), Wanted(body.get("to"), body.get("from"), body.get("subject")), timeout=body.get("timeout", 5.0)
    )
    return {"timed_out": found is None, "message": None if found is None else found.as_json()}


@routes.get("/coverage")
def read_coverage() -> Json:
    """List every documented operation: built or missing, source, assumptions, date of the last live check."""
    return {"operations": coverage.rows()}


@routes.get("/files/<token>")
def download(token: str) -> Response:
    """Send the file that a signed URL stands for, while it is valid."""
    for name in _worlds():
        world = _worlds().get(name)
        file = world and open_file(world, token)
        if world and file:
            break
    else:
        raise Problem("not_found", "this link was not made by this emulator")
    if file.expires_at <= world.now():
        raise Problem("forbidden", f"this link expired at {timestamp(file.expires_at)}")
    part = file.attachment
    response = Response(part.data, content_type=part.content_type)
    # Mail is hostile: never let a browser show it as a page of ours.
    name = (part.filename or "attachment").encode("ascii", "replace").decode()
    response.headers["Content-Disposition"] = dump_options_header("attachment", {"filename": name})
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.make_conditional(request, accept_ranges=True, complete_length=len(part.data))
    return response


def draft_from(body: Mapping[str, Any]) -> Draft:
    """Return the draft of a mail from outside; Problem if an address or a header is none."""
    recipients = {name: _as_list(body.get(name)) for name in ("to", "cc", "bcc")}
    sender = body.get("from") or "someone@outside.test"
    wrong = [item for item in (sender, *chain(*recipients.values())) if not addresses.is_address(item)]
    if wrong or not recipients["to"]:
        raise Problem("invalid", f"not an address: {wrong[0]!r}" if wrong else "to: at least one address is needed")
    reply = body.get("in_reply_to")
    return Draft(
        sender=sender,
        sender_name=None,
        to=recipients["to"],
        cc=recipients["cc"],
        bcc=recipients["bcc"],
        subject=body.get("subject"),
        text=body.get("text"),
        html=body.get("html"),
        in_reply_to=reply,
        references=[reply] if reply else [],
        attachments=tuple(map(_attachment, body.get("attachments") or ())),
    )


def _attachment(given: Mapping[str, str]) -> Attachment:
    try:
        data = base64.b64decode(given["content_base64"], validate=True)
    except ValueError:
        raise Problem("invalid", f"content_base64 of {given['filename']!r} is not base64") from None
    return Attachment(given["filename"], given.get("content_type", "application/octet-stream"), data)


def _set_clock(at: str | None) -> Json:
    try:
        _world().freeze(None if at is None else parse_moment(at))
    except ValueError as error:
        raise Problem("conflict" if "clock" in str(error) else "invalid", str(error)) from None
    return read_clock()


def _choose_world() -> None:
    g.worlds = request.environ[WORLDS]
    name = request.headers.get("X-Emulator-World") or request.args.get("world")
    g.world = g.worlds.default if name is None else g.worlds.get(name)
    if g.world is None:
        raise Problem("not_found", f"no world {name!r}; there are {', '.join(g.worlds)}")


def _worlds() -> Worlds:
    worlds: Worlds = g.worlds
    return worlds


def _world() -> World:
    world: World = g.world
    return world


def _json_body() -> dict[str, Any]:
    value = parse_json(request.get_data() or b"{}")
    if not isinstance(value, dict):
        raise Problem("invalid", "body: an object is needed")
    return value


def _body(schema: Mapping[str, Any]) -> dict[str, Any]:
    value = _json_body()
    whole = {"type": "object", "additionalProperties": False, **schema}
    for error in jsonschema_rs.iter_errors(whole, value, mask="Input"):
        where = ".".join(map(str, error.instance_path)) or "body"
        raise Problem("invalid", f"{where}: {error.message}")
    body: dict[str, Any] = value
    return body


def _clock(start: str | None) -> Clock:
    """Return a clock that stands at `start`, or one like the default world's."""
    if start is None:
        return _worlds().default.clock.fork()
    try:
        return Clock(parse_moment(start))
    except ValueError as error:
        raise Problem("invalid", f"clock: {error}") from None


def _as_list(value: str | list[str] | None) -> list[str]:
    return [] if value is None else [value] if isinstance(value, str) else value


def _problem(problem: Problem) -> tuple[Json, int]:
    return {"error": problem.message}, problem.status


def _http_error(error: HTTPException) -> tuple[Json, int, dict[str, str]]:
    methods = getattr(error, "valid_methods", None)
    headers = {"Allow": ", ".join(sorted(methods))} if methods else {}
    return {"error": error.name}, error.code or 500, headers
