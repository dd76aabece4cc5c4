"""Worlds to start from: mailboxes and mail as a plan has them, a mapping or a JSON file."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import jsonschema_rs

from emulator import providers
from emulator.fault_rules import add_rule
from emulator.mail import MESSAGES, Attachment, Draft, Mail, Message, folders, postoffice
from emulator.mail.addresses import is_address
from emulator.mail.mailboxes import mailbox_at
from emulator.mail.sightings import SOMEONE
from emulator.provider import Problem, choose, choose_revision, new_mailbox
from emulator.world import Clock, World, parse_duration, parse_moment

Plan = Mapping[str, Any]

_TEXT: Final = {"type": "string"}
_TEXTS: Final = {"anyOf": [_TEXT, {"type": "array", "items": _TEXT, "minItems": 1}]}
_YES: Final = {"type": "boolean"}
_ATTACHMENT: Final = {
    "type": "object",
    "required": ["filename"],
    "properties": dict.fromkeys(("filename", "content_type", "text", "content_base64"), _TEXT),
    "additionalProperties": False,
}
_MAIL: Final = {
    "type": "object",
    "required": ["to"],
    "properties": {
        **dict.fromkeys(("id", "from", "subject", "text", "html", "at", "ago", "reply_to"), _TEXT),
        **dict.fromkeys(("to", "cc", "bcc", "labels"), _TEXTS),
        "read": _YES,
        "starred": _YES,
        "attachments": {"type": "array", "items": _ATTACHMENT},
    },
    "additionalProperties": False,
}
_MAILBOX: Final = {
    "type": "object",
    "required": ["provider"],
    "properties": {"provider": _TEXT, "name": _TEXT},
    "additionalProperties": False,
}
_PLAN: Final = {
    "type": "object",
    "properties": {
        "revisions": {"type": "object", "additionalProperties": _TEXT},
        "settings": {"type": "object", "additionalProperties": {"type": "object"}},
        "mailboxes": {"type": "array", "items": _MAILBOX},
        "mail": {"type": "array", "items": _MAIL},
        "faults": {"type": "array", "items": {"type": "object"}},
    },
    "additionalProperties": False,
}


class PlanError(ValueError):
    """A plan that cannot be carried out; the message says where and why, in one line."""


def read_plan(path: Path) -> Plan:
    """Return the plan of a JSON file; PlanError if it is none."""
    try:
        plan = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise PlanError(f"{path}: {error}") from None
    return checked(plan, str(path))


def checked(plan: Any, name: str = "the world") -> Plan:
    """Return what is a plan; PlanError if it is none."""
    for error in jsonschema_rs.iter_errors(_PLAN, plan):
        where = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error.instance_path)
        raise PlanError(f"{name}{where}: {error.message}")
    found: Plan = plan
    return found


def plan_of(given: Plan | str | Path) -> Plan:
    """Return a plan, or the one of a JSON file at this path; PlanError if it is none."""
    return read_plan(Path(given)) if isinstance(given, str | Path) else checked(given)


def fill(world: World, plan: Plan) -> int:
    """Put into a world what a plan says, all of it or nothing, and return how many mails that were.

    Mail is there from the moment of its `at`, or `ago` from now; the clock is the same afterwards. PlanError says what
    cannot be done.
    """
    with world.lock:
        before, clock, faults = world.snapshot(), world.clock, {rule.id for rule in world.faults}
        try:
            return _fill(world, plan)
        except (LookupError, ValueError, Problem) as error:
            world.restore(before)
            for added in {rule.id for rule in world.faults} - faults:
                world.faults.remove(added)
            raise PlanError(str(error)) from None
        finally:
            world.clock = clock


def _fill(world: World, plan: Plan) -> int:
    with world.step():
        for name, revision in plan.get("revisions", {}).items():
            choose_revision(world, providers.get(name), revision)
        for name, settings in plan.get("settings", {}).items():
            for setting, value in settings.items():
                choose(world, providers.get(name), setting, value)
        for mailbox in plan.get("mailboxes", ()):
            new_mailbox(world, providers.get(mailbox["provider"]), mailbox.get("name"))
    mail = [(_moment(world, item), item) for item in plan.get("mail", ())]
    known: dict[str, Mail] = {}
    for at, item in sorted(mail, key=lambda pair: pair[0]):
        world.clock = Clock(at)
        with world.step():
            _deliver(world, item, known)
    for rule in plan.get("faults", ()):
        add_rule(world, rule)
    return len(mail)


def _moment(world: World, item: Mapping[str, Any]) -> datetime:
    at = parse_moment(item["at"]) if "at" in item else world.now() - parse_duration(item.get("ago", "0s"))
    if at > world.now():
        raise ValueError(f"mail {item.get('subject', '')!r} is from the future: {at:%Y-%m-%dT%H:%M:%SZ}")
    return at


def _deliver(world: World, item: Mapping[str, Any], known: dict[str, Mail]) -> None:
    """Send one mail, from its mailbox if it is from one of this world, and mark it where it arrives."""
    draft = _draft(item, known)
    mailbox = mailbox_at(world, draft.sender)
    arrived = postoffice.receive(world, draft) if mailbox is None else [postoffice.send(world, mailbox, draft)]
    if "id" in item and arrived:
        known[item["id"]] = arrived[0].mail
    marks = folders.Marks(item.get("read", False), item.get("starred", False), tuple(_texts(item, "labels")))
    for each in arrived:
        message = world.store.get(MESSAGES, each.id) if isinstance(each, Message) else None
        if message is not None and marks != folders.Marks():
            folders.mark(world, message, marks)


def _draft(item: Mapping[str, Any], known: Mapping[str, Mail]) -> Draft:
    to, cc, bcc = (_texts(item, name) for name in ("to", "cc", "bcc"))
    sender = item.get("from", SOMEONE)
    for address in (sender, *to, *cc, *bcc):
        if not is_address(address):
            raise ValueError(f"mail {item.get('subject', '')!r}: {address!r} is no address")
    answered = known.get(item.get("reply_to", ""))
    if "reply_to" in item and answered is None:
        raise LookupError(f"reply_to {item['reply_to']!r} is the id of no earlier mail")
    parent = answered.message_id if answered is not None else None
    return Draft(
        sender=sender,
        sender_name=None,
        to=to,
        cc=cc,
        bcc=bcc,
        subject=item.get("subject"),
        text=item.get("text"),
        html=item.get("html"),
        in_reply_to=parent,
        references=[*(answered.references if answered is not None else ()), *([parent] if parent else [])],
        attachments=tuple(map(_attachment, item.get("attachments", ()))),
    )


def _texts(item: Mapping[str, Any], name: str) -> list[str]:
    given = item.get(name, [])
    return [given] if isinstance(given, str) else list(given)


def _attachment(item: Mapping[str, str]) -> Attachment:
    data = base64.b64decode(item["content_base64"]) if "content_base64" in item else item.get("text", "").encode()
    usual = "application/octet-stream" if "content_base64" in item else "text/plain"
    return Attachment(item["filename"], item.get("content_type", usual), data)
