"""What Postern's documentation says of its API in June 2026, sentence by sentence.

The sentences of the page "API / Inboxes" come first, then what the other pages add.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from contract.judge import Api

_SHARED = "x4p.mszazu.com"
_FAR_FUTURE = "4102444800"


def _inbox(api: Api, username: str, *, key: str | None = "", **more: Any) -> dict[str, Any]:
    body = {"username": api.target.name(username), **more}
    made: dict[str, Any] = api.call("create_inbox", json=body, key=key, expect=201)
    return made


def _at(inbox: dict[str, Any]) -> dict[str, str]:
    return {"addr": inbox["address"]}


def _send(api: Api, sender: dict[str, Any], to: str | list[str], **more: Any) -> dict[str, Any]:
    body = {"to": to, "subject": "agent online", "text": "Reporting in.", **more}
    sent: dict[str, Any] = api.call("send_message", _at(sender), json=body, expect=202)
    return sent


def _messages(api: Api, inbox: dict[str, Any], **query: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = api.call("list_messages", _at(inbox), params=query, expect=200)["data"]
    return found


def _arrived(api: Api, inbox: dict[str, Any], count: int = 1) -> list[dict[str, Any]]:
    """Return what an inbox received, once so many mails are there."""
    return api.until(lambda: _messages(api, inbox, direction="inbound"), lambda found: len(found) >= count)


def _received(api: Api, inbox: dict[str, Any], count: int = 1) -> dict[str, Any]:
    """Return the newest mail that an inbox received, once so many are there."""
    return _arrived(api, inbox, count)[0]


def _error(answer: dict[str, Any]) -> str:
    code: str = answer["error"]["code"]
    return code


def _token(api: Api, **properties: Any) -> str:
    """Mint an enrollment key."""
    api.target.needs_emulator("needs an admin key")
    admin = api.target.provider.credentials["admin_key"]
    minted: str = api.call("create_enrollment_token", json=properties, key=admin, expect=201)["enrollment_token"]
    return minted


def _enroll(api: Api, token: str, handle: str | None = None, expect: int = 201) -> dict[str, Any]:
    body = {"enrollment_token": token, **({} if handle is None else {"agent_handle": handle})}
    answer: dict[str, Any] = api.call("enroll", json=body, key=None, expect=expect)
    return answer


def _key(api: Api, **properties: Any) -> str:
    """Return the key of a new agent, enrolled with a key of these properties."""
    key: str = _enroll(api, _token(api, **properties))["agent_key"]
    return key


# The page "Inboxes": keys and paths


def test_all_inbox_endpoints_require_a_scoped_agent_key(api: Api) -> None:
    inbox = _at(_inbox(api, "agent7"))
    for key in (None, "not-a-key", "pk_enroll_no_agent"):
        assert _error(api.call("list_inboxes", key=key, expect=401)) == "invalid_api_key"
        api.call("create_inbox", json={}, key=key, expect=401)
        api.call("get_inbox", inbox, key=key, expect=401)
        api.call("send_message", inbox, json={"to": "ops@acme.test", "text": "x"}, key=key, expect=401)
        api.call("delete_inbox", inbox, key=key, expect=401)


def test_the_address_in_a_path_is_full_and_url_encoded(api: Api) -> None:
    inbox = _inbox(api, "agent7")
    headers = api.target.provider.key_headers(api.target.api_key)
    for written in (quote(inbox["address"], safe=""), inbox["address"]):
        response = api.target.http.get(f"/v1/inboxes/{written}", headers=headers)
        assert response.status_code == httpx.codes.OK
        api.judge("get_inbox", response)
        assert response.json()["id"] == inbox["id"]


# The page "Inboxes": create


def test_every_field_of_a_creation_is_optional(api: Api) -> None:
    bodies: list[dict[str, Any] | None] = [{}, None]
    for body in bodies:
        made = api.call("create_inbox", json=body, expect=201)
        assert set(made) == {"id", "address", "display_name", "domain", "status", "created_at"}


def test_without_a_username_the_local_part_is_generated(api: Api) -> None:
    first, second = (api.call("create_inbox", json={}, expect=201)["address"] for _ in range(2))
    assert first != second
    assert re.match(r"^agent\d+@", first)


def test_without_a_domain_the_inbox_is_at_the_shared_subdomain(api: Api) -> None:
    inbox = _inbox(api, "support")
    assert inbox["domain"] == _SHARED
    assert inbox["address"] == f"{api.target.name('support')}@{_SHARED}"


def test_the_username_is_the_local_part(api: Api) -> None:
    inbox = _inbox(api, "support", domain=_SHARED)
    assert inbox["address"].partition("@")[0] == api.target.name("support")


def test_a_domain_must_be_within_the_allowed_domains_of_the_key(api: Api) -> None:
    key = _key(api, allowed_domains=["mail.example.com"])
    assert _inbox(api, "in", domain="mail.example.com", key=key)["domain"] == "mail.example.com"
    refused = api.call("create_inbox", json={"domain": _SHARED}, key=key, expect=403)
    assert _error(refused) == "scope_denied"
    refused = api.call("create_inbox", json={"domain": "mail.example.com"}, expect=403)
    assert _error(refused) == "scope_denied", "the organization has no such domain"


def test_the_display_name_is_shown_on_outbound_mail(api: Api) -> None:
    inbox = _inbox(api, "support", display_name="Support Bot")
    assert inbox["display_name"] == "Support Bot"
    _send(api, inbox, inbox["address"])
    received = api.call("get_message", {"id": _received(api, inbox)["id"]}, expect=200)
    assert received["headers"]["From"] == f"Support Bot <{inbox['address']}>"


def test_the_same_client_id_returns_the_same_mailbox(api: Api) -> None:
    body = {"client_id": api.target.name("create-12"), "display_name": "Support Bot"}
    first = api.call("create_inbox", json=body, expect=201)
    assert api.call("create_inbox", json=body, expect=200) == first
    listed = api.call("list_inboxes", params={"limit": 100}, expect=200)["data"]
    assert [item["id"] for item in listed].count(first["id"]) == 1


def test_a_client_id_with_other_input_is_a_conflict(api: Api) -> None:
    client_id = api.target.name("create-12")
    api.call("create_inbox", json={"client_id": client_id, "display_name": "One"}, expect=201)
    other = api.call("create_inbox", json={"client_id": client_id, "display_name": "Two"}, expect=409)
    assert _error(other) == "idempotency_conflict"


def test_a_repeated_client_id_spends_no_slot(api: Api) -> None:
    key = _key(api, max_mailboxes=1)
    body = {"client_id": "create-12"}
    first = api.call("create_inbox", json=body, key=key, expect=201)
    assert api.call("create_inbox", json=body, key=key, expect=200) == first


def test_an_inbound_webhook_url_registers_a_webhook_with_its_secret(api: Api) -> None:
    inbox = _inbox(api, "hooked", inbound_webhook_url="https://my-agent.example.com/inbound")
    assert set(inbox["webhook"]) == {"id", "secret"}
    assert inbox["webhook"]["secret"].startswith("whsec_")
    assert "webhook" not in api.call("get_inbox", _at(inbox), expect=200)


def test_the_answer_to_a_creation_has_the_documented_fields(api: Api) -> None:
    inbox = _inbox(api, "object", display_name="Support Bot")
    assert set(inbox) == {"id", "address", "display_name", "domain", "status", "created_at"}
    assert inbox["id"].startswith("inbox_")
    assert inbox["status"] == "live"
    assert re.match(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$", inbox["created_at"])


def test_an_address_in_use_is_refused(api: Api) -> None:
    _inbox(api, "taken")
    again = api.call("create_inbox", json={"username": api.target.name("taken").upper()}, expect=409)
    assert _error(again) == "address_taken"


@pytest.mark.parametrize("username", ["", "two words", "a@b", ".dot", "dot.", "a..b", "grüße", "a/b", "x" * 65])
def test_a_username_that_is_no_local_part_is_refused(api: Api, username: str) -> None:
    refused = api.call("create_inbox", json={"username": username}, expect=422)
    assert _error(refused) == "validation_failed"
    assert [detail["field"] for detail in refused["error"]["details"]] == ["username"]


# The page "Inboxes": quota


def test_each_creation_counts_until_the_enrollment_key_is_exhausted(api: Api) -> None:
    token = _token(api, max_mailboxes=2, reusable=True)
    agent = _enroll(api, token, "counter")
    assert (agent["mailboxes_used"], agent["mailboxes_max"]) == (0, 2)
    for used in (1, 2):
        api.call("create_inbox", json={}, key=agent["agent_key"], expect=201)
        assert _enroll(api, token, "counter")["mailboxes_used"] == used
    exhausted = api.call("create_inbox", json={}, key=agent["agent_key"], expect=409)
    assert _error(exhausted) == "enrollment_token_exhausted"
    assert "it minted its max of 2 mailboxes. Issue a new key." in exhausted["error"]["message"]


def test_deleting_a_mailbox_does_not_refund_the_slot(api: Api) -> None:
    key = _key(api, max_mailboxes=1)
    inbox = api.call("create_inbox", json={}, key=key, expect=201)
    api.call("delete_inbox", _at(inbox), key=key, expect=200)
    assert _error(api.call("create_inbox", json={}, key=key, expect=409)) == "enrollment_token_exhausted"


def test_a_refused_creation_does_not_count(api: Api) -> None:
    key = _key(api, max_mailboxes=1)
    api.call("create_inbox", json={"domain": "not.ours.example"}, key=key, expect=403)
    api.call("create_inbox", json={"username": "not valid"}, key=key, expect=422)
    api.call("create_inbox", json={}, key=key, expect=201)


# The page "Inboxes": list, get, delete


def test_the_list_shows_id_address_and_status_and_a_cursor(api: Api) -> None:
    made = [_inbox(api, name) for name in ("a", "b", "c")]
    page = api.call("list_inboxes", params={"limit": 20}, expect=200)
    assert set(page) == {"data", "next_cursor"}
    mine = [item for item in page["data"] if item["id"] in {inbox["id"] for inbox in made}]
    assert mine == [{name: inbox[name] for name in ("id", "address", "status")} for inbox in made[::-1]]


def test_next_cursor_is_passed_back_as_cursor(api: Api) -> None:
    made = {_inbox(api, name)["id"] for name in ("a", "b", "c", "d", "e")}
    seen: list[str] = []
    query: dict[str, Any] = {"limit": 2}
    while True:
        page = api.call("list_inboxes", params=query, expect=200)
        assert len(page["data"]) <= 2
        seen += [item["id"] for item in page["data"]]
        assert len(seen) == len(set(seen)), "a page comes again"
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]
    assert made <= set(seen)


def test_a_cursor_or_limit_of_nobodys_is_refused(api: Api) -> None:
    assert _error(api.call("list_inboxes", params={"cursor": "nobody's"}, expect=400)) == "bad_request"
    for limit in ("0", "101", "ten"):
        assert _error(api.call("list_inboxes", params={"limit": limit}, expect=422)) == "validation_failed"


def test_getting_a_mailbox_returns_what_its_creation_returned(api: Api) -> None:
    inbox = _inbox(api, "same", display_name="Support Bot")
    assert api.call("get_inbox", _at(inbox), expect=200) == inbox


def test_deleting_answers_id_and_deleted(api: Api) -> None:
    inbox = _inbox(api, "leaving")
    assert api.call("delete_inbox", _at(inbox), expect=200) == {"id": inbox["id"], "deleted": True}


def test_a_deletion_is_not_reversible(api: Api) -> None:
    inbox = _inbox(api, "gone")
    sent = _send(api, inbox, inbox["address"])
    api.call("delete_inbox", _at(inbox), expect=200)
    for operation in ("get_inbox", "delete_inbox", "list_messages", "list_threads"):
        assert _error(api.call(operation, _at(inbox), expect=404)) == "not_found"
    api.call("send_message", _at(inbox), json={"to": "ops@acme.test", "text": "x"}, expect=404)
    api.call("wait_for_email", _at(inbox), json={"timeout_seconds": 0}, expect=404)
    api.call("get_message", {"id": sent["id"]}, expect=404)
    api.call("get_thread", {"id": sent["thread_id"]}, expect=404)


def test_an_unknown_mailbox_is_not_found(api: Api) -> None:
    answer = api.call("get_inbox", {"addr": f"{api.target.name('nobody')}@{_SHARED}"}, expect=404)
    assert answer["error"]["message"] == "No such resource (or not yours)"


# The page "Inboxes": send


def test_to_is_a_string_or_an_array(api: Api) -> None:
    alice, bob = _inbox(api, "alice"), _inbox(api, "bob")
    _send(api, alice, bob["address"])
    assert _received(api, bob)["to"] == [bob["address"]]
    _send(api, alice, [bob["address"], "ops@acme.test"])
    assert _received(api, bob, 2)["to"] == [bob["address"], "ops@acme.test"]


def test_a_send_is_queued_and_says_its_thread(api: Api) -> None:
    inbox = _inbox(api, "agent7")
    sent = _send(api, inbox, "ops@acme.test")
    assert set(sent) == {"id", "status", "thread_id"}
    assert sent["status"] == "queued"
    assert (sent["id"][:4], sent["thread_id"][:7]) == ("msg_", "thread_")


def test_a_mail_has_text_or_html_or_both(api: Api) -> None:
    inbox = _inbox(api, "agent7")
    bodies: list[dict[str, str]] = [{"text": "Grüße 🐙"}, {"html": "<p>Grüße</p>"}, {"text": "a", "html": "<p>b</p>"}]
    for body in bodies:
        sent = api.call("send_message", _at(inbox), json={"to": "ops@acme.test", **body}, expect=202)
        shown = api.call("get_message", {"id": sent["id"]}, expect=200)
        assert {name: shown[name] for name in ("text", "html")} == {"text": None, "html": None, **body}
    for neither in ({}, {"text": None}, {"text": None, "html": None}):
        refused = api.call("send_message", _at(inbox), json={"to": "ops@acme.test", **neither}, expect=422)
        assert _error(refused) == "validation_failed"


def test_cc_and_bcc_receive_and_bcc_is_seen_by_nobody(api: Api) -> None:
    alice, bob, carol = (_inbox(api, name) for name in ("alice", "bob", "carol"))
    _send(api, alice, "ops@acme.test", cc=[bob["address"]], bcc=[carol["address"]])
    for inbox in (bob, carol):
        headers = api.call("get_message", {"id": _received(api, inbox)["id"]}, expect=200)["headers"]
        assert headers["Cc"] == bob["address"]
        assert carol["address"] not in str(headers)


def test_reply_to_directs_the_answers(api: Api) -> None:
    alice, bob, carol = (_inbox(api, name) for name in ("alice", "bob", "carol"))
    _send(api, alice, bob["address"], reply_to=carol["address"])
    api.call("reply_to_message", {"id": _received(api, bob)["id"]}, json={"text": "Yes"}, expect=202)
    assert _received(api, carol)["from"] == bob["address"]
    assert _messages(api, alice, direction="inbound") == []


def test_an_idempotency_key_sends_once(api: Api) -> None:
    alice, bob = _inbox(api, "alice"), _inbox(api, "bob")
    sent = [_send(api, alice, bob["address"], idempotency_key="send-77") for _ in range(3)]
    assert sent[0] == sent[1] == sent[2]
    assert len(_arrived(api, bob)) == 1


def test_an_idempotency_key_with_other_input_is_a_conflict(api: Api) -> None:
    alice = _inbox(api, "alice")
    _send(api, alice, "ops@acme.test", idempotency_key="send-77")
    other = {"to": "ops@acme.test", "text": "Something else", "idempotency_key": "send-77"}
    assert _error(api.call("send_message", _at(alice), json=other, expect=409)) == "idempotency_conflict"


def test_over_the_daily_cap_is_429_with_retry_after(api: Api) -> None:
    api.target.control("PUT", "/settings/postern/daily_cap", json={"value": 2})
    alice, body = _inbox(api, "alice"), {"to": "ops@acme.test", "text": "x"}
    for _ in range(2):
        api.call("send_message", _at(alice), json=body, expect=202)
    assert _error(api.call("send_message", _at(alice), json=body, expect=429)) == "rate_limited"
    _send(api, _inbox(api, "bob"), "ops@acme.test")
    api.target.control("POST", "/clock/advance", json={"by": "12h"})
    api.call("send_message", _at(alice), json=body, expect=202)


@pytest.mark.parametrize(
    ("field", "value"),
    [("to", []), ("to", "nobody"), ("cc", ["no address"]), ("reply_to", "x"), ("subject", "a\r\nBcc: b@c.test")],
)
def test_a_mail_that_cannot_be_sent_is_refused(api: Api, field: str, value: object) -> None:
    body = {"to": "ops@acme.test", "text": "x", field: value}
    refused = api.call("send_message", _at(_inbox(api, "alice")), json=body, expect=422)
    assert refused["error"]["details"][0]["field"].startswith(field)


# Enrollment


def test_an_enrollment_key_is_redeemed_for_an_agent_key(api: Api) -> None:
    agent = _enroll(api, _token(api, scopes=["mailbox:create", "mailbox:read"], allowed_domains=["a.example"]))
    assert agent["agent_key"].startswith(agent["agent_key_prefix"])
    assert agent["agent_key_prefix"].startswith("pk_agent_")
    assert agent["agent_id"].startswith("agent_")
    assert (agent["scopes"], agent["allowed_domains"]) == (["mailbox:create", "mailbox:read"], ["a.example"])
    api.call("list_inboxes", key=agent["agent_key"], expect=200)


def test_the_same_handle_is_the_same_agent_and_spends_nothing(api: Api) -> None:
    token = _token(api, max_mailboxes=1)
    first, second = (_enroll(api, token, "support-bot") for _ in range(2))
    assert first["agent_id"] == second["agent_id"]
    assert first["agent_key"] != second["agent_key"]
    for agent in (first, second):
        api.call("list_inboxes", key=agent["agent_key"], expect=200)


def test_a_key_that_is_not_reusable_is_redeemed_by_one_agent(api: Api) -> None:
    token = _token(api)
    _enroll(api, token, "first")
    assert _error(_enroll(api, token, "second", expect=409)) == "enrollment_token_exhausted"


def test_a_reusable_key_enrolls_many_agents(api: Api) -> None:
    token = _token(api, reusable=True)
    agents = {_enroll(api, token, handle)["agent_id"] for handle in ("one", "two", None, None)}
    assert len(agents) == 4


def test_an_exhausted_key_enrolls_nobody_new(api: Api) -> None:
    token = _token(api, max_mailboxes=1, reusable=True)
    key = _enroll(api, token, "first")["agent_key"]
    api.call("create_inbox", json={}, key=key, expect=201)
    assert _error(_enroll(api, token, "second", expect=409)) == "enrollment_token_exhausted"
    _enroll(api, token, "first")


@pytest.mark.parametrize("state", ["revoked", "expired"])
def test_a_revoked_or_expired_key_is_refused(api: Api, state: str) -> None:
    api.target.needs_emulator("needs such a key")
    token = api.target.provider.credentials[f"{state}_enrollment_token"]
    assert _error(_enroll(api, token, expect=401)) == f"enrollment_token_{state}"


def test_an_unknown_enrollment_key_is_refused(api: Api) -> None:
    assert _error(_enroll(api, "pk_enroll_no_such", expect=401)) == "invalid_enrollment_token"


def test_an_agent_key_is_short_lived(api: Api) -> None:
    agent = _enroll(api, _token(api))
    assert agent["expires_at"]
    api.target.control("POST", "/clock/advance", json={"by": "24h"})
    assert _error(api.call("list_inboxes", key=agent["agent_key"], expect=401)) == "invalid_api_key"


def test_scopes_confine_a_key(api: Api) -> None:
    box = _inbox(api, "agent7")
    message = {"id": _send(api, box, box["address"])["id"]}
    calls: dict[str, list[tuple[str, dict[str, str], dict[str, Any]]]] = {
        "mailbox:create": [("create_inbox", {}, {}), ("delete_inbox", _at(box), {})],
        "mailbox:read": [
            ("list_inboxes", {}, {}),
            ("get_inbox", _at(box), {}),
            ("list_messages", _at(box), {}),
            ("list_threads", _at(box), {}),
            ("get_message", message, {}),
            ("wait_for_email", _at(box), {"json": {"timeout_seconds": 0}}),
        ],
        "mailbox:send": [
            ("send_message", _at(box), {"json": {"to": "ops@acme.test", "text": "x"}}),
            ("reply_to_message", message, {"json": {"text": "x"}}),
        ],
    }
    for scope, needing in calls.items():
        key = _key(api, scopes=[other for other in calls if other != scope])
        for operation, path, options in needing:
            assert _error(api.call(operation, path, key=key, expect=403, **options)) == "scope_denied", operation


def test_only_the_admin_key_mints_enrollment_keys_and_it_does_nothing_else(api: Api) -> None:
    assert _error(api.call("create_enrollment_token", json={}, expect=403)) == "scope_denied"
    api.target.needs_emulator("needs an admin key")
    admin = api.target.provider.credentials["admin_key"]
    assert _error(api.call("list_inboxes", key=admin, expect=403)) == "scope_denied"


def test_a_minted_key_has_the_documented_properties(api: Api) -> None:
    api.target.needs_emulator("needs an admin key")
    admin, until = api.target.provider.credentials["admin_key"], "2027-01-01T00:00:00Z"
    body = {"label": "CI", "max_mailboxes": 3, "reusable": True, "expires_at": until, "scopes": ["mailbox:read"]}
    minted = api.call("create_enrollment_token", json=body, key=admin, expect=201)
    assert minted.pop("enrollment_token").startswith(f"pk_enroll_{minted.pop('id')}_")
    assert minted == {**body, "allowed_domains": [], "used_count": 0, "revoked": False}


# Messages and threads


def test_a_message_in_a_list_has_the_documented_fields_and_no_body(api: Api) -> None:
    inbox = _inbox(api, "agent7")
    sent = _send(api, inbox, inbox["address"], subject="Hello", text="Line one\n\nLine two")
    _received(api, inbox)
    inbound, outbound = _messages(api, inbox)
    assert (inbound["direction"], outbound["direction"]) == ("inbound", "outbound")
    assert outbound == {
        "id": sent["id"],
        "thread_id": sent["thread_id"],
        "direction": "outbound",
        "from": inbox["address"],
        "to": [inbox["address"]],
        "subject": "Hello",
        "snippet": "Line one Line two",
        "received_at": outbound["received_at"],
        "unread": False,
    }


def test_messages_are_filtered_by_direction_and_unread(api: Api) -> None:
    inbox = _inbox(api, "agent7")
    _send(api, inbox, inbox["address"])
    assert [item["direction"] for item in _messages(api, inbox, direction="outbound")] == ["outbound"]
    [unread] = api.until(lambda: _messages(api, inbox, unread_only="true"))
    assert (unread["direction"], unread["unread"]) == ("inbound", True)
    api.call("get_message", {"id": unread["id"]}, expect=200)
    assert _messages(api, inbox, unread_only="true") == []
    assert len(_messages(api, inbox, unread_only="false")) == 2


def test_unread_messages_are_paged(api: Api) -> None:
    inbox = _inbox(api, "agent7")
    for number in range(5):
        _send(api, inbox, inbox["address"], subject=str(number))
        _received(api, inbox, number + 1)
    first = api.call("list_messages", _at(inbox), params={"unread_only": "true", "limit": 3}, expect=200)
    query = {"unread_only": "true", "limit": 3, "cursor": first["next_cursor"]}
    rest = api.call("list_messages", _at(inbox), params=query, expect=200)
    assert [item["subject"] for item in first["data"] + rest["data"]] == ["4", "3", "2", "1", "0"]
    assert rest["next_cursor"] is None


def test_a_reply_sets_the_headers_and_stays_in_the_thread(api: Api) -> None:
    alice, bob = _inbox(api, "alice"), _inbox(api, "bob")
    sent = _send(api, alice, bob["address"], subject="Hello")
    received = _received(api, bob)
    reply = api.call("reply_to_message", {"id": received["id"]}, json={"text": "Hi"}, expect=202)
    assert set(reply) == {"id", "status", "thread_id"}
    assert (reply["status"], reply["thread_id"]) == ("queued", received["thread_id"])
    answer = _received(api, alice)
    assert (answer["thread_id"], answer["subject"]) == (sent["thread_id"], "Re: Hello")
    original = api.call("get_message", {"id": sent["id"]}, expect=200)["headers"]["Message-ID"]
    headers = api.call("get_message", {"id": answer["id"]}, expect=200)["headers"]
    assert (headers["In-Reply-To"], headers["References"]) == (original, original)


def test_a_reply_with_an_idempotency_key_is_sent_once(api: Api) -> None:
    alice, bob = _inbox(api, "alice"), _inbox(api, "bob")
    _send(api, alice, bob["address"])
    message = {"id": _received(api, bob)["id"]}
    body = {"text": "Hi", "idempotency_key": "reply-1"}
    first, second = (api.call("reply_to_message", message, json=body, expect=202) for _ in range(2))
    assert first == second
    assert len(_arrived(api, alice)) == 1
    other = api.call("reply_to_message", message, json={**body, "text": "Ho"}, expect=409)
    assert _error(other) == "idempotency_conflict"


def test_a_reply_needs_text_or_html(api: Api) -> None:
    alice = _inbox(api, "alice")
    message = {"id": _send(api, alice, alice["address"])["id"]}
    assert _error(api.call("reply_to_message", message, json={}, expect=422)) == "validation_failed"


def test_threads_are_listed_by_last_activity(api: Api) -> None:
    alice, bob = _inbox(api, "alice"), _inbox(api, "bob")
    first = _send(api, alice, bob["address"], subject="First")
    second = _send(api, alice, "ops@acme.test", subject="Second")
    reply = {"id": _received(api, bob)["id"]}
    api.call("reply_to_message", reply, json={"text": "Hi"}, expect=202)
    _received(api, alice)
    page = api.call("list_threads", _at(alice), expect=200)
    assert set(page) == {"data", "next_cursor"}
    assert [thread["id"] for thread in page["data"]] == [first["thread_id"], second["thread_id"]]
    newest = page["data"][0]
    assert (newest["subject"], newest["message_count"]) == ("First", 2)
    assert sorted(newest["participants"]) == sorted([alice["address"], bob["address"]])


def test_a_thread_holds_its_messages_oldest_first(api: Api) -> None:
    inbox = _inbox(api, "agent7")
    sent = _send(api, inbox, "ops@acme.test", subject="First")
    reply = api.call("reply_to_message", {"id": sent["id"]}, json={"text": "More"}, expect=202)
    thread = api.call("get_thread", {"id": sent["thread_id"]}, expect=200)
    assert (thread["id"], thread["subject"]) == (sent["thread_id"], "First")
    assert [(item["id"], item["text"]) for item in thread["messages"]] == [
        (sent["id"], "Reporting in."),
        (reply["id"], "More"),
    ]


# wait_for_email


def _wait(api: Api, inbox: dict[str, Any], **wanted: Any) -> dict[str, Any]:
    found: dict[str, Any] = api.call("wait_for_email", _at(inbox), json={"timeout_seconds": 0, **wanted}, expect=200)
    return found


def _start(api: Api, inbox: dict[str, Any]) -> str:
    moment: str = api.call("get_inbox", _at(inbox), expect=200)["created_at"]
    return moment


def test_a_wait_that_times_out_answers_200(api: Api) -> None:
    found = _wait(api, _inbox(api, "agent7"))
    assert found == {"timed_out": True, "message": None, "extracted": None}


def test_mail_that_is_there_already_matches_with_since_only(api: Api) -> None:
    inbox = _inbox(api, "agent7")
    _send(api, inbox, inbox["address"], subject="Hello")
    _received(api, inbox)
    assert _wait(api, inbox)["timed_out"] is True
    found = _wait(api, inbox, since=_start(api, inbox))
    assert found["timed_out"] is False
    assert set(found["message"]) == {"id", "thread_id", "from", "subject", "received_at"}
    assert found["message"]["id"] == _received(api, inbox)["id"]
    assert _wait(api, inbox, since="2999-01-01T00:00:00Z")["timed_out"] is True


def test_from_and_subject_match_as_substrings_without_case_and_regex_in_the_body(api: Api) -> None:
    inbox = _inbox(api, "agent7", display_name="Support Bot")
    _send(api, inbox, inbox["address"], subject="Verify your account", text="Order 66 is ready")
    _received(api, inbox)
    since = _start(api, inbox)
    sender = inbox["address"][:5].upper()
    for wanted in ({"from": sender}, {"subject": "VERIFY"}, {"regex": r"order\s\d+|Order\s\d+"}, {"from": "support b"}):
        assert _wait(api, inbox, since=since, **wanted)["timed_out"] is False, wanted
    for other in ({"from": "nobody"}, {"subject": "verified"}, {"regex": r"^ready"}, {"from": sender, "subject": "no"}):
        assert _wait(api, inbox, since=since, **other)["timed_out"] is True, other


def test_a_wait_ends_when_the_mail_arrives(api: Api) -> None:
    api.target.needs_emulator("may send many mails")
    inbox = _inbox(api, "agent7")
    wanted = {"subject": "code", "timeout_seconds": 25}
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(_wait, api, inbox, **wanted)
        # The mail must come after the wait has begun, which cannot be seen from here: send until it was found.
        while not waiting.done():
            _send(api, inbox, inbox["address"], subject="Your code", text="Your code is 482913")
        found = waiting.result()
    assert found["timed_out"] is False
    assert found["extracted"]["otp_code"] == "482913"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Your verification code is 482913.", {"otp_code": "482913"}),
        ("Your code: K7Q2ZM", {"otp_code": "K7Q2ZM"}),
        ("Welcome! Confirm: https://acme.test/verify?t=abc", {"verification_link": "https://acme.test/verify?t=abc"}),
        ("username: bot\npassword: s3cret", {"credentials": [{"username": "bot", "password": "s3cret"}]}),
        ("Nothing to see here, order 12345 has shipped.", {}),
    ],
)
def test_codes_links_and_credentials_are_extracted(api: Api, text: str, found: dict[str, Any]) -> None:
    inbox = _inbox(api, "agent7")
    _send(api, inbox, inbox["address"], subject="Hello", text=text)
    _received(api, inbox)
    extracted = _wait(api, inbox, since=_start(api, inbox))["extracted"]
    assert extracted == {"otp_code": None, "verification_link": None, "credentials": None, **found}


def test_a_bad_regex_is_refused(api: Api) -> None:
    refused = api.call("wait_for_email", _at(_inbox(api, "agent7")), json={"regex": "("}, expect=422)
    assert refused["error"]["details"][0]["field"] == "regex"


# Webhooks


def test_a_webhook_shows_its_secret_once(api: Api) -> None:
    inbox = _inbox(api, "agent7")
    body = {"url": "https://my-agent.example.com/inbound", "events": ["message.received"]}
    for more in ({}, {"address": inbox["address"]}):
        hook = api.call("create_webhook", json={**body, **more}, expect=201)
        assert set(hook) == {"id", "url", "events", "secret"}
        assert (hook["url"], hook["events"]) == (body["url"], body["events"])
        assert hook["secret"].startswith("whsec_")


def test_a_webhook_needs_a_url_known_events_and_an_inbox_of_ones_own(api: Api) -> None:
    good: dict[str, Any] = {"url": "https://my-agent.example.com/inbound", "events": ["message.received"]}
    wrongs: list[dict[str, Any]] = [
        {"url": "ftp://x.test"},
        {"url": None},
        {"events": []},
        {"events": ["message.sent"]},
    ]
    for wrong in wrongs:
        api.call("create_webhook", json={**good, **wrong}, expect=422)
    nobody = f"{api.target.name('nobody')}@{_SHARED}"
    api.call("create_webhook", json={**good, "address": nobody}, expect=404)


def test_a_webhook_is_signed_with_its_secret_over_time_and_body(api: Api) -> None:
    inbox = _inbox(api, "agent7")
    with api.target.receiver() as receiver:
        subscription = {"url": receiver.url, "events": ["message.received"], "address": inbox["address"]}
        secret = api.call("create_webhook", json=subscription, expect=201)["secret"]
        _send(api, inbox, inbox["address"])
        heard = api.webhook(receiver)
    time, signature = (part.partition("=")[2] for part in heard.headers["x-postern-signature"].split(","))
    signed = f"{time}.".encode() + heard.body
    assert signature == hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
    assert heard.headers["x-postern-event"] == json.loads(heard.body)["event"] == "message.received"


# x402


def _paid(api: Api) -> None:
    api.target.control("PUT", "/settings/postern/paid_provisioning", json={"value": True})


def _payment(challenge: str, number: int = 1, changes: dict[str, str] | None = None) -> dict[str, str]:
    """Return the header of a payment that answers a challenge."""
    asked = dict(item.split("=", 1) for item in challenge.split("; "))
    authorization = {
        "from": "0x" + "22" * 20,
        "to": asked["pay_to"],
        "value": asked["amount"],
        "validAfter": "0",
        "validBefore": _FAR_FUTURE,
        "nonce": f"0x{number:064x}",
        **(changes or {}),
    }
    payload = {"signature": "0x" + "1b" * 65, "authorization": authorization}
    whole = {"x402Version": 1, "scheme": "exact", "network": asked["network"], "payload": payload}
    return {"X-PAYMENT": base64.b64encode(json.dumps(whole).encode()).decode()}


def _challenge(api: Api) -> str:
    headers = api.target.provider.key_headers(api.target.api_key)
    response = api.target.http.post("/v1/inboxes", headers=headers, json={"username": "paid"})
    assert response.status_code == httpx.codes.PAYMENT_REQUIRED
    api.judge("create_inbox", response)
    challenge: str = response.headers["PAYMENT-REQUIRED"]
    return challenge


def test_a_paid_action_answers_402_first_with_a_challenge(api: Api) -> None:
    _paid(api)
    asked = dict(item.split("=", 1) for item in _challenge(api).split("; "))
    pay_to = asked.pop("pay_to")
    assert re.match(r"^0x[0-9a-f]{40}$", pay_to)
    answer = api.call("create_inbox", json={}, expect=402)
    assert _error(answer) == "payment_required"
    assert answer["payment"] == asked
    assert asked == {
        "network": "eip155:84532",
        "asset": "USDC",
        "amount": "5000000",
        "resource": "mailboxes:5",
        "facilitator": "https://x402.org/facilitator",
    }


def test_the_retry_with_a_signed_authorization_provisions(api: Api) -> None:
    _paid(api)
    payment = _payment(_challenge(api))
    inbox = api.call("create_inbox", json={"username": "paid"}, headers=payment, expect=201)
    assert api.call("get_inbox", _at(inbox), expect=200) == inbox


def test_a_payment_buys_five_mailboxes(api: Api) -> None:
    _paid(api)
    payment = _payment(_challenge(api))
    api.call("create_inbox", json={}, headers=payment, expect=201)
    for _ in range(4):
        api.call("create_inbox", json={}, expect=201)
    api.call("create_inbox", json={}, expect=402)


def test_provisioning_is_gated_on_settlement_not_on_receipt_of_the_payload(api: Api) -> None:
    _paid(api)
    payment = _payment(_challenge(api))
    api.target.control("PUT", "/settings/postern/settlement", json={"value": False})
    api.call("create_inbox", json={"username": "paid"}, headers=payment, expect=402)
    api.call("get_inbox", {"addr": f"paid@{_SHARED}"}, expect=404)
    api.target.control("PUT", "/settings/postern/settlement", json={"value": True})
    api.call("create_inbox", json={"username": "paid"}, headers=payment, expect=201)


@pytest.mark.parametrize(
    "changes",
    [
        {"to": "0x" + "33" * 20},
        {"value": "1"},
        {"value": ""},
        {"validBefore": "1"},
        {"validBefore": "soon"},
        {"validAfter": _FAR_FUTURE},
        {"from": "me"},
        {"nonce": "1"},
    ],
)
def test_a_payment_for_something_else_is_refused(api: Api, changes: dict[str, str]) -> None:
    _paid(api)
    payment = _payment(_challenge(api), changes=changes)
    assert (
        _error(api.call("create_inbox", json={"username": "paid"}, headers=payment, expect=402)) == "payment_required"
    )
    api.call("get_inbox", {"addr": f"paid@{_SHARED}"}, expect=404)


@pytest.mark.parametrize("payload", ["signed", "e30=", "W10=", "bnVsbA==", "eyJwYXlsb2FkIjoxfQ==", "%%%"])
def test_a_payload_that_is_none_is_refused(api: Api, payload: str) -> None:
    _paid(api)
    api.call("create_inbox", json={}, headers={"X-PAYMENT": payload}, expect=402)


def test_a_payment_counts_once(api: Api) -> None:
    _paid(api)
    payment = _payment(_challenge(api))
    bought = api.call("purchase", json={"resource": "mailboxes:5"}, headers=payment, expect=200)
    assert (bought["status"], bought["mailboxes_available"]) == ("settled", 5)
    api.call("purchase", json={}, headers=payment, expect=402)
    again = _payment(_challenge_of_purchase(api), number=2)
    assert api.call("purchase", headers=again, expect=200)["mailboxes_available"] == 10


def _challenge_of_purchase(api: Api) -> str:
    headers = api.target.provider.key_headers(api.target.api_key)
    challenge: str = api.target.http.post("/v1/purchase", headers=headers).headers["PAYMENT-REQUIRED"]
    return challenge


def test_what_is_refused_anyway_costs_nothing(api: Api) -> None:
    _paid(api)
    payment = _payment(_challenge(api))
    api.call("create_inbox", json={"domain": "not.ours.example"}, headers=payment, expect=403)
    api.call("create_inbox", json={}, headers=payment, expect=201)


def test_without_paid_provisioning_nobody_is_asked_to_pay(api: Api) -> None:
    api.target.needs_emulator("depends on the organization")
    _inbox(api, "free")
    assert _error(api.call("purchase", json={}, expect=403)) == "scope_denied"


# Errors


def test_every_answer_carries_its_request_id(api: Api) -> None:
    headers = api.target.provider.key_headers(api.target.api_key)
    requests = [
        ("GET", "/v1/inboxes", httpx.codes.OK),
        ("GET", "/v1/inboxes/nobody@acme.test", httpx.codes.NOT_FOUND),
        ("GET", "/v1/no-such-path", httpx.codes.NOT_FOUND),
        ("PUT", "/v1/inboxes", httpx.codes.METHOD_NOT_ALLOWED),
    ]
    seen = set()
    for method, path, status in requests:
        response = api.target.http.request(method, path, headers=headers)
        assert response.status_code == status, path
        request_id = response.headers["X-Postern-Request-Id"]
        assert request_id.startswith("req_")
        seen.add(request_id)
        if response.is_error:
            assert response.json()["error"]["request_id"] == request_id
    assert len(seen) == len(requests)


def test_the_error_envelope_has_code_message_details_and_request_id(api: Api) -> None:
    answer = api.call("create_inbox", json={"display_name": 5, "client_id": ""}, expect=422)
    assert set(answer) == {"error"}
    assert set(answer["error"]) == {"code", "message", "details", "request_id"}
    assert {detail["field"] for detail in answer["error"]["details"]} == {"display_name", "client_id"}
    assert api.call("get_message", {"id": "msg_none"}, expect=404)["error"]["details"] is None


def test_malformed_json_is_a_bad_request(api: Api) -> None:
    for content, kind in ((b"{", "application/json"), (b"{}", "text/plain")):
        answer = api.call("create_inbox", content=content, headers={"Content-Type": kind}, expect=400)
        assert _error(answer) == "bad_request"


def test_a_server_error_has_the_envelope_too(api: Api) -> None:
    api.target.control("POST", "/faults", json={"provider": "postern", "operation": "list_inboxes", "status": 500})
    assert _error(api.call("list_inboxes", expect=500)) == "internal_error"


def test_a_rate_limit_says_when_to_retry(api: Api) -> None:
    api.target.control("POST", "/faults", json={"provider": "postern", "operation": "list_inboxes", "status": 429})
    headers = api.target.provider.key_headers(api.target.api_key)
    response = api.target.http.get("/v1/inboxes", headers=headers)
    assert response.status_code == httpx.codes.TOO_MANY_REQUESTS
    assert int(response.headers["Retry-After"]) > 0
    api.judge("list_inboxes", response)
