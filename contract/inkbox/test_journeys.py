"""What Inkbox's documentation says of its e-mail API in spring 2026, sentence by sentence.

The sentences of the page "Mailboxes" come first, then what the other pages and the SDK of that time add.
"""

from __future__ import annotations

import base64
import re
from functools import partial
from typing import Any
from uuid import UUID

import httpx
import pytest

from contract.judge import Api

REVISION = "seed"
_DOMAIN = "inkboxmail.com"


def _mailbox(api: Api, handle: str, **more: Any) -> dict[str, Any]:
    name = api.target.name(handle)
    api.call("create_identity", json={"agent_handle": name}, expect=201)
    made: dict[str, Any] = api.call("create_mailbox", json={"agent_handle": name, **more}, expect=201)
    return made


def _at(mailbox: dict[str, Any], **more: str) -> dict[str, str]:
    return {"email_address": mailbox["email_address"], **more}


def _send(api: Api, sender: dict[str, Any], to: list[str], **more: Any) -> dict[str, Any]:
    recipients = {"to": to, **more.pop("recipients", {})}
    body = {"recipients": recipients, "subject": "Hello", "body_text": "Hi there", **more}
    sent: dict[str, Any] = api.call("send_message", _at(sender), json=body, expect=201)
    return sent


def _inbox(api: Api, mailbox: dict[str, Any]) -> list[dict[str, Any]]:
    page = api.call("list_messages", _at(mailbox), params={"direction": "inbound"}, expect=200)
    items: list[dict[str, Any]] = page["items"]
    return items


# The page "Mailboxes": creating one


def test_a_mailbox_gets_a_unique_address_on_the_sending_domain(api: Api) -> None:
    first, second = _mailbox(api, "one"), _mailbox(api, "two")
    assert first["email_address"] != second["email_address"]
    assert all(box["email_address"].endswith(f"@{_DOMAIN}") for box in (first, second))


def test_a_mailbox_is_linked_to_the_existing_identity_of_the_handle(api: Api) -> None:
    box = _mailbox(api, "sales-agent")
    identity = api.call("get_identity", {"agent_handle": api.target.name("sales-agent")}, expect=200)
    assert identity["email_address"] == box["email_address"]
    assert identity["mailbox"]["id"] == box["id"]


def test_a_mailbox_can_be_created_with_its_identity(api: Api) -> None:
    name = api.target.name("nested")
    identity = api.call("create_identity", json={"agent_handle": name, "mailbox": {}}, expect=201)
    box = api.call("get_mailbox", {"email_address": identity["email_address"]}, expect=200)
    assert box["display_name"] == name, "the display name of a nested mailbox defaults to the handle"


def test_without_a_local_part_the_server_generates_one(api: Api) -> None:
    local = _mailbox(api, "random")["email_address"].partition("@")[0]
    assert local
    assert local != api.target.name("random")


def test_a_local_part_can_be_requested(api: Api) -> None:
    wanted = api.target.name("sales.team")
    assert _mailbox(api, "sales", email_local_part=wanted)["email_address"] == f"{wanted}@{_DOMAIN}"


def test_agent_handle_is_required(api: Api) -> None:
    api.call("create_mailbox", json={"display_name": "Nobody"}, expect=422)


def test_a_leading_at_sign_of_the_handle_is_stripped(api: Api) -> None:
    name = api.target.name("stripped")
    api.call("create_identity", json={"agent_handle": f"@{name}"}, expect=201)
    api.call("create_mailbox", json={"agent_handle": f"@{name}"}, expect=201)
    assert api.call("get_identity", {"agent_handle": name}, expect=200)["agent_handle"] == name


def test_the_display_name_defaults_to_inkbox_user(api: Api) -> None:
    assert _mailbox(api, "unnamed")["display_name"] == "Inkbox user"


def test_the_display_name_is_shown_as_the_sender(api: Api) -> None:
    box = _mailbox(api, "named", display_name="Sales Team")
    assert box["display_name"] == "Sales Team"


def test_the_display_name_has_at_most_255_characters(api: Api) -> None:
    box = _mailbox(api, "long", display_name="x" * 255)
    assert box["display_name"] == "x" * 255
    api.call("update_mailbox", _at(box), json={"display_name": "x" * 256}, expect=422)


def test_403_when_the_organization_is_missing_from_the_token(api: Api) -> None:
    api.target.needs_emulator("needs a key without an organization")
    stray = "ApiKey_00000000-0000-4000-8000-0000000000ff"
    answer = api.call("create_mailbox", json={"agent_handle": "any"}, key=stray, expect=403)
    assert answer == {"detail": "Organization ID missing from token"}


def test_404_when_the_identity_is_not_found(api: Api) -> None:
    answer = api.call("create_mailbox", json={"agent_handle": api.target.name("nobody")}, expect=404)
    assert answer == {"detail": "Agent identity not found"}


def test_409_when_the_identity_already_has_a_mailbox(api: Api) -> None:
    _mailbox(api, "twice")
    api.call("create_mailbox", json={"agent_handle": api.target.name("twice")}, expect=409)


def test_409_when_the_requested_address_is_taken(api: Api) -> None:
    taken = api.target.name("taken")
    _mailbox(api, "first", email_local_part=taken)
    second = api.target.name("second")
    api.call("create_identity", json={"agent_handle": second}, expect=201)
    api.call("create_mailbox", json={"agent_handle": second, "email_local_part": taken.upper()}, expect=409)


def test_503_asks_to_retry_and_the_retry_succeeds(api: Api) -> None:
    fault = {"provider": "inkbox", "operation": "create_mailbox", "status": 503}
    api.target.control("POST", "/faults", json=fault)
    name = api.target.name("collides")
    api.call("create_identity", json={"agent_handle": name}, expect=201)
    api.call("create_mailbox", json={"agent_handle": name}, expect=503)
    api.call("create_mailbox", json={"agent_handle": name}, expect=201)


# The page "Mailboxes": list, get, update, delete


def test_the_list_holds_all_active_mailboxes_newest_first(api: Api) -> None:
    made = [_mailbox(api, handle)["id"] for handle in ("a", "b", "c")]
    gone = _mailbox(api, "d")
    api.call("delete_mailbox", _at(gone), expect=204)
    listed = [box["id"] for box in api.call("list_mailboxes", expect=200)]
    assert [one for one in listed if one in made] == made[::-1]
    assert gone["id"] not in listed


def test_a_mailbox_is_found_by_local_part_and_by_full_address(api: Api) -> None:
    box = _mailbox(api, "both")
    local = box["email_address"].partition("@")[0]
    assert api.call("get_mailbox", {"email_address": local}, expect=200) == box
    assert api.call("get_mailbox", _at(box), expect=200) == box


def test_an_unknown_mailbox_is_404_for_every_method(api: Api) -> None:
    nobody = {"email_address": api.target.name("nobody")}
    api.call("get_mailbox", nobody, expect=404)
    api.call("update_mailbox", nobody, json={"display_name": "x"}, expect=404)
    api.call("delete_mailbox", nobody, expect=404)


def test_only_supplied_fields_are_modified(api: Api) -> None:
    box = _mailbox(api, "patch", display_name="Before")
    hook = "https://example.com/webhook"
    hooked = api.call("update_mailbox", _at(box), json={"webhook_url": hook}, expect=200)
    assert (hooked["display_name"], hooked["webhook_url"]) == ("Before", hook)
    named = api.call("update_mailbox", _at(box), json={"display_name": "After"}, expect=200)
    assert (named["display_name"], named["webhook_url"]) == ("After", hook)


def test_a_null_webhook_url_unsubscribes(api: Api) -> None:
    box = _mailbox(api, "unhook")
    api.call("update_mailbox", _at(box), json={"webhook_url": "https://example.com/webhook"}, expect=200)
    assert api.call("update_mailbox", _at(box), json={"webhook_url": None}, expect=200)["webhook_url"] is None


def test_the_webhook_url_must_be_https(api: Api) -> None:
    box = _mailbox(api, "plain")
    api.call("update_mailbox", _at(box), json={"webhook_url": "http://example.com/webhook"}, expect=422)


def test_an_update_returns_the_updated_mailbox(api: Api) -> None:
    box = _mailbox(api, "updated")
    updated = api.call("update_mailbox", _at(box), json={"display_name": "New"}, expect=200)
    assert updated == api.call("get_mailbox", _at(box), expect=200)


def test_a_deleted_mailbox_no_longer_receives_inbound_mail(api: Api) -> None:
    sender, gone = _mailbox(api, "sender"), _mailbox(api, "gone")
    assert api.call("delete_mailbox", _at(gone), expect=204) is None
    _send(api, sender, [gone["email_address"]])
    api.call("list_messages", _at(gone), expect=404)


def test_the_mailbox_object_has_the_documented_fields(api: Api) -> None:
    box = _mailbox(api, "object")
    documented = {"id", "email_address", "display_name", "webhook_url", "status", "created_at", "updated_at"}
    assert set(box) == documented
    assert str(UUID(box["id"])) == box["id"]
    assert box["webhook_url"] is None
    assert box["status"] == "active"
    assert all(re.match(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", box[name]) for name in ("created_at", "updated_at"))


# Keys


def test_a_missing_and_a_wrong_key_are_401(api: Api) -> None:
    api.call("list_mailboxes", key=None, expect=401)
    api.call("list_mailboxes", key="not-a-key", expect=401)


def test_the_key_is_taken_in_either_header(api: Api) -> None:
    key = api.target.api_key
    api.call("list_mailboxes", key=None, headers={"X-API-Key": key}, expect=200)
    api.call("list_mailboxes", key=None, headers={"X-Service-Token": key}, expect=200)


def test_paths_are_served_with_and_without_a_trailing_slash(api: Api) -> None:
    headers = api.target.provider.key_headers(api.target.api_key)
    for path in ("/api/v1/identities", "/api/v1/identities/"):
        response = api.target.http.get(path, headers=headers)
        assert response.status_code == httpx.codes.OK
        api.judge("list_identities", response)


def test_whoami_gives_times_in_unix_seconds(api: Api) -> None:
    answer = api.call("whoami", expect=200)
    assert answer["auth_type"] == "api_key"
    assert isinstance(answer["created_at"], int | float)


def test_a_signing_key_is_new_each_time(api: Api) -> None:
    api.target.needs_emulator("would rotate the organization's key")
    first, second = (api.call("create_signing_key", expect=201)["signing_key"] for _ in range(2))
    assert first != second


# Messages


def test_a_mail_between_two_mailboxes_is_one_thread_on_each_side(api: Api) -> None:
    alice, bob = _mailbox(api, "alice"), _mailbox(api, "bob")
    sent = _send(api, alice, [bob["email_address"]])
    [received] = api.until(lambda: _inbox(api, bob))
    assert received["message_id"] == sent["message_id"]
    assert received["thread_id"] != sent["thread_id"]
    reply = _send(api, bob, [alice["email_address"]], in_reply_to_message_id=received["message_id"])
    assert reply["thread_id"] == received["thread_id"]
    [answer] = api.until(lambda: _inbox(api, alice))
    assert answer["thread_id"] == sent["thread_id"]


def test_a_reply_may_name_the_row_id_instead_of_the_message_id(api: Api) -> None:
    alice, bob = _mailbox(api, "alice"), _mailbox(api, "bob")
    _send(api, alice, [bob["email_address"]])
    [received] = api.until(lambda: _inbox(api, bob))
    reply = _send(api, bob, [alice["email_address"]], in_reply_to_message_id=received["id"])
    assert reply["thread_id"] == received["thread_id"]
    detail = api.call("get_message", _at(bob, message_id=reply["id"]), expect=200)
    assert detail["in_reply_to"] == received["message_id"]
    assert detail["references"] == [received["message_id"]]


def test_a_sent_message_is_queued_and_ends_delivered(api: Api) -> None:
    alice = _mailbox(api, "alice")
    sent = _send(api, alice, [alice["email_address"]])
    assert (sent["direction"], sent["status"]) == ("outbound", "queued")
    detail = api.call("get_message", _at(alice, message_id=sent["id"]), expect=200)
    assert detail["status"] in ("sent", "delivered")


def test_bcc_recipients_get_the_mail_and_nobody_sees_them(api: Api) -> None:
    alice, bob, carol = (_mailbox(api, handle) for handle in ("alice", "bob", "carol"))
    sent = _send(api, alice, [bob["email_address"]], recipients={"bcc": [carol["email_address"]]})
    outbound = api.call("get_message", _at(alice, message_id=sent["id"]), expect=200)
    assert outbound["bcc_addresses"] == [carol["email_address"]]
    for recipient in (bob, carol):
        [received] = api.until(partial(_inbox, api, recipient))
        inbound = api.call("get_message", _at(recipient, message_id=received["id"]), expect=200)
        assert inbound["bcc_addresses"] is None
        assert carol["email_address"] not in str(inbound["to_addresses"])


def test_bodies_come_with_the_detail_only(api: Api) -> None:
    alice = _mailbox(api, "alice")
    sent = _send(api, alice, [alice["email_address"]], body_text="Grüße 🐙", body_html="<p>Grüße</p>")
    assert "body_text" not in sent
    detail = api.call("get_message", _at(alice, message_id=sent["id"]), expect=200)
    assert (detail["body_text"], detail["body_html"]) == ("Grüße 🐙", "<p>Grüße</p>")
    assert sent["snippet"] == "Grüße 🐙"


def test_lists_are_paged_newest_first(api: Api) -> None:
    alice = _mailbox(api, "alice")
    made = [_send(api, alice, ["ops@example.com"], subject=f"Mail {n}")["id"] for n in range(5)]
    seen, cursor = [], None
    while True:
        page = api.call(
            "list_messages", _at(alice), params={"limit": 2, "cursor": cursor} if cursor else {"limit": 2}, expect=200
        )
        seen += [item["id"] for item in page["items"]]
        assert page["next_cursor"] is None or page["next_cursor"] != cursor, "a page leads to itself"
        cursor = page["next_cursor"]
        if not page["has_more"]:
            break
    assert seen == made[::-1]
    assert cursor is None


@pytest.mark.parametrize("limit", ["0", "101", "ten"])
def test_a_limit_outside_1_to_100_is_refused(api: Api, limit: str) -> None:
    api.call("list_messages", _at(_mailbox(api, "alice")), params={"limit": limit}, expect=422)


def test_read_and_star_marks_change_only_when_supplied(api: Api) -> None:
    alice = _mailbox(api, "alice")
    message = _at(alice, message_id=_send(api, alice, [alice["email_address"]])["id"])
    starred = api.call("update_message", message, json={"is_starred": True}, expect=200)
    assert (starred["is_read"], starred["is_starred"]) == (False, True)
    read = api.call("update_message", message, json={"is_read": True}, expect=200)
    assert (read["is_read"], read["is_starred"]) == (True, True)


def test_reading_a_message_does_not_mark_it_read(api: Api) -> None:
    alice = _mailbox(api, "alice")
    _send(api, alice, [alice["email_address"]])
    [received] = api.until(lambda: _inbox(api, alice))
    assert api.call("get_message", _at(alice, message_id=received["id"]), expect=200)["is_read"] is False


def test_a_deleted_message_is_gone_from_every_read(api: Api) -> None:
    alice = _mailbox(api, "alice")
    sent = _send(api, alice, ["ops@example.com"])
    message = _at(alice, message_id=sent["id"])
    api.call("delete_message", message, expect=204)
    api.call("get_message", message, expect=404)
    api.call("delete_message", message, expect=404)
    assert api.call("list_messages", _at(alice), expect=200)["items"] == []


def test_an_attachment_is_downloaded_without_a_key(api: Api) -> None:
    alice, data = _mailbox(api, "alice"), bytes(range(256))
    attachment = {"filename": "data.bin", "content_type": "application/x-data", "content_base64": _base64(data)}
    sent = _send(api, alice, ["ops@example.com"], attachments=[attachment])
    assert sent["has_attachments"] is True
    path = _at(alice, message_id=sent["id"], filename="data.bin")
    link = api.call("get_attachment", path, params={"redirect": "false"}, expect=200)
    assert api.target.http.get(link["url"]).content == data
    redirected = api.call("get_attachment", path, params={"redirect": "true"}, expect=302)
    assert redirected is None


def test_executable_attachments_are_refused(api: Api) -> None:
    alice = _mailbox(api, "alice")
    for name in ("setup.exe", "RUN.BAT", "saver.scr"):
        attachment = {"filename": name, "content_type": "application/octet-stream", "content_base64": "AAAA"}
        body = {"recipients": {"to": ["ops@example.com"]}, "subject": "x", "attachments": [attachment]}
        api.call("send_message", _at(alice), json=body, expect=422)


def test_a_mail_needs_a_recipient_and_a_subject(api: Api) -> None:
    alice = _at(_mailbox(api, "alice"))
    api.call("send_message", alice, json={"recipients": {"to": []}, "subject": "x"}, expect=422)
    api.call("send_message", alice, json={"recipients": {"to": ["ops@example.com"]}}, expect=422)
    long = {"recipients": {"to": ["ops@example.com"]}, "subject": "x" * 999}
    api.call("send_message", alice, json=long, expect=422)


def test_search_ranks_by_relevance_then_newest(api: Api) -> None:
    alice = _mailbox(api, "alice")
    word = api.target.name("invoice").replace("-", "")
    for subject, text in (("Other", word), (f"Your {word}", "x"), ("Other", f"the {word}"), ("Other", "nothing")):
        _send(api, alice, ["ops@example.com"], subject=subject, body_text=text)
    found = api.call("search_mailbox", _at(alice), params={"q": word}, expect=200)["items"]
    assert [item["subject"] for item in found] == [f"Your {word}", "Other", "Other"]
    assert found[1]["snippet"] == f"the {word}"
    everywhere = api.call("search_messages", params={"q": word}, expect=200)["items"]
    assert [item["id"] for item in everywhere] == [item["id"] for item in found]
    api.call("search_mailbox", _at(alice), params={"q": ""}, expect=422)


# Threads


def test_threads_are_listed_by_last_activity_with_messages_oldest_first(api: Api) -> None:
    alice = _mailbox(api, "alice")
    first = _send(api, alice, ["ops@example.com"], subject="First")
    second = _send(api, alice, ["ops@example.com"], subject="Second")
    reply = _send(api, alice, ["ops@example.com"], subject="Re: First", in_reply_to_message_id=first["id"])
    listed = api.call("list_threads", _at(alice), expect=200)["items"]
    assert [thread["id"] for thread in listed] == [first["thread_id"], second["thread_id"]]
    thread = api.call("get_thread", _at(alice, thread_id=first["thread_id"]), expect=200)
    assert (thread["subject"], thread["message_count"]) == ("First", 2)
    assert [message["id"] for message in thread["messages"]] == [first["id"], reply["id"]]


def test_an_unknown_parent_starts_a_new_thread(api: Api) -> None:
    alice = _mailbox(api, "alice")
    first = _send(api, alice, ["ops@example.com"])
    other = _send(api, alice, ["ops@example.com"], in_reply_to_message_id="<unknown@example.com>")
    assert other["thread_id"] != first["thread_id"]


def test_deleting_a_thread_deletes_its_messages(api: Api) -> None:
    alice = _mailbox(api, "alice")
    sent = _send(api, alice, ["ops@example.com"])
    thread = _at(alice, thread_id=sent["thread_id"])
    api.call("delete_thread", thread, expect=204)
    api.call("get_thread", thread, expect=404)
    api.call("get_message", _at(alice, message_id=sent["id"]), expect=404)


# Identities


def test_a_handle_is_unique_inside_the_organization(api: Api) -> None:
    body = {"agent_handle": api.target.name("unique")}
    api.call("create_identity", json=body, expect=201)
    api.call("create_identity", json=body, expect=409)


def test_identities_are_listed_newest_first(api: Api) -> None:
    made = [api.call("create_identity", json={"agent_handle": api.target.name(h)}, expect=201)["id"] for h in "xyz"]
    listed = [identity["id"] for identity in api.call("list_identities", expect=200)]
    assert [one for one in listed if one in made] == made[::-1]


def test_an_identity_changes_handle_and_status(api: Api) -> None:
    old, new = {"agent_handle": api.target.name("old")}, {"agent_handle": api.target.name("new")}
    api.call("create_identity", json=old, expect=201)
    renamed = api.call("update_identity", old, json={**new, "status": "paused"}, expect=200)
    assert (renamed["agent_handle"], renamed["status"]) == (new["agent_handle"], "paused")
    api.call("get_identity", old, expect=404)
    api.call("update_identity", new, json={"status": "sleeping"}, expect=400)


def test_deleting_an_identity_unlinks_its_mailbox_which_survives(api: Api) -> None:
    box = _mailbox(api, "leaving")
    api.call("delete_identity", {"agent_handle": api.target.name("leaving")}, expect=204)
    api.call("get_mailbox", _at(box), expect=200)


def test_a_mailbox_can_be_unlinked_and_linked_to_another_identity(api: Api) -> None:
    box = _mailbox(api, "giver")
    giver, taker = ({"agent_handle": api.target.name(handle)} for handle in ("giver", "taker"))
    api.call("create_identity", json=taker, expect=201)
    link = {"mailbox_id": box["id"]}
    api.call("link_mailbox", taker, json=link, expect=409)
    api.call("unlink_mailbox", giver, expect=204)
    api.call("unlink_mailbox", giver, expect=404)
    linked = api.call("link_mailbox", taker, json=link, expect=200)
    assert linked["mailbox"]["id"] == box["id"]
    api.call("link_mailbox", giver, json={"mailbox_id": "00000000-0000-4000-8000-000000000000"}, expect=404)


# Agents that register themselves


def _signup(api: Api) -> dict[str, Any]:
    api.target.needs_emulator("would mail a person")
    body = {"human_email": "jane@example.com", "note_to_human": "Please approve me", "display_name": "Sales Agent"}
    made: dict[str, Any] = api.call("agent_signup", json=body, key=None, expect=201)
    return made


def _code(api: Api) -> str:
    mails = api.target.control("GET", "/messages", params={"to": "jane@example.com"}).json()["messages"]
    return str(re.findall(r"\b\d{6}\b", mails[-1]["text"])[-1])


def test_a_registered_agent_is_claimed_with_the_code_its_human_received(api: Api) -> None:
    agent = _signup(api)
    assert agent["organization_id"].startswith("org_agent_")
    status = api.call("signup_status", key=agent["api_key"], expect=200)
    assert status["restrictions"]["max_sends_per_day"] == 10
    code = {"verification_code": _code(api)}
    claimed = api.call("verify_signup", json=code, key=agent["api_key"], expect=200)
    assert claimed["claim_status"] == "agent_claimed"
    status = api.call("signup_status", key=agent["api_key"], expect=200)
    assert status["restrictions"] == {
        "max_sends_per_day": 500,
        "allowed_recipients": [],
        "can_receive": True,
        "can_create_mailboxes": True,
    }


def test_an_unclaimed_agent_may_only_send_to_its_human(api: Api) -> None:
    agent = _signup(api)
    mailbox, key = {"email_address": agent["email_address"]}, agent["api_key"]
    to_human = {"recipients": {"to": ["jane@example.com"]}, "subject": "Hi"}
    api.call("send_message", mailbox, json=to_human, key=key, expect=201)
    to_other = {"recipients": {"to": ["other@example.com"]}, "subject": "Hi"}
    api.call("send_message", mailbox, json=to_other, key=key, expect=403)


def test_after_five_wrong_codes_a_new_one_is_needed(api: Api) -> None:
    agent = _signup(api)
    key, right = agent["api_key"], _code(api)
    wrong = {"verification_code": "000000" if right != "000000" else "111111"}
    for _ in range(5):
        api.call("verify_signup", json=wrong, key=key, expect=400)
    api.call("verify_signup", json={"verification_code": right}, key=key, expect=400)
    api.call("resend_signup_verification", key=key, expect=429)
    api.target.control("POST", "/clock/advance", json={"by": "5m"})
    api.call("resend_signup_verification", key=key, expect=200)
    api.call("verify_signup", json={"verification_code": _code(api)}, key=key, expect=200)


def test_a_code_is_valid_for_48_hours(api: Api) -> None:
    agent = _signup(api)
    code = {"verification_code": _code(api)}
    api.target.control("POST", "/clock/advance", json={"by": "48h"})
    api.call("verify_signup", json=code, key=agent["api_key"], expect=400)


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
