"""The pages under `/_emulator/`, without a browser: what they show, and how they are sent."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from html import unescape
from typing import Any
from urllib.parse import quote

import pytest
from werkzeug.test import Client, TestResponse

from emulator import Account, Emulator, providers
from tests.scene import lively

needs_curl = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed: apt-get install curl")

_PAGES = ["/", "/ui/outside", "/ui/journal", "/ui/webhooks", "/ui/clock", "/ui/faults", "/ui/coverage"]


@pytest.fixture
def pages(emulator: Emulator) -> Client:
    return Client(emulator.wsgi)


def _get(pages: Client, path: str) -> TestResponse:
    return pages.get(f"/_emulator{path}", buffered=True)


def _text(pages: Client, path: str) -> str:
    answer = _get(pages, path)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return unescape(answer.get_data(as_text=True))


def _links(page: str, start: str) -> list[str]:
    return [link.removeprefix("/_emulator") for link in re.findall(rf'href="(/_emulator{start}[^"]*)"', page)]


@pytest.mark.parametrize("path", _PAGES)
def test_every_page_is_there_in_an_empty_and_in_a_lively_world(pages: Client, emulator: Emulator, path: str) -> None:
    assert "<h1" in _text(pages, path)
    lively(emulator)
    assert "<h1" in _text(pages, path)


def test_every_link_of_every_page_leads_to_a_page(pages: Client, emulator: Emulator) -> None:
    lively(emulator)
    seen, waiting = set[str](), ["/"]
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        answer = _get(pages, path)
        assert answer.status_code == 200, path
        if answer.mimetype == "text/html":
            waiting += _links(unescape(answer.get_data(as_text=True)), "/")
    assert len(seen) > 80


def test_the_first_page_is_found_with_and_without_a_slash_and_from_the_root_by_a_browser(pages: Client) -> None:
    assert _get(pages, "").status_code == _get(pages, "/").status_code == 200
    browser = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    answer = pages.get("/", headers=browser)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/_emulator/")
    assert pages.get("/").get_json()["providers"]


def test_mailboxes_show_how_much_of_them_is_unread(pages: Client, emulator: Emulator, inkbox: Account) -> None:
    box = inkbox.mailbox("support")
    emulator.receive(box.address, "One")
    emulator.receive(box.address, "Two")
    page = _text(pages, "/")
    assert re.search(r"support@inkboxmail\.com.*?2 unread.*?2 mails", page, re.DOTALL)
    assert "support@" not in _text(pages, "/?provider=postern")
    assert "support@" not in _text(pages, "/?q=nobody")


def test_looking_at_mail_does_not_mark_it_as_read(pages: Client, emulator: Emulator, inkbox: Account) -> None:
    box = inkbox.mailbox("support")
    [arrived] = emulator.receive(box.address, "One", "Hi")
    before = emulator.world.store.root
    for view in ("html", "text", "headers", "source", "files", "thread"):
        _text(pages, f"/ui/mail?id={arrived.message_id}&view={view}")
    assert emulator.world.store.root is before


def test_a_long_list_is_shown_part_by_part(pages: Client, emulator: Emulator, inkbox: Account) -> None:
    box = inkbox.mailbox("support")
    for n in range(120):
        emulator.receive(box.address, f"Mail {n}.")
    path = f"/ui/mailbox?id={box.id}"
    assert "Mail 119." in _text(pages, path)
    assert "Mail 69." not in _text(pages, path)
    assert [f"Mail {n}." in _text(pages, f"{path}&page=2") for n in (70, 69, 20, 19)] == [False, True, True, False]
    assert "3 of 3" in _text(pages, f"{path}&page=3")
    assert "Mail 42." in _text(pages, f"{path}&q=42")


@pytest.mark.parametrize("number", ["0", "-1", "x", "999999999999", ""])
def test_a_page_that_is_not_there_is_empty_or_the_first(pages: Client, number: str) -> None:
    assert _get(pages, f"/?page={number}").status_code == 200


def test_a_mail_shows_its_code_and_its_link(pages: Client, emulator: Emulator, inkbox: Account) -> None:
    box = inkbox.mailbox("support")
    text = "Your verification code is 481516. Or verify here: https://acme.test/verify?token=a1B2c3D4e5F6g7H8"
    [arrived] = emulator.receive(box.address, "Verify", text)
    page = _text(pages, f"/ui/mail?id={arrived.message_id}")
    assert '<code id="found-code">481516</code>' in page
    assert '<code id="found-link">https://acme.test/verify?token=a1B2c3D4e5F6g7H8</code>' in page


def test_a_thread_is_shown_as_each_side_has_it(pages: Client, emulator: Emulator) -> None:
    inkbox, postern = emulator.account("inkbox"), emulator.account("postern")
    one, other = inkbox.mailbox("one"), postern.mailbox("other")
    mail = {"recipients": {"to": [other.address]}, "subject": "Shall we?", "body_text": "Hi"}
    sent = inkbox.request("POST", f"/api/v1/mail/mailboxes/{one.address}/messages", json=mail).get_json()["id"]
    page = _text(pages, f"/ui/mail?id={sent}&view=thread")
    assert f"As {one.address} has it" in page
    assert f"As {other.address} has it" in page


def test_an_attachment_is_saved_and_never_shown(pages: Client, emulator: Emulator, inkbox: Account) -> None:
    box = inkbox.mailbox("support")
    [arrived] = emulator.receive(box.address, "Page", attachments={"a.html": b"<script>alert(1)</script>"})
    answer = _get(pages, f"/ui/attachment?id={arrived.message_id}&n=0")
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert _get(pages, f"/ui/attachment?id={arrived.message_id}&n=1").status_code == 404


def test_a_wrong_path_is_shown_with_the_nearest_one(pages: Client, inkbox: Account) -> None:
    inkbox.request("GET", "/api/v1/mail/mailboxs")
    page = _text(pages, "/ui/entry?n=1")
    assert "the nearest is /api/v1/mail/mailboxes" in page
    assert inkbox.api_key not in page


@needs_curl
def test_a_request_is_copied_as_a_program_that_sends_it_again(
    emulator_server: Emulator, inkbox_server: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    box = inkbox_server.mailbox("support")
    mail = {"recipients": {"to": ["jane@example.com"]}, "subject": 'It\'s "quoted" $HOME `x`', "body_text": "ü\n"}
    inkbox_server.request("POST", f"/api/v1/mail/mailboxes/{box.address}/messages", json=mail)
    [number] = [entry["n"] for entry in emulator_server.journal("http")]
    assert emulator_server.servers is not None
    host = {"Host": f"127.0.0.1:{emulator_server.servers.http.port}"}
    page = Client(emulator_server.wsgi).get(f"/_emulator/ui/entry?n={number}", headers=host).get_data(as_text=True)
    monkeypatch.setenv("INKBOX_API_KEY", inkbox_server.api_key)
    for name, command in (("as-python", [sys.executable, "-c"]), ("as-curl", ["sh", "-c"])):
        found = re.search(rf'<pre id="{name}"[^>]*>(.*?)</pre>', page, re.DOTALL)
        assert found is not None
        done = subprocess.run([*command, unescape(found[1])], capture_output=True, text=True, check=True, timeout=60)
        assert "201" in done.stdout
    assert [sent.mail.subject for sent in emulator_server.sent] == [mail["subject"]] * 3


@needs_curl
@pytest.mark.parametrize("name", providers.names())
def test_a_copied_request_shows_the_key_as_each_provider_wants_it(
    emulator_server: Emulator, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert emulator_server.servers is not None
    account = emulator_server.account(name)
    operations = account.provider.document.operations.values()
    path = next(one.path for one in operations if one.method == "GET" and "{" not in one.path and one.needs_credential)
    wanted = account.request("GET", path).status_code
    host = {"Host": f"127.0.0.1:{emulator_server.servers.http.port}"}
    page = Client(emulator_server.wsgi).get("/_emulator/ui/entry?n=1", headers=host).get_data(as_text=True)
    found = re.search(r'<pre id="as-curl"[^>]*>(.*?)</pre>', page, re.DOTALL)
    assert found is not None
    assert account.api_key not in found[1]
    [variable] = re.findall(r"\$([A-Z_]+)", found[1])
    monkeypatch.setenv(variable, account.api_key)
    done = subprocess.run(["sh", "-c", unescape(found[1])], capture_output=True, text=True, check=True, timeout=60)
    assert f"HTTP/1.1 {wanted} " in done.stdout


def test_a_delivery_shows_its_attempts_and_payload(pages: Client, emulator: Emulator) -> None:
    lively(emulator)
    [first] = [one for one in emulator.webhooks if len(one.attempts) == 2]
    page = _text(pages, f"/ui/webhook?id={quote(first.id)}")
    for shown in ("500", "200", "message.received", "Is anybody there?", "https://agent.example/hook"):
        assert shown in page


def test_what_mail_says_is_shown_as_text(pages: Client, emulator: Emulator, inkbox: Account) -> None:
    box, evil = inkbox.mailbox("support"), '"><script>alert(1)</script><img src=x onerror=alert(1)>'
    [arrived] = emulator.receive(box.address, evil, evil, html=evil, sender="<x>@evil.test", attachments={evil: b"x"})
    inkbox.request("GET", "/<script>alert(1)</script>")
    shown = [f"/ui/mailbox?id={box.id}", "/ui/journal", "/ui/entry?n=1", "/ui/entry?n=2"]
    shown += [
        f"/ui/mail?id={arrived.message_id}&view={view}" for view in ("text", "headers", "source", "files", "thread")
    ]
    for path in shown:
        page = _get(pages, path).get_data(as_text=True)
        assert "<script>alert" not in page, path
        assert "<img src=x" not in page, path


@pytest.mark.parametrize("path", [*_PAGES, "/ui/nope", "/ui/mail?id=nope"])
def test_pages_are_sent_under_a_strict_policy(pages: Client, path: str) -> None:
    headers = _get(pages, path).headers
    policy = dict(each.strip().partition(" ")[::2] for each in headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == policy["base-uri"] == policy["frame-ancestors"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == "'self'"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"


def test_pages_hold_no_script_or_style_of_their_own_and_ask_nobody_else(pages: Client, emulator: Emulator) -> None:
    lively(emulator)
    for path in _PAGES:
        page = _get(pages, path).get_data(as_text=True)
        assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=", page), path
        assert not [
            url for url in re.findall(r'(?:src|href)="([^"]*)"', page) if not url.startswith(("/", "?", "#"))
        ], path


def test_a_preview_is_sent_as_a_sandbox_that_asks_nobody(pages: Client, emulator: Emulator, inkbox: Account) -> None:
    [arrived] = emulator.receive(inkbox.mailbox("support").address, "Hi", html="<b>Hi</b>")
    answer = _get(pages, f"/ui/preview?id={arrived.message_id}")
    assert "<b>Hi</b>" in answer.get_data(as_text=True)
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; img-src data:;")
    assert "script-src" not in policy


@pytest.mark.parametrize("path", ["/ui/mail?id=x", "/ui/mailbox?id=x", "/ui/entry?n=7", "/ui/webhook?id=x", "/ui/nope"])
def test_what_is_not_there_is_said_on_a_page(pages: Client, path: str) -> None:
    answer = _get(pages, path)
    assert (answer.status_code, answer.mimetype) == (404, "text/html")
    assert "Go to the mailboxes" in answer.get_data(as_text=True)


def test_another_world_has_pages_of_its_own(pages: Client, inkbox: Account) -> None:
    inkbox.mailbox("support")
    pages.post("/_emulator/worlds", json={"name": "second", "clock": "2030-01-01"})
    page = _text(pages, "/?world=second")
    assert "support@" not in page
    assert "2030-01-01 00:00:00" in page
    assert all("world=second" in link for link in _links(page, "/ui/") if "static" not in link)
    assert _get(pages, "/?world=third").status_code == 404


def _values(page: str, name: str) -> list[Any]:
    return re.findall(rf'{name}="([^"]*)"', page)


def test_static_files_are_there(pages: Client) -> None:
    page = _text(pages, "/")
    for path in {*_values(page, "src"), *_links(page, "/ui/static/")}:
        assert _get(pages, path.removeprefix("/_emulator")).status_code == 200, path


def test_flask_and_nh3_come_in_with_the_first_page() -> None:
    code = (
        "import sys\nfrom werkzeug.test import Client\nfrom emulator import Emulator\n"
        "client = Client(Emulator().wsgi)\nclient.get('/_emulator/health')\n"
        "assert not {'nh3', 'emulator.servers.http.pages'} & set(sys.modules)\n"
        "assert client.get('/_emulator/').status_code == 200\nassert 'nh3' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


@pytest.mark.parametrize(
    "path",
    [
        *(
            "/?q=%00%ff&page=nan",
            "/?provider=%ff",
            "/ui/mailbox?id=%00",
            "/ui/mail?id=%ff",
            "/ui/mail",
            "/ui/preview?id=",
        ),
        *("/ui/journal?kind=%00&q=%f0", "/ui/entry?n=1e9", "/ui/entry", "/ui/webhook?id=%00", "/ui/webhooks?state=x"),
        *(
            "/ui/attachment?id=x&n=x",
            "/ui/source",
            "/ui/static/../app.py",
            "/ui/static/x",
            "/ui/%00",
            "/ui/coverage?q=%00",
        ),
        *("/events?world=x", "/journal?after=x&wait=x", "/journal?wait=nan&after=-1", "/messages?to=%00"),
    ],
)
def test_bad_input_is_answered(pages: Client, path: str) -> None:
    assert _get(pages, path).status_code in (200, 404), path


def test_attachments_with_bad_names_and_types_are_saved(pages: Client, inkbox: Account) -> None:
    box = inkbox.mailbox("support")
    for name, kind in (
        ("a\nb.txt", "text/plain"),
        ('é\u202e"\\;', "text/html; charset=x"),
        ("x" * 5000, ""),
        ("", ";"),
    ):
        part = {"filename": name, "content_type": kind, "content_base64": "SGk="}
        sent = pages.post("/_emulator/messages", json={"to": box.address, "attachments": [part]}).get_json()
        answer = _get(pages, f"/ui/attachment?id={sent['messages'][0]['message_id']}&n=0")
        assert (answer.status_code, answer.data) == (200, b"Hi"), name
        assert answer.headers["Content-Disposition"].startswith("attachment"), name
