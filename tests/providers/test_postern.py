"""Postern's rules that need the emulator's knobs: other accounts, the clock, settings, and many clients."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event, Semaphore, active_count
from typing import Any

import httpx
import pytest
from werkzeug.test import TestResponse

from emulator import Account, AccountInbox, Emulator
from emulator.mail.parse import Mail
from emulator.mail.postoffice import transmit
from emulator.world.bells import Bells
from tests.curl import curl
from tests.replay import FIXTURES

_INBOXES = "/v1/inboxes"
_OTHER = {"Authorization": "Bearer pk_agent_someone_else"}
_COMMANDS = json.loads((FIXTURES / "postern" / "commands.json").read_text("utf-8"))["commands"]


def _get(postern: Account, path: str, **options: Any) -> Any:
    response = postern.request("GET", path, **options)
    assert response.status_code == 200, response.text
    return response.get_json()


def _post(postern: Account, path: str, body: Any = None, **options: Any) -> TestResponse:
    return postern.request("POST", path, json={} if body is None else body, **options)


def _send(postern: Account, inbox: AccountInbox, **body: Any) -> TestResponse:
    whole = {"to": "jane@example.com", "subject": "Hello", "text": "Hi", **body}
    return _post(postern, f"{_INBOXES}/{inbox.address}/send", whole)


def _code(response: TestResponse) -> str:
    code: str = response.get_json()["error"]["code"]
    return code


def _key(postern: Account, **properties: Any) -> dict[str, str]:
    """Return the headers of a new agent, enrolled with a key of these properties."""
    admin = postern.provider.key_headers(postern.credentials["admin_key"])
    minted = _post(postern, "/v1/enrollment-tokens", properties, headers=admin).get_json()
    agent = _post(postern, "/v1/enroll", {"enrollment_token": minted["enrollment_token"]}).get_json()
    return postern.provider.key_headers(agent["agent_key"])


# The documented commands


@pytest.mark.parametrize("documented", _COMMANDS, ids=lambda documented: documented["operation"])
def test_a_documented_command_gives_the_documented_answer(postern_server: Account, documented: dict[str, Any]) -> None:
    if documented["operation"] != "create_inbox":
        made = _post(postern_server, _INBOXES, {"username": "agent7", "display_name": "Support Bot"})
        assert made.status_code == 201
    command = "\n".join(documented["curl"])
    for name, value in postern_server.environment.items():
        command = command.replace(f"${name}", value)
    answered = curl(command)
    assert answered.status == documented["status"]
    _compare(documented["operation"], documented["answer"], answered.json)


_GENERATED = [r"inbox_\w+", r"msg_\w+", r"thread_\w+", r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", r"agent\d+@x4p\.mszazu\.com"]
"""What the server makes up: a sample of one of these forms stands for any other."""


def _compare(where: str, documented: Any, got: Any) -> None:
    """Hold an answer against a sample, key by key."""
    assert type(got) is type(documented), f"{where}: {documented!r} is documented, got {got!r}"
    if isinstance(documented, dict):
        assert set(got) == set(documented), where
        for key, item in documented.items():
            _compare(f"{where}.{key}", item, got[key])
    elif isinstance(documented, list):
        assert len(got) == len(documented), where
        for index, item in enumerate(documented):
            _compare(f"{where}[{index}]", item, got[index])
    elif isinstance(documented, str):
        form = next((form for form in _GENERATED if re.fullmatch(form, documented)), re.escape(documented))
        assert re.fullmatch(form, got), f"{where}: {documented!r} is documented, got {got!r}"
    else:
        assert got == documented, where


# Accounts and keys


@pytest.mark.emulator(strict=False)
def test_another_organization_sees_nothing(postern: Account) -> None:
    inbox = postern.mailbox("bot")
    sent = _send(postern, inbox, to=inbox.address).get_json()
    here = f"{_INBOXES}/{inbox.address}"
    reads = [here, f"{_INBOXES}/{inbox.id}", f"{here}/messages", f"{here}/threads"]
    for path in [*reads, f"/v1/messages/{sent['id']}", f"/v1/threads/{sent['thread_id']}"]:
        _get(postern, path)
        assert _code(postern.request("GET", path, headers=_OTHER)) == "not_found"
    hook = {"url": "https://x.test", "events": ["message.received"], "address": inbox.address}
    mail = {"to": "jane@example.com", "text": "Hi"}
    writes = {f"{here}/send": mail, f"{here}/wait": {}, f"/v1/messages/{sent['id']}/reply": mail, "/v1/webhooks": hook}
    for path, body in writes.items():
        assert _code(_post(postern, path, body, headers=_OTHER)) == "not_found", path
    assert postern.request("DELETE", here, headers=_OTHER).status_code == 404
    assert _get(postern, _INBOXES, headers=_OTHER)["data"] == []
    assert _code(_post(postern, _INBOXES, {"username": "bot"}, headers=_OTHER)) == "address_taken"


@pytest.mark.emulator(strict=False)
def test_client_ids_and_handles_are_each_organizations_own(postern: Account) -> None:
    mine = _post(postern, _INBOXES, {"client_id": "main"})
    theirs = _post(postern, _INBOXES, {"client_id": "main", "display_name": "Another"}, headers=_OTHER)
    assert (mine.status_code, theirs.status_code) == (201, 201)
    assert mine.get_json()["id"] != theirs.get_json()["id"]


@pytest.mark.emulator(strict=False)
def test_lenient_mode_takes_any_key_of_the_right_form_and_no_other(postern: Account) -> None:
    keys = {"pk_agent_any_thing1": 200, "pk_agent_": 401, "pk_enroll_x_y": 401, "sk-123456": 401, "": 401}
    for key, status in keys.items():
        response = postern.request("GET", _INBOXES, headers={"Authorization": f"Bearer {key}"})
        assert response.status_code == status, key
    admin = {"Authorization": "Bearer pk_admin_of_a_new_organization"}
    token = _post(postern, "/v1/enrollment-tokens", headers=admin).get_json()["enrollment_token"]
    assert _post(postern, "/v1/enroll", {"enrollment_token": token}).status_code == 201


def test_strict_mode_refuses_an_unknown_key(postern: Account) -> None:
    assert _code(postern.request("GET", _INBOXES, headers=_OTHER)) == "invalid_api_key"
    for scheme in ("Basic", "", "bearer bearer"):
        wrong = {"Authorization": f"{scheme} {postern.api_key}"}
        assert postern.request("GET", _INBOXES, headers=wrong).status_code == 401


def test_the_ready_enrollment_key_leads_into_the_ready_organization(postern: Account) -> None:
    inbox = postern.mailbox("bot")
    agent = _post(postern, "/v1/enroll", {"enrollment_token": postern.credentials["enrollment_token"]}).get_json()
    listed = _get(postern, _INBOXES, headers=postern.provider.key_headers(agent["agent_key"]))["data"]
    assert [item["id"] for item in listed] == [inbox.id]


def test_an_enrollment_key_expires_on_the_worlds_clock(emulator: Emulator, postern: Account) -> None:
    admin = postern.provider.key_headers(postern.credentials["admin_key"])
    until = {"expires_at": "2026-01-01T13:00:00+00:00", "reusable": True}
    token = _post(postern, "/v1/enrollment-tokens", until, headers=admin).get_json()
    assert token["expires_at"] == "2026-01-01T13:00:00Z"
    body = {"enrollment_token": token["enrollment_token"]}
    assert _post(postern, "/v1/enroll", body).status_code == 201
    emulator.advance("1h")
    assert _code(_post(postern, "/v1/enroll", body)) == "enrollment_token_expired"


@pytest.mark.parametrize("moment", ["0000-01-01T00:00:00Z", "9999-12-31T23:59:59-12:00", "2026-06-30T23:59:60Z"])
def test_moments_at_the_end_of_the_calendar_are_taken(postern: Account, moment: str) -> None:
    admin = postern.provider.key_headers(postern.credentials["admin_key"])
    assert _post(postern, "/v1/enrollment-tokens", {"expires_at": moment}, headers=admin).status_code == 201
    wait = {"since": moment, "timeout_seconds": 0}
    assert _post(postern, f"{_INBOXES}/{postern.mailbox().address}/wait", wait).status_code == 200


def test_keys_are_masked_in_the_journal(emulator: Emulator, postern: Account) -> None:
    admin = postern.credentials["admin_key"]
    token = _post(postern, "/v1/enrollment-tokens", headers=postern.provider.key_headers(admin)).get_json()
    agent = _post(postern, "/v1/enroll", {"enrollment_token": token["enrollment_token"]}).get_json()
    hook = _post(postern, _INBOXES, {"inbound_webhook_url": "https://x.test"}).get_json()["webhook"]
    shown = str(emulator.journal("http"))
    for secret in (admin, token["enrollment_token"], agent["agent_key"], hook["secret"], postern.api_key):
        assert secret not in shown


# Inboxes


def test_a_key_without_the_shared_subdomain_creates_at_its_own(postern: Account) -> None:
    key = _key(postern, allowed_domains=["Mail.Example.com", "other.example.com"])
    assert _post(postern, _INBOXES, headers=key).get_json()["domain"] == "mail.example.com"


def test_the_domains_of_the_organization_are_a_setting(postern: Account) -> None:
    postern.set("domains", ["agents.example.com"])
    made = _post(postern, _INBOXES, {"username": "Bot"}).get_json()
    assert made["address"] == "bot@agents.example.com"
    assert _code(_post(postern, _INBOXES, {"domain": "x4p.mszazu.com"})) == "scope_denied"
    postern.set("domains", [])
    assert _code(_post(postern, _INBOXES)) == "scope_denied"


def test_a_replayed_creation_shows_the_webhook_secret_again(postern: Account) -> None:
    body = {"client_id": "a", "inbound_webhook_url": "https://x.test/inbound"}
    assert _post(postern, _INBOXES, body).get_json() == _post(postern, _INBOXES, body).get_json()


def test_the_client_id_of_a_deleted_inbox_is_free_again(postern: Account) -> None:
    body = {"client_id": "a"}
    first = _post(postern, _INBOXES, body).get_json()
    postern.request("DELETE", f"{_INBOXES}/{first['address']}")
    again = _post(postern, _INBOXES, body)
    assert again.status_code == 201
    assert again.get_json()["id"] != first["id"]
    assert _post(postern, _INBOXES, body).get_json() == again.get_json()


def test_the_address_of_a_deleted_inbox_is_free_again_and_its_mail_stays_hidden(postern: Account) -> None:
    inbox = postern.mailbox("bot")
    _send(postern, inbox, to=inbox.address)
    postern.request("DELETE", f"{_INBOXES}/{inbox.address}")
    assert _post(postern, _INBOXES, {"username": "bot"}).status_code == 201
    assert _get(postern, f"{_INBOXES}/{inbox.address}/messages")["data"] == []


def test_mail_to_a_deleted_inbox_is_refused(emulator: Emulator, postern: Account) -> None:
    inbox = postern.mailbox("bot")
    postern.request("DELETE", f"{_INBOXES}/{inbox.address}")
    assert not emulator.receive(inbox.address, "Hello")
    assert not emulator.sent
    assert [entry["to"] for entry in emulator.journal("mail.refused")] == [inbox.address]


def test_generated_addresses_step_aside(postern: Account, emulator: Emulator) -> None:
    before = emulator.snapshot()
    address = _post(postern, _INBOXES).get_json()["address"]
    emulator.restore(before)
    postern.mailbox(address.partition("@")[0])
    assert _post(postern, _INBOXES).get_json()["address"] != address


def test_a_hundred_thousand_ids_of_one_scope_differ(emulator: Emulator) -> None:
    world = emulator.world
    for kind in ("mailbox", "message", "thread", "request"):
        assert len({world.new_id("postern", kind, "one") for _ in range(100_000)}) == 100_000


# Messages


def test_mail_to_the_outside_is_in_the_tray_as_it_left(emulator: Emulator, postern: Account) -> None:
    inbox = postern.mailbox("bot")
    sent = _send(postern, inbox, bcc=["x@example.com"], html="<p>Hi</p>", reply_to="desk@example.com")
    assert sent.status_code == 202
    assert [left.recipient for left in emulator.sent] == ["jane@example.com", "x@example.com"]
    mail = Mail(emulator.sent[0].mail.raw)
    assert (mail.subject, mail.body.text, mail.body.html) == ("Hello", "Hi", "<p>Hi</p>")
    assert (mail.bare_addresses("from"), mail.bare_addresses("reply-to")) == ([inbox.address], ["desk@example.com"])


def test_an_idempotency_key_belongs_to_the_inbox_for_send_and_reply_together(postern: Account) -> None:
    one, two = postern.mailbox("one"), postern.mailbox("two")
    first = _send(postern, one, idempotency_key="k").get_json()
    assert _send(postern, two, idempotency_key="k").get_json()["id"] != first["id"]
    reply = _post(postern, f"/v1/messages/{first['id']}/reply", {"text": "Hi", "idempotency_key": "k"})
    assert _code(reply) == "idempotency_conflict"


def test_a_replay_answers_what_the_first_answer_was(emulator: Emulator, postern: Account) -> None:
    inbox = postern.mailbox("bot")
    first = _send(postern, inbox, idempotency_key="k", cc=None)
    emulator.advance("7d")
    again = _send(postern, inbox, idempotency_key="k")
    assert (again.status_code, again.get_json()) == (first.status_code, first.get_json())
    assert len(emulator.sent) == 1


def test_a_failed_send_leaves_its_idempotency_key_free(postern: Account, emulator: Emulator) -> None:
    postern.set("daily_cap", 0)
    inbox = postern.mailbox("bot")
    assert _code(_send(postern, inbox, idempotency_key="k")) == "rate_limited"
    emulator.advance("12h")
    postern.set("daily_cap", 1)
    assert _send(postern, inbox, idempotency_key="k", text="Other").status_code == 202
    assert _send(postern, inbox, idempotency_key="k", text="Other").status_code == 202, "a replay is no send"


def test_the_daily_cap_resets_at_midnight_in_utc(emulator: Emulator, postern: Account) -> None:
    inbox = postern.mailbox("bot")
    assert [_send(postern, inbox).status_code for _ in range(60)] == [202] * 60, "there is no cap by default"
    postern.set("daily_cap", 60)
    refused = _send(postern, inbox)
    assert (_code(refused), refused.headers["Retry-After"]) == ("rate_limited", str(12 * 3600))
    emulator.advance("11h")
    assert _send(postern, inbox).headers["Retry-After"] == "3600"
    emulator.advance("1h")
    assert _send(postern, inbox).status_code == 202


def test_the_ramp_rises_with_the_age_of_the_inbox(emulator: Emulator, postern: Account) -> None:
    postern.set("daily_cap", True)
    inbox, allowed = postern.mailbox("bot"), []
    for _ in range(6):
        sent = 0
        while _send(postern, inbox).status_code == 202:
            sent += 1
        allowed.append(sent)
        emulator.advance("7d")
    assert allowed == [10, 20, 30, 40, 50, 50]


def test_a_reply_counts_against_the_cap(postern: Account) -> None:
    postern.set("daily_cap", 1)
    inbox = postern.mailbox("bot")
    sent = _send(postern, inbox).get_json()
    assert _code(_post(postern, f"/v1/messages/{sent['id']}/reply", {"text": "Hi"})) == "rate_limited"


_HOSTILE = [
    b"Subject: =?utf-8?q?a=0D=0ABcc:_x@example.com?=\r\nFrom: jane@example.com\r\n\r\ncode 123456",
    b"Subject: x\r\nFrom: jane@example.com\r\nReply-To: =?utf-8?q?a=0D=0A?= <b@example.com>\r\n\r\nHi",
    b"From: nobody\r\nSubject: \xff\xfe\r\n\r\n\xff http://[verify",
    b"From: jane@example.com\r\nMessage-ID: <a\x00b@c>\r\nReferences: <x\x00@y>\r\n\r\nverify https://[::1/token",
    b"From: jane@example.com\r\nContent-Type: text/html\r\n\r\n<a href='http://[bad'>verify</a><a href>",
    b"\r\n",
    b"",
]


@pytest.mark.parametrize("raw", _HOSTILE)
def test_hostile_mail_can_be_read_waited_for_and_answered(emulator: Emulator, postern: Account, raw: bytes) -> None:
    inbox = postern.mailbox("bot")
    with emulator.world.step():
        transmit(emulator.world, "jane@example.com", [inbox.address], Mail(raw))
    here = f"{_INBOXES}/{inbox.address}"
    [item] = _get(postern, f"{here}/messages")["data"]
    _get(postern, f"/v1/messages/{item['id']}")
    _get(postern, f"{here}/threads")
    found = _post(postern, f"{here}/wait", {"since": "2026-01-01T00:00:00Z", "from": "", "regex": ""}).get_json()
    assert found["message"]["id"] == item["id"]
    assert _post(postern, f"/v1/messages/{item['id']}/reply", {"text": "Hi"}).status_code == 202


def test_a_mail_from_nobody_has_nobody_to_reply_to(emulator: Emulator, postern: Account) -> None:
    inbox = postern.mailbox("bot")
    with emulator.world.step():
        transmit(emulator.world, "", [inbox.address], Mail(b"Subject: Bounce\r\n\r\nNo such user"))
    [item] = _get(postern, f"{_INBOXES}/{inbox.address}/messages")["data"]
    assert _code(_post(postern, f"/v1/messages/{item['id']}/reply", {"text": "Hi"})) == "bad_request"


# wait_for_email


@pytest.fixture
def waiters(monkeypatch: pytest.MonkeyPatch) -> Semaphore:
    """Count who has begun to wait: acquire once for each."""
    begun, plain = Semaphore(0), Bells.waiting

    @contextmanager
    def waiting(bells: Bells, name: str | None) -> Iterator[Event]:
        with plain(bells, name) as bell:
            begun.release()
            yield bell

    monkeypatch.setattr(Bells, "waiting", waiting)
    return begun


def _wait(postern: Account, inbox: AccountInbox, **wanted: Any) -> TestResponse:
    return _post(postern, f"{_INBOXES}/{inbox.address}/wait", {"timeout_seconds": 60, **wanted})


def test_a_wait_sleeps_until_the_mail_it_wants(emulator: Emulator, postern: Account, waiters: Semaphore) -> None:
    inbox = postern.mailbox("bot")
    emulator.receive(inbox.address, "Your code", "code 111111")
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(_wait, postern, inbox, subject="code")
        waiters.acquire()
        emulator.receive(inbox.address, "Hello", "code 222222")
        emulator.receive(inbox.address, "Your code", "code 333333")
        found = waiting.result().get_json()
    assert found["extracted"]["otp_code"] == "333333"


def test_a_wait_ends_when_the_worlds_clock_has_passed_it(
    emulator: Emulator, postern: Account, waiters: Semaphore
) -> None:
    inbox = postern.mailbox("bot")
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(_wait, postern, inbox, timeout_seconds=300)
        waiters.acquire()
        emulator.advance("5m")
        assert waiting.result().get_json()["timed_out"] is True


def test_a_wait_is_cut_to_the_maximum(emulator: Emulator, postern: Account, waiters: Semaphore) -> None:
    postern.set("max_wait_ms", 120_000)
    inbox = postern.mailbox("bot")
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(_wait, postern, inbox, timeout_seconds=1e300)
        waiters.acquire()
        emulator.advance("2m")
        assert waiting.result().get_json()["timed_out"] is True


def test_a_wait_ends_when_its_inbox_is_deleted(emulator: Emulator, postern: Account, waiters: Semaphore) -> None:
    inbox = postern.mailbox("bot")
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(_wait, postern, inbox)
        waiters.acquire()
        postern.request("DELETE", f"{_INBOXES}/{inbox.address}")
        assert waiting.result().status_code == 404
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(_wait, postern, postern.mailbox("bot"))
        waiters.acquire()
        emulator.reset()
        assert waiting.result().status_code == 404


def test_everybody_who_waits_for_an_inbox_gets_the_mail(
    emulator: Emulator, postern: Account, waiters: Semaphore
) -> None:
    inbox = postern.mailbox("bot")
    with ThreadPoolExecutor(5) as pool:
        waiting = [pool.submit(_wait, postern, inbox) for _ in range(5)]
        for _ in waiting:
            waiters.acquire()
        emulator.receive(inbox.address, "Hello")
        assert len({str(each.result().get_json()) for each in waiting}) == 1


def test_waiters_do_not_keep_the_doors_from_closing(emulator: Emulator, waiters: Semaphore) -> None:
    postern, doors = emulator.account("postern"), emulator.serve()
    inbox, key = postern.mailbox("bot"), postern.provider.key_headers(postern.api_key)
    url = f"{doors.base_url(postern.provider)}{_INBOXES}/{inbox.address}/wait"
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(httpx.post, url, headers=key, json={"timeout_seconds": 300}, timeout=60)
        waiters.acquire()
        emulator.close()
        assert waiting.result().json()["timed_out"] is True


def test_a_thousand_waiters_do_not_stop_a_get(postern_server: Account, waiters: Semaphore) -> None:
    number = 1000
    inbox, key = postern_server.mailbox("bot"), postern_server.provider.key_headers(postern_server.api_key)
    with _room_for_files(2 * number + 200):
        sockets = [_send_wait(postern_server, inbox) for _ in range(number)]
        for _ in sockets:
            waiters.acquire()
        with httpx.Client(headers=key) as http:
            assert http.get(f"{postern_server.base_url}{_INBOXES}").status_code == 200
        postern_server.emulator.receive(inbox.address, "Code", "Your code is 482913")
        answers = [_read(one) for one in sockets]
    assert all(b'"otp_code":"482913"' in answer for answer in answers)


def test_waits_one_after_another_leave_no_threads_behind(postern_server: Account) -> None:
    url = f"{postern_server.base_url}{_INBOXES}/{postern_server.mailbox('bot').address}/wait"
    with httpx.Client(headers=postern_server.provider.key_headers(postern_server.api_key)) as http:
        numbers = []
        for _ in range(30):
            assert http.post(url, json={"timeout_seconds": 0}).status_code == 200
            numbers.append(active_count())
    assert len(set(numbers)) == 1


def _send_wait(postern: Account, inbox: AccountInbox) -> socket.socket:
    servers = postern.emulator.servers
    assert servers is not None
    body = b'{"timeout_seconds":300}'
    head = [
        f"POST /postern{_INBOXES}/{inbox.address}/wait HTTP/1.1",
        "Host: localhost",
        f"Authorization: Bearer {postern.api_key}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        "Connection: close",
    ]
    connection = socket.create_connection(("127.0.0.1", servers.http.port))
    connection.sendall("\r\n".join([*head, "", ""]).encode() + body)
    return connection


def _read(connection: socket.socket) -> bytes:
    with connection, connection.makefile("rb") as answer:
        return answer.read()


@contextmanager
def _room_for_files(number: int) -> Iterator[None]:
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < number:
        pytest.skip(f"this system allows {hard} open files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, number), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


# Many clients


def test_fifty_clients_on_one_account_lose_and_double_nothing(postern_server: Account) -> None:
    clients, mails = 50, 5
    shared = postern_server.mailbox("shared")
    base = postern_server.base_url

    def work(n: int) -> tuple[str, list[str]]:
        with httpx.Client(headers=postern_server.provider.key_headers(postern_server.api_key), timeout=60) as http:

            def call(method: str, path: str, **options: Any) -> Any:
                response = http.request(method, f"{base}{path}", **options)
                assert response.is_success, response.text
                return response.json()

            address = call("POST", _INBOXES, json={"username": f"agent-{n}", "client_id": f"{n}"})["address"]
            assert call("POST", _INBOXES, json={"username": f"agent-{n}", "client_id": f"{n}"})["address"] == address
            sent = []
            for done in range(1, mails + 1):
                mail = {"to": [address, shared.address], "subject": f"{n}-{done}", "text": "Hi"}
                keyed = {**mail, "idempotency_key": f"{n}-{done}"}
                answers = [call("POST", f"{_INBOXES}/{address}/send", json=keyed)["id"] for _ in range(2)]
                assert answers[0] == answers[1]
                sent.append(answers[0])
                assert len(call("GET", f"{_INBOXES}/{address}/messages")["data"]) == 2 * done
                assert len(call("GET", _INBOXES)["data"]) >= 2
            return address, sent

    with ThreadPoolExecutor(clients) as pool:
        worked = dict(pool.map(work, range(clients)))
    listed = [item["address"] for item in _whole(postern_server, _INBOXES)]
    assert sorted(listed) == sorted([*worked, shared.address])
    for address, sent in worked.items():
        found = _whole(postern_server, f"{_INBOXES}/{address}/messages")
        assert [item["id"] for item in found if item["direction"] == "outbound"] == sent[::-1]
        assert len(found) == 2 * mails
    arrived = [item["subject"] for item in _whole(postern_server, f"{_INBOXES}/{shared.address}/messages")]
    assert sorted(arrived) == sorted(f"{n}-{done}" for n in range(clients) for done in range(1, mails + 1))


def test_a_quota_is_never_overdrawn(postern_server: Account) -> None:
    key = _key(postern_server, max_mailboxes=7)
    base = postern_server.base_url
    with ThreadPoolExecutor(20) as pool:
        made = list(pool.map(lambda _: httpx.post(f"{base}{_INBOXES}", headers=key, json={}, timeout=60), range(40)))
    assert sorted(response.status_code for response in made) == [201] * 7 + [409] * 33


def _whole(postern: Account, path: str) -> list[dict[str, Any]]:
    """Return a whole list, page by page."""
    found: list[dict[str, Any]] = []
    query: dict[str, Any] = {"limit": 40}
    while True:
        page = _get(postern, path, query_string=query)
        found += page["data"]
        if page["next_cursor"] is None:
            return found
        query["cursor"] = page["next_cursor"]
