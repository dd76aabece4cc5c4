"""Pages about webhooks: every delivery with its attempts and its payload."""

from __future__ import annotations

from flask import Blueprint, render_template

from emulator.provider import Problem
from emulator.servers.http.control.asked import world
from emulator.servers.http.pages.lists import Listed, asked_text, page_of
from emulator.webhooks import DELIVERIES, Delivery
from emulator.webhooks.deliveries import delivery_json

routes = Blueprint("webhooks", __name__)


@routes.get("/ui/webhooks")
def deliveries() -> str:
    """Show the deliveries, newest first."""
    wanted, state = asked_text("q").lower(), asked_text("state")

    def fits(one: Delivery) -> bool:
        return state in ("", one.state) and wanted in f"{one.url} {one.event_type} {one.provider}".lower()

    with world().step():
        listed = page_of(DELIVERIES, "all", "all", fits if wanted or state else None)
    shown = Listed([delivery_json(one) for one in listed.items], listed.page, listed.total)
    return render_template("webhooks.html", listed=shown, q=asked_text("q"), state=state)


@routes.get("/ui/webhook")
def delivery() -> str:
    """Show one delivery: what was posted, and each attempt with its answer."""
    with world().step():
        found = world().store.get(DELIVERIES, asked_text("id"))
    if found is None:
        raise Problem("not_found", "There is no such delivery. A reset may have removed it.")
    return render_template("webhook.html", delivery=delivery_json(found))
