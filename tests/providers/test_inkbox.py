"""Inkbox's rules that need the emulator's knobs: other accounts, faults, the clock, strictness."""

from __future__ import annotations

from typing import Any

import pytest
from werkzeug.test import TestResponse

from emulator import Account, Emulator
from emulator.mail.parse import Mail
from emulator.mail.postoffice import transmit

_MAILBOXES = "/api/v1/mail/mailboxes"
_OTHER = "ApiKey_11111111-1111-4111-8111-111111111111"


def _send(inkbox: Account, sender: str, to: list[str], **more: Any) -> TestResponse:
    body = {"recipients": {"to": to}, "subject": "Hello", "body_text": "Hi", **more}
    return inkbox.request("POST", f"{_MAILBOXES}/{sender}/messages", json=body)


def _listed(inkbox: Account, address: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = inkbox.request("GET", f"{_MAILBOXES}/{address}/messages").get_json()["items"]
    return items


def test_mail_from_outside_is_listed(emulator: Emulator, inkbox: Account) -> None:
    box = inkbox.mailbox("bot")
    emulator.receive(box.address, "Welcome", "Hello bot", sender="jane@example.com")
    [message] = _listed(inkbox, box.address)
    assert (message["from_address"], message["subject"], message["status"]) == (
        "jane@example.com",
        "Welcome",
        "received",
    )


def test_a_reply_to_mail_without_a_message_id_stays_in_its_thread(emulator: Emulator, inkbox: Account) -> None:
    box = inkbox.mailbox("bot")
    with emulator.world.step():
        transmit(emulator.world, "jane@example.com", [box.address], Mail(b"Subject: Hello\r\n\r\nHi\r\n"))
    [received] = _listed(inkbox, box.address)
    reply = _send(inkbox, "bot", ["jane@example.com"], in_reply_to_message_id=received["id"]).get_json()
    assert reply["thread_id"] == received["thread_id"]


def test_mail_to_the_outside_is_in_the_tray_as_it_left(emulator: Emulator, inkbox: Account) -> None:
    box = inkbox.mailbox("bot")
    _send(inkbox, "bot", ["jane@example.com"], recipients={"to": ["jane@example.com"], "bcc": ["x@example.com"]})
    assert [left.recipient for left in emulator.sent] == ["jane@example.com", "x@example.com"]
    mail = Mail(emulator.sent[0].mail.raw)
    assert (mail.subject, mail.bare_addresses("from"), mail.body.text) == ("Hello", [box.address], "Hi")
    assert mail.field("bcc") is None


@pytest.mark.parametrize(
    ("fate", "statuses"),
    [
        ("success", ["delivered", "delivered", "delivered"]),
        ("bounce", ["bounced", "bounced", "bounced"]),
        ("soft-bounce", ["sent", "sent", "bounced"]),
        ("defer", ["sent", "delivered", "delivered"]),
        ("complaint", ["delivered", "delivered", "delivered"]),
        ("reject", ["failed", "failed", "failed"]),
        ("delay+1200", ["sent", "sent", "delivered"]),
        ("auto-reply", ["delivered", "delivered", "delivered"]),
    ],
)
def test_a_message_says_what_becomes_of_it(inkbox: Account, fate: str, statuses: list[str]) -> None:
    box = inkbox.mailbox("bot")
    sent = _send(inkbox, "bot", [f"{fate}@simulator.test"]).get_json()
    assert sent["status"] == "queued"
    found = []
    for minutes in (0, 15, 45):
        inkbox.emulator.advance(f"{minutes}m")
        message = inkbox.request("GET", f"{_MAILBOXES}/{box.address}/messages/{sent['id']}").get_json()
        found.append(message["status"])
        assert {each["id"]: each["status"] for each in _listed(inkbox, box.address)}[sent["id"]] == found[-1]
    assert found == statuses


def test_a_report_is_in_the_thread_of_the_message_that_bounced(inkbox: Account) -> None:
    box = inkbox.mailbox("bot")
    sent = _send(inkbox, "bot", ["bounce@simulator.test"]).get_json()
    report, _ = _listed(inkbox, box.address)
    assert (report["subject"], report["status"]) == ("Undelivered Mail Returned to Sender", "received")
    assert (report["thread_id"], report["has_attachments"]) == (sent["thread_id"], True)


@pytest.mark.emulator(strict=False)
def test_another_organization_sees_nothing_and_owns_its_handles(inkbox: Account) -> None:
    inkbox.mailbox("bot")
    other = {"X-API-Key": _OTHER, "X-Service-Token": _OTHER}
    assert inkbox.request("GET", _MAILBOXES, headers=other).get_json() == []
    assert inkbox.request("GET", f"{_MAILBOXES}/bot", headers=other).status_code == 404
    made = inkbox.request("POST", "/api/v1/identities", headers=other, json={"agent_handle": "bot"})
    assert made.status_code == 201
    taken = {"agent_handle": "bot", "email_local_part": "bot"}
    assert inkbox.request("POST", _MAILBOXES, headers=other, json=taken).status_code == 409


@pytest.mark.emulator(strict=False)
def test_lenient_mode_takes_any_key_of_the_right_form_and_no_other(inkbox: Account) -> None:
    for key, status in ((_OTHER, 200), ("ik_live_abcdef", 200), ("sk-123", 401), ("", 401)):
        response = inkbox.request("GET", _MAILBOXES, headers={"X-Service-Token": key})
        assert response.status_code == status, key


def test_strict_mode_refuses_an_unknown_key(inkbox: Account) -> None:
    response = inkbox.request("GET", _MAILBOXES, headers={"X-Service-Token": _OTHER})
    assert response.status_code == 401
    assert set(response.get_json()) == {"detail"}


@pytest.mark.parametrize("operation", ["create_mailbox", "create_signing_key", "create_identity"])
def test_documented_503s_come_by_fault_rule(emulator: Emulator, inkbox: Account, operation: str) -> None:
    document = inkbox.provider.document.operations[operation]
    emulator.fail("inkbox", operation, 503)
    response = inkbox.request(document.method, document.path, json={"agent_handle": "x"})
    assert response.status_code == 503
    assert response.get_json() == {"detail": document.responses["503"]["description"]}
    assert response.headers["X-Emulator-Fault"] == "fault-1"


def test_a_fault_hits_the_nth_call_only_as_often_as_told(emulator: Emulator, inkbox: Account) -> None:
    emulator.fail("inkbox", "list_mailboxes", 429, nth=2, times=2)
    statuses = [inkbox.request("GET", _MAILBOXES).status_code for _ in range(5)]
    assert statuses == [200, 429, 429, 200, 200]


def test_a_cursor_survives_the_deletion_of_its_message(inkbox: Account) -> None:
    inkbox.mailbox("bot")
    ids = [_send(inkbox, "bot", ["jane@example.com"]).get_json()["id"] for _ in range(4)]
    page = inkbox.request("GET", f"{_MAILBOXES}/bot/messages?limit=2").get_json()
    inkbox.request("DELETE", f"{_MAILBOXES}/bot/messages/{ids[2]}")
    rest = inkbox.request("GET", f"{_MAILBOXES}/bot/messages?limit=2&cursor={page['next_cursor']}").get_json()
    assert [item["id"] for item in rest["items"]] == [ids[1], ids[0]]


def test_a_cursor_of_nobodys_is_refused(inkbox: Account) -> None:
    inkbox.mailbox("bot")
    for cursor in ("x", "AAAA", "WzEsMl0", "é", "W10", "bnVsbA"):
        response = inkbox.request("GET", f"{_MAILBOXES}/bot/messages", query_string={"cursor": cursor})
        assert response.status_code == 400, cursor


def test_an_attachment_link_expires_after_an_hour(emulator: Emulator, inkbox: Account) -> None:
    box = inkbox.mailbox("bot")
    emulator.receive(box.address, "File", attachments={"résumé (1).txt": b"data"})
    message = _listed(inkbox, "bot")[0]["id"]
    link = inkbox.request("GET", f"{_MAILBOXES}/bot/messages/{message}/attachments/résumé (1).txt").get_json()["url"]
    path = link.removeprefix("https://inkbox.ai")
    assert inkbox.request("GET", path, headers={"X-Service-Token": ""}).data == b"data"
    emulator.advance("1h")
    assert inkbox.request("GET", path).status_code == 403


def test_a_claimed_agent_has_a_daily_limit_that_resets_at_midnight(emulator: Emulator, inkbox: Account) -> None:
    body = {"human_email": "jane@example.com", "note_to_human": "Hi"}
    agent = inkbox.request("POST", "/api/v1/agent-signup", json=body).get_json()
    key = {"X-Service-Token": agent["api_key"]}
    url = f"{_MAILBOXES}/{agent['email_address']}/messages"
    mail = {"recipients": {"to": ["jane@example.com"]}, "subject": "Hi"}
    statuses = [inkbox.request("POST", url, json=mail, headers=key).status_code for _ in range(11)]
    assert statuses == [201] * 10 + [429]
    assert inkbox.request("POST", url, json=mail, headers=key).headers["Retry-After"] == str(12 * 3600)
    emulator.advance("12h")
    assert inkbox.request("POST", url, json=mail, headers=key).status_code == 201


def test_the_signing_key_and_api_keys_are_masked_in_the_journal(emulator: Emulator, inkbox: Account) -> None:
    key = inkbox.request("POST", "/api/v1/signing-keys", json={}).get_json()["signing_key"]
    shown = str(emulator.journal("http"))
    assert key not in shown
    assert inkbox.api_key not in shown
    assert "create_signing_key" in shown
