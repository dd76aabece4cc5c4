"""The mailboxes of all providers, and new ones."""

from __future__ import annotations

from flask import Blueprint

from emulator import providers
from emulator.mail.overview import open_mailboxes, summary
from emulator.provider import Problem, new_mailbox
from emulator.servers.http.control.asked import TEXT, Json, read_body, world
from emulator.world import Duplicate

routes = Blueprint("mailboxes", __name__)

_MAILBOX = {"required": ["provider"], "properties": {"provider": {"type": "string"}, "name": TEXT}}


@routes.get("/mailboxes")
def list_mailboxes() -> Json:
    """List the mailboxes of all providers with how many mails are in them, and how many of those are unread."""
    with world().step():
        return {"mailboxes": [summary(world(), mailbox).as_json() for mailbox in open_mailboxes(world())]}


@routes.post("/mailboxes")
def make_mailbox() -> tuple[Json, int]:
    """Make a mailbox in a provider's ready account: `provider`, and `name`, what stands before the @ of its address."""
    given = read_body(_MAILBOX)
    try:
        with world().step():
            made = new_mailbox(world(), providers.get(given["provider"]), given.get("name"))
            return summary(world(), made).as_json(), 201
    except LookupError as error:
        raise Problem("not_found", str(error)) from None
    except Duplicate as error:
        raise Problem("conflict", str(error)) from None
