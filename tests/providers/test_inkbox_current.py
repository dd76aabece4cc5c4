"""Inkbox's rules of today that need the emulator's knobs: both generations at once, mail programs, faults, keys."""

from __future__ import annotations

import imaplib
import smtplib
from collections.abc import Callable
from typing import Any

import pytest
from werkzeug.test import TestResponse

from emulator import Account, Emulator
from emulator.mail import MESSAGES
from emulator.provider import choose_revision
from emulator.webhooks.receivers import Received
from emulator.world import CREDENTIALS

_IDENTITIES = "/api/v1/identities"
_MAILBOXES = "/api/v1/mail/mailboxes"
_SUBSCRIPTIONS = "/api/v1/webhooks/subscriptions"
_HOOK = "https://agent.example/hook"
_OTHER = "ApiKey_11111111-1111-4111-8111-111111111111"


@pytest.fixture
def inkbox(emulator: Emulator) -> Account:
    account = emulator.account("inkbox")
    account.use_revision("current")
    return account


def _ask(account: Account, method: str, path: str, expect: int = 200, **options: Any) -> Any:
    response: TestResponse = account.request(method, path, **options)
    assert response.status_code == expect, response.text
    return response.get_json(silent=True)


def _identity(account: Account, handle: str, **more: Any) -> Any:
    return _ask(account, "POST", _IDENTITIES, 201, json={"agent_handle": handle, **more})


def _send(account: Account, handle: str, to: str, expect: int = 201, **more: Any) -> Any:
    mail = {"recipients": {"to": [to]}, "subject": "Hello", "body_text": "Hi", **more}
    return _ask(account, "POST", f"{_MAILBOXES}/{handle}/messages", expect, json=mail)


def _subjects(account: Account, handle: str) -> list[str]:
    return [one["subject"] for one in _ask(account, "GET", f"{_MAILBOXES}/{handle}/messages")["items"]]


def _scoped_key(account: Account, identity: Any) -> str:
    body = {"label": "Scoped", "scoped_identity_id": identity["id"]}
    return str(_ask(account, "POST", "/api/v1/api-keys", 201, json=body)["api_key"])


# Both generations in one world


@pytest.mark.emulator(strict=False)
def test_two_accounts_of_one_world_use_two_generations(inkbox: Account) -> None:
    _identity(inkbox, "today")
    then = {"X-Service-Token": _OTHER, "X-API-Key": _OTHER}
    _ask(inkbox, "POST", _IDENTITIES, 201, headers=then, json={"agent_handle": "then"})
    old = _ask(inkbox, "POST", _MAILBOXES, 201, headers=then, json={"agent_handle": "then", "email_local_part": "then"})
    assert old["webhook_url"] is None
    _ask(inkbox, "POST", _MAILBOXES, 405, json={"agent_handle": "today"})
    _send(inkbox, "today", "then@inkboxmail.com")
    [received] = _ask(inkbox, "GET", f"{_MAILBOXES}/then/messages", headers=then)["items"]
    assert (received["from_address"], "open_count" in received) == ("today@inkboxmail.com", False)
    answer = {"recipients": {"to": ["today@inkboxmail.com"]}, "subject": "Re: Hello"}
    _ask(inkbox, "POST", f"{_MAILBOXES}/then/messages", 201, headers=then, json=answer)
    assert _subjects(inkbox, "today") == ["Re: Hello", "Hello"]


def test_an_account_that_changes_its_generation_keeps_what_it_has(emulator: Emulator) -> None:
    account = emulator.account("inkbox")
    account.mailbox("old")
    _ask(account, "POST", _IDENTITIES, 201, json={"agent_handle": "bare"})
    account.use_revision("current")
    listed = _ask(account, "GET", _IDENTITIES)
    assert [(one["agent_handle"], one["email_address"]) for one in listed] == [
        ("bare", None),
        ("old", "old@inkboxmail.com"),
    ]
    _identity(account, "new-one")
    account.use_revision("seed")
    assert len(_ask(account, "GET", _MAILBOXES)) == 2


def test_a_mailbox_for_a_test_may_have_a_name_that_no_handle_may_have(inkbox: Account) -> None:
    assert inkbox.mailbox("sales.team").address == "sales.team@inkboxmail.com"
    assert inkbox.mailbox("x").address == "x@inkboxmail.com"
    assert [one["agent_handle"] for one in _ask(inkbox, "GET", _IDENTITIES)] == ["x00", "sales-team"]
    assert inkbox.mailbox().address.endswith("@inkboxmail.com")


def test_a_world_may_be_in_the_generation_of_today_as_a_whole() -> None:
    with Emulator(revisions={"inkbox": "current"}) as emulator:
        account = emulator.account("inkbox")
        signup = {"human_email": "jane@example.com", "note_to_human": "Hi", "display_name": "Sales Team"}
        made = _ask(account, "POST", "/api/v1/agent-signup", 201, json=signup)
        assert made["agent_handle"].startswith("sales-team-")
        assert account.provider.key_headers("key") == {"X-API-Key": "key"}


# Keys


def test_an_agents_daily_limit_is_five_until_it_is_claimed(emulator: Emulator) -> None:
    with emulator.world.step():
        choose_revision(emulator.world, emulator.account("inkbox").provider, "current")
    account = emulator.account("inkbox")
    signup = {"human_email": "jane@example.com", "note_to_human": "Hi"}
    made = _ask(account, "POST", "/api/v1/agent-signup", 201, json=signup)
    options = {
        "headers": {"X-API-Key": made["api_key"]},
        "json": {"recipients": {"to": ["jane@example.com"]}, "subject": "Hi"},
    }
    path = f"{_MAILBOXES}/{made['email_address']}/messages"
    for _ in range(5):
        _ask(account, "POST", path, 201, **options)
    assert account.request("POST", path, **options).headers["Retry-After"]


def test_mail_programs_log_in_with_the_key_of_the_identity_alone(emulator: Emulator, inkbox: Account) -> None:
    alice, bob = _identity(inkbox, "alice"), _identity(inkbox, "bob")
    keys = {"alice": _scoped_key(inkbox, alice), "bob": _scoped_key(inkbox, bob)}
    servers = emulator.serve()
    with smtplib.SMTP("127.0.0.1", servers.smtp.port) as client:
        client.login(alice["email_address"], keys["alice"])
        client.sendmail(
            alice["email_address"], "jane@example.com", "From: alice@inkboxmail.com\r\nSubject: By SMTP\r\n\r\nHi"
        )
    assert _subjects(inkbox, "alice") == ["By SMTP"]
    for wrong in (keys["bob"], inkbox.api_key):
        with smtplib.SMTP("127.0.0.1", servers.smtp.port) as client, pytest.raises(smtplib.SMTPAuthenticationError):
            client.login(alice["email_address"], wrong)


def test_a_deleted_identity_revokes_its_keys_and_frees_its_handle(emulator: Emulator, inkbox: Account) -> None:
    key = _scoped_key(inkbox, _identity(inkbox, "short-lived"))
    _ask(inkbox, "DELETE", f"{_IDENTITIES}/short-lived", 204)
    _ask(inkbox, "GET", _IDENTITIES, 401, headers={"X-API-Key": key})
    assert emulator.world.store.get(CREDENTIALS, key) is not None, "it is revoked, not forgotten"
    _identity(inkbox, "short-lived")


# Contact rules


def _block(account: Account, handle: str, target: str, **more: Any) -> Any:
    rule = {"action": "block", "match_type": "domain", "match_target": target, **more}
    return _ask(account, "POST", f"{_IDENTITIES}/{handle}/mail-contact-rules", 201, json=rule)


def test_rules_hold_at_the_smtp_door_too(emulator: Emulator, inkbox: Account) -> None:
    alice = _identity(inkbox, "alice")
    key = _scoped_key(inkbox, alice)
    _block(inkbox, "alice", "evil.test")
    servers = emulator.serve()
    with smtplib.SMTP("127.0.0.1", servers.smtp.port) as client:
        client.sendmail("x@evil.test", alice["email_address"], "From: x@evil.test\r\nSubject: In\r\n\r\nHi")
        client.login(alice["email_address"], key)
        client.sendmail(alice["email_address"], "x@evil.test", "From: alice@inkboxmail.com\r\nSubject: Out\r\n\r\nHi")
    [sent] = _ask(inkbox, "GET", f"{_MAILBOXES}/alice/messages")["items"]
    assert (sent["subject"], sent["status"], emulator.sent) == ("Out", "failed", [])
    with imaplib.IMAP4("127.0.0.1", servers.imap.port) as imap:
        imap.login(alice["email_address"], key)
        assert imap.select()[1] == [b"0"], "what is blocked is in no folder of a mail program"


def test_of_several_recipients_the_blocked_one_alone_is_left_out(emulator: Emulator, inkbox: Account) -> None:
    _identity(inkbox, "alice")
    _block(inkbox, "alice", "evil.test", direction="outbound")
    people = {"to": ["x@evil.test", "jane@example.com"]}
    sent = _send(inkbox, "alice", "", recipients=people)
    assert [left.recipient for left in emulator.sent] == ["jane@example.com"]
    message = emulator.world.store.get(MESSAGES, sent["id"])
    assert message is not None
    assert [(one.recipient, one.action, one.status) for one in message.outcomes] == [
        ("x@evil.test", "rejected", "5.7.1")
    ]


def test_a_rule_decides_before_a_fault_rule_is_used_up(emulator: Emulator, inkbox: Account) -> None:
    _identity(inkbox, "alice")
    _block(inkbox, "alice", "evil.test")
    emulator.fault("mail", fate="bounce", times=1)
    _send(inkbox, "alice", "x@evil.test")
    _send(inkbox, "alice", "jane@example.com")
    assert emulator.sent == [], "the second mail bounced"


def test_mail_that_is_let_in_brings_a_blocked_thread_back(emulator: Emulator, inkbox: Account) -> None:
    box = inkbox.mailbox("alice")
    rule = _block(inkbox, "alice", "evil.test")
    emulator.receive(box.address, "Blocked", sender="x@evil.test")
    [thread] = _ask(inkbox, "GET", f"{_MAILBOXES}/alice/threads")["items"]
    _ask(inkbox, "DELETE", f"{_IDENTITIES}/alice/mail-contact-rules/{rule['id']}", 204)
    [blocked] = _ask(inkbox, "GET", f"{_MAILBOXES}/alice/threads/{thread['id']}")["messages"]
    emulator.receive(box.address, "Re: Blocked", sender="x@evil.test", in_reply_to=blocked["message_id"])
    [thread] = _ask(inkbox, "GET", f"{_MAILBOXES}/alice/threads")["items"]
    assert (thread["folder"], thread["message_count"]) == ("inbox", 2)
    shown = _ask(inkbox, "GET", f"{_MAILBOXES}/alice/threads/{thread['id']}")["messages"]
    assert [one["subject"] for one in shown] == ["Re: Blocked"]


def test_a_report_comes_in_whoever_is_let_in(emulator: Emulator, inkbox: Account) -> None:
    _identity(inkbox, "alice")
    _ask(inkbox, "PATCH", f"{_IDENTITIES}/alice", json={"mail_inbound_filter_mode": "whitelist"})
    _send(inkbox, "alice", "bounce@simulator.test")
    emulator.run_until_idle()
    assert "Undelivered Mail Returned to Sender" in _subjects(inkbox, "alice")


# Webhooks


@pytest.fixture
def heard(emulator: Emulator, inkbox: Account) -> list[Received]:
    heard: list[Received] = []
    emulator.receive_webhooks(_HOOK, heard.append)
    alice = _identity(inkbox, "alice")
    events = [f"message.{what}" for what in ("received", "sent", "forwarded", "delivered", "bounced", "failed")]
    body = {"url": _HOOK, "event_types": events, "agent_identity_id": alice["id"]}
    _ask(inkbox, "POST", _SUBSCRIPTIONS, 201, json=body)
    return heard


@pytest.mark.parametrize(
    ("to", "events"),
    [
        ("jane@example.com", ["message.sent", "message.delivered"]),
        ("bounce@simulator.test", ["message.sent", "message.received", "message.bounced"]),
        ("reject@simulator.test", ["message.sent", "message.failed"]),
        ("x@evil.test", ["message.sent", "message.failed"]),
    ],
)
def test_what_becomes_of_a_mail_is_told(
    emulator: Emulator, inkbox: Account, heard: list[Received], to: str, events: list[str]
) -> None:
    _block(inkbox, "alice", "evil.test")
    _send(inkbox, "alice", to)
    emulator.run_until_idle()
    assert sorted(one.json["event_type"] for one in heard) == sorted(events)


def test_a_webhook_names_the_identities_that_a_mail_goes_to(inkbox: Account, heard: list[Received]) -> None:
    _identity(inkbox, "bob", display_name="Bob")
    _identity(inkbox, "carol")
    people = {"to": ["BOB@inkboxmail.com", "jane@example.com"], "bcc": ["carol@inkboxmail.com"]}
    _send(inkbox, "alice", "", recipients=people)
    data = heard[0].json["data"]
    assert [(one["bucket"], one["address"], one["display_name"]) for one in data["agent_identities"]] == [
        ("to", "BOB@inkboxmail.com", "Bob"),
        ("bcc", "carol@inkboxmail.com", "carol"),
    ]
    assert (data["contacts"], data["message"]["bcc_addresses"]) == ([], ["carol@inkboxmail.com"])


def test_a_url_of_the_earlier_generation_hears_nothing_of_a_forward(emulator: Emulator, inkbox: Account) -> None:
    heard: list[str] = []
    emulator.receive_webhooks(_HOOK, lambda received: heard.append(received.json["event_type"]))
    box = inkbox.mailbox("alice")
    emulator.receive(box.address, "Original")
    [message] = _ask(inkbox, "GET", f"{_MAILBOXES}/alice/messages")["items"]
    inkbox.use_revision("seed")
    _ask(inkbox, "PATCH", f"{_MAILBOXES}/alice", json={"webhook_url": _HOOK})
    inkbox.use_revision("current")
    forward = {"recipients": {"to": ["jane@example.com"]}}
    _ask(inkbox, "POST", f"{_MAILBOXES}/alice/messages/{message['id']}/forward", 201, json=forward)
    assert heard == ["message.delivered"]


@pytest.mark.parametrize(
    ("wanted", "subjects"),
    [
        ({"mode": "count", "count": 2}, ["Re: Two", "Re: Three"]),
        ({"mode": "count", "count": 50}, ["One", "Re: Two", "Re: Three"]),
        ({"mode": "window", "hours": 2}, ["Re: Three"]),
    ],
)
def test_a_webhook_brings_the_conversation_that_it_was_asked_for(
    emulator: Emulator, inkbox: Account, wanted: dict[str, Any], subjects: list[str]
) -> None:
    heard: list[Received] = []
    emulator.receive_webhooks(_HOOK, heard.append)
    alice, last = _identity(inkbox, "alice"), None
    body = {"url": _HOOK, "event_types": ["message.received", "message.sent"], "agent_identity_id": alice["id"]}
    context = {"email": wanted, "calls": {"mode": "count", "count": 1}}
    _ask(inkbox, "POST", _SUBSCRIPTIONS, 201, json={**body, "context_config": context})
    _ask(inkbox, "POST", _SUBSCRIPTIONS, 201, json=body)
    for subject in ("One", "Re: Two", "Re: Three", "Re: Four"):
        emulator.receive(alice["email_address"], subject, in_reply_to=last)
        last = _ask(inkbox, "GET", f"{_MAILBOXES}/alice/messages")["items"][0]["message_id"]
        emulator.advance("90m")
    told, plain = (one.json["data"] for one in heard[-2:])
    assert [item["subject"] for item in told["context"]["email"]["items"]] == subjects
    assert told["context"]["calls"]["skipped"] == "no_resource"
    assert "context" not in plain


def test_every_failed_attempt_is_a_row_of_the_log(emulator: Emulator, inkbox: Account, heard: list[Received]) -> None:
    emulator.receive_webhooks(_HOOK, lambda _received: 500)
    emulator.receive("alice@inkboxmail.com", "Hello")
    emulator.run_until_idle()
    rows = _ask(inkbox, "GET", "/api/v1/webhooks/deliveries?success=false&limit=1000")["deliveries"]
    assert [row["response_status"] for row in rows] == [500] * 4
    assert len({row["id"] for row in rows}) == 4
    assert len({row["event_id"] for row in rows}) == 1
    part = _ask(inkbox, "GET", "/api/v1/webhooks/deliveries?limit=2&offset=1")["deliveries"]
    assert part == rows[1:3]
    assert heard == []


def test_an_identity_may_have_twenty_subscriptions(inkbox: Account) -> None:
    alice = _identity(inkbox, "alice")
    body = {"url": _HOOK, "event_types": ["message.sent"], "agent_identity_id": alice["id"]}
    for _ in range(20):
        _ask(inkbox, "POST", _SUBSCRIPTIONS, 201, json=body)
    _ask(inkbox, "POST", _SUBSCRIPTIONS, 409, json=body)


# Imports


def _import(account: Account, data: bytes, **wanted: Any) -> Any:
    made = _ask(account, "POST", f"{_MAILBOXES}/alice/imports", 201, json=wanted)
    job, fields = made["job"]["id"], made["upload"]["fields"]
    form = b'--x\r\nContent-Disposition: form-data; name="key"\r\n\r\n%s\r\n' % fields["key"].encode()
    form += b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n%s\r\n--x--\r\n' % data
    path = made["upload"]["url"].removeprefix("https://inkbox.ai")
    _ask(account, "POST", path, 204, data=form, content_type="multipart/form-data; boundary=x")
    _ask(account, "POST", f"{_MAILBOXES}/alice/imports/{job}/start")
    return _ask(account, "GET", f"{_MAILBOXES}/alice/imports/{job}")


def _mail(subject: str, attachment: str = "") -> bytes:
    head = f"From: jane@example.com\r\nTo: alice@inkboxmail.com\r\nSubject: {subject}\r\n"
    if not attachment:
        return f"{head}\r\nHi\r\n".encode()
    disposition = f'Content-Disposition: attachment; filename="{attachment}"'
    return f"{head}Content-Type: application/octet-stream\r\n{disposition}\r\n\r\nHi\r\n".encode()


@pytest.mark.parametrize(
    ("data", "counted"),
    [
        (_mail("Plain"), "messages_imported"),
        (_mail("Unsafe", "setup.EXE"), "messages_rejected_unsafe"),
        (b"", "messages_failed"),
        (b"\x00\xff\xfe", "messages_failed"),
    ],
)
def test_each_mail_of_an_import_counts_once(inkbox: Account, data: bytes, counted: str) -> None:
    _identity(inkbox, "alice")
    job = _import(inkbox, data)
    assert (job["status"], job["messages_processed"], job[counted]) == ("completed", 1, 1)


@pytest.mark.parametrize(
    ("data", "wanted"),
    [(b"PK\x03\x04 broken", "auto"), (_mail("No archive"), "zip"), (_mail("No mbox"), "mbox")],
)
def test_a_file_that_is_something_else_fails_and_says_so(inkbox: Account, data: bytes, wanted: str) -> None:
    _identity(inkbox, "alice")
    job = _import(inkbox, data, source_format=wanted)
    assert job["status"] == "failed"
    assert job["error_detail"]


def test_an_import_wakes_no_webhook_and_may_leave_mail_unread(inkbox: Account, heard: list[Received]) -> None:
    _import(inkbox, _mail("Old"), mark_as_read=False)
    [message] = _ask(inkbox, "GET", f"{_MAILBOXES}/alice/messages")["items"]
    assert (message["is_read"], message["direction"], heard) == (False, "inbound", [])


def test_an_upload_can_be_tried_again_until_the_import_is_started(inkbox: Account) -> None:
    _identity(inkbox, "alice")
    made = _ask(inkbox, "POST", f"{_MAILBOXES}/alice/imports", 201, json={})
    path = made["upload"]["url"].removeprefix("https://inkbox.ai")
    for body in (b"", b"nothing", b"--x\r\n", b"--x\r\n\r\n\r\n--x--\r\n"):
        _ask(inkbox, "POST", path, 400, data=body, content_type="multipart/form-data; boundary=x")
    _ask(inkbox, "POST", f"{_MAILBOXES}/alice/imports/{made['job']['id']}/start", 409)


# Storage, plan and drafts


def test_what_makes_the_mailbox_too_full_is_not_sent(emulator: Emulator, inkbox: Account) -> None:
    _identity(inkbox, "alice")
    inkbox.set("storage_limit_bytes", 1000)
    _send(inkbox, "alice", "jane@example.com", 402, body_text="x" * 1000)
    assert (emulator.sent, _subjects(inkbox, "alice")) == ([], [])


def _make_draft(account: Account, **fields: Any) -> Any:
    return _ask(account, "POST", f"{_MAILBOXES}/alice/drafts", 201, json=fields)


@pytest.mark.parametrize(
    "change",
    [
        lambda path, account: _ask(account, "PATCH", path, 409, json={"generation": 7, "subject": "x"}),
        lambda path, account: _ask(account, "DELETE", f"{path}?generation=7", 409),
        lambda path, account: _ask(account, "POST", f"{path}/duplicate", 409, json={"generation": 7}),
        lambda path, account: _ask(account, "POST", f"{path}/send", 409, json={"generation": 7}),
        lambda path, account: _ask(account, "DELETE", f"{path}/attachments/0?generation=7", 409),
        lambda path, account: _ask(account, "GET", f"{path}/attachments/0?generation=7", 409),
    ],
)
def test_another_generation_of_a_draft_changes_nothing(inkbox: Account, change: Callable[[str, Account], Any]) -> None:
    _identity(inkbox, "alice")
    draft = _make_draft(inkbox, subject="Hi")
    path = f"{_MAILBOXES}/alice/drafts/{draft['id']}"
    assert change(path, inkbox)["detail"]["error"] == "draft_generation_conflict"
    assert _ask(inkbox, "GET", path) == draft


def test_mail_programs_see_the_drafts_of_the_api_and_the_api_sees_theirs(emulator: Emulator, inkbox: Account) -> None:
    key = _scoped_key(inkbox, _identity(inkbox, "alice"))
    draft = _make_draft(
        inkbox, subject="By the API", recipients={"to": ["jane@example.com"], "bcc": ["eve@example.com"]}
    )
    drafts = f"{_MAILBOXES}/alice/drafts"
    with imaplib.IMAP4("127.0.0.1", emulator.serve().imap.port) as imap:
        imap.login("alice@inkboxmail.com", key)
        imap.select("Drafts")
        fetched: Any = imap.fetch("1", "(FLAGS BODY.PEEK[])")[1]
        written = fetched[0][1]
        assert written.startswith(b"Bcc: eve@example.com\r\n")
        edited = written.replace(b"By the API", b"By both")
        new = b"From: alice@inkboxmail.com\r\nTo: joe@example.com\r\nSubject: By IMAP\r\n\r\nText\r\n"
        for mail in (edited, new):
            imap.append("Drafts", r"(\Draft \Seen)", None, mail)
        imap.store("1", "+FLAGS", r"\Deleted")
        imap.expunge()
        listed = _ask(inkbox, "GET", drafts)["items"]
        assert [(one["subject"], one["to_addresses"], one["generation"]) for one in listed] == [
            ("By IMAP", ["joe@example.com"], 1),
            ("By both", ["jane@example.com"], 2),
        ]
        assert (listed[1]["id"], listed[1]["bcc_addresses"]) == (draft["id"], ["eve@example.com"])
        _ask(inkbox, "POST", f"{drafts}/{draft['id']}/send", 201, json={"generation": 2})
        assert imap.select("Drafts")[1] == [b"1"]
        imap.store("1", "+FLAGS", r"\Deleted")
        imap.expunge()
    assert _ask(inkbox, "GET", drafts)["items"] == []
    assert [left.recipient for left in emulator.sent] == ["jane@example.com", "eve@example.com"]


def test_a_draft_that_cannot_be_sent_is_still_there(inkbox: Account) -> None:
    _identity(inkbox, "alice")
    draft = _make_draft(inkbox, recipients={"to": ["jane@example.com"]}, body_text="x" * 2000)
    inkbox.set("storage_limit_bytes", 1000)
    path = f"{_MAILBOXES}/alice/drafts/{draft['id']}"
    _ask(inkbox, "POST", f"{path}/send", 402, json={"generation": 1})
    assert _ask(inkbox, "GET", path) == draft
    inkbox.set("storage_limit_bytes", 10_000)
    _ask(inkbox, "POST", f"{path}/send", 201, json={"generation": 1})


def test_a_draft_outlives_what_it_answers_and_forwards(emulator: Emulator, inkbox: Account) -> None:
    box = inkbox.mailbox("alice")
    emulator.receive(box.address, "Original", "Text")
    [message] = _ask(inkbox, "GET", f"{_MAILBOXES}/alice/messages")["items"]
    draft = _make_draft(
        inkbox,
        recipients={"to": ["jane@example.com"]},
        thread_id=message["thread_id"],
        in_reply_to_message_id=message["id"],
        forward_message_id=message["id"],
    )
    _ask(inkbox, "DELETE", f"{_MAILBOXES}/alice/messages/{message['id']}", 204)
    path = f"{_MAILBOXES}/alice/drafts/{draft['id']}"
    _ask(inkbox, "PATCH", path, 404, json={"generation": 1, "forward_note_text": "Note"})
    sent = _ask(inkbox, "POST", f"{path}/send", 201, json={"generation": 1})
    assert "Text" in _ask(inkbox, "GET", f"{_MAILBOXES}/alice/messages/{sent['id']}")["body_text"]
