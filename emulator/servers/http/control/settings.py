"""What a tester may choose of a provider: its settings and its revision."""

from __future__ import annotations

from flask import Blueprint

from emulator import providers
from emulator.provider import Problem, choose, choose_revision
from emulator.servers.http.control.asked import TEXT, Json, read_body, world
from emulator.world import CREDENTIALS
from emulator.world.settings import get_setting

routes = Blueprint("settings", __name__)

_VALUE = {"required": ["value"], "properties": {"value": {}}}
_REVISION = {"required": ["revision"], "properties": {"revision": {"type": "string"}, "api_key": TEXT}}


@routes.get("/settings")
def list_settings() -> Json:
    """List every provider's settings with their values in this world."""
    return {
        provider.name: {
            name: get_setting(world(), f"{provider.name}.{name}", default)
            for name, default in provider.settings.items()
        }
        for provider in providers.every()
    }


@routes.put("/settings/<provider>/<name>")
def put_setting(provider: str, name: str) -> Json:
    """Choose a provider's setting: `{"value": ...}`."""
    value = read_body(_VALUE)["value"]
    try:
        with world().step():
            choose(world(), providers.get(provider), name, value)
    except LookupError as error:
        raise Problem("not_found", str(error)) from None
    except ValueError as error:
        raise Problem("invalid", str(error)) from None
    return {name: value}


@routes.put("/revisions/<provider>")
def put_revision(provider: str) -> Json:
    """Use another revision of a provider's API in this world: `{"revision": ...}`, for one account with `api_key`."""
    body = read_body(_REVISION)
    credential = world().store.get(CREDENTIALS, body.get("api_key") or "")
    if body.get("api_key") and credential is None:
        raise Problem("not_found", "no account has this api_key")
    try:
        with world().step():
            account_id = None if credential is None else credential.account_id
            choose_revision(world(), providers.get(provider), body["revision"], account_id)
    except LookupError as error:
        raise Problem("not_found", str(error)) from None
    return {"revision": body["revision"]}
