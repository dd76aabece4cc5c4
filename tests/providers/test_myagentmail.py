"""myagentmail's rules that need the emulator's knobs: other tenants, faults, settings, doors, and many clients."""

from __future__ import annotations

import smtplib
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from werkzeug.test import TestResponse

from emulator import Account, AccountInbox, Emulator
from emulator.mail.logins import open_with
from emulator.mail.parse import Mail

_DOMAIN = "myagentmail.com"
_UNKNOWN = "tk_none_of_the_seeded_ones"


def _create(tenant: Account, username: str | None = None, key: str | None = None, **query: str) -> TestResponse:
    headers = {"X-API-Key": key or tenant.api_key}
    body = {} if username is None else {"username": username}
    return tenant.request("POST", "/v1/inboxes", json=body, query_string=query, headers=headers)


def _other(tenant: Account) -> str:
    return tenant.credentials["other_api_key"]


def _get(tenant: Account, path: str, **options: Any) -> Any:
    response = tenant.request("GET", f"/v1{path}", **options)
    assert response.status_code == 200, response.text
    return response.get_json()


def _send(tenant: Account, inbox_id: str, to: str | list[str], **more: Any) -> TestResponse:
    body = {"to": to, "subject": "Hello", "plainBody": "Hi", "verified": True, **more}
    return tenant.request("POST", f"/v1/inboxes/{inbox_id}/send", json=body)


def _messages(tenant: Account, inbox_id: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = _get(tenant, f"/inboxes/{inbox_id}/messages")["messages"]
    return found


def _at_once(calls: list[Callable[[], TestResponse]]) -> list[TestResponse]:
    """Make all calls, each in a thread of its own, when all threads are there."""
    barrier = Barrier(len(calls))

    def run(call: Callable[[], TestResponse]) -> TestResponse:
        barrier.wait(30)
        return call()

    with ThreadPoolExecutor(len(calls)) as threads:
        return list(threads.map(run, calls))


# Creating


def test_a_hundred_creates_of_one_username_by_two_tenants(myagentmail: Account) -> None:
    """Who comes first has the name, and again each time it asks; the other has the next number each time."""
    keys = [myagentmail.api_key, _other(myagentmail)] * 50
    answers = _at_once([lambda key=key: _create(myagentmail, "scout", key) for key in keys])  # type: ignore[misc]
    made = [answer.get_json()["username"] for answer in answers if answer.status_code == 201]
    again = [answer.get_json() for answer in answers if answer.status_code == 200]
    assert sorted(made) == sorted(["scout", *(f"scout{n}" for n in range(1, 51))])
    assert Counter(answer["username"] for answer in again) == {"scout": 49}
    assert all(answer["existed"] is True for answer in again)
    listed = {key: _get(myagentmail, "/inboxes", headers={"X-API-Key": key})["inboxes"] for key in set(keys)}
    assert sorted(map(len, listed.values())) == [1, 50]
    assert sorted(inbox["username"] for found in listed.values() for inbox in found) == sorted(made)


def test_a_hundred_creates_beside_the_holder_take_all_numbers_and_no_more(myagentmail: Account) -> None:
    assert _create(myagentmail, "scout").status_code == 201
    answers = _at_once([lambda: _create(myagentmail, "scout", _other(myagentmail))] * 100)
    made = [answer.get_json()["username"] for answer in answers if answer.status_code == 201]
    assert sorted(made) == sorted(f"scout{n}" for n in range(1, 100))
    [refused] = [answer for answer in answers if answer.status_code != 201]
    assert (refused.status_code, refused.get_json()["code"]) == (409, "USERNAME_TAKEN")


def test_twenty_creates_of_one_tenant_make_one_inbox_and_show_its_secrets_once(myagentmail: Account) -> None:
    answers = _at_once([lambda: _create(myagentmail, "scout", strict="true")] * 20)
    [made] = [answer.get_json() for answer in answers if answer.status_code == 201]
    again = [answer.get_json() for answer in answers if answer.status_code == 200]
    assert len(again) == 19
    assert all(answer == again[0] for answer in again)
    assert not {"apiKey", "imapPassword"} & set(again[0])
    assert made["imapPassword"] not in str(again[0])
    assert [inbox["id"] for inbox in _get(myagentmail, "/inboxes")["inboxes"]] == [made["id"]]


def test_ids_and_keys_do_not_depend_on_what_other_tenants_do() -> None:
    def create(*, busy: bool) -> Any:
        with Emulator() as emulator:
            tenant = emulator.account("myagentmail")
            if busy:
                _create(tenant, "noise", _other(tenant))
            return _create(tenant, "scout").get_json()

    assert create(busy=False) == create(busy=True)


def test_an_alias_of_the_tenants_own_is_its_inbox_at_that_address(myagentmail: Account) -> None:
    inbox = _create(myagentmail, "scout").get_json()
    alias = {"email": f"nick@{_DOMAIN}"}
    myagentmail.request("POST", f"/v1/inboxes/{inbox['id']}/addresses", json=alias)
    again = _create(myagentmail, "nick")
    assert (again.status_code, again.get_json()["id"], again.get_json()["email"]) == (200, inbox["id"], alias["email"])
    assert _create(myagentmail, "nick", _other(myagentmail)).get_json()["username"] == "nick1"


def test_an_inbox_in_another_workspace_of_the_tenant_is_returned_to_its_workspace_key(myagentmail: Account) -> None:
    workspace = myagentmail.request("POST", "/v1/workspaces", json={"name": "Team"}).get_json()
    key = myagentmail.request("POST", f"/v1/workspaces/{workspace['id']}/keys").get_json()["key"]
    inbox = _create(myagentmail, "scout").get_json()
    again = _create(myagentmail, "scout", key)
    assert (again.status_code, again.get_json()["id"]) == (200, inbox["id"])
    assert myagentmail.request("GET", f"/v1/inboxes/{inbox['id']}", headers={"X-API-Key": key}).status_code == 404


def test_every_name_of_a_tenants_own_domain_is_free(myagentmail: Account) -> None:
    myagentmail.request("POST", "/v1/domains", json={"domain": "acme.example.com"})
    _get(myagentmail, "/domains/acme.example.com/verify")
    _create(myagentmail, "scout", _other(myagentmail))
    body = {"username": "scout", "domain": "acme.example.com"}
    assert myagentmail.request("POST", "/v1/inboxes", json=body).get_json()["email"] == "scout@acme.example.com"


# Keys and accounts


@pytest.mark.emulator(strict=False)
def test_lenient_mode_gives_any_tenant_key_its_own_tenant(myagentmail: Account) -> None:
    mine = _create(myagentmail, "scout").get_json()
    theirs = _create(myagentmail, "scout", _UNKNOWN).get_json()
    assert (mine["username"], theirs["username"]) == ("scout", "scout1")
    assert _create(myagentmail, None, _UNKNOWN).get_json()["username"] == "tenant"
    for key in ("wk_unknown_0001", "ak_unknown_0001", "sa_unknown_0001", "tk_", "sk-123", ""):
        assert myagentmail.request("GET", "/v1/me", headers={"X-API-Key": key}).status_code == 401, key


@pytest.mark.emulator(strict=False)
def test_a_revoked_key_stays_refused_in_lenient_mode(myagentmail: Account) -> None:
    key = myagentmail.credentials["workspace_key"]
    headers = {"X-API-Key": key}
    me = _get(myagentmail, "/me", headers=headers)
    [listed] = _get(myagentmail, f"/workspaces/{me['workspaceId']}/keys", headers=headers)["keys"]
    revoke = f"/v1/workspaces/{me['workspaceId']}/keys/{listed['id']}"
    assert myagentmail.request("DELETE", revoke, headers=headers).status_code == 200
    assert myagentmail.request("GET", "/v1/me", headers=headers).status_code == 401


def test_the_seeded_keys_are_of_the_documented_classes(myagentmail: Account) -> None:
    keys = myagentmail.credentials
    classes = {name: _get(myagentmail, "/me", headers={"X-API-Key": key})["type"] for name, key in keys.items()}
    assert classes == {
        "api_key": "tenant",
        "other_api_key": "tenant",
        "workspace_key": "workspace",
        "super_admin_key": "super_admin",
    }


def test_keys_and_passwords_are_masked_in_the_journal(emulator: Emulator, myagentmail: Account) -> None:
    inbox = _create(myagentmail, "scout").get_json()
    hook = {"url": "https://your-app.com/hook", "events": ["message.sent"]}
    secret = myagentmail.request("POST", "/v1/webhooks", json=hook).get_json()["secret"]
    shown = str(emulator.journal("http"))
    assert "create_inbox" in shown
    for hidden in (inbox["apiKey"], inbox["imapPassword"], secret, myagentmail.api_key):
        assert hidden not in shown


# The mail doors


def test_the_mail_blocks_name_the_vendors_hosts_while_no_door_is_open(myagentmail: Account) -> None:
    inbox = _create(myagentmail, "scout").get_json()
    assert (inbox["imap"]["host"], inbox["imap"]["port"], inbox["imap"]["tls"]) == (f"imap.{_DOMAIN}", 993, True)
    assert (inbox["smtp"]["host"], inbox["smtp"]["port"], inbox["smtp"]["starttls"]) == (f"smtp.{_DOMAIN}", 587, True)


def test_the_mail_blocks_name_the_doors_that_are_open(emulator: Emulator, myagentmail: Account) -> None:
    emulator.serve()
    inbox = _create(myagentmail, "scout").get_json()
    for name, door, tls in (("imap", "imaps", "tls"), ("smtp", "smtp", "starttls")):
        block = inbox[name]
        assert (block["host"], block["port"]) == emulator.worlds.doors[door]
        assert (block["username"], block[tls]) == (inbox["canonicalEmail"], True)
    with smtplib.SMTP(inbox["smtp"]["host"], inbox["smtp"]["port"]) as client:
        client.sendmail("jane@example.com", inbox["email"], b"Subject: Hello\r\n\r\nHi")
    assert emulator.wait_for(to=inbox["email"]).subject == "Hello"


def test_the_password_opens_the_mailbox_until_the_inbox_is_deleted(emulator: Emulator, myagentmail: Account) -> None:
    inbox = _create(myagentmail, "scout").get_json()
    login = (inbox["imap"]["username"], inbox["imap"]["password"])
    opened = open_with(emulator.world, *login)
    assert opened is not None
    assert opened.id == inbox["id"]
    myagentmail.request("DELETE", f"/v1/inboxes/{inbox['id']}")
    assert open_with(emulator.world, *login) is None


# Mail


def test_the_raw_message_is_the_bytes_of_the_wire(emulator: Emulator, myagentmail: Account) -> None:
    inbox, doors = myagentmail.mailbox("scout"), emulator.serve()
    head = b"From: Jos\xc3\xa9 <jane@example.com>\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\nX-Odd:  two  spaces \r\n"
    wire = head + b"\r\n\xff\r\n"
    with smtplib.SMTP("127.0.0.1", doors.smtp.port) as client:
        client.sendmail("jane@example.com", inbox.address, wire)
    arrived = emulator.wait_for(to=inbox.address)
    path = f"/v1/inboxes/{inbox.id}/messages/{arrived.message_id}/raw"
    response = myagentmail.request("GET", path)
    assert response.headers["Content-Type"] == "message/rfc822"
    assert response.data == arrived.mail.raw
    assert response.data.endswith(wire)


def test_the_raw_message_of_a_sent_mail_is_what_left(emulator: Emulator, myagentmail: Account) -> None:
    inbox = myagentmail.mailbox("scout")
    sent = _send(myagentmail, inbox.id, "jane@example.com", bcc="x@example.com").get_json()
    raw = myagentmail.request("GET", f"/v1/inboxes/{inbox.id}/messages/{sent['id']}/raw").data
    first, second = (left.mail.raw for left in emulator.sent)
    assert first == second
    assert first.endswith(raw)
    assert first.startswith(b"DKIM-Signature: ")
    mail = Mail(raw)
    assert (mail.message_id, mail.bare_addresses("from"), mail.field("bcc")) == (
        sent["messageId"],
        [inbox.address],
        None,
    )


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("a.txt", 'attachment; filename="a.txt"'),
        ("two words.txt", 'attachment; filename="two words.txt"'),
        ("a\tb.txt", "attachment; filename*=UTF-8''a%09b.txt"),
        ("übersicht.pdf", "attachment; filename*=UTF-8''%C3%BCbersicht.pdf"),
        ('"quoted"; x=y', r'attachment; filename="\"quoted\"; x=y"'),
    ],
)
def test_an_attachment_is_downloaded_under_its_name(
    emulator: Emulator, myagentmail: Account, name: str, header: str
) -> None:
    inbox = myagentmail.mailbox("scout")
    emulator.receive(inbox.address, "File", attachments={name: b"\x00\xffdata", "b.txt": b"b"})
    [message] = _messages(myagentmail, inbox.id)
    first, second = message["attachments"]
    assert first["id"] != second["id"]
    path = f"/v1/inboxes/{inbox.id}/messages/{message['id']}/attachments/{first['id']}"
    response = myagentmail.request("GET", path)
    assert (response.data, response.headers["Content-Disposition"]) == (b"\x00\xffdata", header)
    assert response.headers["Content-Type"] == "application/octet-stream"


def test_mail_goes_to_every_other_provider_and_comes_back(emulator: Emulator, myagentmail: Account) -> None:
    scout = myagentmail.mailbox("scout")
    for name in ("inboxai", "inkbox", "postern"):
        peer = emulator.account(name).mailbox("peer")
        sent = _send(myagentmail, scout.id, peer.address, subject=f"To {name}").get_json()
        [arrived] = emulator.mail(to=peer.address)
        assert (arrived.provider, arrived.sender, arrived.mail.message_id) == (name, scout.address, sent["messageId"])
        emulator.receive(scout.address, f"Re: To {name}", "Thanks", sender=peer.address, in_reply_to=sent["messageId"])
        newest = _messages(myagentmail, scout.id)[0]
        assert (newest["from"], newest["threadId"]) == (peer.address, sent["threadId"])
        reply = myagentmail.request("POST", f"/v1/inboxes/{scout.id}/reply/{newest['id']}", json={"plainBody": "Hi"})
        assert reply.get_json()["threadId"] == sent["threadId"]
        assert [mail.subject for mail in emulator.mail(to=peer.address)] == [f"To {name}", f"Re: To {name}"]


def test_an_inkbox_agent_writes_to_an_alias_and_is_answered_from_it(
    emulator: Emulator, myagentmail: Account, inkbox: Account
) -> None:
    scout, agent = myagentmail.mailbox("scout"), inkbox.mailbox("agent")
    alias = f"support@{_DOMAIN}"
    myagentmail.request("POST", f"/v1/inboxes/{scout.id}/addresses", json={"email": alias})
    body = {"recipients": {"to": [alias]}, "subject": "Help", "body_text": "Please"}
    sent = inkbox.request("POST", f"/api/v1/mail/mailboxes/{agent.address}/messages", json=body)
    assert sent.status_code == 201
    assert [mail.to for mail in emulator.mail(to=alias)] == [alias]
    [message] = _messages(myagentmail, scout.id)
    myagentmail.request("POST", f"/v1/inboxes/{scout.id}/reply/{message['id']}", json={"plainBody": "Sure"})
    [answer] = emulator.mail(to=agent.address)
    assert (answer.sender, answer.mail.bare_addresses("from"), answer.subject) == (alias, [alias], "Re: Help")


def test_waiting_for_mail_to_an_alias_and_the_refusal_of_a_removed_one(
    emulator: Emulator, myagentmail: Account
) -> None:
    scout, alias = myagentmail.mailbox("scout"), f"nick@{_DOMAIN}"
    addresses = f"/v1/inboxes/{scout.id}/addresses"
    myagentmail.request("POST", addresses, json={"email": alias})
    emulator.receive([alias, scout.address], "Both")
    emulator.receive(scout.address, "Canonical")
    assert [mail.subject for mail in emulator.mail(to=alias)] == ["Both"]
    assert emulator.wait_for(to=alias).message_id == _messages(myagentmail, scout.id)[1]["id"]
    myagentmail.request("DELETE", f"{addresses}/{alias}")
    emulator.receive(alias, "Too late")
    assert len(_messages(myagentmail, scout.id)) == 2
    assert [entry["subject"] for entry in emulator.journal("mail.refused")] == ["Too late"]


# Settings and faults


def test_the_safeguard_can_be_turned_off(emulator: Emulator, myagentmail: Account) -> None:
    inbox = myagentmail.mailbox("scout")
    assert _send(myagentmail, inbox.id, "jane@example.com", verified=False).status_code == 403
    assert emulator.sent == []
    myagentmail.set("recipient_safeguard", False)
    assert _send(myagentmail, inbox.id, "jane@example.com", verified=False).status_code == 200


def test_who_wrote_from_outside_is_known_and_who_was_only_written_to_is_not(
    emulator: Emulator, myagentmail: Account
) -> None:
    inbox = myagentmail.mailbox("scout")

    def plain(to: str | list[str]) -> int:
        return _send(myagentmail, inbox.id, to, verified=False).status_code

    assert _send(myagentmail, inbox.id, "jane@example.com").status_code == 200
    assert plain("jane@example.com") == 403
    emulator.receive(inbox.address, "Re: Hello", sender="jane@example.com")
    assert plain("Jane@Example.com") == 200
    assert plain(["jane@example.com", "joe@example.com"]) == 403
    emulator.receive(inbox.address, "Hi", sender="joe@example.com")
    assert plain(["jane@example.com", "joe@example.com"]) == 200


def test_a_domain_without_one_of_its_records_fails(myagentmail: Account) -> None:
    myagentmail.request("POST", "/v1/domains", json={"domain": "acme.example.com"})
    verify = "/domains/acme.example.com/verify"
    assert _get(myagentmail, verify)["domain"]["status"] == "verified"
    myagentmail.set("valid_records", ["ownership", "dkim", "spf", "a word of nobody's"])
    lost = _get(myagentmail, verify)["domain"]
    assert lost["status"] == "failed"
    assert [record["type"] for record in lost["dnsRecords"] if record["status"] == "pending"] == ["MX"]
    myagentmail.set("valid_records", ["mx", "spf", "dkim", "ownership"])
    assert _get(myagentmail, verify)["domain"]["status"] == "verified"


@pytest.mark.parametrize(("status", "code"), [(403, "FORBIDDEN"), (429, "RATE_LIMITED"), (502, "SMTP_RELAY_ERROR")])
def test_documented_failures_of_send_come_by_fault_rule(
    emulator: Emulator, myagentmail: Account, status: int, code: str
) -> None:
    inbox = myagentmail.mailbox("scout")
    emulator.fail("myagentmail", "send_message", status)
    failed = _send(myagentmail, inbox.id, "jane@example.com")
    assert (failed.status_code, failed.get_json()["code"]) == (status, code)
    assert emulator.sent == []
    assert _send(myagentmail, inbox.id, "jane@example.com").status_code == 200


@pytest.mark.parametrize("path", ["/v1/ws", "/v1/inboxes/x/ws"])
def test_the_web_socket_is_missing_and_says_so(myagentmail: Account, path: str) -> None:
    response = myagentmail.request("GET", path)
    assert (response.status_code, response.get_json()["code"]) == (501, "NOT_IMPLEMENTED")


# Lists of messages


def test_paging_passes_over_deleted_messages(emulator: Emulator, myagentmail: Account) -> None:
    inbox = myagentmail.mailbox("scout")
    for n in range(6):
        emulator.receive(inbox.address, f"Mail {n}")
    ids = [message["id"] for message in _messages(myagentmail, inbox.id)]
    for gone in (ids[0], ids[3]):
        myagentmail.request("DELETE", f"/v1/inboxes/{inbox.id}/messages/{gone}")
    for direction in ("", "&direction=inbound"):
        page = _get(myagentmail, f"/inboxes/{inbox.id}/messages?limit=2&offset=1{direction}")
        assert [message["id"] for message in page["messages"]] == [ids[2], ids[4]]
        assert page["pagination"]["total"] == 4


def test_a_deleted_inbox_leaves_the_lists_of_all_inboxes(emulator: Emulator, myagentmail: Account) -> None:
    kept, gone = myagentmail.mailbox("kept"), myagentmail.mailbox("gone")
    for box in (kept, gone):
        emulator.receive(box.address, "Hello")
    myagentmail.request("DELETE", f"/v1/inboxes/{gone.id}")
    [row] = _get(myagentmail, "/messages")["messages"]
    assert row["inboxId"] == kept.id
    assert _get(myagentmail, "/messages/folders/counts")["inbox"] == {"unread": 1, "total": 1}


def test_an_inbox_key_lists_its_own_messages(emulator: Emulator, myagentmail: Account) -> None:
    mine, other = (_create(myagentmail, name).get_json() for name in ("mine", "other"))
    for box in (mine, other):
        emulator.receive(box["email"], "Hello")
    headers = {"X-API-Key": mine["apiKey"]}
    assert [row["inboxId"] for row in _get(myagentmail, "/messages", headers=headers)["messages"]] == [mine["id"]]


def test_a_test_mailbox_is_an_inbox(myagentmail: Account) -> None:
    mailbox: AccountInbox = myagentmail.mailbox("Scout")
    inbox = _get(myagentmail, f"/inboxes/{mailbox.id}")
    assert (inbox["email"], mailbox.address) == (f"scout@{_DOMAIN}", f"scout@{_DOMAIN}")
    assert myagentmail.mailbox().address != myagentmail.mailbox().address
