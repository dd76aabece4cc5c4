"""One door for all providers."""

from __future__ import annotations

import subprocess
import sys

from werkzeug.test import Client

from emulator import Account, Emulator


def test_a_provider_is_found_by_path_and_by_host(emulator: Emulator, inkbox: Account) -> None:
    client, headers = Client(emulator.wsgi), {"X-Service-Token": inkbox.api_key}
    assert client.get("/inkbox/api/whoami", headers=headers).status_code == 200
    for base_url in ("https://inkbox.ai", "http://inkbox.ai:8025", "https://INKBOX.ai"):
        assert client.get("/api/whoami", base_url=base_url, headers=headers).status_code == 200, base_url


def test_the_root_names_the_base_urls(emulator: Emulator) -> None:
    answer = Client(emulator.wsgi).get("/", base_url="http://127.0.0.1:8025")
    assert answer.get_json()["providers"]["inkbox"] == "http://127.0.0.1:8025/inkbox"


def test_a_mistyped_provider_is_explained(emulator: Emulator) -> None:
    answer = Client(emulator.wsgi).get("/inkbx/api/whoami")
    assert answer.status_code == 404
    assert answer.get_json()["message"] == "nothing is served at /inkbx/api/whoami: did you mean /inkbox?"


def test_links_in_answers_begin_with_the_origin_of_the_request(emulator: Emulator, inkbox: Account) -> None:
    box = inkbox.mailbox("bot")
    emulator.receive(box.address, "File", attachments={"a.txt": b"x"})
    client, headers = Client(emulator.wsgi), {"X-Service-Token": inkbox.api_key}
    mailbox = "/inkbox/api/v1/mail/mailboxes/bot/messages"
    message = client.get(mailbox, headers=headers).get_json()["items"][0]["id"]
    link = client.get(f"{mailbox}/{message}/attachments/a.txt", base_url="http://mail.test:99", headers=headers)
    assert link.get_json()["url"].startswith("http://mail.test:99/_emulator/files/")


def test_an_attachment_is_never_shown_as_a_page(emulator: Emulator, inkbox: Account) -> None:
    box = inkbox.mailbox("bot")
    emulator.receive(box.address, "Page", attachments={'evil"\r\n.html': b"<script>alert(1)</script>"})
    items = inkbox.request("GET", "/api/v1/mail/mailboxes/bot/messages").get_json()["items"]
    detail = inkbox.request("GET", f"/api/v1/mail/mailboxes/bot/messages/{items[0]['id']}").get_json()
    name = detail["attachment_metadata"][0]["filename"]
    path = f"/api/v1/mail/mailboxes/bot/messages/{items[0]['id']}/attachments/{name}"
    link = inkbox.request("GET", path).get_json()["url"]
    answer = Client(emulator.wsgi).get(link.removeprefix("https://inkbox.ai"))
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_a_script_that_fails_without_closing_the_emulator_ends() -> None:
    script = "from emulator import Emulator\nEmulator().serve()\nraise SystemExit(3)\n"
    done = subprocess.run([sys.executable, "-c", script], check=False, timeout=60)
    assert done.returncode == 3
