"""A page of another web site cannot drive the emulator, in a real browser: not across origins, not after rebinding."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import Browser, Page

from emulator import Account, Emulator
from emulator.mail.overview import open_mailboxes
from tests.browser import chromium, needs_chromium

pytestmark = needs_chromium

_ATTACK = """
async (target) => {
  const tries = {
    read: () => fetch(target + "/messages").then((answer) => answer.text()),
    reset: () => fetch(target + "/reset", {method: "POST", mode: "no-cors", body: "{}"}).then((told) => told.text()),
    listen: () => new Promise((done, failed) => {
      const stream = new EventSource(target + "/events");
      stream.onopen = () => done("heard");
      stream.onerror = () => failed(new Error("refused"));
    }),
  };
  const told = {};
  for (const [name, attempt] of Object.entries(tries)) {
    try { told[name] = await attempt(); } catch (error) { told[name] = "failed"; }
  }
  return told;
}
"""
_FORM = """
(target) => {
  const form = document.createElement("form");
  form.method = "post"; form.action = target + "/reset"; form.enctype = "text/plain";
  document.body.append(form); form.submit();
}
"""


@contextmanager
def _other_site() -> Iterator[str]:
    class Site(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<title>evil</title><body>")

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Site) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    # The attacker's name means this machine, as it does after DNS rebinding.
    with chromium("--host-resolver-rules=MAP evil.test 127.0.0.1") as started:
        yield started


def _attack(page: Page, target: str) -> tuple[dict[str, str], set[int]]:
    """Return what the page of an attacker was told, and what the emulator answered to all it tried."""
    answered = set[int]()
    page.on("response", lambda answer: answered.add(answer.status) if "/_emulator" in answer.url else None)
    told: dict[str, str] = page.evaluate(_ATTACK, f"{target}/_emulator")
    with page.expect_navigation(url="**/_emulator/reset"):
        page.evaluate(_FORM, f"{target}/_emulator")
    return told, answered


def test_a_page_of_another_origin_is_refused(
    browser: Browser, emulator_server: Emulator, inkbox_server: Account
) -> None:
    inkbox_server.mailbox("support")
    assert emulator_server.servers is not None
    with _other_site() as site:
        page = browser.new_page()
        page.goto(site)
        told, answered = _attack(page, emulator_server.servers.url)
        page.close()
    assert (told["read"], told["listen"]) == ("failed", "failed")
    assert answered == {403}
    assert "support@inkboxmail.com" in _addresses(emulator_server)


def test_a_name_that_was_rebound_is_refused(
    browser: Browser, emulator_server: Emulator, inkbox_server: Account
) -> None:
    inkbox_server.mailbox("support")
    assert emulator_server.servers is not None
    rebound = f"http://evil.test:{emulator_server.servers.http.port}"
    page = browser.new_page()
    page.goto(f"{rebound}/nothing")  # any page of this origin; the attacker's has been loaded before the rebinding
    told, answered = _attack(page, rebound)
    page.close()
    for asked in ("read", "reset"):
        assert "is not known to mean this emulator" in told[asked]
    assert told["listen"] == "failed"
    assert answered == {403}
    assert "support@inkboxmail.com" in _addresses(emulator_server)


def _addresses(emulator: Emulator) -> list[str]:
    return [mailbox.address for mailbox in open_mailboxes(emulator.world)]
