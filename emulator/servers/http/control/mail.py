"""Mail as a tester sees it: received from outside, listed, waited for."""

from __future__ import annotations

import base64
from collections.abc import Container, Mapping
from itertools import chain
from typing import Any, Final

from flask import Blueprint, request

from emulator.mail import Attachment, Draft, addresses
from emulator.mail.sightings import SOMEONE, receive, sightings, wait_for
from emulator.mail.wanted import Wanted
from emulator.provider import Problem
from emulator.servers.http.control.asked import MAX_WAIT, TEXT, Json, read_body, spare_thread, world

routes = Blueprint("mail", __name__)

_NEAR_MISSES: Final = 10

_ADDRESSES = {"anyOf": [{"type": "string", "minLength": 1}, {"type": "array", "items": {"type": "string"}}]}
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
        "subject": TEXT,
        "text": TEXT,
        "html": TEXT,
        "in_reply_to": TEXT,
        "attachments": {"type": "array", "items": _ATTACHMENT},
    },
}
_WAIT = {
    "properties": {
        "to": TEXT,
        "from": TEXT,
        "subject": TEXT,
        "timeout": {"type": "number", "minimum": 0, "maximum": MAX_WAIT},
        "after": {"type": "integer", "minimum": 0},
    }
}


@routes.get("/messages")
def list_messages() -> Json:
    """List every mail where it arrived, oldest first; filters `to`, `from`, `subject`."""
    arguments = request.args
    with world().step():
        found = sightings(
            world(), to=arguments.get("to"), sender=arguments.get("from"), subject=arguments.get("subject")
        )
        return {"messages": [sighting.as_json() for sighting in found]}


@routes.post("/messages")
def receive_message() -> tuple[Json, int]:
    """Let a mail come in from the outside: `to`, and optionally `from`, `subject`, `text`, `html`, `cc`, `bcc`.

    `attachments` have `filename`, `content_base64` and optionally `content_type`.
    """
    draft = draft_from(read_body(_MAIL))
    with world().step():
        arrived = receive(world(), draft)
        return {"messages": [sighting.as_json() for sighting in arrived]}, 201


@routes.post("/wait")
def wait() -> Json:
    """Wait up to `timeout` seconds (60 at most) for a mail: the newest with `to`, `from` and `subject`.

    With `after` it is the oldest that came after so many mails; every answer says in `arrivals` how many have come.
    `message` has the one-time code and the link that it brings, and is null if none came; `arrived` is then the newest
    mail that came at all, each with why it is not it.
    """
    given = read_body(_WAIT)
    wanted, after = Wanted(given.get("to"), given.get("from"), given.get("subject")), given.get("after")
    passed = None if after is None else range(int(after) + 1)
    with spare_thread():
        found = wait_for(world(), wanted, timeout=given.get("timeout", 5.0), taken=passed)
    arrivals = {"arrivals": world().store.ticks("arrivals")}
    if found is None:
        return {"timed_out": True, "message": None, "arrived": _near_misses(wanted, passed), **arrivals}
    message = {**found.as_json(), "otp": found.otp, "link": found.link}
    return {"timed_out": False, "message": message, **arrivals}


def _near_misses(wanted: Wanted, passed: Container[int] | None) -> list[Json]:
    with world().step():
        newest = sightings(world())[-_NEAR_MISSES:]
    return [
        {
            **{name: value for name, value in mail.as_json().items() if name in ("to", "from", "at", "subject")},
            "misses": list(wanted.misses(mail)) or ["it came before"] * (passed is not None and mail.arrival in passed),
        }
        for mail in newest
    ]


def draft_from(body: Mapping[str, Any]) -> Draft:
    """Return the draft of a mail from outside; Problem if an address or a header is none."""
    recipients = {name: _as_list(body.get(name)) for name in ("to", "cc", "bcc")}
    sender = body.get("from") or SOMEONE
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


def _as_list(value: str | list[str] | None) -> list[str]:
    return [] if value is None else [value] if isinstance(value, str) else value
