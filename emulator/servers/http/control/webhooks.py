"""Webhook deliveries: listed, posted again, and to which hosts."""

from __future__ import annotations

from flask import Blueprint

from emulator.provider import Problem
from emulator.servers.http.control.asked import Json, read_body, world
from emulator.webhooks import DELIVERIES, replay
from emulator.webhooks.deliveries import delivery_json
from emulator.webhooks.receivers import HOSTS
from emulator.world.settings import set_setting

routes = Blueprint("webhooks", __name__)

_HOSTS = {"required": ["hosts"], "properties": {"hosts": {"type": "array", "items": {"type": "string"}}}}


@routes.get("/webhooks")
def list_deliveries() -> Json:
    """List every delivery to a webhook with its attempts, oldest first."""
    with world().step():
        found = list(world().store.each(DELIVERIES, "all", "all"))
    return {"deliveries": [delivery_json(each) for each in found]}


@routes.post("/webhooks/<path:delivery_id>/replay")
def replay_delivery(delivery_id: str) -> tuple[Json, int]:
    """Post a delivery once more, signed anew."""
    try:
        with world().step():
            found = world().store.get(DELIVERIES, delivery_id)
            if found is None:
                raise Problem("not_found", f"no delivery {delivery_id!r}")
            return delivery_json(replay(world(), found)), 201
    except LookupError as error:
        raise Problem("conflict", str(error)) from None


@routes.put("/webhooks/hosts")
def allow_hosts() -> Json:
    """Name the hosts outside this machine that webhooks may be posted to: `{"hosts": ["*.example.com"]}`."""
    hosts = read_body(_HOSTS)["hosts"]
    with world().step():
        set_setting(world(), HOSTS, hosts)
    return {"hosts": hosts}
