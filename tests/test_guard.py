"""No web site but the emulator's own pages can use `/_emulator`; programs can, and find nothing changed."""

from __future__ import annotations

import socket
from contextlib import closing
from urllib.parse import urlsplit

import httpx
import pytest
from werkzeug.test import Client, TestResponse

from emulator import Account, Emulator

_HERE = "127.0.0.1:8025"
_EVIL = {"Origin": "https://evil.test"}


def _ask(emulator: Emulator, host: str, method: str = "GET", path: str = "/health", **headers: str) -> TestResponse:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Client(emulator.wsgi).open(f"/_emulator{path}", method=method, headers={"Host": host, **named})


@pytest.mark.parametrize(
    "host", ["127.0.0.1:8025", "localhost:8025", "LOCALHOST", "app.localhost:1", "[::1]:8025", "192.168.1.7:8025"]
)
def test_names_of_this_machine_and_addresses_mean_the_emulator(emulator: Emulator, host: str) -> None:
    assert _ask(emulator, host).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.test", "evil.test:8025", "127.0.0.1.evil.test", "localhost.evil.test", "[::1", "x"]
)
def test_a_name_that_may_be_somebody_elses_is_refused_after_rebinding(emulator: Emulator, host: str) -> None:
    answer = _ask(emulator, host, "POST", "/reset")
    assert answer.status_code == 403
    assert answer.get_json()["error"].endswith(f"`emulator serve --allow-host {_name(host)}`")


def test_a_rebound_name_is_refused_at_the_port(emulator_server: Emulator) -> None:
    assert emulator_server.servers is not None
    port = emulator_server.servers.http.port
    with closing(socket.create_connection(("127.0.0.1", port))) as rebound:
        rebound.sendall(b"POST /_emulator/reset HTTP/1.1\r\nHost: evil.test\r\nContent-Length: 0\r\n\r\n")
        assert rebound.recv(100).startswith(b"HTTP/1.1 403 ")


def test_a_name_can_be_allowed(emulator: Emulator) -> None:
    emulator.worlds.names.add("emulator.internal")
    assert _ask(emulator, "emulator.internal:8025").status_code == 200


def test_the_hosts_of_providers_mean_the_emulator(emulator: Emulator) -> None:
    assert _ask(emulator, "inkbox.ai").status_code == 200


@pytest.mark.parametrize("origin", ["https://evil.test", "null", "http://localhost:3000", "http://127.0.0.1:8026", "x"])
def test_a_page_of_another_origin_is_refused(emulator: Emulator, origin: str) -> None:
    answer = _ask(emulator, _HERE, "POST", "/reset", Origin=origin)
    assert (answer.status_code, answer.get_json()) == (403, {"error": f"a page of {origin} may not use the emulator"})
    assert _ask(emulator, _HERE, "OPTIONS", "/reset", Origin=origin).status_code == 403


def test_the_emulators_own_pages_are_let_in(emulator: Emulator) -> None:
    own = {"Origin": f"http://{_HERE}", "Sec_Fetch_Site": "same-origin"}
    assert _ask(emulator, _HERE, "POST", "/reset", **own).status_code == 200


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_what_another_site_embeds_is_refused_but_a_link_to_a_page_is_followed(emulator: Emulator, site: str) -> None:
    assert _ask(emulator, _HERE, path="/messages", Sec_Fetch_Site=site, Sec_Fetch_Mode="no-cors").status_code == 403
    assert _ask(emulator, _HERE, path="/", Sec_Fetch_Site=site, Sec_Fetch_Mode="navigate").status_code == 200
    form = {"Sec_Fetch_Site": site, "Sec_Fetch_Mode": "navigate"}
    assert _ask(emulator, _HERE, "POST", "/reset", **form).status_code == 403


@pytest.mark.parametrize("path", ["/", "/ui/journal", "/ui/static/app.js", "/events"])
def test_pages_and_events_are_guarded_too(emulator: Emulator, path: str) -> None:
    assert _ask(emulator, "evil.test", path=path).status_code == 403
    assert _ask(emulator, _HERE, path=path, **_EVIL).status_code == 403


def test_no_answer_lets_another_origin_read_it(emulator: Emulator) -> None:
    for path in ("/health", "/", "/messages"):
        assert not [name for name, _ in _ask(emulator, _HERE, path=path).headers if name.startswith("Access-Control")]


def test_the_providers_apis_are_for_any_host(emulator: Emulator, inkbox: Account) -> None:
    headers = {"Host": "agent.internal", "X-Service-Token": inkbox.api_key, **_EVIL}
    assert Client(emulator.wsgi).get("/inkbox/api/whoami", headers=headers).status_code == 200


def test_a_signed_link_is_fetched_by_any_name(emulator: Emulator, inkbox: Account) -> None:
    box = inkbox.mailbox("support")
    emulator.receive(box.address, "Invoice", attachments={"invoice.pdf": b"%PDF"})
    path = f"/api/v1/mail/mailboxes/{box.address}/messages"
    message = inkbox.request("GET", path).get_json()["items"][0]["id"]
    url = inkbox.request("GET", f"{path}/{message}/attachments/invoice.pdf").get_json()["url"]
    assert Client(emulator.wsgi).get(urlsplit(url).path, headers={"Host": "agent.internal"}).status_code == 200


def test_the_address_that_was_bound_is_allowed() -> None:
    with Emulator() as emulator:
        servers = emulator.serve("localhost")
        assert "localhost" in emulator.worlds.names
        assert httpx.get(f"{servers.url}/_emulator/health").status_code == 200


def _name(host: str) -> str:
    return host if host.startswith("[") else host.partition(":")[0]
