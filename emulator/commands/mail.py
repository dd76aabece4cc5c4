"""Mail in a running emulator: what is in a mailbox, waiting for more, and sending some from outside."""

from __future__ import annotations

import base64
import mimetypes
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

import click

from emulator.commands.remote import Remote, remote_options, show, table, with_file

_LONGEST_CALL: Final = 50.0  # seconds; the control API waits no longer than a minute
_NONE_CAME, _NOT_IN_IT = 1, 3


@click.command()
@remote_options
def mailboxes(url: str, world: str | None, as_json: bool) -> None:
    """List the mailboxes of all providers, and how much of them is unread."""
    found = Remote(url, world).call("GET", "/mailboxes")["mailboxes"]
    rows = [(one["address"], one["provider"], one["mails"], one["unread"]) for one in found]
    show(found, as_json, table(rows, "ADDRESS", "PROVIDER", "MAILS", "UNREAD") if rows else ["no mailboxes yet"])


@click.command()
@click.argument("address")
@click.option("--last", is_flag=True, help="Print the newest mail instead.")
@remote_options
def inbox(address: str, last: bool, url: str, world: str | None, as_json: bool) -> None:
    """List the mail that arrived at ADDRESS, of a mailbox or outside, oldest first."""
    found = Remote(url, world).call("GET", f"/messages?{urlencode({'to': address})}")["messages"]
    if last:
        if not found:
            raise click.ClickException(f"nothing arrived at {address} yet")
        show(found[-1], as_json, _whole(found[-1]))
        return
    rows = [(_time(mail), mail["from"], mail["subject"]) for mail in found]
    show(found, as_json, table(rows, "AT", "FROM", "SUBJECT") if rows else [f"nothing arrived at {address} yet"])


@click.command()
@click.option("--to", help="The address it comes to.")
@click.option("--from", "sender", help="A part of the sender.")
@click.option("--subject", help="A part of the subject.")
@click.option("--otp", "wanted", flag_value="otp", help="Print the one-time code alone.")
@click.option("--link", "wanted", flag_value="link", help="Print the verification link alone.")
@click.option("--new", is_flag=True, help="Only mail that comes from now on; without it the newest there is.")
@click.option("--timeout", default=30.0, show_default=True, type=click.FloatRange(0), help="Seconds to wait.")
@remote_options
def wait(
    to: str | None,
    sender: str | None,
    subject: str | None,
    wanted: str | None,
    new: bool,
    timeout: float,
    url: str,
    world: str | None,
    as_json: bool,
) -> None:
    """Wait for a mail and print it. It exits with 1 if none came, and with 3 if there is no code or link in it."""
    body = {name: value for name, value in (("to", to), ("from", sender), ("subject", subject)) if value}
    answer = _wait(Remote(url, world), body, new, timeout)
    mail = answer["message"]
    if mail is None:
        click.echo("\n".join(_nothing_came(body, timeout, answer["arrived"])), err=True)
        raise SystemExit(_NONE_CAME)
    if wanted is not None and mail[wanted] is None:
        name = "one-time code" if wanted == "otp" else "link to verify"
        click.echo(f"Error: there is no {name} in {mail['subject']!r} from {mail['from']}", err=True)
        raise SystemExit(_NOT_IN_IT)
    show(mail, as_json, [mail[wanted]] if wanted is not None else _whole(mail))


@click.command()
@click.option("--to", multiple=True, required=True, help="An address; may be repeated.")
@click.option("--from", "sender", default="someone@outside.test", show_default=True, help="Who writes.")
@click.option("--cc", multiple=True, help="An address; may be repeated.")
@click.option("--subject", help="The subject.")
@click.option("--text", help="The text; - reads it from the standard input.")
@click.option("--html", type=click.Path(dir_okay=False, path_type=Path), help="A file with the HTML.")
@click.option("--attach", multiple=True, type=click.Path(dir_okay=False, path_type=Path), help="A file; repeatable.")
@remote_options
def send(
    to: tuple[str, ...],
    sender: str,
    cc: tuple[str, ...],
    subject: str | None,
    text: str | None,
    html: Path | None,
    attach: tuple[Path, ...],
    url: str,
    world: str | None,
    as_json: bool,
) -> None:
    """Let a mail come in from outside."""
    mail: dict[str, Any] = {"to": list(to), "from": sender, "cc": list(cc), "subject": subject}
    mail["text"] = sys.stdin.read() if text == "-" else text
    if html is not None:
        mail["html"] = with_file(html, lambda: html.read_text("utf-8", "replace"))
    mail["attachments"] = [_attachment(path) for path in attach]
    arrived = Remote(url, world).call("POST", "/messages", mail)["messages"]
    lines = [f"arrived at {one['to']} ({one['provider']})" for one in arrived]
    show(arrived, as_json, lines or ["it is on its way, or refused: `emulator journal` tells"])


def _attachment(path: Path) -> dict[str, str]:
    data = with_file(path, path.read_bytes)
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return {"filename": path.name, "content_type": kind, "content_base64": base64.b64encode(data).decode()}


def _wait(remote: Remote, body: dict[str, Any], new: bool, timeout: float) -> dict[str, Any]:
    """Return the first answer with a mail, or the last one when the time is over."""
    deadline = time.monotonic() + timeout
    if new:
        body = {**body, "after": remote.call("POST", "/wait", {"timeout": 0})["arrivals"]}
    while True:
        left = max(0.0, deadline - time.monotonic())
        answer: dict[str, Any] = remote.call("POST", "/wait", {**body, "timeout": min(left, _LONGEST_CALL)})
        if answer["message"] is not None or left <= _LONGEST_CALL:
            return answer


def _nothing_came(body: Mapping[str, Any], timeout: float, arrived: list[dict[str, Any]]) -> list[str]:
    asked = ", ".join(f"{name} {value!r}" for name, value in body.items())
    lines = [f"Error: no mail{f' with {asked}' if asked else ''} came within {timeout:g} s; what did arrive:"]
    for mail in arrived:
        reasons = f" ({', '.join(mail['misses'])})" if mail["misses"] else ""
        lines.append(f"  to {mail['to']} from {mail['from']}: {mail['subject']!r}{reasons}")
    return lines if arrived else [*lines, "  nothing"]


def _whole(mail: Mapping[str, Any]) -> list[str]:
    head = [("From", mail["from"]), ("To", mail["to"]), ("At", mail["at"]), ("Subject", mail["subject"])]
    files = [f"{part['filename'] or '(no name)'} ({part['size']} bytes)" for part in mail["attachments"]]
    lines = [f"{name}: {value}" for name, value in (*head, *(("Attachment", file) for file in files))]
    return [*lines, "", mail["text"] if mail["text"] is not None else mail["html"] or ""]


def _time(mail: Mapping[str, Any]) -> str:
    return str(mail["at"])[:19].replace("T", " ")
