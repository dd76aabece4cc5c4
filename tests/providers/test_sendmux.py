"""Sendmux's rules that need the emulator's knobs: other teams, the clock, settings, the mail doors, many clients."""

from __future__ import annotations

import smtplib
from concurrent.futures import ThreadPoolExecutor
from email.message import EmailMessage
from typing import Any

import httpx
import pytest
from werkzeug.test import Client, TestResponse

from emulator import Account, AccountInbox, Emulator
from emulator.mail import Draft
from emulator.mail.logins import open_with
from emulator.mail.postoffice import send
from emulator.providers.sendmux.keys import KEYS

_API = "/api/v1"
_OTHER = {"Authorization": "Bearer smx_root_someone_else"}


def _call(team: Account, method: str, path: str, expect: int, **options: Any) -> Any:
    response = team.request(method, f"{_API}{path}", **options)
    assert response.status_code == expect, response.text
    return response.get_json()


def _create(team: Account, email: str, expect: int = 201, **options: Any) -> Any:
    body = {"email": email, **options.pop("body", {})}
    answer = _call(team, "POST", "/mailboxes", expect, json=body, **options)
    return answer["data"] if expect == 201 else answer["error"]["code"]


def _send(team: Account, mailbox: AccountInbox, to: str, subject: str = "Hello") -> None:
    cc, bcc = ["cc@example.com"], ["bcc@example.com"]
    draft = Draft(sender=mailbox.address, sender_name=None, to=[to], cc=cc, bcc=bcc, subject=subject, text="Hi")
    with team.emulator.world.step():
        send(team.emulator.world, mailbox.record, draft)


# Idempotency keys


def test_a_create_repeated_by_twenty_clients_makes_one_mailbox(sendmux_server: Account) -> None:
    headers = {**sendmux_server.provider.key_headers(sendmux_server.api_key), "Idempotency-Key": "one"}
    with httpx.Client(base_url=sendmux_server.base_url, headers=headers) as client, ThreadPoolExecutor(20) as pool:
        sent = [pool.submit(client.post, f"{_API}/mailboxes", json={"email": "bot@acme.com"}) for _ in range(20)]
        made = [each.result() for each in sent]
    assert [each.status_code for each in made] == [201] * 20
    assert len({each.content for each in made}) == 1
    boxes = _call(sendmux_server, "GET", "/mailboxes", 200)["data"]
    assert [box["email"] for box in boxes] == ["bot@acme.com", "agent@myagent.mx"]


def test_an_idempotency_key_is_forgotten_after_24_hours(sendmux: Account) -> None:
    headers = {"Idempotency-Key": "one"}
    first = _create(sendmux, "bot@acme.com", headers=headers)
    sendmux.emulator.advance("23h")
    assert _create(sendmux, "bot@acme.com", headers=headers) == first
    sendmux.emulator.advance("1h")
    assert _create(sendmux, "bot@acme.com", 409, headers=headers) == "conflict"


def test_a_replay_is_the_original_answer_whole(sendmux: Account) -> None:
    options = {"json": {"email": "bot@acme.com"}, "headers": {"Idempotency-Key": "one"}}
    first = sendmux.request("POST", f"{_API}/mailboxes", **options)
    again = sendmux.request("POST", f"{_API}/mailboxes", **options)
    assert again.get_json() == first.get_json()
    for name in ("Location", "X-Request-Id"):
        assert again.headers[name] == first.headers[name]


@pytest.mark.emulator(strict=False)
def test_idempotency_keys_of_two_teams_are_apart(sendmux: Account) -> None:
    headers = {"Idempotency-Key": "one"}
    _create(sendmux, "one@myagent.mx", headers=headers)
    _create(sendmux, "two@myagent.mx", headers={**headers, **_OTHER})


# Teams and keys


@pytest.mark.emulator(strict=False)
def test_an_unknown_team_key_opens_a_team_of_its_own(sendmux: Account) -> None:
    made = _create(sendmux, "bot@acme.com")["mailbox"]
    assert _call(sendmux, "GET", "/mailboxes", 200, headers=_OTHER)["data"] == []
    _call(sendmux, "GET", f"/mailboxes/{made['id']}", 404, headers=_OTHER)
    assert _create(sendmux, "bot@acme.com", 422, headers=_OTHER) == "validation_error", "the domain is another team's"
    assert _create(sendmux, "agent@myagent.mx", 409, headers=_OTHER) == "conflict"
    _call(sendmux, "GET", "/me", 401, headers={"Authorization": "Bearer smx_mbx_unknown_00000000"})


@pytest.mark.emulator(strict=False)
def test_a_revoked_key_is_not_taken_for_a_new_one(sendmux: Account) -> None:
    made = _create(sendmux, "bot@acme.com")
    headers = {"Authorization": f"Bearer {made['api_key']['key']}"}
    _call(sendmux, "DELETE", f"/mailboxes/{made['mailbox']['id']}", 200)
    _call(sendmux, "GET", "/me", 401, headers=headers)


def test_both_hosts_serve_all_of_it(sendmux: Account) -> None:
    headers = sendmux.provider.key_headers(sendmux.api_key)
    for host in ("https://app.sendmux.ai", "https://smtp.sendmux.ai"):
        response = Client(sendmux.emulator.wsgi).get(f"{_API}/me", base_url=host, headers=headers)
        assert response.status_code == 200


def test_what_is_not_built_says_so(sendmux: Account) -> None:
    error = _call(sendmux, "GET", "/providers/limits", 501)["error"]
    assert (error["code"], error["retryable"]) == ("not_implemented", False)


def test_a_rate_limit_can_be_had_on_demand(sendmux: Account) -> None:
    sendmux.emulator.fail("sendmux", "list_mailboxes", 429)
    response = sendmux.request("GET", f"{_API}/mailboxes")
    error = response.get_json()["error"]
    assert (response.status_code, error["code"], error["retryable"]) == (429, "rate_limit_exceeded", True)
    assert response.headers["Retry-After"] == "1"


# Generations


def test_no_answer_has_the_shapes_of_two_generations(sendmux: Account) -> None:
    first = _create(sendmux, "first@acme.com")
    sendmux.use_revision("current")
    current = _create(sendmux, "current@acme.com")
    assert set(first) == {"mailbox", "api_key", "imap_smtp_credentials", "warning"}
    assert set(current) == {"mailbox", "credential", "warning"}
    for made in (first, current):
        path = f"/mailboxes/{made['mailbox']['id']}/keys"
        assert set(_call(sendmux, "POST", path, 201, json={"app_name": "x"})["data"]) == {"credential"}


def test_the_secrets_of_the_first_generation_open_one_kind_of_door_each(sendmux: Account) -> None:
    made, world = _create(sendmux, "bot@acme.com"), sendmux.emulator.world
    bearer, password = made["api_key"]["key"], made["imap_smtp_credentials"]["password"]
    _call(sendmux, "GET", "/me", 401, headers={"Authorization": f"Bearer {password}"})
    assert open_with(world, "bot@acme.com", bearer) is None
    assert open_with(world, "Bot@acme.com", password) is not None
    _call(sendmux, "DELETE", f"/mailboxes/{made['mailbox']['id']}/keys/{made['api_key']['public_id']}", 200)
    assert open_with(world, "bot@acme.com", password) is None


def test_the_one_secret_of_today_opens_every_door(sendmux: Account) -> None:
    sendmux.use_revision("current")
    secret = _create(sendmux, "bot@acme.com")["credential"]["secret"]
    _call(sendmux, "GET", "/me", 200, headers={"Authorization": f"Bearer {secret}"})
    assert open_with(sendmux.emulator.world, "bot@acme.com", secret) is not None


def test_a_webhook_is_shown_with_the_events_of_each_generation(sendmux: Account) -> None:
    body = {"url": "https://example.com", "event_types": ["mail.inbound", "ses.bounce"]}
    path = f"/webhooks/{_call(sendmux, 'POST', '/webhooks', 201, json=body)['data']['id']}"
    sendmux.use_revision("current")
    assert _call(sendmux, "GET", path, 200)["data"]["event_types"] == ["message.received", "message.bounced"]


# Settings


@pytest.mark.parametrize(
    ("limit", "path", "body"),
    [
        ("mailbox_limit", "/mailboxes", {"email": "bot@acme.com"}),
        ("domain_limit", "/domains", {"domain": "mail.example.com"}),
        ("webhook_limit", "/webhooks", {"url": "https://example.com", "event_types": ["sendmux.test"]}),
    ],
)
def test_a_team_has_no_more_than_its_limit(sendmux: Account, limit: str, path: str, body: dict[str, Any]) -> None:
    sendmux.set(limit, 0)
    error = _call(sendmux, "POST", path, 409, json=body)["error"]
    assert (error["code"], error["retryable"]) == ("limit_exceeded", False)
    sendmux.set(limit, None)
    _call(sendmux, "POST", path, 201, json=body)


def test_credentials_and_sending_accounts_are_limited_too(sendmux: Account) -> None:
    box = _create(sendmux, "bot@acme.com")["mailbox"]
    sendmux.set("credential_limit", 1)
    sendmux.set("sending_account_limit", 0)
    smtp = {"name": "x", "smtp_host": "x", "smtp_port": 25, "smtp_protocol": "none"}
    smtp |= {"smtp_username": "x", "smtp_password": "x"}
    for path, body in ((f"/mailboxes/{box['id']}/keys", {"app_name": "x"}), ("/providers", smtp)):
        assert _call(sendmux, "POST", path, 409, json=body)["error"]["code"] == "limit_exceeded"


def test_a_team_that_is_not_provisioned_waits(sendmux: Account) -> None:
    sendmux.set("provisioned", False)
    for path, body in (("/mailboxes", {"email": "bot@acme.com"}), ("/domains", {"domain": "mail.example.com"})):
        response = sendmux.request("POST", f"{_API}{path}", json=body)
        assert (response.status_code, response.headers["Retry-After"]) == (503, "1")
        assert response.get_json()["error"]["retryable"] is True
    assert len(_call(sendmux, "GET", "/mailboxes", 200)["data"]) == 1


def test_the_shared_domain_and_the_balance_are_settings(sendmux: Account) -> None:
    sendmux.set("shared_domain", "shared.example.com")
    sendmux.set("balance", "0.000000")
    _create(sendmux, "bot@shared.example.com")
    assert _create(sendmux, "bot@myagent.mx", 422) == "validation_error"
    assert _call(sendmux, "GET", "/billing/balance", 200)["data"]["balance"] == "0.000000"


def test_the_connection_test_of_a_sending_account_can_fail(sendmux: Account) -> None:
    smtp = {"name": "x", "smtp_host": "x", "smtp_port": 25, "smtp_protocol": "none"}
    smtp |= {"smtp_username": "x", "smtp_password": "x"}
    made = _call(sendmux, "POST", "/providers", 201, json=smtp)["data"]
    sendmux.set("sending_account_test", False)
    assert _call(sendmux, "POST", f"/providers/{made['id']}/test", 200)["data"]["success"] is False


def test_a_quota_is_not_set_below_what_is_used(sendmux: Account) -> None:
    box = sendmux.mailbox("full")
    sendmux.emulator.receive(box.address, "Hello", "x" * 1000)
    _call(sendmux, "PATCH", f"/mailboxes/{box.id}", 422, json={"quota_bytes": 1000})
    _call(sendmux, "PATCH", f"/mailboxes/{box.id}", 200, json={"quota_bytes": 100_000})


# The mail doors


def test_the_servers_named_are_the_emulators_when_they_are_open(emulator: Emulator) -> None:
    team = emulator.account("sendmux")
    vendors = _create(team, "one@acme.com")["imap_smtp_credentials"]
    assert (vendors["server"], vendors["imap_port"], vendors["smtp_port"]) == ("mail.sendmux.ai", 993, 587)
    servers = emulator.serve()
    own = _create(team, "two@acme.com")["imap_smtp_credentials"]
    assert (own["server"], own["smtp_port"]) == ("127.0.0.1", servers.smtp.port)


def test_a_location_leads_back_by_the_way_the_client_came(sendmux_server: Account) -> None:
    headers = sendmux_server.provider.key_headers(sendmux_server.api_key)
    url = f"{sendmux_server.base_url}{_API}/mailboxes"
    made = httpx.post(url, json={"email": "bot@acme.com"}, headers=headers)
    assert made.headers["Location"] == f"{url}/{made.json()['data']['mailbox']['id']}"
    assert httpx.get(made.headers["Location"], headers=headers).json()["data"] == made.json()["data"]["mailbox"]


def _deliver(team: Account, sender: str, to: str) -> int:
    """Bring a mail by SMTP and return what the server says of its recipient."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = sender, to, "Hello"
    mail.set_content("Hi")
    with smtplib.SMTP("127.0.0.1", team.emulator.serve().smtp.port) as smtp:
        try:
            smtp.send_message(mail)
        except smtplib.SMTPRecipientsRefused as refused:
            code: int = refused.recipients[to][0]
            return code
    return 250


def test_a_suspended_mailbox_receives_nothing_and_opens_nowhere(sendmux: Account) -> None:
    box, emulator = sendmux.mailbox("paused"), sendmux.emulator
    secret = next(emulator.world.store.each(KEYS, "active", box.id)).secret
    for action, code, arrived in (("suspend", 550, 0), ("resume", 250, 1)):
        _call(sendmux, "POST", f"/mailboxes/{box.id}/{action}", 200)
        assert _deliver(sendmux, "jane@example.com", box.address) == code
        assert len(emulator.receive(box.address, "From inside")) == arrived
        assert (open_with(emulator.world, box.address, secret) is not None) is bool(arrived)
    assert [entry["kind"] for entry in emulator.journal() if entry["kind"] == "mail.refused"] == ["mail.refused"]


_FRIEND, _STRANGER = "jane@partner.example.com", "mallory@spam.example.com"


@pytest.mark.parametrize(
    ("mode", "rules", "admitted"),
    [
        ("off", [("deny", _FRIEND)], {_FRIEND, _STRANGER}),
        ("allowlist", [], set()),
        ("allowlist", [("allow", "*@Partner.example.com")], {_FRIEND}),
        ("allowlist", [("allow", "partner.example.com"), ("deny", _FRIEND)], set()),
        ("allowlist", [("allow", "example.com")], set()),
        ("denylist", [], {_FRIEND, _STRANGER}),
        ("denylist", [("deny", "spam.example.com")], {_FRIEND}),
        ("denylist", [("deny", "spam.example.com"), ("allow", _STRANGER.upper())], {_FRIEND, _STRANGER}),
    ],
)
def test_filters_hold(sendmux: Account, mode: str, rules: list[tuple[str, str]], admitted: set[str]) -> None:
    filtered = sendmux.mailbox("filtered")
    body = {"mode": mode, "rules": [{"type": kind, "pattern": pattern} for kind, pattern in rules]}
    _call(sendmux, "PUT", f"/mailboxes/{filtered.id}/filters", 200, json=body)
    for sender in (_FRIEND, _STRANGER):
        found = sendmux.emulator.receive(filtered.address, "Hello", sender=sender)
        assert len(found) == (sender in admitted), sender


def test_a_blocked_sender_is_refused_at_the_smtp_door(sendmux: Account) -> None:
    filtered = sendmux.mailbox("filtered")
    body = {"mode": "denylist", "rules": [{"type": "deny", "pattern": "spam.example.com"}]}
    _call(sendmux, "PUT", f"/mailboxes/{filtered.id}/filters", 200, json=body)
    assert _deliver(sendmux, _STRANGER, filtered.address) == 550
    assert _deliver(sendmux, _FRIEND, filtered.address) == 250
    assert [mail.sender for mail in sendmux.emulator.mail(to=filtered.address)] == [_FRIEND]


def test_the_filters_of_a_mailbox_override_those_of_its_domain(sendmux: Account) -> None:
    [domain] = _call(sendmux, "GET", "/domains", 200)["data"]
    box = _create(sendmux, "bot@acme.com")["mailbox"]
    nobody: dict[str, Any] = {"mode": "allowlist", "rules": []}
    everybody: dict[str, Any] = {"mode": "denylist", "rules": []}
    _call(sendmux, "PUT", f"/domains/{domain['id']}/filters", 200, json=nobody)
    assert sendmux.emulator.receive("bot@acme.com", "Hello") == []
    _call(sendmux, "PUT", f"/mailboxes/{box['id']}/filters", 200, json=everybody)
    assert len(sendmux.emulator.receive("bot@acme.com", "Hello")) == 1


# Logs


def _logs(team: Account, which: str, **query: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = _call(team, "GET", f"/{which}/logs", 200, query_string=query)["data"]
    return found


def test_what_was_sent_is_logged_newest_first(sendmux: Account) -> None:
    boxes = [sendmux.mailbox("one"), sendmux.mailbox("two")]
    for number in range(4):
        _send(sendmux, boxes[number % 2], "jane@example.com", f"Mail {number}")
    assert [log["subject"] for log in _logs(sendmux, "emails")] == ["Mail 3", "Mail 2", "Mail 1", "Mail 0"]
    page = _call(sendmux, "GET", "/emails/logs?limit=3", 200)
    rest = _call(sendmux, "GET", f"/emails/logs?limit=3&cursor={page['pagination']['next_cursor']}", 200)
    assert [log["subject"] for log in (*page["data"], *rest["data"])] == ["Mail 3", "Mail 2", "Mail 1", "Mail 0"]
    assert rest["pagination"] == {"has_more": False}


def test_a_log_tells_recipients_apart(sendmux: Account) -> None:
    _send(sendmux, sendmux.mailbox("one"), "jane@example.com")
    [log] = _logs(sendmux, "emails")
    detail = _call(sendmux, "GET", f"/emails/logs/{log['id']}", 200)["data"]
    assert {name: value for name, value in detail.items() if name != "recipients"} == log
    assert [(each["type"], each["status"]) for each in detail["recipients"]] == [
        ("to", "accepted"),
        ("cc", "accepted"),
        ("bcc", "accepted"),
    ]
    assert (log["status"], log["recipient_count"], log["accepted_recipient_count"]) == ("sent", 3, 3)
    assert log["id"].startswith("dlog_c")


@pytest.mark.parametrize(
    ("fate", "statuses"),
    [
        ("success", ["sent", "sent", "sent"]),
        ("bounce", ["failed", "failed", "failed"]),
        ("soft-bounce", ["sent", "sent", "failed"]),
        ("defer", ["sent", "sent", "sent"]),
        ("complaint", ["sent", "sent", "sent"]),
        ("reject", ["rejected", "rejected", "rejected"]),
        ("delay", ["sent", "sent", "sent"]),
        ("auto-reply", ["sent", "sent", "sent"]),
    ],
)
def test_a_log_follows_what_becomes_of_the_mail(sendmux: Account, fate: str, statuses: list[str]) -> None:
    _send(sendmux, sendmux.mailbox("one"), f"{fate}@simulator.test")
    found = []
    for minutes in (0, 15, 45):
        sendmux.emulator.advance(f"{minutes}m")
        [log] = _logs(sendmux, "emails")
        found.append(log["status"])
        assert _logs(sendmux, "emails", status=log["status"]) == [log]
        assert (log["sent_at"] is None) == (log["status"] != "sent")
    assert found == statuses
    summary = _call(sendmux, "GET", "/emails/metrics?window=24h&granularity=hourly", 200)["data"]["summary"]
    assert {name: count for name, count in summary.items() if count} == {"total": 1, statuses[-1]: 1}


def test_a_log_says_which_recipients_refused_the_mail_and_why(sendmux: Account) -> None:
    box, to = sendmux.mailbox("one"), ["bounce@simulator.test", "complaint@simulator.test", "defer@simulator.test"]
    draft = Draft(sender=box.address, sender_name=None, to=to, cc=["reject@simulator.test"], bcc=["jane@example.com"])
    with sendmux.emulator.world.step():
        send(sendmux.emulator.world, box.record, draft)
    [log] = _logs(sendmux, "emails")
    reasons = ["550 5.1.1 The mailbox does not exist", None, None, "550 5.7.1 The content is refused", None]
    detail = _call(sendmux, "GET", f"/emails/logs/{log['id']}", 200)["data"]
    assert [each["reason"] for each in detail["recipients"]] == reasons
    assert [each["status"] for each in detail["recipients"]] == [
        "accepted" if reason is None else "rejected" for reason in reasons
    ]
    counts = ("recipient_count", "accepted_recipient_count", "rejected_recipient_count")
    assert [log[name] for name in counts] == [5, 3, 2]
    assert (log["status"], log["status_reason"]) == ("sent", reasons[0]), "one recipient is still being tried"
    sendmux.emulator.advance("1h")
    [log] = _logs(sendmux, "emails")
    assert (log["status"], log["status_reason"], [log[name] for name in counts]) == ("failed", reasons[0], [5, 3, 2])


def test_logs_are_narrowed_by_status_search_account_and_date(sendmux: Account) -> None:
    box = sendmux.mailbox("one")
    _send(sendmux, box, "jane@example.com", "Old")
    sendmux.emulator.advance("24h")
    _send(sendmux, box, "joe@example.com", "New")
    for query, subjects in (
        ({"status": "sent"}, ["New", "Old"]),
        ({"status": "failed"}, []),
        ({"search": "JANE"}, ["Old"]),
        ({"provider_id": "dprov_other"}, []),
        ({"from_date": "2026-01-02"}, ["New"]),
        ({"to_date": "2026-01-01"}, ["Old"]),
        ({"from_date": "2026-01-01T12:00:00Z", "to_date": "2026-01-01T12:00:00Z"}, ["Old"]),
        ({"from_date": "2026-01-03"}, []),
    ):
        assert [log["subject"] for log in _logs(sendmux, "emails", **query)] == subjects, query


def test_what_was_received_is_logged(sendmux: Account) -> None:
    box = sendmux.mailbox("one")
    sendmux.emulator.receive([box.address, "agent@myagent.mx"], "Hello")
    found = _logs(sendmux, "inboxes")
    assert {log["mailbox_email"] for log in found} == {box.address, "agent@myagent.mx"}
    [log] = _logs(sendmux, "inboxes", mailbox_id=box.id)
    assert _call(sendmux, "GET", f"/inboxes/logs/{log['id']}", 200)["data"] == log
    assert (log["event_type"], log["is_spam"], log["message_id_kind"]) == ("message.received", False, "rfc5322")
    assert _logs(sendmux, "inboxes", event_type="message.received.spam") == []
    _call(sendmux, "GET", f"/emails/logs/{log['id']}", 404)
    _call(sendmux, "DELETE", f"/mailboxes/{box.id}", 200)
    assert len(_logs(sendmux, "inboxes")) == 2, "the logs of a deleted mailbox stay"


@pytest.mark.emulator(strict=False)
def test_the_logs_of_another_team_are_not_there(sendmux: Account) -> None:
    _send(sendmux, sendmux.mailbox("one"), "jane@example.com")
    [log] = _logs(sendmux, "emails")
    _call(sendmux, "GET", f"/emails/logs/{log['id']}", 404, headers=_OTHER)
    assert _call(sendmux, "GET", "/emails/logs", 200, headers=_OTHER)["data"] == []


def test_figures_count_what_was_sent_and_compare(sendmux: Account) -> None:
    box = sendmux.mailbox("one")
    for count in (1, 3):
        for _ in range(count):
            _send(sendmux, box, "jane@example.com")
        sendmux.emulator.advance("24h")
    query = {"from_date": "2026-01-02", "to_date": "2026-01-02", "granularity": "hourly"}
    found = _call(sendmux, "GET", "/emails/metrics", 200, query_string=query)["data"]
    assert (found["summary"]["sent"], found["comparison"]["sent"]) == (3, 1)
    assert found["comparison"]["change_pct"]["sent"] == 200
    assert [step["sent"] for step in found["timeseries"]] == [0] * 12 + [3] + [0] * 11
    response = sendmux.request("GET", f"{_API}/emails/metrics?from_date=1990-01-01")
    assert response.status_code == 400


def test_malformed_json_is_invalid_parameter(sendmux: Account) -> None:
    response: TestResponse = sendmux.request("POST", f"{_API}/mailboxes", data=b"{", content_type="application/json")
    assert (response.status_code, response.content_type) == (400, "application/json")
    assert response.get_json()["error"]["code"] == "invalid_parameter"
