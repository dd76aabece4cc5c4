"""What InboxAI's API reference says, sentence by sentence, and what the emulator assumes where it is silent."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from datetime import datetime, timedelta
from typing import Any

import pytest

from contract.judge import Api

_OUTSIDE = "recipient@example.com"
_FAR = 99_999


def _inbox(api: Api, name: str, **more: Any) -> dict[str, Any]:
    made: dict[str, Any] = api.call("create_inbox", json={"username": api.target.name(name), **more}, expect=201)
    return made


def _at(inbox: dict[str, Any], **more: str) -> dict[str, str]:
    return {"inbox_id": inbox["inbox_id"], **more}


def _send(api: Api, inbox: dict[str, Any], to: str | list[str] = _OUTSIDE, **more: Any) -> dict[str, str]:
    body = {"to": to, "subject": "Hello", "text": "Hi there!", **more}
    sent: dict[str, str] = api.call("send_message", _at(inbox), json=body, expect=200)
    return sent


def _listed(api: Api, inbox: dict[str, Any], direction: str = "inbound") -> list[dict[str, Any]]:
    found = api.call("list_messages", _at(inbox), expect=200)["data"]
    return [message for message in found if message["direction"] == direction]


def _message(api: Api, inbox: dict[str, Any], message_id: str) -> dict[str, Any]:
    found: dict[str, Any] = api.call("get_message", _at(inbox, message_id=message_id), expect=200)
    return found


def _received(api: Api, inbox: dict[str, Any]) -> dict[str, Any]:
    """Return the one message that an inbox received."""
    [only] = api.until(lambda: _listed(api, inbox))
    return _message(api, inbox, only["message_id"])


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


# Authentication


def test_every_request_needs_a_bearer_token(api: Api) -> None:
    for operation in ("get_organization", "list_inboxes", "list_domains", "list_webhooks", "list_api_keys"):
        api.call(operation, key=None, expect=401)
        api.call(operation, key="not-a-key", expect=401)


def test_the_token_stands_in_the_authorization_header_only(api: Api) -> None:
    key = api.target.api_key
    for headers in ({"X-API-Key": key}, {"Authorization": key}, {"Authorization": f"Basic {key}"}):
        api.call("get_organization", key=None, headers=headers, expect=401)
    api.call("get_organization", key=None, headers={"Authorization": f"bearer {key}"}, expect=200)


# Pagination


def test_a_list_says_its_total_page_and_page_size(api: Api) -> None:
    inbox = _inbox(api, "lister")
    made = [_send(api, inbox, subject=f"Mail {n}")["message_id"] for n in range(5)]
    seen: list[str] = []
    for number, size in ((1, 2), (2, 2), (3, 1)):
        page = api.call("list_messages", _at(inbox), params={"page": number, "page_size": 2}, expect=200)
        assert (page["total"], page["page"], page["page_size"], len(page["data"])) == (5, number, 2, size)
        seen += [item["message_id"] for item in page["data"]]
    assert seen == made[::-1]


def test_page_is_1_and_page_size_20_by_default(api: Api) -> None:
    for operation in ("list_inboxes", "list_domains", "list_webhooks", "list_api_keys"):
        page = api.call(operation, expect=200)
        assert (page["page"], page["page_size"]) == (1, 20)


def test_page_size_is_at_most_100(api: Api) -> None:
    assert api.call("list_inboxes", params={"page_size": 100}, expect=200)["page_size"] == 100
    assert api.call("list_inboxes", params={"page_size": 101}, expect=200)["page_size"] == 100


@pytest.mark.parametrize("name", ["page", "page_size"])
@pytest.mark.parametrize("value", ["0", "-1", "one", "1.5", ""])
def test_what_is_no_page_is_400(api: Api, name: str, value: str) -> None:
    answer = api.call("list_inboxes", params={name: value}, expect=400)
    assert [error["path"] for error in answer["errors"]] == [[name]]


def test_a_page_behind_the_last_one_is_empty(api: Api) -> None:
    inbox = _inbox(api, "lister")
    _send(api, inbox)
    page = api.call("list_messages", _at(inbox), params={"page": _FAR}, expect=200)
    assert (page["data"], page["total"], page["page"]) == ([], 1, _FAR)


# Organizations


def test_the_organization_counts_its_inboxes_and_domains(api: Api) -> None:
    before = api.call("get_organization", expect=200)
    inbox = _inbox(api, "counted")
    name = f"{api.target.name('counted')}.example.com"
    api.call("create_domain", json={"domain": name}, expect=201)
    after = api.call("get_organization", expect=200)
    assert after["inbox_count"] == before["inbox_count"] + 1
    assert after["domain_count"] == before["domain_count"] + 1
    api.call("delete_inbox", _at(inbox), expect=204)
    api.call("delete_domain", {"domain_id": name}, expect=204)
    assert api.call("get_organization", expect=200) == before


def test_the_organization_has_the_documented_fields(api: Api) -> None:
    found = api.call("get_organization", expect=200)
    counts = {"inbox_count", "inbox_limit", "domain_count", "domain_limit"}
    assert set(found) == {"org_id", "name", *counts, "created_at", "updated_at"}
    assert found["org_id"].startswith("org_")
    assert all(isinstance(found[name], int) for name in counts)


def test_times_are_iso_8601_with_milliseconds_and_z(api: Api) -> None:
    found = api.call("get_organization", expect=200)
    assert re.match(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$", found["created_at"])


def test_at_the_inbox_limit_no_inbox_can_be_made(api: Api) -> None:
    api.target.control("PUT", "/settings/inboxai/inbox_limit", json={"value": 1})
    _inbox(api, "first")
    answer = api.call("create_inbox", json={"username": "second"}, expect=403)
    assert answer["code"] == "limit_exceeded"
    assert api.call("get_organization", expect=200)["inbox_limit"] == 1


def test_at_the_domain_limit_no_domain_can_be_added(api: Api) -> None:
    api.target.control("PUT", "/settings/inboxai/domain_limit", json={"value": 0})
    answer = api.call("create_domain", json={"domain": "one.example.com"}, expect=403)
    assert answer["code"] == "limit_exceeded"


# Inboxes


def test_an_inbox_is_a_mailbox_that_receives(api: Api) -> None:
    sender, inbox = _inbox(api, "sender"), _inbox(api, "agent-1")
    _send(api, sender, inbox["email_address"])
    assert _received(api, inbox)["text"] == "Hi there!"


def test_an_inbox_has_the_documented_fields(api: Api) -> None:
    name = api.target.name("agent-1")
    made = _inbox(api, "agent-1", display_name="Agent One", client_id="my-agent")
    names = {"inbox_id", "email_address", "username", "domain", "display_name", "client_id", "created_at", "updated_at"}
    assert set(made) == names
    assert made["email_address"] == f"{name}@{made['domain']}"
    assert (made["username"], made["display_name"], made["client_id"]) == (name, "Agent One", "my-agent")


def test_a_username_is_required(api: Api) -> None:
    answer = api.call("create_inbox", json={"display_name": "Nobody"}, expect=400)
    assert [error["path"] for error in answer["errors"]] == [["username"]]


def test_a_username_is_of_letters_digits_and_some_marks(api: Api) -> None:
    _inbox(api, "aZ09._%+-x")
    for wrong in ("a b", "a@b", "ä", "a/b", "", "a\r\nb", "a,b"):
        api.call("create_inbox", json={"username": wrong}, expect=400)


def test_the_domain_defaults_to_the_platforms(api: Api) -> None:
    assert _inbox(api, "one")["domain"] == _inbox(api, "two", domain=None)["domain"]


def test_an_inbox_may_be_on_a_domain_of_the_organization(api: Api) -> None:
    domain = f"{api.target.name('own')}.example.com"
    api.call("create_inbox", json={"username": "agent", "domain": domain}, expect=404)
    api.call("create_domain", json={"domain": domain}, expect=201)
    made = api.call("create_inbox", json={"username": "agent", "domain": domain.upper()}, expect=201)
    assert made["email_address"] == f"agent@{domain}"


def test_display_name_and_client_id_are_null_when_not_given(api: Api) -> None:
    made = _inbox(api, "plain")
    assert (made["display_name"], made["client_id"]) == (None, None)


def test_a_client_id_is_kept_for_tracking_only(api: Api) -> None:
    first, second = (_inbox(api, name, client_id="same") for name in ("first", "second"))
    assert first["inbox_id"] != second["inbox_id"]
    assert api.call("get_inbox", _at(second), expect=200)["client_id"] == "same"


def test_an_address_is_given_once(api: Api) -> None:
    name = _inbox(api, "taken")["username"]
    api.call("create_inbox", json={"username": name.upper()}, expect=409)


def test_all_inboxes_of_the_organization_are_listed(api: Api) -> None:
    made = [_inbox(api, name) for name in ("a", "b", "c")]
    listed = api.call("list_inboxes", params={"page_size": 100}, expect=200)["data"]
    assert [one for one in listed if one in made] == made[::-1]


def test_an_inbox_is_found_by_id(api: Api) -> None:
    made = _inbox(api, "found")
    assert api.call("get_inbox", _at(made), expect=200) == made


def test_the_display_name_can_be_changed(api: Api) -> None:
    made = _inbox(api, "renamed", client_id="kept")
    changed = api.call("update_inbox", _at(made), json={"display_name": "Updated Name"}, expect=200)
    assert changed == {**made, "display_name": "Updated Name", "updated_at": changed["updated_at"]}
    assert api.call("get_inbox", _at(made), expect=200) == changed
    assert api.call("update_inbox", _at(made), json={}, expect=200)["display_name"] == "Updated Name"


def test_a_change_moves_updated_at(api: Api) -> None:
    made = _inbox(api, "moved")
    api.target.control("POST", "/clock/advance", json={"by": "90m"})
    changed = api.call("update_inbox", _at(made), json={"display_name": "x"}, expect=200)
    moved = datetime.fromisoformat(changed["updated_at"]) - datetime.fromisoformat(made["updated_at"])
    assert (moved, changed["created_at"]) == (timedelta(minutes=90), made["created_at"])


def test_a_deleted_inbox_and_its_mailbox_are_gone(api: Api) -> None:
    sender, gone = _inbox(api, "sender"), _inbox(api, "gone")
    assert api.call("delete_inbox", _at(gone), expect=204) is None
    _send(api, sender, gone["email_address"])
    for operation in ("get_inbox", "list_messages", "list_threads", "delete_inbox"):
        api.call(operation, _at(gone), expect=404)
    assert gone["inbox_id"] not in [one["inbox_id"] for one in api.call("list_inboxes", expect=200)["data"]]


# Messages as they are sent


def test_a_mail_carries_text_html_and_subject(api: Api) -> None:
    alice, bob = _inbox(api, "alice"), _inbox(api, "bob")
    _send(api, alice, bob["email_address"], subject="Grüße 🐙", text="Text", html="<h1>HTML</h1>")
    got = _received(api, bob)
    assert (got["subject"], got["text"], got["html"]) == ("Grüße 🐙", "Text", "<h1>HTML</h1>")


def test_sending_answers_the_ids_of_message_and_thread(api: Api) -> None:
    alice = _inbox(api, "alice")
    sent = _send(api, alice)
    assert set(sent) == {"message_id", "thread_id"}
    assert sent["message_id"].startswith("msg_")
    assert sent["thread_id"].startswith("thr_")
    assert _message(api, alice, sent["message_id"])["thread_id"] == sent["thread_id"]


def test_a_recipient_is_required(api: Api) -> None:
    inbox = _at(_inbox(api, "alice"))
    wrong: Any
    for wrong in ({}, {"to": []}, {"to": ""}, {"to": "nobody"}, {"to": None}, {"to": ["a@b.test", "x"]}):
        api.call("send_message", inbox, json={"subject": "x", **wrong}, expect=400)


def test_only_a_recipient_is_required(api: Api) -> None:
    alice, bob = _inbox(api, "alice"), _inbox(api, "bob")
    api.call("send_message", _at(alice), json={"to": bob["email_address"]}, expect=200)
    got = _received(api, bob)
    assert (got["subject"], got["text"], got["html"]) == (None, "", None)


@pytest.mark.parametrize("field", ["to", "cc", "bcc", "reply_to"])
def test_addresses_are_a_string_or_an_array(api: Api, field: str) -> None:
    alice = _inbox(api, "alice")
    for given in ("one@example.com", ["one@example.com"], ["one@example.com", "two@example.com"]):
        sent = _send(api, alice, **{field: given})
        expected = [given] if isinstance(given, str) else given
        assert _message(api, alice, sent["message_id"])[field] == expected


def test_cc_and_bcc_receive_and_bcc_is_seen_by_nobody(api: Api) -> None:
    alice, bob, carol, dave = (_inbox(api, name) for name in ("alice", "bob", "carol", "dave"))
    sent = _send(api, alice, bob["email_address"], cc=carol["email_address"], bcc=[dave["email_address"]])
    assert _message(api, alice, sent["message_id"])["bcc"] == [dave["email_address"]]
    for box in (bob, carol, dave):
        got = _received(api, box)
        assert (got["to"], got["cc"]) == ([bob["email_address"]], [carol["email_address"]])
        assert got["bcc"] is None
        assert dave["email_address"] not in str(got["headers"])


def test_custom_headers_travel(api: Api) -> None:
    alice, bob = _inbox(api, "alice"), _inbox(api, "bob")
    sent = _send(api, alice, bob["email_address"], headers={"X-Custom": "väl ue"})
    assert _message(api, alice, sent["message_id"])["headers"] == {"X-Custom": "väl ue"}
    assert _received(api, bob)["headers"]["X-Custom"] == "väl ue"


@pytest.mark.parametrize("name", ["From", "to", "SUBJECT", "Message-ID", "In-Reply-To", "Content-Type", "Bcc", "Date"])
def test_headers_of_the_server_cannot_be_set(api: Api, name: str) -> None:
    body = {"to": _OUTSIDE, "headers": {name: "x@example.com"}}
    api.call("send_message", _at(_inbox(api, "alice")), json=body, expect=400)


@pytest.mark.parametrize("headers", [{"X-A": "a\r\nBcc: x@example.com"}, {"X-A\r\nBcc": "x"}, {"X A": "x"}, {"": "x"}])
def test_headers_cannot_be_injected(api: Api, headers: dict[str, str]) -> None:
    api.call("send_message", _at(_inbox(api, "alice")), json={"to": _OUTSIDE, "headers": headers}, expect=400)
    api.call("send_message", _at(_inbox(api, "bob")), json={"to": _OUTSIDE, "subject": "a\nb"}, expect=400)


def test_the_display_name_is_shown_as_the_sender(api: Api) -> None:
    alice, bob = _inbox(api, "alice", display_name="Agent One"), _inbox(api, "bob")
    _send(api, alice, bob["email_address"])
    assert _received(api, bob)["from"] == f"Agent One <{alice['email_address']}>"
    _send(api, bob, alice["email_address"])
    assert _received(api, alice)["from"] == bob["email_address"]


def test_labels_are_kept_by_the_sender(api: Api) -> None:
    alice, bob = _inbox(api, "alice"), _inbox(api, "bob")
    sent = _send(api, alice, bob["email_address"], labels=["important", "a", "important"])
    assert _message(api, alice, sent["message_id"])["labels"] == ["important", "a"]
    assert _received(api, bob)["labels"] == []


# Attachments


def test_an_attachment_is_given_as_base64(api: Api) -> None:
    alice, bob, data = _inbox(api, "alice"), _inbox(api, "bob"), bytes(range(256))
    part = {"filename": "doc.pdf", "content_type": "application/pdf", "content": _base64(data)}
    _send(api, alice, bob["email_address"], attachments=[part])
    got = _received(api, bob)
    [attachment] = got["attachments"]
    path = _at(bob, message_id=got["message_id"], attachment_id=attachment["attachment_id"])
    link = api.call("get_attachment", path, expect=200)
    assert api.target.http.get(link["download_url"]).content == data
    assert {name: link[name] for name in attachment} == attachment
    assert (link["filename"], link["size"], link["content_type"]) == ("doc.pdf", 256, "application/pdf")
    assert (link["content_disposition"], link["content_id"]) == ("attachment", None)


def test_a_download_url_expires(api: Api) -> None:
    alice = _inbox(api, "alice")
    sent = _send(api, alice, attachments=[{"filename": "a.txt", "content": _base64(b"a")}])
    path = _at(alice, message_id=sent["message_id"])
    part = _message(api, alice, sent["message_id"])["attachments"][0]
    link = api.call("get_attachment", {**path, "attachment_id": part["attachment_id"]}, expect=200)
    assert api.target.http.get(link["download_url"]).content == b"a"
    api.target.control("POST", "/clock/advance", json={"by": "1h"})
    assert api.target.http.get(link["download_url"]).is_error


def test_an_attachment_is_given_by_url(api: Api) -> None:
    alice, bob = _inbox(api, "alice"), _inbox(api, "bob")
    first = _send(api, alice, attachments=[{"filename": "a.txt", "content_type": "text/x-a", "content": "YWJj"}])
    part = _message(api, alice, first["message_id"])["attachments"][0]
    path = _at(alice, message_id=first["message_id"], attachment_id=part["attachment_id"])
    url = api.call("get_attachment", path, expect=200)["download_url"]
    _send(api, alice, bob["email_address"], attachments=[{"filename": "b.txt", "url": url}, {"url": url}])
    got = _received(api, bob)["attachments"]
    assert [(one["filename"], one["content_type"], one["size"]) for one in got] == [
        ("b.txt", "text/x-a", 3),
        ("a.txt", "text/x-a", 3),
    ]


def test_a_url_of_a_host_that_is_not_allowed_is_refused(api: Api) -> None:
    api.target.needs_emulator("a real instance may fetch it")
    body = {"to": _OUTSIDE, "attachments": [{"filename": "doc.pdf", "url": "https://example.com/doc.pdf"}]}
    inbox = _at(_inbox(api, "alice"))
    answer = api.call("send_message", inbox, json=body, expect=403)
    assert answer["code"] == "attachment_url_not_allowed"
    assert api.call("list_messages", inbox, expect=200)["total"] == 0


@pytest.mark.parametrize("part", [{}, {"filename": "x"}, {"content": "?"}, {"content": "YQ"}, {"url": "file:///etc"}])
def test_an_attachment_needs_base64_or_a_url(api: Api, part: dict[str, str]) -> None:
    body = {"to": _OUTSIDE, "attachments": [part]}
    api.call("send_message", _at(_inbox(api, "alice")), json=body, expect=400)


def test_an_unknown_attachment_is_404(api: Api) -> None:
    alice = _inbox(api, "alice")
    sent = _send(api, alice, attachments=[{"filename": "a.txt", "content": "YQ=="}])
    path = _at(alice, message_id=sent["message_id"], attachment_id="att_unknown")
    api.call("get_attachment", path, expect=404)


# Messages as they are read


def test_the_list_holds_sent_and_received_messages_newest_first(api: Api) -> None:
    alice, bob = _inbox(api, "alice"), _inbox(api, "bob")
    first = _send(api, alice, bob["email_address"])
    _send(api, bob, alice["email_address"])
    api.until(lambda: _listed(api, alice))
    third = _send(api, alice)
    page = api.call("list_messages", _at(alice), expect=200)
    assert [item["direction"] for item in page["data"]] == ["outbound", "inbound", "outbound"]
    assert [page["data"][at]["message_id"] for at in (0, 2)] == [third["message_id"], first["message_id"]]
    assert page["total"] == 3


def test_a_listed_message_has_the_documented_fields(api: Api) -> None:
    alice = _inbox(api, "alice")
    sent = _send(api, alice)
    [item] = api.call("list_messages", _at(alice), expect=200)["data"]
    assert item["size"] > 0
    assert item == {
        "inbox_id": alice["inbox_id"],
        **sent,
        "direction": "outbound",
        "labels": [],
        "timestamp": item["timestamp"],
        "from": alice["email_address"],
        "to": [_OUTSIDE],
        "cc": None,
        "subject": "Hello",
        "preview": "Hi there!",
        "size": item["size"],
        "attachments": [],
    }


def test_a_single_message_comes_with_its_full_content(api: Api) -> None:
    alice = _inbox(api, "alice")
    sent = _send(api, alice)
    [item] = api.call("list_messages", _at(alice), expect=200)["data"]
    got = _message(api, alice, sent["message_id"])
    assert got == {
        **item,
        "reply_to": None,
        "bcc": None,
        "text": "Hi there!",
        "html": None,
        "in_reply_to": None,
        "references": None,
        "headers": {},
        "created_at": got["created_at"],
        "updated_at": got["updated_at"],
    }


def test_new_labels_take_the_place_of_the_old_ones(api: Api) -> None:
    alice = _inbox(api, "alice")
    message = _at(alice, message_id=_send(api, alice, labels=["old"])["message_id"])
    changed = api.call("update_message", message, json={"labels": ["important", "follow-up"]}, expect=200)
    assert changed["labels"] == ["important", "follow-up"]
    assert api.call("get_message", message, expect=200) == changed
    assert api.call("update_message", message, json={"labels": []}, expect=200)["labels"] == []
    api.call("update_message", message, json={}, expect=400)
    api.call("update_message", message, json={"labels": "important"}, expect=400)


def test_a_message_of_another_inbox_is_404(api: Api) -> None:
    alice, bob = _inbox(api, "alice"), _inbox(api, "bob")
    sent = _send(api, alice)
    wrong = _at(bob, message_id=sent["message_id"])
    api.call("get_message", wrong, expect=404)
    api.call("update_message", wrong, json={"labels": []}, expect=404)
    api.call("reply_to_message", wrong, json={}, expect=404)
    api.call("reply_all_to_message", wrong, json={}, expect=404)
    api.call("forward_message", wrong, json={"to": _OUTSIDE}, expect=404)
    api.call("get_thread", _at(bob, thread_id=sent["thread_id"]), expect=404)


# Reply, reply-all and forward


def _reply(api: Api, inbox: dict[str, Any], message: dict[str, Any], **body: Any) -> dict[str, Any]:
    path = _at(inbox, message_id=message["message_id"])
    sent = api.call("reply_to_message", path, json={"text": "Thanks!", **body}, expect=200)
    assert sent["thread_id"] == message["thread_id"]
    return _message(api, inbox, sent["message_id"])


def test_a_reply_goes_to_the_original_sender_only(api: Api) -> None:
    alice, bob = _inbox(api, "alice"), _inbox(api, "bob")
    _send(api, alice, [bob["email_address"], _OUTSIDE], cc="cc@example.com")
    reply = _reply(api, bob, _received(api, bob))
    assert (reply["to"], reply["cc"], reply["subject"]) == ([alice["email_address"]], None, "Re: Hello")


def test_a_reply_goes_to_the_reply_to_address_if_set(api: Api) -> None:
    alice, bob = _inbox(api, "alice"), _inbox(api, "bob")
    _send(api, alice, bob["email_address"], reply_to="reply@example.com")
    assert _reply(api, bob, _received(api, bob))["to"] == ["reply@example.com"]


def test_a_reply_sets_in_reply_to_and_references(api: Api) -> None:
    alice, bob = _inbox(api, "alice"), _inbox(api, "bob")
    sent = _send(api, alice, bob["email_address"])
    first = _received(api, bob)
    reply = _reply(api, bob, first)
    assert reply["in_reply_to"] == first["headers"]["Message-ID"]
    assert reply["references"] == [first["headers"]["Message-ID"]]
    answer = _received(api, alice)
    assert answer["thread_id"] == sent["thread_id"]
    again = _reply(api, alice, answer)
    assert again["references"] == [first["headers"]["Message-ID"], answer["headers"]["Message-ID"]]
    assert again["subject"] == "Re: Hello"


def test_a_reply_takes_cc_labels_html_and_attachments(api: Api) -> None:
    alice, bob = _inbox(api, "alice"), _inbox(api, "bob")
    _send(api, alice, bob["email_address"])
    part = {"filename": "doc.pdf", "content_type": "application/pdf", "content": "YQ=="}
    reply = _reply(
        api,
        bob,
        _received(api, bob),
        html="<p>Thanks!</p>",
        cc=["cc@example.com"],
        labels=["replied"],
        attachments=[part],
    )
    assert (reply["cc"], reply["labels"], reply["html"]) == (["cc@example.com"], ["replied"], "<p>Thanks!</p>")
    assert [one["filename"] for one in reply["attachments"]] == ["doc.pdf"]


def test_a_reply_to_ones_own_message_goes_to_its_recipients(api: Api) -> None:
    alice = _inbox(api, "alice")
    sent = _send(api, alice)
    assert _reply(api, alice, sent)["to"] == [_OUTSIDE]


def test_a_reply_to_all_goes_to_everybody_but_the_inbox_itself(api: Api) -> None:
    alice, bob = _inbox(api, "alice"), _inbox(api, "bob")
    _send(api, alice, [bob["email_address"], "to@example.com"], cc=["cc@example.com", bob["email_address"]])
    got = _received(api, bob)
    path, body = _at(bob, message_id=got["message_id"]), {"text": "All", "cc": "extra-cc@example.com"}
    sent = api.call("reply_all_to_message", path, json=body, expect=200)
    reply = _message(api, bob, sent["message_id"])
    assert reply["to"] == [alice["email_address"], "to@example.com"]
    assert reply["cc"] == ["cc@example.com", "extra-cc@example.com"]
    assert reply["thread_id"] == got["thread_id"]
    assert reply["in_reply_to"] == got["headers"]["Message-ID"]


def test_a_message_with_nobody_to_reply_to_is_refused(api: Api) -> None:
    alice = _inbox(api, "alice")
    sent = _send(api, alice, alice["email_address"])
    path = _at(alice, message_id=sent["message_id"])
    api.call("reply_all_to_message", path, json={"text": "Hello me"}, expect=400)


def test_a_forward_makes_a_new_thread_with_the_original_content(api: Api) -> None:
    alice, bob = _inbox(api, "alice"), _inbox(api, "bob")
    _send(api, alice, bob["email_address"], html="<b>Hi</b>", attachments=[{"filename": "a.txt", "content": "YQ=="}])
    got = _received(api, bob)
    path, body = _at(bob, message_id=got["message_id"]), {"to": _OUTSIDE, "cc": "cc@example.com", "labels": ["f"]}
    sent = api.call("forward_message", path, json=body, expect=200)
    assert sent["thread_id"] != got["thread_id"]
    forward = _message(api, bob, sent["message_id"])
    assert (forward["to"], forward["cc"], forward["labels"]) == ([_OUTSIDE], ["cc@example.com"], ["f"])
    assert forward["subject"] == "Fwd: Hello"
    assert "Hi there!" in forward["text"]
    assert "<b>Hi</b>" in forward["html"]
    assert [one["filename"] for one in forward["attachments"]] == ["a.txt"]
    assert forward["in_reply_to"] is None


def test_an_override_takes_the_place_of_the_original_content(api: Api) -> None:
    alice = _inbox(api, "alice")
    path = _at(alice, message_id=_send(api, alice, html="<b>Hi</b>")["message_id"])
    for override in ({"text": "FYI"}, {"html": "<p>FYI</p>"}, {"text": "FYI", "html": "<p>FYI</p>"}):
        sent = api.call("forward_message", path, json={"to": [_OUTSIDE], **override}, expect=200)
        got = _message(api, alice, sent["message_id"])
        assert (got["text"], got["html"]) == (override.get("text"), override.get("html"))


def test_a_forward_needs_a_recipient(api: Api) -> None:
    alice = _inbox(api, "alice")
    path = _at(alice, message_id=_send(api, alice)["message_id"])
    api.call("forward_message", path, json={"text": "FYI"}, expect=400)


# Threads


def test_threads_are_listed_by_most_recent_activity(api: Api) -> None:
    alice = _inbox(api, "alice")
    first, second = (_send(api, alice, subject=subject) for subject in ("First", "Second"))
    _reply(api, alice, first)
    page = api.call("list_threads", _at(alice), expect=200)
    assert [thread["thread_id"] for thread in page["data"]] == [first["thread_id"], second["thread_id"]]
    assert page["total"] == 2


def test_a_listed_thread_sums_up_its_messages(api: Api) -> None:
    alice, bob = _inbox(api, "alice", display_name="Alice"), _inbox(api, "bob")
    _send(api, alice, bob["email_address"], cc="cc@example.com", labels=["sent"])
    got = _received(api, bob)
    api.call("update_message", _at(bob, message_id=got["message_id"]), json={"labels": ["x"]}, expect=200)
    reply = _reply(api, bob, got, labels=["y", "x"])
    [thread] = api.call("list_threads", _at(bob), expect=200)["data"]
    assert thread == {
        "inbox_id": bob["inbox_id"],
        "thread_id": got["thread_id"],
        "labels": ["x", "y"],
        "timestamp": reply["timestamp"],
        "received_timestamp": got["timestamp"],
        "sent_timestamp": reply["timestamp"],
        "senders": [alice["email_address"], bob["email_address"]],
        "recipients": [bob["email_address"], "cc@example.com", alice["email_address"]],
        "subject": "Hello",
        "preview": "Thanks!",
        "last_message_id": reply["message_id"],
        "message_count": 2,
        "size": got["size"] + reply["size"],
    }


def test_a_thread_that_was_never_answered_has_no_sent_timestamp(api: Api) -> None:
    alice, bob = _inbox(api, "alice"), _inbox(api, "bob")
    _send(api, alice, bob["email_address"])
    [thread] = api.until(lambda: api.call("list_threads", _at(bob), expect=200)["data"])
    assert thread["sent_timestamp"] is None
    assert thread["received_timestamp"] == thread["timestamp"]


def test_a_thread_holds_its_messages_in_chronological_order(api: Api) -> None:
    alice, bob = _inbox(api, "alice"), _inbox(api, "bob")
    _send(api, alice, bob["email_address"])
    got = _received(api, bob)
    reply = _reply(api, bob, got)
    thread = api.call("get_thread", _at(bob, thread_id=got["thread_id"]), expect=200)
    fields = ("message_id", "direction", "from", "to", "subject", "text", "timestamp")
    assert thread == {
        "inbox_id": bob["inbox_id"],
        "thread_id": got["thread_id"],
        "subject": "Hello",
        "message_count": 2,
        "preview": "Thanks!",
        "messages": [{name: message[name] for name in fields} for message in (got, reply)],
    }


def test_a_deleted_thread_takes_its_messages_along(api: Api) -> None:
    alice = _inbox(api, "alice")
    first, other = _send(api, alice), _send(api, alice)
    _reply(api, alice, first)
    thread = _at(alice, thread_id=first["thread_id"])
    assert api.call("delete_thread", thread, expect=204) is None
    api.call("get_thread", thread, expect=404)
    api.call("get_message", _at(alice, message_id=first["message_id"]), expect=404)
    page = api.call("list_messages", _at(alice), expect=200)
    assert [item["message_id"] for item in page["data"]] == [other["message_id"]]


# Domains


def _domain(api: Api, name: str, **more: Any) -> dict[str, Any]:
    domain = f"{api.target.name(name)}.example.com"
    made: dict[str, Any] = api.call("create_domain", json={"domain": domain, **more}, expect=201)
    return made


def test_a_new_domain_is_pending_and_says_which_records_it_needs(api: Api) -> None:
    made = _domain(api, "new")
    name = made["domain_id"]
    assert (made["status"], made["feedback_enabled"]) == ("PENDING", True)
    assert [(one["type"], one["name"], one["priority"], one["status"]) for one in made["records"]] == [
        ("MX", name, 10, "MISSING"),
        ("TXT", name, None, "MISSING"),
        ("TXT", f"dkim._domainkey.{name}", None, "MISSING"),
        ("TXT", f"_dmarc.{name}", None, "MISSING"),
    ]
    mx, spf, dkim, dmarc = (one["value"] for one in made["records"])
    assert (mx, spf) == (f"mail.{name}", f"v=spf1 include:_spf.{name} ~all")
    assert dkim.startswith("v=DKIM1; k=rsa; p=")
    assert dmarc.startswith("v=DMARC1; p=none; rua=mailto:")


def test_a_domain_is_required_and_must_be_one(api: Api) -> None:
    for wrong in ({}, {"domain": "x"}, {"domain": "a b.example.com"}, {"domain": "-a.example.com"}, {"domain": None}):
        api.call("create_domain", json=wrong, expect=400)


def test_feedback_can_be_switched_off(api: Api) -> None:
    assert _domain(api, "silent", feedback_enabled=False)["feedback_enabled"] is False


def test_a_domain_can_be_added_once(api: Api) -> None:
    made = _domain(api, "once")
    api.call("create_domain", json={"domain": made["domain_id"].upper()}, expect=409)


def test_domains_are_listed_with_records_and_status(api: Api) -> None:
    made = [_domain(api, name) for name in ("one", "two")]
    page = api.call("list_domains", params={"page_size": 100}, expect=200)
    assert [one for one in page["data"] if one in made] == made[::-1]
    assert page["total"] >= 2


def test_a_domain_is_found_by_its_name(api: Api) -> None:
    made = _domain(api, "found")
    assert api.call("get_domain", {"domain_id": made["domain_id"]}, expect=200) == made
    api.call("get_domain", {"domain_id": "unknown.example.com"}, expect=404)


def test_a_deleted_domain_is_gone(api: Api) -> None:
    path = {"domain_id": _domain(api, "gone")["domain_id"]}
    assert api.call("delete_domain", path, expect=204) is None
    for operation in ("get_domain", "verify_domain", "delete_domain"):
        api.call(operation, path, expect=404)


def test_a_domain_is_verified_when_all_records_are_valid(api: Api) -> None:
    api.target.needs_emulator("needs DNS records")
    made = _domain(api, "good")
    verified = api.call("verify_domain", {"domain_id": made["domain_id"]}, expect=200)
    assert verified["status"] == "VERIFIED"
    assert {record["status"] for record in verified["records"]} == {"VALID"}
    assert api.call("get_domain", {"domain_id": made["domain_id"]}, expect=200) == verified


def test_a_domain_stays_pending_while_a_record_is_missing(api: Api) -> None:
    api.target.control("PUT", "/settings/inboxai/valid_records", json={"value": ["mx", "dkim"]})
    made = _domain(api, "half")
    half = api.call("verify_domain", {"domain_id": made["domain_id"]}, expect=200)
    assert half["status"] == "PENDING"
    assert [record["status"] for record in half["records"]] == ["VALID", "MISSING", "VALID", "MISSING"]
    api.target.control("PUT", "/settings/inboxai/valid_records", json={"value": ["mx", "spf", "dkim", "dmarc"]})
    assert api.call("verify_domain", {"domain_id": made["domain_id"]}, expect=200)["status"] == "VERIFIED"


def test_mail_from_an_unverified_domain_can_be_refused(api: Api) -> None:
    api.target.control("PUT", "/settings/inboxai/refuse_unverified_domains", json={"value": True})
    domain = _domain(api, "unverified")["domain_id"]
    inbox = api.call("create_inbox", json={"username": "agent", "domain": domain}, expect=201)
    body = {"to": _OUTSIDE}
    assert api.call("send_message", _at(inbox), json=body, expect=403)["code"] == "domain_not_verified"
    api.call("verify_domain", {"domain_id": domain}, expect=200)
    api.call("send_message", _at(inbox), json=body, expect=200)


# Webhooks

_EVENTS = [
    "message.received",
    "message.sent",
    "message.delivered",
    "message.bounced",
    "message.complained",
    "message.rejected",
    "domain.verified",
]


def _hook(api: Api, **more: Any) -> dict[str, Any]:
    return {
        "url": f"https://your-app.com/webhooks/{api.target.name('email')}",
        "event_types": ["message.received"],
        **more,
    }


def test_a_webhook_shows_its_secret_only_once(api: Api) -> None:
    made = api.call("create_webhook", json=_hook(api, client_id="my-integration"), expect=201)
    secret = made.pop("secret")
    assert re.match(r"^[0-9a-f]+$", secret)
    assert api.call("get_webhook", {"webhook_id": made["webhook_id"]}, expect=200) == made
    assert secret not in str(api.call("list_webhooks", expect=200))
    changed = api.call("update_webhook", {"webhook_id": made["webhook_id"]}, json={"enabled": False}, expect=200)
    assert "secret" not in changed


def test_a_webhook_is_signed_with_its_secret_over_time_and_body(api: Api) -> None:
    inbox = _inbox(api, "hooked")
    with api.target.receiver() as receiver:
        hook = {"url": receiver.url, "event_types": ["message.received"], "inbox_ids": [inbox["inbox_id"]]}
        secret = api.call("create_webhook", json=hook, expect=201)["secret"]
        _send(api, inbox, inbox["email_address"])
        heard = api.webhook(receiver)
    signed = f"{heard.headers['x-webhook-timestamp']}.".encode() + heard.body
    signature = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
    assert heard.headers["x-webhook-signature"] == f"sha256={signature}"


def test_a_webhook_has_the_documented_fields(api: Api) -> None:
    made = api.call("create_webhook", json=_hook(api), expect=201)
    assert made["webhook_id"].startswith("wh_")
    assert made == {
        "webhook_id": made["webhook_id"],
        **_hook(api),
        "inbox_ids": [],
        "enabled": True,
        "client_id": None,
        "secret": made["secret"],
        "created_at": made["created_at"],
        "updated_at": made["updated_at"],
    }


def test_there_are_seven_event_types_and_no_other(api: Api) -> None:
    made = api.call("create_webhook", json=_hook(api, event_types=_EVENTS), expect=201)
    assert made["event_types"] == _EVENTS
    api.call("create_webhook", json=_hook(api, event_types=["message.opened"]), expect=400)


@pytest.mark.parametrize("missing", ["url", "event_types"])
def test_url_and_event_types_are_required(api: Api, missing: str) -> None:
    answer = api.call("create_webhook", json={k: v for k, v in _hook(api).items() if k != missing}, expect=400)
    assert [error["path"] for error in answer["errors"]] == [[missing]]
    wrong = {"url": "your-app.com", "event_types": []}[missing]
    api.call("create_webhook", json=_hook(api, **{missing: wrong}), expect=400)


def test_a_webhook_can_be_confined_to_inboxes(api: Api) -> None:
    inbox = _inbox(api, "hooked")["inbox_id"]
    made = api.call("create_webhook", json=_hook(api, inbox_ids=[inbox]), expect=201)
    assert made["inbox_ids"] == [inbox]
    path = {"webhook_id": made["webhook_id"]}
    assert api.call("update_webhook", path, json={"inbox_ids": []}, expect=200)["inbox_ids"] == []
    api.call("create_webhook", json=_hook(api, inbox_ids=["unknown"]), expect=403)
    api.call("update_webhook", path, json={"inbox_ids": [inbox, "unknown"]}, expect=403)


def test_a_webhook_changes_url_events_and_whether_it_is_enabled(api: Api) -> None:
    path = {"webhook_id": api.call("create_webhook", json=_hook(api), expect=201)["webhook_id"]}
    body = {"url": "https://new-url.com/hook", "event_types": ["message.bounced"], "enabled": False}
    changed = api.call("update_webhook", path, json=body, expect=200)
    assert {name: changed[name] for name in body} == body
    assert api.call("get_webhook", path, expect=200) == changed
    assert api.call("update_webhook", path, json={"enabled": True}, expect=200)["url"] == body["url"]


def test_all_webhooks_are_listed(api: Api) -> None:
    made = [api.call("create_webhook", json=_hook(api), expect=201)["webhook_id"] for _ in range(3)]
    listed = [one["webhook_id"] for one in api.call("list_webhooks", params={"page_size": 100}, expect=200)["data"]]
    assert [one for one in listed if one in made] == made[::-1]


def test_a_deleted_webhook_is_gone(api: Api) -> None:
    path = {"webhook_id": api.call("create_webhook", json=_hook(api), expect=201)["webhook_id"]}
    assert api.call("delete_webhook", path, expect=204) is None
    for operation in ("get_webhook", "delete_webhook"):
        api.call(operation, path, expect=404)
    api.call("update_webhook", path, json={}, expect=404)


# API keys


def test_a_new_key_is_shown_in_full_once_and_opens_the_organization(api: Api) -> None:
    made = api.call("create_api_key", json={"name": api.target.name("my-agent-key")}, expect=201)
    assert set(made) == {"key_id", "name", "prefix", "key", "used_at", "created_at"}
    assert re.match(r"^inai_[a-z0-9]{4}_[a-z0-9]+$", made["key"])
    assert made["prefix"] == f"{made['key'][:10]}..."
    assert made["used_at"] is None
    mine = api.call("get_organization", expect=200)["org_id"]
    assert api.call("get_organization", key=made["key"], expect=200)["org_id"] == mine
    [listed] = [one for one in api.call("list_api_keys", expect=200)["data"] if one["key_id"] == made["key_id"]]
    assert set(listed) == {"key_id", "name", "prefix", "used_at", "created_at"}
    assert made["key"] not in str(listed)


def test_a_key_needs_a_name(api: Api) -> None:
    for wrong in ({}, {"name": ""}, {"name": None}, {"name": 1}):
        api.call("create_api_key", json=wrong, expect=400)


def test_used_at_is_the_time_of_the_last_request(api: Api) -> None:
    made = api.call("create_api_key", json={"name": api.target.name("used")}, expect=201)

    def used_at() -> str | None:
        listed = api.call("list_api_keys", params={"page_size": 100}, expect=200)["data"]
        found: str | None = next(one["used_at"] for one in listed if one["key_id"] == made["key_id"])
        return found

    assert used_at() is None
    api.call("get_organization", key=made["key"], expect=200)
    first = used_at()
    assert first is not None
    api.target.control("POST", "/clock/advance", json={"by": "1h"})
    assert used_at() == first
    api.call("get_organization", key=made["key"], expect=200)
    assert datetime.fromisoformat(used_at() or "") - datetime.fromisoformat(first) == timedelta(hours=1)


def test_a_revoked_key_is_refused_and_no_longer_listed(api: Api) -> None:
    made = api.call("create_api_key", json={"name": api.target.name("revoked")}, expect=201)
    api.call("get_organization", key=made["key"], expect=200)
    path = {"key_id": made["key_id"]}
    assert api.call("delete_api_key", path, expect=204) is None
    api.call("get_organization", key=made["key"], expect=401)
    assert made["key_id"] not in str(api.call("list_api_keys", params={"page_size": 100}, expect=200))
    api.call("delete_api_key", path, expect=404)


def test_the_admin_key_is_accepted_everywhere(api: Api) -> None:
    api.target.needs_emulator("needs the admin key")
    admin = api.target.provider.credentials["admin_key"]
    inbox = api.call("create_inbox", json={"username": "by-admin"}, key=admin, expect=201)
    assert api.call("get_inbox", _at(inbox), expect=200) == inbox
    assert api.call("list_api_keys", key=admin, expect=200)["total"] == 1


# Errors


def test_an_error_has_a_name_a_code_and_a_message(api: Api) -> None:
    answer = api.call("get_inbox", {"inbox_id": "unknown"}, expect=404)
    assert answer == {"name": "NotFoundError", "code": "not_found", "message": "Inbox not found"}


def test_a_validation_error_says_where(api: Api) -> None:
    body = {"username": "a b", "client_id": 1}
    answer = api.call("create_inbox", json=body, expect=400)
    assert (answer["name"], answer["code"]) == ("ValidationError", "validation_error")
    assert sorted(error["path"] for error in answer["errors"]) == [["client_id"], ["username"]]


def test_malformed_json_and_other_content_types_are_validation_errors(api: Api) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    for content, headers in ((b"{", {"Content-Type": "application/json"}), (b"username=a", form)):
        answer = api.call("create_inbox", content=content, headers=headers, expect=400)
        assert answer["code"] == "validation_error"


def test_too_many_requests_are_429(api: Api) -> None:
    fault = {"provider": "inboxai", "operation": "get_organization", "status": 429}
    api.target.control("POST", "/faults", json=fault)
    assert api.call("get_organization", expect=429)["code"] == "rate_limited"
    api.call("get_organization", expect=200)
