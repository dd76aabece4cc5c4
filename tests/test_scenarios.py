"""Every named scenario brings about what its provider documents."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from werkzeug.test import TestResponse

from emulator import Emulator
from emulator.fault_rules import scenarios

_EMAIL = {
    "from": {"email": "agent@myagent.mx", "name": "Scout"},
    "to": {"email": "jane@example.com", "name": "Jane"},
    "subject": "Hi",
    "html_body": "<p>Hi</p>",
    "text_body": "Hi",
}


def _rate_limited(emulator: Emulator, provider: str, path: str) -> None:
    account = emulator.account(provider)
    limited = account.request("GET", path)
    assert (limited.status_code, limited.headers["Retry-After"]) == (429, "60")
    emulator.advance("60s")
    assert account.request("GET", path).status_code == 200


def _inkbox_mailbox(emulator: Emulator, name: str) -> TestResponse:
    inkbox = emulator.account("inkbox")
    inkbox.request("POST", "/api/v1/identities", json={"agent_handle": name})
    return inkbox.request("POST", "/api/v1/mail/mailboxes", json={"agent_handle": name})


def _address_collides(emulator: Emulator) -> None:
    assert [_inkbox_mailbox(emulator, "one").status_code for _ in range(2)] == [409, 201]


def _unavailable(emulator: Emulator) -> None:
    assert [_inkbox_mailbox(emulator, "one").status_code for _ in range(2)] == [503, 201]


def _inkbox_today(status: int, word: str, path: str, body: dict[str, Any], later: int) -> Callable[[Emulator], None]:
    """Return what asks Inkbox of today for something, and once more after the scenario has struck."""

    def ask(emulator: Emulator) -> None:
        inkbox = emulator.account("inkbox")
        inkbox.use_revision("current")
        box = f"/api/v1/mail/mailboxes/{inkbox.mailbox('bot').address}"
        draft = inkbox.request("POST", f"{box}/drafts", json={"recipients": {"to": ["a@b.test"]}}).get_json()
        where = path.format(box=box, draft=draft["id"])
        first, second = (inkbox.request("POST", where, json=body) for _ in range(2))
        assert (first.status_code, first.get_json()["detail"]["error"]) == (status, word)
        assert second.status_code == later

    return ask


_MAIL = {"recipients": {"to": ["a@b.test"]}, "subject": "x"}


def _quota_exhausted(emulator: Emulator) -> None:
    postern = emulator.account("postern")
    token = {"enrollment_token": postern.credentials["enrollment_token"]}
    for path, body in (("/v1/inboxes", {}), ("/v1/inboxes", {}), ("/v1/enroll", token)):
        answer = postern.request("POST", path, json=body)
        assert (answer.status_code, answer.get_json()["error"]["code"]) == (409, "enrollment_token_exhausted")


def _daily_cap_reached(emulator: Emulator) -> None:
    postern = emulator.account("postern")
    path, mail = f"/v1/inboxes/{postern.mailbox('bot').address}/send", {"to": "a@b.test", "subject": "x", "text": "x"}
    assert [postern.request("POST", path, json=mail).status_code for _ in range(2)] == [202, 429]
    emulator.advance("1d")
    assert postern.request("POST", path, json=mail).status_code == 202


def _payment_required(emulator: Emulator) -> None:
    answer = emulator.account("postern").request("POST", "/v1/inboxes", json={})
    assert (answer.status_code, "PAYMENT-REQUIRED" in answer.headers) == (402, True)


def _inboxai_limit(path: str, body: dict[str, Any]) -> Callable[[Emulator], None]:
    def reach(emulator: Emulator) -> None:
        answer = emulator.account("inboxai").request("POST", path, json=body)
        assert (answer.status_code, answer.get_json()["code"]) == (403, "limit_exceeded")

    return reach


def _inboxai_domain(emulator: Emulator) -> None:
    inboxai = emulator.account("inboxai")
    inboxai.request("POST", "/api/v0/domains", json={"domain": "acme.example"})
    verified = inboxai.request("POST", "/api/v0/domains/acme.example/verify").get_json()
    assert verified["status"] == "PENDING"
    inbox = inboxai.request("POST", "/api/v0/inboxes", json={"username": "a", "domain": "acme.example"}).get_json()
    mail = {"to": "jane@example.com", "subject": "x", "text": "x"}
    sent = inboxai.request("POST", f"/api/v0/inboxes/{inbox['inbox_id']}/messages/send", json=mail)
    assert (sent.status_code, sent.get_json()["code"]) == (403, "domain_not_verified")


def _myagentmail_send(emulator: Emulator) -> int:
    account = emulator.account("myagentmail")
    inbox = account.mailbox(f"bot{len(emulator.journal('http'))}")
    body = {"to": "jane@example.com", "subject": "x", "plainBody": "x", "verified": True}
    return account.request("POST", f"/v1/inboxes/{inbox.id}/send", json=body).status_code


def _plan_limit_reached(emulator: Emulator) -> None:
    assert [_myagentmail_send(emulator) for _ in range(2)] == [403, 403]
    account = emulator.account("myagentmail")
    inbox = account.mailbox("desk")
    emulator.receive(inbox.address, "Hello", "Hi")
    here, reply = f"/v1/inboxes/{inbox.id}", {"plainBody": "Hi"}
    came = account.request("GET", f"{here}/messages").get_json()["messages"][0]["id"]
    draft = account.request("POST", f"{here}/drafts", json={"to": "jane@example.com"}).get_json()["id"]
    posts = {
        f"{here}/reply/{came}": reply,
        f"{here}/reply-all/{came}": reply,
        f"{here}/forward/{came}": {"to": "jane@example.com"},
        f"{here}/drafts/{draft}/send": None,
    }
    assert {account.request("POST", path, json=body).status_code for path, body in posts.items()} == {403}


def _smtp_relay_error(emulator: Emulator) -> None:
    assert [_myagentmail_send(emulator) for _ in range(2)] == [502, 200]


def _myagentmail_domain(emulator: Emulator) -> None:
    account = emulator.account("myagentmail")
    account.request("POST", "/v1/domains", json={"domain": "acme.example"})
    assert account.request("GET", "/v1/domains/acme.example/verify").get_json()["domain"]["status"] == "failed"


def _sendmux_create(emulator: Emulator) -> TestResponse:
    return emulator.account("sendmux").request("POST", "/api/v1/mailboxes", json={"email": "new@myagent.mx"})


def _provisioning_fails(emulator: Emulator) -> None:
    assert _sendmux_create(emulator).status_code == 503


def _credentials_fail(emulator: Emulator) -> None:
    answer = _sendmux_create(emulator)
    made = answer.get_json()["data"]
    assert (answer.status_code, made["api_key"], bool(made["warning"])) == (201, None, True)
    path = f"/api/v1/mailboxes/{made['mailbox']['id']}/keys"
    headers = {"Idempotency-Key": "one"}
    assert emulator.account("sendmux").request("POST", path, json={"app_name": "k"}, headers=headers).status_code == 503


def _sendmux_send(emulator: Emulator, path: str = "send", body: dict[str, Any] = _EMAIL) -> TestResponse:
    account = emulator.account("sendmux")
    headers = {"Authorization": f"Bearer {account.credentials['mailbox_key']}"}
    return account.request("POST", f"/api/v1/emails/{path}", json=body, headers=headers)


def _no_credits(emulator: Emulator) -> None:
    assert _sendmux_send(emulator).status_code == 402


def _no_active_providers(emulator: Emulator) -> None:
    for answer in (_sendmux_send(emulator), _sendmux_send(emulator, "send/batch", {"messages": [_EMAIL]})):
        error = answer.get_json()["error"]
        assert (answer.status_code, error["code"], error["retryable"]) == (503, "no_active_providers", True)


def _sendmux_domain(emulator: Emulator) -> None:
    account = emulator.account("sendmux")
    body = {"domain": "acme.example", "mode": "send_receive"}
    made = account.request("POST", "/api/v1/domains", json=body).get_json()["data"]
    checked = account.request("POST", f"/api/v1/domains/{made['id']}/verify").get_json()["data"]
    assert "failed" in str(checked)


def _mailbox_limit(emulator: Emulator) -> None:
    assert _sendmux_create(emulator).status_code == 409


_CHECKS: dict[str, Callable[[Emulator], None]] = {
    "inboxai:inbox-limit-reached": _inboxai_limit("/api/v0/inboxes", {"username": "a"}),
    "inboxai:domain-limit-reached": _inboxai_limit("/api/v0/domains", {"domain": "acme.example"}),
    "inboxai:domain-not-verified": _inboxai_domain,
    "inboxai:rate-limited": lambda emulator: _rate_limited(emulator, "inboxai", "/api/v0/inboxes"),
    "inkbox:address-collides": _address_collides,
    "inkbox:unavailable": _unavailable,
    "inkbox:handle-unavailable": _inkbox_today(
        409, "agent_handle_unavailable", "/api/v1/identities", {"agent_handle": "free"}, 201
    ),
    "inkbox:send-in-progress": _inkbox_today(409, "idempotency_in_progress", "{box}/messages", _MAIL, 201),
    "inkbox:draft-uncertain": _inkbox_today(
        409, "draft_delivery_uncertain", "{box}/drafts/{draft}/send", {"generation": 1}, 201
    ),
    "inkbox:storage-full": _inkbox_today(402, "storage_limit_exceeded", "{box}/messages", _MAIL, 402),
    "inkbox:imports-used-up": _inkbox_today(429, "mail_import_quota_exceeded", "{box}/imports", {}, 429),
    "inkbox:rate-limited": lambda emulator: _rate_limited(emulator, "inkbox", "/api/v1/mail/mailboxes"),
    "myagentmail:plan-limit-reached": _plan_limit_reached,
    "myagentmail:smtp-relay-error": _smtp_relay_error,
    "myagentmail:domain-not-verified": _myagentmail_domain,
    "myagentmail:rate-limited": lambda emulator: _rate_limited(emulator, "myagentmail", "/v1/inboxes"),
    "postern:quota-exhausted": _quota_exhausted,
    "postern:daily-cap-reached": _daily_cap_reached,
    "postern:payment-required": _payment_required,
    "postern:rate-limited": lambda emulator: _rate_limited(emulator, "postern", "/v1/inboxes"),
    "sendmux:provisioning-fails": _provisioning_fails,
    "sendmux:credentials-fail": _credentials_fail,
    "sendmux:no-credits": _no_credits,
    "sendmux:no-active-providers": _no_active_providers,
    "sendmux:domain-fails": _sendmux_domain,
    "sendmux:mailbox-limit-reached": _mailbox_limit,
    "sendmux:rate-limited": lambda emulator: _rate_limited(emulator, "sendmux", "/api/v1/mailboxes"),
}


def test_every_scenario_is_checked_here() -> None:
    assert set(_CHECKS) == set(scenarios())


@pytest.mark.parametrize("name", sorted(_CHECKS))
def test_a_scenario_brings_about_what_is_documented(emulator: Emulator, name: str) -> None:
    emulator.scenario(name)
    _CHECKS[name](emulator)


def test_without_its_scenario_nothing_fails(emulator: Emulator) -> None:
    assert (_sendmux_send(emulator).status_code, _myagentmail_send(emulator)) == (201, 200)
    assert (_sendmux_create(emulator).status_code, _inkbox_mailbox(emulator, "one").status_code) == (201, 201)


def test_the_rules_of_a_scenario_are_listed_with_its_name(emulator: Emulator) -> None:
    rules = emulator.scenario("postern:quota-exhausted")
    assert {rule.scenario for rule in rules} == {"postern:quota-exhausted"}
    assert list(emulator.world.faults) == rules


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("postern:quota-exhausted!", "postern:quota-exhausted"),
        ("postrn:daily-cap-reached", "postern:daily-cap-reached"),
        ("sendmux:no-credit", "sendmux:no-credits"),
        ("nope", None),
        ("", None),
    ],
)
def test_an_unknown_scenario_is_told_the_nearest_and_all(emulator: Emulator, name: str, nearest: str | None) -> None:
    with pytest.raises(LookupError) as refused:
        emulator.scenario(name)
    hint = f"did you mean {nearest}? " if nearest else ""
    assert str(refused.value) == f"no scenario {name!r}; {hint}choose from {', '.join(scenarios())}"
    assert not list(emulator.world.faults)
