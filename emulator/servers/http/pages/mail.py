"""Pages about mail: mailboxes, what is in them, one mail, and the tray for the outside."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, Final

from flask import Blueprint, Response, render_template, request, url_for

from emulator.mail.extraction import extract
from emulator.mail.overview import find_mail, open_mailboxes, sides, summary
from emulator.mail.records import DEPARTURES, MAILBOXES, MESSAGES, Departure, Message
from emulator.mail.search import search
from emulator.provider import Problem
from emulator.servers.http.control.asked import world, worlds
from emulator.servers.http.control.files import file_response
from emulator.servers.http.pages.lists import PER_PAGE, Listed, asked_text, cut, page_of
from emulator.servers.http.pages.preview import POLICY, preview

routes = Blueprint("mail", __name__)

_VIEWS: Final = {
    "html": "HTML",
    "text": "Text",
    "headers": "Headers",
    "source": "Source",
    "files": "Attachments",
    "thread": "Thread",
}
_MOST_SHOWN: Final = 500_000  # letters of a text or of the source; all of it is downloaded


@routes.get("/")
def mailboxes() -> str:
    """Show the mailboxes of all providers."""
    wanted, provider = asked_text("q").lower(), asked_text("provider")
    with world().step():
        every = (one for one in open_mailboxes(world()) if provider in ("", one.provider))
        found = cut([one for one in every if wanted in one.address.lower()])
        listed = Listed([summary(world(), one) for one in found.items], found.page, found.total)
    titles = {one.name: one.title for one in worlds().served()}
    return render_template("mailboxes.html", listed=listed, titles=titles, q=asked_text("q"), provider=provider)


@routes.get("/ui/mailbox")
def mailbox() -> str:
    """Show the messages of a mailbox, newest first, or those that hold all words of `q`, best first."""
    with world().step():
        found = world().store.get(MAILBOXES, asked_text("id"))
        if found is None:
            raise Problem("not_found", "There is no such mailbox. A reset may have removed it.")
        way = asked_text("way") if asked_text("way") in ("inbound", "outbound") else ""
        listed = _messages((found.id, way) if way else found.id, asked_text("q"))
        counted = summary(world(), found)
    shown = {"mailbox": found, "counted": counted, "listed": listed, "q": asked_text("q"), "way": way}
    return render_template("mailbox.html", base=url_for("mail.message", id=""), **shown)


@routes.get("/ui/outside")
def outside() -> str:
    """Show the mail that left for addresses outside the emulator, newest first."""
    wanted = asked_text("q").lower()

    def fits(left: Departure) -> bool:
        return wanted in f"{left.recipient} {left.sender} {left.mail.subject}".lower()

    with world().step():
        listed = page_of(DEPARTURES, "all", "all", fits if wanted else None)
    return render_template("outside.html", listed=listed, q=asked_text("q"), base=url_for("mail.message", id=""))


@routes.get("/ui/mail")
def message() -> str:
    """Show one mail: as HTML, as text, its headers, source and attachments, and the thread as each side has it."""
    with world().step():
        found = _found()
        has_html = bool(found.mail.body.html)
        view = asked_text("view") if asked_text("view") in _VIEWS else "html" if has_html else "text"
        shown = _view(found, view)
        own = world().store.get(MAILBOXES, found.mailbox_id) if isinstance(found, Message) else None
    return render_template(
        "message.html",
        found=found,
        mail=found.mail,
        own=own,
        recipients=_recipients(found),
        extracted=extract(found.mail),
        views=_VIEWS,
        view=view,
        has_html=has_html,
        **shown,
    )


@routes.get("/ui/preview")
def show_preview() -> Response:
    """Send the HTML of a mail, made harmless, for the frame that shows it."""
    response = Response(preview(_found().mail).page, content_type="text/html; charset=utf-8")
    response.headers["Content-Security-Policy"] = POLICY
    return response


@routes.get("/ui/source")
def download_source() -> Response:
    """Send a mail as the file that it is."""
    response = Response(_found().mail.raw, content_type="message/rfc822")
    response.headers["Content-Disposition"] = 'attachment; filename="mail.eml"'
    return response


@routes.get("/ui/attachment")
def download_attachment() -> Response:
    """Send the `n`-th attachment of a mail."""
    attachments, n = _found().mail.body.attachments, request.args.get("n", -1, type=int)
    if not 0 <= n < len(attachments):
        raise Problem("not_found", f"The mail has {len(attachments)} attachments; they count from 0.")
    return file_response(attachments[n])


def _messages(group: Hashable, wanted: str) -> Listed[Message]:
    if not wanted:
        return page_of(MESSAGES, "timeline", group)
    best = search(world().store.each(MESSAGES, "timeline", group, newest_first=True), wanted, PER_PAGE)
    return Listed(best, 1, len(best))


def _found() -> Message | Departure:
    found = find_mail(world(), asked_text("id"))
    if found is None:
        raise Problem("not_found", "There is no such mail. A reset or its owner may have removed it.")
    return found


def _recipients(found: Message | Departure) -> tuple[str, ...]:
    return (found.recipient,) if isinstance(found, Departure) else found.recipients


def _view(found: Message | Departure, view: str) -> dict[str, Any]:
    """Return what only this view of a mail shows."""
    if view == "thread":
        return {"sides": sides(world(), found)}
    if view == "html":
        made = preview(found.mail)
        return {"blocked": made.blocked, "cut": made.cut}
    source = found.mail.raw[:_MOST_SHOWN].decode("utf-8", "replace") if view == "source" else None
    return {"source": source, "most": _MOST_SHOWN}
