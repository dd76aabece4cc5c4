"""Pages about what happened: the journal, and each request with its answer."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

from flask import Blueprint, render_template, request, url_for

from emulator.provider import Problem
from emulator.servers.http.control.asked import world
from emulator.servers.http.exchange import origin
from emulator.servers.http.pages.lists import PER_PAGE, Listed, asked_text, cut, page_number, start
from emulator.servers.http.pages.snippets import curl, python
from emulator.world import Entry

routes = Blueprint("journal", __name__)

_KINDS: Final = {
    "http": "Requests",
    "mail": "Mail",
    "webhook": "Webhooks",
    "fault": "Faults",
    "smtp": "SMTP",
    "imap": "IMAP",
}


@routes.get("/ui/journal")
def entries() -> str:
    """Show what happened, newest first."""
    kind, wanted = asked_text("kind"), asked_text("q").lower()
    kept = world().journal
    if kind or wanted:
        listed = cut([entry for entry in kept.newest(0, len(kept)) if _fits(entry, kind, wanted)])
    else:
        listed = Listed(kept.newest(start(), PER_PAGE), page_number(), len(kept))
    shown = Listed([_line(entry) for entry in listed.items], listed.page, listed.total)
    evicted = world().journal.evicted
    asked = {"kind": kind, "q": asked_text("q"), "base": url_for("journal.entry", n="")}
    return render_template("journal.html", listed=shown, kinds=_KINDS, evicted=evicted, **asked)


@routes.get("/ui/entry")
def entry() -> str:
    """Show one thing that happened with all that is known of it; of a request, how to send it again."""
    number = request.args.get("n", 0, type=int)
    found = world().journal.find(number)
    if found is None:
        raise Problem("not_found", f"The journal has no entry {number}; it keeps the newest ones, until a reset.")
    told = found.as_json()
    again = {}
    if found.kind == "http":
        again = {"curl": curl(told, origin(request.environ)), "python": python(told, origin(request.environ))}
    return render_template("entry.html", entry=told, line=_line(found), again=again)


def _fits(entry: Entry, kind: str, wanted: str) -> bool:
    is_kind = kind in ("", entry.kind.partition(".")[0])
    return is_kind and (not wanted or wanted in json.dumps(entry.as_json(), ensure_ascii=False).lower())


def _line(entry: Entry) -> dict[str, Any]:
    """Return what a list shows of an entry: what it was, about what, and how it ended."""
    told = entry.in_brief()
    what, outcome = _SAYS.get(entry.kind.partition(".")[0], _other)(told)
    shown = {"n": entry.n, "at": told["at"], "kind": entry.kind}
    return {**shown, "what": what, "outcome": outcome, "state": _state(outcome)}


def _request(told: dict[str, Any]) -> tuple[str, str]:
    return f"{told['provider']} {told['method']} {told['path']}", str(told["status"] or "no answer")


def _mail(told: dict[str, Any]) -> tuple[str, str]:
    return f"{told['from']} → {told['to']}  {told['subject'] or ''}", told["kind"].partition(".")[2]


def _webhook(told: dict[str, Any]) -> tuple[str, str]:
    return f"{told['provider']} {told['event']} → {told['url']}", str(told["status"] or told["error"])


def _fault(told: dict[str, Any]) -> tuple[str, str]:
    return " ".join(filter(None, (told["rule"], told["provider"], told["operation"]))), told["effect"]


def _other(told: dict[str, Any]) -> tuple[str, str]:
    about = {name: value for name, value in told.items() if name not in ("n", "at", "kind", "refused")}
    return "  ".join(f"{name} {value}" for name, value in about.items()), "refused" if told.get("refused") else ""


_SAYS: Final[dict[str, Callable[[dict[str, Any]], tuple[str, str]]]] = {
    "http": _request,
    "mail": _mail,
    "webhook": _webhook,
    "fault": _fault,
}
_BAD: Final = ("bounced", "failed", "rejected", "refused", "complained", "no answer")


def _state(outcome: str) -> str:
    """Return how an outcome is coloured."""
    if outcome[:1] in "45" and outcome[:3].isdigit():
        return "bad" if outcome[0] == "5" else "warn"
    if outcome[:3].isdigit() or outcome in ("delivered", "left"):
        return "good"
    return "bad" if outcome in _BAD else "warn" if outcome else ""
