"""Which events a provider tells of mail on its way, and what their payloads say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from emulator import Account, Emulator
from emulator.webhooks.receivers import Received
from tests.sending import send_by_api

_URL = "https://agent.example/hook"
_ALL = {
    "inboxai": [f"message.{what}" for what in ("received", "sent", "delivered", "bounced", "complained", "rejected")]
    + ["domain.verified"],
    "myagentmail": ["message.received", "message.sent", "message.bounced"],
    "sendmux": ["mail.inbound", "ses.delivery", "ses.bounce", "ses.complaint", "ses.reject", "ses.delivery_delay"],
}


class Ear:
    """A receiver of everything, and the mailbox that it hears of."""

    def __init__(self, emulator: Emulator, account: Account) -> None:
        self.account = account
        self.mailbox = account.mailbox("scout")
        self.heard: list[dict[str, Any]] = []
        self.headers: list[Mapping[str, str]] = []
        emulator.receive_webhooks(_URL, self._hear)
        if account.provider.name in _ALL:
            self._subscribe(_ALL[account.provider.name])
        elif account.provider.name == "inkbox":
            account.request("PATCH", f"/api/v1/mail/mailboxes/{self.mailbox.address}", json={"webhook_url": _URL})

    def _hear(self, received: Received) -> None:
        self.heard.append(received.json)
        self.headers.append(received.headers)

    def _subscribe(self, events: list[str]) -> None:
        path = {"inboxai": "/api/v0", "myagentmail": "/v1", "sendmux": "/api/v1"}[self.account.provider.name]
        name = "events" if self.account.provider.name == "myagentmail" else "event_types"
        made = self.account.request("POST", f"{path}/webhooks", json={"url": _URL, name: events})
        assert made.status_code == 201, made.text

    def send(self, to: str) -> None:
        """Send a mail through the provider's API."""
        answer = send_by_api(self.account, self.mailbox, to)
        assert answer.status_code < 300, answer.text


@pytest.fixture
def ear(request: pytest.FixtureRequest, emulator: Emulator) -> Ear:
    return Ear(emulator, emulator.account(request.param))


def _names(ear: Ear) -> list[str]:
    return [str(body.get("event_type") or body.get("event") or body.get("type")) for body in ear.heard]


_TOLD = {
    "inkbox": {
        "jane@example.com": ["message.sent", "message.delivered"],
        "bounce@simulator.test": ["message.sent", "message.received", "message.bounced"],
        "reject@simulator.test": ["message.sent", "message.failed"],
        "defer@simulator.test": ["message.sent", "message.delivered"],
        "complaint@simulator.test": ["message.sent", "message.delivered"],
    },
    "inboxai": {
        "jane@example.com": ["message.sent", "message.delivered"],
        "bounce@simulator.test": ["message.sent", "message.received", "message.bounced"],
        "reject@simulator.test": ["message.sent", "message.rejected"],
        "complaint@simulator.test": ["message.sent", "message.delivered", "message.complained"],
    },
    "myagentmail": {
        "jane@example.com": ["message.sent"],
        "bounce@simulator.test": ["message.sent", "message.received", "message.bounced"],
    },
    "sendmux": {
        "jane@example.com": ["ses.delivery"],
        "bounce@simulator.test": ["mail.inbound", "ses.bounce"],
        "reject@simulator.test": ["ses.reject"],
        "defer@simulator.test": ["ses.delivery_delay", "ses.delivery"],
        "soft-bounce@simulator.test": ["ses.delivery_delay", "ses.delivery_delay", "mail.inbound", "ses.bounce"],
        "complaint@simulator.test": ["ses.delivery", "ses.complaint"],
    },
}


@pytest.mark.parametrize(
    ("ear", "to", "events"),
    [(name, to, events) for name, cases in _TOLD.items() for to, events in cases.items()],
    indirect=["ear"],
)
def test_what_becomes_of_a_mail_is_told_in_the_providers_words(
    emulator: Emulator, ear: Ear, to: str, events: list[str]
) -> None:
    ear.send(to)
    emulator.run_until_idle()
    assert sorted(_names(ear)) == sorted(events)
    # The report arrives while the bounce is noted: which of both is told first, no provider promises.
    assert [name for name in _names(ear) if "received" not in name and "inbound" not in name] == [
        name for name in events if "received" not in name and "inbound" not in name
    ]


@pytest.mark.parametrize("ear", ["inkbox"], indirect=True)
def test_inkbox_signs_nothing_before_a_key_exists(emulator: Emulator, ear: Ear) -> None:
    emulator.receive(ear.mailbox.address, "Hello", "Hi there")
    assert "x-inkbox-signature" not in ear.headers[0]
    assert ear.headers[0]["x-inkbox-timestamp"] == "1767268800"
    message = ear.heard[0]["data"]["message"]
    assert (message["status"], message["body"], message["body_state"]) == ("received", "Hi there", "complete")
    assert not {"is_read", "is_starred"} & message.keys()


@pytest.mark.parametrize("ear", ["inkbox"], indirect=True)
def test_inkbox_carries_at_most_16384_letters_of_a_body(emulator: Emulator, ear: Ear) -> None:
    emulator.receive(ear.mailbox.address, "Long", "x" * 20_000)
    message = ear.heard[0]["data"]["message"]
    assert (message["body_state"], message["body_total_chars"], len(message["body"])) == ("truncated", 20_000, 16_384)


@pytest.mark.parametrize("ear", ["inkbox"], indirect=True)
def test_an_inkbox_mailbox_without_a_url_tells_nobody(emulator: Emulator, ear: Ear) -> None:
    path = f"/api/v1/mail/mailboxes/{ear.mailbox.address}"
    assert ear.account.request("PATCH", path, json={"webhook_url": None}).get_json()["webhook_url"] is None
    emulator.receive(ear.mailbox.address, "Hello")
    assert (ear.heard, emulator.webhooks) == ([], [])


@pytest.mark.parametrize("ear", ["sendmux"], indirect=True)
def test_every_field_of_a_sendmux_event_is_there(emulator: Emulator, ear: Ear) -> None:
    ear.send("bounce@simulator.test")
    emulator.run_until_idle()
    bounce = next(body for body in ear.heard if body["type"] == "ses.bounce")
    assert (bounce["data"]["bounce_type"], bounce["data"]["bounce_subtype"]) == ("Permanent", "NoEmail")
    assert bounce["data"]["recipients"] == ["bounce@simulator.test"]
    assert (bounce["data"]["message_id_kind"], len(bounce["data"])) == ("provider", 15)


@pytest.mark.parametrize("ear", ["sendmux"], indirect=True)
def test_a_sendmux_webhook_that_is_given_up_is_failing_until_enabled_again(emulator: Emulator, ear: Ear) -> None:
    emulator.receive_webhooks(_URL, lambda _received: 500)
    emulator.receive(ear.mailbox.address, "Hello")
    emulator.run_until_idle()
    [webhook] = ear.account.request("GET", "/api/v1/webhooks").get_json()["data"]
    assert webhook["failing"] is True
    path = f"/api/v1/webhooks/{webhook['id']}"
    attempts = ear.account.request("GET", f"{path}/deliveries").get_json()["data"]
    assert [attempt["delivery_attempt"] for attempt in attempts] == [8, 7, 6, 5, 4, 3, 2, 1]
    assert [attempt["result"] for attempt in attempts] == ["permanent_failure", *["retrying"] * 7]
    for enabled in (False, True):
        changed = ear.account.request("PATCH", path, json={"enabled": enabled}).get_json()["data"]
    assert changed["failing"] is False
    emulator.advance("7d")
    assert ear.account.request("GET", f"{path}/deliveries").get_json()["data"] == []


def test_a_sendmux_test_event_is_posted_to_the_one_subscription(emulator: Emulator) -> None:
    account, heard = emulator.account("sendmux"), []
    emulator.receive_webhooks(_URL, lambda received: heard.append(received.json))
    for _ in range(2):
        made = account.request("POST", "/api/v1/webhooks", json={"url": _URL, "event_types": ["sendmux.test"]})
    webhook = made.get_json()["data"]["id"]
    event_id = account.request("POST", f"/api/v1/webhooks/{webhook}/test").get_json()["data"]["event_id"]
    [event] = heard
    assert (event["id"], event["type"], event["data"]["webhook_id"]) == (event_id, "sendmux.test", webhook)


def test_sendmux_of_today_has_other_names_for_its_events(emulator: Emulator) -> None:
    account, heard = emulator.account("sendmux"), []
    account.use_revision("current")
    emulator.receive_webhooks(_URL, lambda received: heard.append((received.json["type"], received.headers)))
    account.request("POST", "/api/v1/webhooks", json={"url": _URL, "event_types": ["message.received"]})
    emulator.receive(account.mailbox("scout").address, "Hello")
    [(name, headers)] = heard
    assert name == headers["x-sendmux-event-type"] == "message.received"


@pytest.mark.parametrize("ear", ["inboxai"], indirect=True)
def test_inboxai_tells_of_a_domain_once_it_is_verified(ear: Ear) -> None:
    ear.account.request("POST", "/api/v0/domains", json={"domain": "acme.example"})
    for _ in range(2):
        ear.account.request("POST", "/api/v0/domains/acme.example/verify")
    [event] = ear.heard
    assert (event["event_type"], event["domain"]["domain_id"]) == ("domain.verified", "acme.example")


@pytest.mark.parametrize("ear", ["inboxai"], indirect=True)
def test_an_inboxai_message_event_carries_message_and_thread(emulator: Emulator, ear: Ear) -> None:
    emulator.receive(ear.mailbox.address, "Hello", "Hi")
    [event] = ear.heard
    assert event["message"]["message_id"] == event["thread"]["last_message_id"]
    assert event["message"]["text"] == "Hi"


def test_a_workspaces_webhook_hears_of_its_own_inboxes_only(emulator: Emulator) -> None:
    account, heard = emulator.account("myagentmail"), []
    emulator.receive_webhooks(_URL, lambda received: heard.append(received.json["to"]))
    made = account.request("POST", "/v1/workspaces", json={"name": "Acme"}).get_json()
    key = account.request("POST", f"/v1/workspaces/{made['id']}/keys", json={"name": "k"}).get_json()["key"]
    account.request(
        "POST", "/v1/webhooks", json={"url": _URL, "events": ["message.received"]}, headers={"X-API-Key": key}
    )
    own = account.request("POST", "/v1/inboxes", json={"username": "own"}, headers={"X-API-Key": key}).get_json()
    other = account.mailbox("other")
    for address in (own["email"], other.address):
        emulator.receive(address, "Hello")
    assert heard == [own["email"]]


def test_postern_tells_of_the_inbox_it_was_asked_for_and_no_body(emulator: Emulator) -> None:
    account, heard = emulator.account("postern"), []
    emulator.receive_webhooks(_URL, lambda received: heard.append(received.json))
    one, two = account.mailbox("one"), account.mailbox("two")
    body = {"url": _URL, "events": ["message.received"], "address": one.address}
    account.request("POST", "/v1/webhooks", json=body)
    for inbox in (one, two):
        emulator.receive(inbox.address, "Hello", "Secret")
    [event] = heard
    assert (event["inbox"], set(event["message"])) == (
        one.address,
        {"id", "thread_id", "from", "subject", "received_at"},
    )
