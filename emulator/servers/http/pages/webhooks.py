"""Pages about webhooks: every delivery with its attempts and its payload."""

from __future__ import annotations

from flask import Blueprint, render_template

from emulator.provider import Problem
from emulator.servers.http.control.asked import world
from emulator.servers.http.pages.lists import PER_PAGE, Listed, asked_text, cut, page_number, start
from emulator.webhooks import DELIVERIES
from emulator.webhooks.deliveries import delivery_json

routes = Blueprint("webhooks", __name__)


@routes.get("/ui/webhooks")
def deliveries() -> str:
    """Show the deliveries, newest first."""
    wanted, state = asked_text("q").lower(), asked_text("state")
    with world().step():
        store = world().store
        if wanted or state:
            every = store.each(DELIVERIES, "all", "all", newest_first=True)
            listed = cut(
                [
                    one
                    for one in every
                    if state in ("", one.state) and wanted in f"{one.url} {one.event_type} {one.provider}".lower()
                ]
            )
        else:
            total = store.count(DELIVERIES, "all", "all")
            listed = Listed(store.newest(DELIVERIES, "all", "all", start=start(), count=PER_PAGE), page_number(), total)
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
