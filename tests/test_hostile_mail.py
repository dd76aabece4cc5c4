"""Hostile mail does nothing: opened in a real browser, no script of it runs and no request leaves.

The browser's own network log, which has every request and every look-up of a name whoever made it, is the witness; a
page without our walls shows that it would see them.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page

from emulator import Emulator
from emulator.mail.parse import Mail
from emulator.mail.postoffice import transmit
from emulator.mail.records import Message
from emulator.servers.http.pages.preview import preview
from tests.browser import chromium, needs_chromium, visiting

_CORPUS = sorted((Path(__file__).parent.parent / "fixtures" / "hostile").glob("*.eml"))
_VICTIM = "victim@inkboxmail.com"
_MARK = "hostile.test"
_SHOWN_BY_US = ("header", "attachment", "cid", "mime", "raw")
"""Mails that are hostile in what the pages say of them, beside their HTML."""
_VIEWS = ("html", "text", "headers", "source", "files", "thread")


def _deliver(emulator: Emulator) -> list[Message]:
    """Bring all hostile mails into one mailbox, byte for byte; they come from elsewhere, as far as the log goes."""
    emulator.account("inkbox").mailbox("victim")
    arrived = []
    with emulator.world.step():
        for path in _CORPUS:
            arrived += transmit(emulator.world, "mallory@outside.test", [_VICTIM], Mail(path.read_bytes()))
    return [message for message in arrived if isinstance(message, Message)]


def test_the_corpus_is_large() -> None:
    assert len(_CORPUS) >= 100


@pytest.mark.parametrize("path", _CORPUS, ids=lambda path: path.stem)
def test_nothing_that_acts_or_asks_is_left_in_a_preview(path: Path) -> None:
    shown = preview(Mail(path.read_bytes())).page.partition("<body>")[2]
    tags = re.findall(r"<([a-z0-9-]+)((?:\s[^<>]*)?)>", shown)
    acting = {"script", "iframe", "object", "embed", "form", "input", "link", "meta", "base", "style", "svg", "math"}
    assert not acting & {name for name, _ in tags}
    for name, attributes in tags:
        assert not re.search(r"\son[a-z]+\s*=|srcset|srcdoc|background=|ping=|url\(", attributes, re.IGNORECASE), (
            attributes
        )
        if name != "a":
            assert not re.search(r'(?:src|href)="(?!data:image/(?:png|jpeg|gif|webp);base64,)', attributes), attributes
        else:
            assert not re.search(r'href="\s*(?!https?:|mailto:|tel:)[^"]*:', attributes), attributes


@needs_chromium
def test_hostile_mail_runs_no_script_and_asks_nobody(emulator_server: Emulator, tmp_path: Path) -> None:
    log = tmp_path / "net.json"
    messages = _deliver(emulator_server)
    assert len(messages) == len(_CORPUS)
    with chromium(f"--log-net-log={log}") as browser, visiting(browser, emulator_server) as somebody:
        page = somebody.page
        for path in ("/", "/ui/journal", *(f"/ui/mailbox?id={messages[0].mailbox_id}&page={n}" for n in (1, 2, 3))):
            _look(page, f"{somebody.base}{path}")
        for mail, message in zip(_CORPUS, messages, strict=True):
            for view in _VIEWS if mail.stem[4:].startswith(_SHOWN_BY_US) else _VIEWS[:1]:
                _look(page, f"{somebody.base}/ui/mail?id={message.id}&view={view}")
        assert somebody.dialogs == []
        assert somebody.asked_elsewhere == []
        somebody.emulator.receive(_VICTIM, "Still here")  # nobody has reset the world
        assert len(emulator_server.mail(to=_VICTIM)) == len(_CORPUS) + 1
    assert _MARK not in log.read_text("utf-8", "replace")


def _look(page: Page, url: str) -> None:
    page.goto(url)
    assert page.title().endswith(" · Inbox Emulator"), url
    assert page.url == url
    for frame in page.frames[1:]:
        frame.wait_for_load_state()
        assert frame.title() == "Preview", url


@needs_chromium
@pytest.mark.parametrize("name", ["script-src", "css-link", "img-remote", "handler-onerror", "media"])
def test_the_log_would_have_seen_it(tmp_path: Path, name: str) -> None:
    log = tmp_path / "net.json"
    [path] = [path for path in _CORPUS if path.stem[4:] == name]
    with chromium(f"--log-net-log={log}") as browser:
        page = browser.new_page()
        page.on("dialog", lambda dialog: dialog.dismiss())
        page.set_content(Mail(path.read_bytes()).body.html or "")  # returns when all of it was tried to be loaded
    assert _MARK in log.read_text("utf-8", "replace")
