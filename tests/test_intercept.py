"""Interception: production URLs lead to the emulator, without a socket, and nothing else is reached."""

from __future__ import annotations

import asyncio
import imaplib
import smtplib
import socket
import ssl
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.client import HTTPSConnection
from typing import Any

import aiohttp
import httpx
import inkbox as inkbox_sdk
import pytest
import requests
import trio
import urllib3
from sendmux_mailbox import MailboxAPIApi, create_mailbox_client
from sendmux_management import MailboxesApi, create_management_client
from sendmux_sending import EmailsApi, create_sending_client

from emulator import Account, Emulator
from emulator.intercept import UnexpectedConnection
from emulator.mail.logins import add_login
from tests.dialling import nobody_dials

_WHOAMI = "https://inkbox.ai/api/whoami"


@pytest.fixture
def here(emulator: Emulator) -> Iterator[Emulator]:
    """Give an emulator that intercepts, and make sure at the end that no socket was connected."""
    with nobody_dials(), emulator.intercept():  # below the interception: what it lets through is noted
        yield emulator


def _headers(account: Account) -> dict[str, str]:
    return account.provider.key_headers(account.api_key)


def _requests(headers: dict[str, str]) -> tuple[int, Any]:
    answer = requests.get(_WHOAMI, headers=headers, timeout=5)
    return answer.status_code, answer.json()


def _session(headers: dict[str, str]) -> tuple[int, Any]:
    with requests.Session() as session:
        for _ in range(2):
            answer = session.get(_WHOAMI, headers=headers, timeout=5)
    return answer.status_code, answer.json()


def _urllib3(headers: dict[str, str]) -> tuple[int, Any]:
    with urllib3.PoolManager() as pool:
        answer = pool.request("GET", _WHOAMI, headers=headers)
        return answer.status, answer.json()


def _httpx(headers: dict[str, str]) -> tuple[int, Any]:
    answer = httpx.get(_WHOAMI, headers=headers)
    return answer.status_code, answer.json()


def _stdlib(headers: dict[str, str]) -> tuple[int, Any]:
    import json

    with urllib.request.urlopen(urllib.request.Request(_WHOAMI, headers=headers), timeout=5) as answer:
        return answer.status, json.load(answer)


def _http_client(headers: dict[str, str]) -> tuple[int, Any]:
    import json

    connection = HTTPSConnection("inkbox.ai")
    connection.request("GET", "/api/whoami", headers=headers)
    answer = connection.getresponse()
    return answer.status, json.load(answer)


async def _async_httpx(headers: dict[str, str]) -> tuple[int, Any]:
    async with httpx.AsyncClient() as client:
        answer = await client.get(_WHOAMI, headers=headers)
    return answer.status_code, answer.json()


async def _aiohttp(headers: dict[str, str]) -> tuple[int, Any]:
    async with aiohttp.ClientSession() as session, session.get(_WHOAMI, headers=headers) as answer:
        return answer.status, await answer.json()


def _run(call: Callable[..., Any]) -> Callable[..., Any]:
    return lambda headers: asyncio.run(call(headers))


_CLIENTS: dict[str, Callable[[dict[str, str]], tuple[int, Any]]] = {
    "requests": _requests,
    "a session of requests": _session,
    "urllib3": _urllib3,
    "httpx": _httpx,
    "urllib": _stdlib,
    "http.client": _http_client,
    "httpx in asyncio": _run(_async_httpx),
    "httpx in trio": lambda headers: trio.run(_async_httpx, headers),
    "aiohttp": _run(_aiohttp),
}
_each_client = pytest.mark.parametrize("ask", _CLIENTS.values(), ids=_CLIENTS)


@_each_client
def test_a_client_is_answered_without_a_socket(
    here: Emulator, inkbox: Account, ask: Callable[[dict[str, str]], tuple[int, Any]]
) -> None:
    assert inkbox.emulator is here
    status, body = ask(_headers(inkbox))
    assert (status, body["label"]) == (200, "Test key")


@_each_client
def test_an_error_of_the_provider_is_an_answer(
    here: Emulator, ask: Callable[[dict[str, str]], tuple[int, Any]]
) -> None:
    try:
        status, _ = ask({})
    except urllib.error.HTTPError as error:
        status = error.code
        error.close()
    assert status == 401
    assert [entry["status"] for entry in here.journal("http")][-1] == 401


@pytest.mark.parametrize(
    "post",
    [
        lambda url, json, headers: requests.post(url, json=json, headers=headers, timeout=5).json(),
        lambda url, json, headers: httpx.post(url, json=json, headers=headers).json(),
        lambda url, json, headers: urllib3.request("POST", url, json=json, headers=headers).json(),
    ],
    ids=["requests", "httpx", "urllib3"],
)
def test_bodies_arrive(here: Emulator, inkbox: Account, post: Callable[..., Any]) -> None:
    assert inkbox.emulator is here
    made = post("https://inkbox.ai/api/v1/identities", {"agent_handle": "green"}, _headers(inkbox))
    assert made["agent_handle"] == "green"


@pytest.mark.usefixtures("here")
def test_a_body_of_unknown_length_arrives(inkbox: Account) -> None:
    def pieces() -> Iterator[bytes]:
        yield b'{"agent_handle": '
        yield b'"streamed"}'

    headers = {**_headers(inkbox), "Content-Type": "application/json"}
    url = "https://inkbox.ai/api/v1/identities"
    assert requests.post(url, data=pieces(), headers=headers, timeout=5).status_code == 201

    async def post() -> int:
        async def pieces() -> Any:
            yield b'{"agent_handle": '
            yield b'"async-streamed"}'

        async with aiohttp.ClientSession() as session, session.post(url, data=pieces(), headers=headers) as answer:
            return answer.status

    assert asyncio.run(post()) == 201


# The vendors' SDKs


@contextmanager
def closing_pools() -> Iterator[Callable[[Any], Any]]:
    """Give a function that notes a client of Sendmux, whose connections are closed at the end."""
    made: list[Any] = []

    def note(client: Any) -> Any:
        made.append(client)
        return client

    yield note
    for client in made:
        client.rest_client._inner.pool_manager.clear()


def test_the_inkbox_sdk_needs_no_base_url(here: Emulator, inkbox: Account) -> None:
    with inkbox_sdk.Inkbox(api_key=inkbox.api_key) as client:
        agent = client.create_identity("agent", create_mailbox=True, email_local_part="agent")
        here.receive("agent@inkboxmail.com", "Hello")
        assert [mail.subject for mail in agent.iter_emails()] == ["Hello"]


@pytest.mark.emulator(revisions={"sendmux": "current"})
def test_the_sendmux_sdks_need_no_base_url(here: Emulator, sendmux: Account) -> None:
    mailbox_key = sendmux.credentials["mailbox_key"]
    with closing_pools() as made:
        management = made(create_management_client(api_key=sendmux.api_key))
        created = MailboxesApi(management).management_create_mailbox("key-1", {"email": "bot@acme.com"}).data
        assert created.mailbox.email == "bot@acme.com"
        sending = made(create_sending_client(api_key=mailbox_key))
        EmailsApi(sending).sending_send_email(
            {
                "from": {"email": "agent@myagent.mx"},
                "to": {"email": "bot@acme.com"},
                "subject": "Hello",
                "html_body": "It works.",
            }
        )
        mailbox = made(create_mailbox_client(api_key=mailbox_key))
        assert [item.subject for item in MailboxAPIApi(mailbox).mailbox_list_messages().data] == ["Hello"]
    assert here.wait_for(to="bot@acme.com").html == "It works."


def test_all_threads_are_intercepted(here: Emulator, inkbox: Account) -> None:
    assert inkbox.emulator is here
    found: list[int] = []
    threads = [
        threading.Thread(
            target=lambda: found.append(requests.get(_WHOAMI, headers=_headers(inkbox), timeout=5).status_code)
        )
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [200] * 8


def test_an_sdk_is_intercepted_in_every_thread(here: Emulator, inkbox: Account) -> None:
    def sign_up(name: str) -> str:
        with inkbox_sdk.Inkbox(api_key=inkbox.api_key) as client:
            agent = client.create_identity(name, create_mailbox=True, email_local_part=name)
            here.receive(f"{name}@inkboxmail.com", f"For {name}")
            [mail] = agent.iter_emails()
            return str(mail.subject)

    names = [f"agent-{n}" for n in range(6)]
    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(sign_up, names)) == [f"For {name}" for name in names]


# Mail


@pytest.fixture
def box(emulator: Emulator, inkbox: Account) -> str:
    """Return the address of a mailbox that the password `secret` opens."""
    mailbox = inkbox.mailbox("bot")
    with emulator.world.step():
        add_login(emulator.world, mailbox.record, mailbox.address, "secret")
    return mailbox.address


def test_mail_programs_reach_the_providers_mail_hosts(emulator_intercept: Emulator, box: str) -> None:
    mail = f"From: {box}\r\nTo: {box}\r\nSubject: {{}}\r\n\r\nHi\r\n"
    with smtplib.SMTP("smtp.inkboxmail.com", 587, timeout=5) as client:
        client.starttls(context=ssl.create_default_context())
        client.login(box, "secret")
        client.sendmail(box, [box], mail.format("by STARTTLS"))
    with smtplib.SMTP_SSL("smtp.inkboxmail.com", timeout=5, context=ssl.create_default_context()) as client:
        client.login(box, "secret")
        client.sendmail(box, [box], mail.format("by TLS"))
    with imaplib.IMAP4_SSL("imap.inkboxmail.com", ssl_context=ssl.create_default_context(), timeout=5) as reader:
        reader.login(box, "secret")
        assert reader.select() == ("OK", [b"2"])
    assert [mail.subject for mail in emulator_intercept.mail(to=box)] == ["by STARTTLS", "by TLS"]


def test_asyncio_clients_reach_the_providers_mail_hosts(emulator_intercept: Emulator, box: str) -> None:
    async def greeting() -> bytes:
        reader, writer = await asyncio.open_connection("imap.inkboxmail.com", 993, ssl=ssl.create_default_context())
        line = await reader.readline()
        writer.close()
        await writer.wait_closed()
        return line

    assert b"Inbox Emulator ready" in asyncio.run(greeting())
    assert emulator_intercept.mail(to=box) == []


def test_whatever_else_speaks_https_gets_a_real_connection(emulator_intercept: Emulator) -> None:
    context = ssl.create_default_context()
    with (
        socket.create_connection(("inkbox.ai", 443), 5) as raw,
        context.wrap_socket(raw, server_hostname="inkbox.ai") as tls,
    ):
        tls.sendall(b"GET /api/whoami HTTP/1.1\r\nHost: inkbox.ai\r\nConnection: close\r\n\r\n")
        assert tls.recv(100).startswith(b"HTTP/1.1 401 ")
    assert len(emulator_intercept.journal("http")) == 1


# What is refused


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (
            lambda: requests.get("https://api.example.com/v1/charges?limit=1", timeout=5),
            "https://api.example.com/v1/charges?limit=1",
        ),
        (lambda: httpx.get("https://api.example.com/v1/charges"), "https://api.example.com/v1/charges"),
        (lambda: urllib.request.urlopen("http://example.com:8080/a"), "http://example.com:8080/a"),
        (lambda: asyncio.run(_get_by_aiohttp("https://example.com/b")), "https://example.com/b"),
        (lambda: smtplib.SMTP("smtp.example.com", 587), "smtp.example.com:587"),
        (lambda: socket.create_connection(("192.0.2.1", 80)), "192.0.2.1:80"),
        (lambda: socket.create_connection(("inkbox.ai", 22)), "inkbox.ai:22"),
        (lambda: requests.get("https://inkbox.ai:8443/", timeout=5), "https://inkbox.ai:8443/"),
        (lambda: _send_datagram("192.0.2.1"), "192.0.2.1:53"),
        (lambda: socket.gethostbyname("example.com"), "example.com"),
    ],
)
def test_other_connections_are_refused_by_name(here: Emulator, call: Callable[[], Any], named: str) -> None:
    with here.intercept() as interception, pytest.raises(UnexpectedConnection, match=r"was refused") as refused:
        call()
    assert str(refused.value).startswith(f"{named} was refused: ")
    assert interception.refused == [named]


async def _get_by_aiohttp(url: str) -> None:
    async with aiohttp.ClientSession() as session, session.get(url):
        raise AssertionError("it was reached")


def _send_datagram(host: str) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
        datagrams.sendto(b".", (host, 53))


def test_a_refusal_says_how_to_allow_it(here: Emulator) -> None:
    with pytest.raises(UnexpectedConnection) as refused:
        httpx.get("https://inkbx.ai/api")
    assert str(refused.value) == (
        "https://inkbx.ai/api was refused: while the emulator intercepts, only the providers and this machine are "
        "reached. Did you mean inkbox.ai? To let it through: emulator.intercept(allow=['inkbx.ai']), the same with "
        "@pytest.mark.emulator, or emulator_allow = inkbx.ai in pytest's configuration."
    )
    assert here.journal() == []


def test_names_are_looked_up_without_asking_anybody(here: Emulator) -> None:
    assert socket.gethostbyname("inkbox.ai") == "127.0.0.1" == socket.gethostbyname("localhost")
    assert here.refused == []


def test_this_machine_is_reached(emulator_intercept: Emulator) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        for host in ("127.0.0.1", "localhost"):
            socket.create_connection((host, server.getsockname()[1])).close()
    assert emulator_intercept.journal() == []


def test_a_host_that_is_allowed_is_tried(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda *_, **__: [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.1", 80))]
    )
    tried: list[Any] = []
    monkeypatch.setattr(socket.socket, "connect", lambda _, address: tried.append(address))
    with emulator.intercept(allow=["*.example.com"]):
        socket.create_connection(("api.example.com", 80)).close()
    assert tried == [("192.0.2.1", 80)]


# What is left afterwards


def _patched() -> dict[str, Any]:
    import http.client

    import urllib3.connection

    owners = {
        socket: ["getaddrinfo", "gethostbyname", "gethostbyname_ex"],
        socket.socket: ["connect", "connect_ex", "sendto"],
        ssl.SSLContext: ["wrap_socket", "wrap_bio"],
        http.client.HTTPConnection: ["connect"],
        http.client.HTTPSConnection: ["connect"],
        urllib3.connection.HTTPConnection: ["connect"],
        urllib3.connection.HTTPSConnection: ["connect"],
        httpx.HTTPTransport: ["handle_request"],
        httpx.AsyncHTTPTransport: ["handle_async_request"],
        aiohttp.TCPConnector: ["_create_connection"],
    }
    return {f"{owner}.{name}": vars(owner).get(name) for owner, names in owners.items() for name in names}


def test_nothing_stays_patched(emulator: Emulator) -> None:
    before, finders = _patched(), list(sys.meta_path)

    def fail() -> None:
        with emulator.intercept():
            assert _patched() != before
            raise RuntimeError("a test failed")

    with pytest.raises(RuntimeError, match="a test failed"):
        fail()
    assert (_patched(), sys.meta_path) == (before, finders)


def test_the_innermost_emulator_answers(emulator: Emulator) -> None:
    with Emulator("other") as other, emulator.intercept():
        with other.intercept():
            requests.get(_WHOAMI, timeout=5)
        requests.get(_WHOAMI, timeout=5)
        assert (len(other.journal("http")), len(emulator.journal("http"))) == (1, 1)


def test_a_client_that_is_imported_later_is_intercepted() -> None:
    code = """
from emulator import Emulator
import sys
with Emulator() as emulator, emulator.intercept():
    assert not {"httpx", "urllib3", "aiohttp"} & set(sys.modules)
    import httpx, requests, aiohttp, asyncio
    assert httpx.get("https://inkbox.ai/api/whoami").status_code == 401
    assert requests.get("https://inkbox.ai/api/whoami").status_code == 401
    async def ask():
        async with aiohttp.ClientSession() as session, session.get("https://inkbox.ai/api/whoami") as answer:
            return answer.status
    assert asyncio.run(ask()) == 401
    assert httpx.__spec__.loader is httpx.__loader__
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


# What else belongs to it


@pytest.mark.emulator(origins={"inboxai": "https://agents.acme.com"})
def test_a_provider_that_everybody_hosts_is_where_the_user_says(here: Emulator, inboxai: Account) -> None:
    assert inboxai.base_url == "https://agents.acme.com"
    answer = httpx.get(f"{inboxai.base_url}/api/v0/inboxes", headers=_headers(inboxai))
    assert answer.status_code == 200, answer.text
    assert here.account("inkbox").base_url == "https://inkbox.ai"


@pytest.mark.emulator(providers=["postern"])
def test_a_provider_that_is_not_chosen_is_not_emulated(here: Emulator, inkbox: Account) -> None:
    assert httpx.get("https://api.agents.mszazu.com/v1/inboxes").status_code == 401
    with pytest.raises(UnexpectedConnection, match=r"https://inkbox\.ai/api/whoami was refused"):
        httpx.get(_WHOAMI)
    assert inkbox.request("GET", "/api/whoami").status_code == 404
    assert here.worlds.offered == frozenset({"postern"})


def test_an_origin_is_one(emulator: Emulator) -> None:
    with pytest.raises(ValueError, match="is no origin, such as https:"):
        Emulator(origins={"inboxai": "agents.acme.com"})
    with pytest.raises(LookupError, match="did you mean 'inboxai'"):
        Emulator(origins={"inboxia": "https://agents.acme.com"})
    assert emulator.origins == {}


@pytest.mark.parametrize("effect", [{"effect": "drop"}, {"effect": "truncate", "keep": 10}])
def test_faults_break_the_connection(here: Emulator, inkbox: Account, effect: dict[str, Any]) -> None:
    here.fault(provider="inkbox", operation="whoami", times=None, **effect)
    headers = _headers(inkbox)
    with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
        httpx.get(_WHOAMI, headers=headers)
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        requests.get(_WHOAMI, headers=headers, timeout=5)
    with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
        asyncio.run(_async_httpx(headers))
    with pytest.raises((aiohttp.ClientOSError, aiohttp.ClientPayloadError)):
        asyncio.run(_aiohttp(headers))


@pytest.mark.emulator(clock=None)
def test_an_operation_that_waits_does_not_hold_the_loop(here: Emulator, postern: Account) -> None:
    box, body = postern.mailbox("bot"), {"timeout_seconds": 20, "since": "2026-01-01T00:00:00Z"}

    async def wait() -> Any:
        async with httpx.AsyncClient(headers=_headers(postern), base_url=postern.base_url) as client:
            waiting = asyncio.create_task(client.post(f"/v1/inboxes/{box.address}/wait", json=body))
            other = await client.get("/v1/inboxes")
            here.receive(box.address, "At last")
            return other.status_code, (await waiting).json()

    status, found = asyncio.run(wait())
    assert status == 200
    assert "At last" in str(found)
