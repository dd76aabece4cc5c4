"""Webhooks of every provider: what is posted, that it verifies and is tried again, and that a test needs no port."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from flask import Flask, request
from inkbox import verify_webhook
from werkzeug.test import TestResponse

from emulator import Account, AccountInbox, Emulator
from emulator.webhooks.receivers import Received

_URL = "https://agent.example/hook"


class Hook(NamedTuple):
    """A webhook of a provider: the mailbox it is about, and the secret that signs its deliveries."""

    account: Account
    mailbox: AccountInbox
    secret: str


def _subscribe(account: Account, events: list[str]) -> Hook:
    mailbox = account.mailbox("scout")
    return Hook(account, mailbox, _SUBSCRIBE[account.provider.name](account, mailbox, events))


def _inkbox(account: Account, mailbox: AccountInbox, _events: list[str]) -> str:
    _made(account.request("PATCH", f"/api/v1/mail/mailboxes/{mailbox.address}", json={"webhook_url": _URL}))
    return str(_made(account.request("POST", "/api/v1/signing-keys"))["signing_key"])


def _postern(account: Account, _mailbox: AccountInbox, events: list[str]) -> str:
    return str(_made(account.request("POST", "/v1/webhooks", json={"url": _URL, "events": events}))["secret"])


def _sendmux(account: Account, _mailbox: AccountInbox, events: list[str]) -> str:
    body = {"url": _URL, "event_types": events}
    return str(_made(account.request("POST", "/api/v1/webhooks", json=body))["data"]["secret"])


def _inboxai(account: Account, _mailbox: AccountInbox, events: list[str]) -> str:
    body = {"url": _URL, "event_types": events}
    return str(_made(account.request("POST", "/api/v0/webhooks", json=body))["secret"])


def _myagentmail(account: Account, _mailbox: AccountInbox, events: list[str]) -> str:
    return str(_made(account.request("POST", "/v1/webhooks", json={"url": _URL, "events": events}))["secret"])


def _made(response: TestResponse) -> Any:
    assert response.status_code < 300, response.text
    return response.get_json()


_SUBSCRIBE: dict[str, Callable[[Account, AccountInbox, list[str]], str]] = {
    "inkbox": _inkbox,
    "postern": _postern,
    "sendmux": _sendmux,
    "inboxai": _inboxai,
    "myagentmail": _myagentmail,
}

_RECEIVED = {
    "inkbox": "message.received",
    "postern": "message.received",
    "sendmux": "mail.inbound",
    "inboxai": "message.received",
    "myagentmail": "message.received",
}


# Independent of the emulator's own code: each as the provider's documentation tells a receiver to verify.


def _hex(key: str, data: bytes) -> str:
    return hmac.new(key.encode(), data, hashlib.sha256).hexdigest()


def _verify_inkbox(got: Received, secret: str) -> None:
    stamp = f"{got.headers['x-inkbox-request-id']}.{got.headers['x-inkbox-timestamp']}."
    assert got.headers["x-inkbox-signature"] == "sha256=" + _hex(secret, stamp.encode() + got.body)
    assert verify_webhook(payload=got.body, headers=got.headers, secret=secret)


def _verify_postern(got: Received, secret: str) -> None:
    fields = dict(field.split("=") for field in got.headers["x-postern-signature"].split(","))
    assert fields["v1"] == _hex(secret, fields["t"].encode() + b"." + got.body)
    assert got.headers["x-postern-event"] == "message.received"


def _verify_sendmux(got: Received, secret: str) -> None:
    assert got.headers["x-sendmux-signature"] == "sha256=" + _hex(secret, got.body)
    assert got.headers["x-sendmux-event-id"] == got.json["id"]
    assert got.headers["x-sendmux-event-type"] == got.json["type"] == "mail.inbound"


def _verify_inboxai(got: Received, secret: str) -> None:
    signed = got.headers["x-webhook-timestamp"].encode() + b"." + got.body
    assert got.headers["x-webhook-signature"] == "sha256=" + _hex(secret, signed)
    assert got.headers["x-webhook-id"] == got.json["event_id"]


def _verify_myagentmail(got: Received, secret: str) -> None:
    assert got.headers["x-myagentmail-signature"] == "v1=" + _hex(secret, got.body)


_VERIFY: dict[str, Callable[[Received, str], None]] = {
    "inkbox": _verify_inkbox,
    "postern": _verify_postern,
    "sendmux": _verify_sendmux,
    "inboxai": _verify_inboxai,
    "myagentmail": _verify_myagentmail,
}


class Inbox:
    """A receiver that notes what it gets, and answers what it is told to, then 200."""

    def __init__(self, *statuses: int) -> None:
        self.got: list[Received] = []
        self._statuses = iter(statuses)

    def __call__(self, received: Received) -> int:
        self.got.append(received)
        return next(self._statuses, 200)


@pytest.fixture(params=sorted(_SUBSCRIBE))
def account(request: pytest.FixtureRequest, emulator: Emulator) -> Account:
    return emulator.account(request.param)


@pytest.fixture
def hook(account: Account) -> Hook:
    return _subscribe(account, [_RECEIVED[account.provider.name]])


def test_what_a_provider_documents_is_delivered_on_the_third_attempt(emulator: Emulator, hook: Hook) -> None:
    inbox = Inbox(500, 503)
    emulator.receive_webhooks(_URL, inbox)
    emulator.receive(hook.mailbox.address, "Hello", "Hi")
    assert len(inbox.got) == 1
    emulator.advance("2m")
    first, _, third = inbox.got
    assert first.body == third.body
    assert "Hello" in third.body.decode() or hook.account.provider.name == "sendmux"
    _VERIFY[hook.account.provider.name](third, hook.secret)
    [delivery] = emulator.webhooks
    assert delivery.state == "delivered"
    assert [(attempt.n, attempt.status) for attempt in delivery.attempts] == [(1, 500), (2, 503), (3, 200)]
    assert [attempt.next_at is None for attempt in delivery.attempts] == [False, False, True]
    emulator.advance("2d")
    assert len(inbox.got) == 3


def test_a_receiver_that_never_takes_it_is_left_alone_at_last(emulator: Emulator, hook: Hook) -> None:
    inbox = Inbox(*[500] * 50)
    emulator.receive_webhooks(_URL, inbox)
    emulator.receive(hook.mailbox.address, "Hello")
    emulator.run_until_idle()
    wanted = 8 if hook.account.provider.name == "sendmux" else 4
    assert len(inbox.got) == wanted
    assert [delivery.state for delivery in emulator.webhooks] == ["failed"]


def test_a_replay_is_signed_anew_under_the_same_event_id(emulator: Emulator, hook: Hook) -> None:
    inbox = Inbox()
    emulator.receive_webhooks(_URL, inbox)
    emulator.receive(hook.mailbox.address, "Hello")
    emulator.advance("1h")
    emulator.replay(emulator.webhooks[0])
    first, again = inbox.got
    assert first.body == again.body
    _VERIFY[hook.account.provider.name](again, hook.secret)
    assert [delivery.is_replay for delivery in emulator.webhooks] == [False, True]


def test_what_is_tampered_with_does_not_verify(emulator: Emulator, hook: Hook) -> None:
    inbox = Inbox()
    emulator.receive_webhooks(_URL, inbox)
    emulator.fault("webhook", provider=hook.account.provider.name, tamper=True)
    emulator.receive(hook.mailbox.address, "Hello")
    emulator.receive(hook.mailbox.address, "Again")
    with pytest.raises(AssertionError):
        _VERIFY[hook.account.provider.name](inbox.got[0], hook.secret)
    _VERIFY[hook.account.provider.name](inbox.got[1], hook.secret)


def test_a_delivery_comes_twice_and_out_of_order_on_demand(emulator: Emulator, hook: Hook) -> None:
    inbox = Inbox()
    emulator.receive_webhooks(_URL, inbox)
    emulator.fault("webhook", twice=True)
    emulator.fault("webhook", late=5)
    for subject in ("Twice", "Late", "Last"):
        emulator.receive(hook.mailbox.address, subject)
    bodies = [received.body for received in inbox.got]
    assert bodies[0] == bodies[1] != bodies[2]
    assert len(bodies) == 3
    emulator.advance("5s")
    order = [delivery.n for delivery in sorted(emulator.webhooks, key=lambda each: each.attempts[0].at)]
    assert (len(inbox.got), order) == (4, [1, 3, 2])


def test_a_url_that_is_nobodys_is_never_dialled(emulator: Emulator, hook: Hook) -> None:
    emulator.receive(hook.mailbox.address, "Hello")
    [delivery] = emulator.webhooks
    assert "agent.example is not on this machine" in str(delivery.attempts[0].error)
    assert delivery.attempts[0].status is None


def test_a_delivery_is_journaled_without_secrets(emulator: Emulator, hook: Hook) -> None:
    emulator.receive_webhooks(_URL, Inbox())
    emulator.receive(hook.mailbox.address, "Hello")
    [entry] = emulator.journal("webhook")
    assert (entry["provider"], entry["attempt"], entry["status"]) == (hook.account.provider.name, 1, 200)
    assert hook.secret not in json.dumps(emulator.journal())


def test_a_reset_forgets_what_was_to_be_delivered(emulator: Emulator, hook: Hook) -> None:
    inbox = Inbox(*[500] * 50)
    emulator.receive_webhooks(_URL, inbox)
    emulator.receive(hook.mailbox.address, "Hello")
    emulator.reset()
    emulator.run_until_idle()
    assert (len(inbox.got), emulator.webhooks) == (1, [])


# Receivers


@pytest.fixture
def postern_hook(emulator: Emulator) -> Hook:
    return _subscribe(emulator.account("postern"), ["message.received"])


def test_a_flask_application_is_a_receiver(emulator: Emulator, postern_hook: Hook) -> None:
    app, got = Flask("agent"), []

    @app.post("/hook")
    def hear() -> tuple[str, int]:
        got.append(request.get_json())
        return "", 204

    emulator.receive_webhooks("https://agent.example", app)
    emulator.receive(postern_hook.mailbox.address, "Hello")
    assert [event["message"]["subject"] for event in got] == ["Hello"]
    assert emulator.webhooks[0].attempts[0].status == 204


def test_an_asgi_application_is_a_receiver(emulator: Emulator, postern_hook: Hook) -> None:
    got = []

    async def app(scope: dict[str, Any], receive: Callable[[], Any], send: Callable[[Any], Any]) -> None:
        got.append((scope["path"], json.loads((await receive())["body"])["event"]))
        await send({"type": "http.response.start", "status": 202, "headers": []})
        await send({"type": "http.response.body", "body": b"ok"})

    emulator.receive_webhooks(_URL, app)
    emulator.receive(postern_hook.mailbox.address, "Hello")
    assert got == [("/hook", "message.received")]
    assert (emulator.webhooks[0].attempts[0].status, emulator.webhooks[0].attempts[0].answer) == (202, "ok")


def test_an_application_that_raises_answers_500(emulator: Emulator, postern_hook: Hook) -> None:
    def broken(_received: Received) -> None:
        raise RuntimeError("no")

    emulator.receive_webhooks(_URL, broken)
    emulator.receive(postern_hook.mailbox.address, "Hello")
    attempt = emulator.webhooks[0].attempts[0]
    assert (attempt.status, attempt.answer) == (500, "RuntimeError: no")


def test_what_is_no_application_is_refused(emulator: Emulator) -> None:
    with pytest.raises(TypeError, match="is no receiver"):
        emulator.receive_webhooks(_URL, lambda: None)


def test_a_receiver_may_call_the_emulator_and_turn_its_clock(emulator: Emulator, postern_hook: Hook) -> None:
    """An agent that answers a webhook with a mail, in the same thread."""
    account, inbox = postern_hook.account, postern_hook.mailbox.address

    def agent(received: Received) -> None:
        message = received.json["message"]
        _made(account.request("POST", f"/v1/messages/{message['id']}/reply", json={"text": "Thanks"}))
        emulator.advance("1s")

    emulator.receive_webhooks(_URL, agent)
    emulator.receive(inbox, "Hello", sender="jane@example.com")
    assert [left.mail.subject for left in emulator.sent] == ["Re: Hello"]


def test_a_receiver_on_this_machine_needs_no_permission(emulator_server: Emulator) -> None:
    from emulator.servers.http.server import HttpServer

    got = []

    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        got.append(json.loads(environ["wsgi.input"].read()))
        start_response("200 OK", [])
        return [b""]

    server = HttpServer(app)
    account = emulator_server.account("postern")
    inbox = account.mailbox("scout")
    _made(account.request("POST", "/v1/webhooks", json={"url": f"{server.url}/hook", "events": ["message.received"]}))
    for number in range(5):
        emulator_server.receive(inbox.address, str(number))
    emulator_server.run_until_idle()
    server.stop()
    assert [event["message"]["subject"] for event in got] == ["0", "1", "2", "3", "4"]


def test_a_deleted_subscription_is_not_posted_to_again(emulator: Emulator) -> None:
    account = emulator.account("inboxai")
    inbox = Inbox(500)
    emulator.receive_webhooks(_URL, inbox)
    mailbox = account.mailbox("scout")
    made = _made(account.request("POST", "/api/v0/webhooks", json={"url": _URL, "event_types": ["message.received"]}))
    emulator.receive(mailbox.address, "Hello")
    account.request("DELETE", f"/api/v0/webhooks/{made['webhook_id']}")
    emulator.run_until_idle()
    assert len(inbox.got) == 1


def test_a_disabled_subscription_hears_nothing(emulator: Emulator) -> None:
    account = emulator.account("inboxai")
    mailbox = account.mailbox("scout")
    made = _made(account.request("POST", "/api/v0/webhooks", json={"url": _URL, "event_types": ["message.received"]}))
    account.request("PATCH", f"/api/v0/webhooks/{made['webhook_id']}", json={"enabled": False})
    emulator.receive(mailbox.address, "Hello")
    assert emulator.webhooks == []


def test_a_url_that_is_none_fails_its_deliveries_and_nothing_else(emulator: Emulator, postern: Account) -> None:
    _made(postern.request("POST", "/v1/webhooks", json={"url": "https://[0", "events": ["message.received"]}))
    postern.mailbox("scout").receive("Hello")
    [delivery] = emulator.webhooks
    assert delivery.attempts[0].status is None
    assert str(delivery.attempts[0].error).startswith("https://[0 is not on this machine")
