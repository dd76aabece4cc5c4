"""What fault rules do to HTTP requests: in process and over connections, and what the journal says of it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from werkzeug.test import TestResponse

from emulator import Account, AccountInbox, Emulator

_MAILBOXES = "/api/v1/mail/mailboxes"
_SENDING = "send_message"
_BROKEN = (httpx.RemoteProtocolError, httpx.ReadError)


def _send(inkbox: Account, box: AccountInbox, to: str = "jane@example.com", **more: Any) -> TestResponse:
    return inkbox.request("POST", f"{_MAILBOXES}/{box.address}/messages", json=_mail(to, **more))


def _mail(to: str, **more: Any) -> dict[str, Any]:
    return {"recipients": {"to": [to]}, "subject": "Hello", "body_text": "Hi", **more}


def _journaled(emulator: Emulator) -> list[tuple[Any, ...]]:
    """Return what the journal says of strikes and requests, in order."""
    found: list[tuple[Any, ...]] = []
    for entry in emulator.journal():
        if entry["kind"] == "fault":
            found.append(tuple(entry[name] for name in ("rule", "effect", "provider", "operation")))
        elif entry["kind"] == "http":
            found.append((entry["operation"], entry["status"], entry.get("cut_after")))
    return found


@pytest.fixture
def box(inkbox: Account) -> AccountInbox:
    return inkbox.mailbox("bot")


@pytest.fixture
def client(inkbox_server: Account) -> Iterator[httpx.Client]:
    headers = inkbox_server.provider.key_headers(inkbox_server.api_key)
    with httpx.Client(base_url=inkbox_server.base_url, headers=headers, timeout=30) as client:
        yield client


@pytest.fixture
def no_sleep(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return how long somebody wanted to sleep; nobody does."""
    asked: list[float] = []
    monkeypatch.setattr(time, "sleep", asked.append)
    return asked


# An error instead of an answer


def test_an_error_is_answered_and_nothing_is_done(emulator: Emulator, inkbox: Account, box: AccountInbox) -> None:
    rule = emulator.fault("respond", provider="inkbox", operation=_SENDING, status=429, message="Slow down")
    answer = _send(inkbox, box)
    assert (answer.status_code, answer.get_json()) == (429, {"detail": "Slow down"})
    assert answer.headers["X-Emulator-Fault"] == rule.id
    assert (emulator.sent, rule.hits) == ([], 1)
    assert _journaled(emulator) == [(rule.id, "respond", "inkbox", _SENDING), (_SENDING, 429, None)]
    assert _send(inkbox, box).status_code == 201
    assert len(emulator.sent) == 1


def test_an_error_without_words_has_those_of_the_contract(emulator: Emulator, inkbox: Account) -> None:
    emulator.fault("respond", provider="inkbox", operation="whoami", status=429)
    documented = inkbox.provider.document.operations["whoami"].responses["429"]["description"]
    assert inkbox.request("GET", "/api/whoami").get_json() == {"detail": documented}


def test_an_error_has_the_providers_word_for_it(emulator: Emulator, postern: Account) -> None:
    emulator.fault("respond", provider="postern", operation="list_inboxes", status=429, code="daily_cap_exceeded")
    assert postern.request("GET", "/v1/inboxes").get_json()["error"]["code"] == "daily_cap_exceeded"


@pytest.mark.parametrize(("seconds", "shown"), [(None, None), (0, "0"), (7, "7"), (0.5, "1"), (3600, "3600")])
def test_an_error_says_when_to_come_back(
    emulator: Emulator, inkbox: Account, seconds: float | None, shown: str | None
) -> None:
    emulator.fault("respond", provider="inkbox", operation="whoami", status=429, retry_after=seconds)
    assert inkbox.request("GET", "/api/whoami").headers.get("Retry-After") == shown


def test_an_error_is_answered_to_whoever_asks_without_a_key_too(emulator: Emulator, inkbox: Account) -> None:
    emulator.fault("respond", provider="inkbox", operation="whoami", status=429, times=2)
    for headers in ({}, {"X-Service-Token": "nonsense"}):
        assert inkbox.request("GET", "/api/whoami", headers=headers).status_code == 429


@pytest.mark.parametrize("name", ["inboxai", "inkbox", "myagentmail", "postern", "sendmux"])
def test_an_error_looks_like_the_providers_own(emulator: Emulator, name: str) -> None:
    """A fixture of strict worlds holds the answer against the contract; it is forced where the contract has no 503."""
    account = emulator.account(name)
    operation, path = {
        "inboxai": ("list_inboxes", "/api/v0/inboxes"),
        "inkbox": ("list_mailboxes", _MAILBOXES),
        "myagentmail": ("list_inboxes", "/v1/inboxes"),
        "postern": ("list_inboxes", "/v1/inboxes"),
        "sendmux": ("list_mailboxes", "/api/v1/mailboxes"),
    }[name]
    emulator.fault("respond", provider=name, operation=operation, status=503, message="Down", force=True)
    answer = account.request("GET", path)
    assert (answer.status_code, answer.headers["X-Emulator-Fault"]) == (503, "fault-1")
    assert "Down" in answer.text
    assert account.request("GET", path).status_code == 200


def test_an_error_is_the_same_over_a_connection(emulator_server: Emulator, client: httpx.Client) -> None:
    rule = emulator_server.fault("respond", provider="inkbox", operation="whoami", status=429, retry_after=7)
    answer = client.get("/api/whoami")
    assert (answer.status_code, answer.headers["X-Emulator-Fault"], answer.headers["Retry-After"]) == (
        429,
        rule.id,
        "7",
    )
    assert client.get("/api/whoami").status_code == 200


# A wait


def test_a_wait_moves_the_clock_on_and_nobody_sleeps(
    emulator: Emulator, inkbox: Account, no_sleep: list[float]
) -> None:
    before = emulator.world.now()
    rule = emulator.fault("latency", provider="inkbox", operation="whoami", seconds=90)
    assert inkbox.request("GET", "/api/whoami").status_code == 200
    assert (emulator.world.now() - before, no_sleep) == (timedelta(seconds=90), [])
    assert _journaled(emulator) == [(rule.id, "latency", "inkbox", "whoami"), ("whoami", 200, None)]


def test_what_becomes_due_while_a_request_waits_is_done_before_it(
    emulator: Emulator, inkbox: Account, box: AccountInbox
) -> None:
    emulator.fault("mail", recipient=box.address, fate="delay", seconds=60)
    emulator.receive(box.address, "Late")
    emulator.fault("latency", operation="list_messages", provider="inkbox", seconds=60)
    listed = inkbox.request("GET", f"{_MAILBOXES}/{box.address}/messages").get_json()["items"]
    assert [each["subject"] for each in listed] == ["Late"]


@pytest.mark.emulator(clock=None)
def test_a_wait_in_real_time_is_slept(emulator: Emulator, inkbox: Account, no_sleep: list[float]) -> None:
    emulator.fault("latency", seconds=1.5)
    assert inkbox.request("GET", "/api/whoami").status_code == 200
    assert no_sleep == [1.5]


def test_waits_add_up_and_end_in_another_effect(
    emulator: Emulator, inkbox: Account, box: AccountInbox, no_sleep: list[float]
) -> None:
    before = emulator.world.now()
    for rule in ({"seconds": 1}, {"seconds": 2}):
        emulator.fault("latency", **rule)
    emulator.fault("respond", provider="inkbox", operation=_SENDING, status=429)
    emulator.fault("drop")
    assert _send(inkbox, box).status_code == 429
    assert emulator.world.now() - before == timedelta(seconds=3)
    with pytest.raises(ConnectionResetError):
        _send(inkbox, box)
    assert (no_sleep, emulator.sent) == ([], [])


def test_a_wait_over_a_connection_moves_the_clock_on(
    emulator_server: Emulator, client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: float) -> None:
        raise AssertionError("somebody sleeps")

    before = emulator_server.world.now()
    emulator_server.fault("latency", seconds=3600)
    monkeypatch.setattr("emulator.servers.http.strikes.time.sleep", refuse)
    assert client.get("/api/whoami").status_code == 200
    assert emulator_server.world.now() - before == timedelta(hours=1)


# A connection that breaks


@pytest.mark.parametrize(("after", "done", "status"), [(False, 0, 0), (True, 1, 201)])
def test_a_dropped_request_is_done_or_not_as_the_rule_says(
    emulator: Emulator, inkbox: Account, box: AccountInbox, after: bool, done: int, status: int
) -> None:
    rule = emulator.fault("drop", provider="inkbox", operation=_SENDING, after=after)
    with pytest.raises(ConnectionResetError, match="a fault rule closed the connection"):
        _send(inkbox, box)
    assert len(emulator.sent) == done
    assert _journaled(emulator) == [(rule.id, "drop", "inkbox", _SENDING), (_SENDING, status, 0)]
    assert _send(inkbox, box).status_code == 201
    assert len(emulator.sent) == done + 1


@pytest.mark.parametrize(("after", "done"), [(False, 0), (True, 1)])
def test_a_dropped_connection_is_a_clients_error_and_the_next_one_works(
    emulator_server: Emulator, client: httpx.Client, box: AccountInbox, after: bool, done: int
) -> None:
    emulator_server.fault("drop", provider="inkbox", operation=_SENDING, after=after)
    path = f"{_MAILBOXES}/{box.address}/messages"
    with pytest.raises(_BROKEN):
        client.post(path, json=_mail("jane@example.com"))
    assert [left.recipient for left in emulator_server.sent] == ["jane@example.com"] * done
    assert client.post(path, json=_mail("joe@example.com")).status_code == 201
    assert [left.recipient for left in emulator_server.sent][done:] == ["joe@example.com"]


def test_a_dropped_request_with_an_error_of_its_own_is_dropped_all_the_same(
    emulator: Emulator, inkbox: Account
) -> None:
    emulator.fault("drop", after=True)
    with pytest.raises(ConnectionResetError):
        inkbox.request("GET", f"{_MAILBOXES}/nobody")
    assert _journaled(emulator)[-1] == ("get_mailbox", 404, 0)


@pytest.mark.parametrize("keep", [0, 1, 10])
def test_a_truncated_answer_is_of_a_request_that_was_done(
    emulator: Emulator, inkbox: Account, box: AccountInbox, keep: int
) -> None:
    rule = emulator.fault("truncate", provider="inkbox", operation=_SENDING, keep=keep)
    answer = _send(inkbox, box)
    assert answer.status_code == 201
    with pytest.raises(ConnectionResetError, match="a fault rule closed the connection"):
        answer.get_data()
    assert len(emulator.sent) == 1
    assert _journaled(emulator) == [(rule.id, "truncate", "inkbox", _SENDING), (_SENDING, 201, keep)]


@pytest.mark.parametrize("keep", [0, 1, 10])
def test_a_truncated_answer_breaks_off_after_as_many_bytes_as_the_rule_keeps(
    emulator_server: Emulator, client: httpx.Client, keep: int
) -> None:
    whole = client.get("/api/whoami").content
    emulator_server.fault("truncate", keep=keep)
    got: list[bytes] = []
    with client.stream("GET", "/api/whoami") as answer:
        assert (answer.status_code, int(answer.headers["Content-Length"])) == (200, len(whole))
        with pytest.raises(_BROKEN):
            got.extend(answer.iter_bytes(1))
    assert b"".join(got) == whole[:keep]
    assert client.get("/api/whoami").content == whole


@pytest.mark.parametrize("more", [0, 1000])
def test_what_is_not_longer_than_the_rule_keeps_gets_out_whole(
    emulator_server: Emulator, inkbox: Account, client: httpx.Client, more: int
) -> None:
    whole = client.get("/api/whoami").content
    emulator_server.fault("truncate", keep=len(whole) + more, times=2)
    assert inkbox.request("GET", "/api/whoami").data == whole == client.get("/api/whoami").content


def test_an_answer_without_a_body_has_nothing_to_truncate(
    emulator: Emulator, inkbox: Account, box: AccountInbox
) -> None:
    emulator.fault("truncate", keep=0)
    assert inkbox.request("DELETE", f"{_MAILBOXES}/{box.address}").status_code == 204


def test_the_control_api_is_never_struck(emulator_server: Emulator, client: httpx.Client) -> None:
    emulator_server.fault("drop", times=None)
    url = f"{emulator_server.serve().base_url(emulator_server.account('inkbox').provider).rsplit('/', 1)[0]}/_emulator"
    [rule] = client.get(f"{url}/faults").json()["faults"]
    assert (rule["effect"], rule["hits"]) == ("drop", 0)


# What it strikes


@pytest.mark.parametrize(
    ("match", "struck"),
    [
        ({"recipient": "jane@example.com"}, True),
        ({"recipient": "*@EXAMPLE.com"}, True),
        ({"recipient": "hidden@*"}, True),
        ({"recipient": "joe@*"}, False),
        ({"recipient": "bot@*"}, False),
        ({"subject": "HELL"}, True),
        ({"subject": "Bye"}, False),
        ({"recipient": "jane@*", "subject": "Bye"}, False),
        ({"provider": "inkbox"}, True),
        ({"provider": "postern"}, False),
        ({"provider": "inkbox", "operation": "whoami"}, False),
        ({"provider": "inkbox", "operation": "*"}, True),
    ],
)
def test_a_send_is_struck_for_its_recipients_and_its_subject(
    emulator: Emulator, inkbox: Account, box: AccountInbox, match: dict[str, Any], struck: bool
) -> None:
    rule = emulator.fault("latency", seconds=1, **match)
    recipients = {"to": ["jane@example.com"], "bcc": ["hidden@example.com"]}
    assert _send(inkbox, box, recipients=recipients).status_code == 201
    assert (rule.seen, rule.hits) == ((1, 1) if struck else (0, 0))


def test_a_send_is_not_struck_for_who_sends_it(emulator: Emulator, sendmux: Account) -> None:
    rules = [emulator.fault("latency", seconds=1, recipient=each) for each in ("agent@*", "reply@*", "jane@*")]
    key = {"Authorization": f"Bearer {sendmux.credentials['mailbox_key']}"}
    to, sender = {"email": "jane@example.com"}, {"email": "agent@myagent.mx"}
    mail = {"to": to, "from": sender, "reply_to": "reply@example.com", "subject": "Hello", "html_body": "Hi"}
    sendmux.request("POST", "/api/v1/emails/send", json=mail, headers=key)
    assert [rule.hits for rule in rules] == [0, 0, 1]


@pytest.mark.emulator(strict=False)
def test_a_rule_about_an_account_strikes_its_requests_alone(emulator: Emulator, inkbox: Account) -> None:
    """The journal says which account a request was of."""
    inkbox.request("GET", "/api/whoami")
    [entry] = emulator.journal("http")
    rule = emulator.fault("drop", account=entry["account"], times=None)
    other = {"X-Service-Token": "ApiKey_11111111-1111-4111-8111-111111111111"}
    assert inkbox.request("GET", "/api/whoami", headers=other).status_code == 200
    with pytest.raises(ConnectionResetError):
        inkbox.request("GET", "/api/whoami")
    assert rule.hits == 1


@pytest.mark.parametrize("body", [b"{", b"\xff", b"[]", b'"jane@example.com"', b"[" * 5000, b'{"subject": 7}', b""])
def test_a_body_that_says_nothing_matches_nothing_and_breaks_nothing(
    emulator: Emulator, inkbox: Account, box: AccountInbox, body: bytes
) -> None:
    rule = emulator.fault("drop", subject="Hello")
    path = f"{_MAILBOXES}/{box.address}/messages"
    answer = inkbox.request("POST", path, data=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422
    assert rule.seen == 0


def test_other_effects_do_not_count_requests(emulator: Emulator, inkbox: Account) -> None:
    rules = [
        emulator.fault("smtp", stage="rcpt", reply="450 Later"),
        emulator.fault("mail", fate="bounce"),
        emulator.fault("webhook", twice=True),
    ]
    assert inkbox.request("GET", "/api/whoami").status_code == 200
    assert [rule.seen for rule in rules] == [0, 0, 0]
