"""What Inkbox's newest SDK and its README say of the e-mail API of today, sentence by sentence."""

from __future__ import annotations

import base64
import re
from typing import Any

import httpx

from contract.judge import Api

REVISION = "current"
_HOOK = "https://example.com/hook"
_FILE = {"filename": "report.txt", "content_type": "text/plain", "content_base64": base64.b64encode(b"report").decode()}


def _identity(api: Api, handle: str, **more: Any) -> dict[str, Any]:
    made: dict[str, Any] = api.call(
        "create_identity", json={"agent_handle": api.target.name(handle), **more}, expect=201
    )
    return made


def _at(identity: dict[str, Any], **more: str) -> dict[str, str]:
    return {"email_address": identity["email_address"], **more}


def _of(identity: dict[str, Any], **more: str) -> dict[str, str]:
    return {"agent_handle": identity["agent_handle"], **more}


def _send(api: Api, sender: dict[str, Any], to: list[str], expect: int = 201, **more: Any) -> dict[str, Any]:
    headers = more.pop("headers", {})
    body = {"recipients": {"to": to}, "subject": "Hello", "body_text": "Hi there", **more}
    sent: dict[str, Any] = api.call("send_message", _at(sender), json=body, headers=headers, expect=expect)
    return sent


def _list(api: Api, identity: dict[str, Any], **query: Any) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = api.call("list_messages", _at(identity), params=query, expect=200)["items"]
    return items


def _read(api: Api, identity: dict[str, Any], message: str) -> dict[str, Any]:
    found: dict[str, Any] = api.call("get_message", _at(identity, message_id=message), expect=200)
    return found


def _receive(api: Api, identity: dict[str, Any], subject: str, sender: str = "jane@example.com", **more: Any) -> None:
    mail = {"to": identity["email_address"], "from": sender, "subject": subject, "text": "Hello", **more}
    api.target.control("POST", "/messages", json=mail).raise_for_status()


def _scoped_key(api: Api, identity: dict[str, Any]) -> str:
    body = {"label": "Scoped", "scoped_identity_id": identity["id"]}
    return str(api.call("create_api_key", json=body, expect=201)["api_key"])


# Identities


def test_an_identity_comes_with_its_mailbox_and_its_tunnel(api: Api) -> None:
    made = _identity(api, "sales-bot", display_name="Sales Bot", description="Sells")
    handle = made["agent_handle"]
    assert made["email_address"] == f"{handle}@inkboxmail.com"
    assert made["tunnel"]["public_host"] == f"{handle}.inkboxwire.com"
    assert (made["tunnel"]["tls_mode"], made["tunnel"]["zone"]) == ("edge", "inkboxwire.com")
    assert made["mailbox"]["agent_identity_id"] == made["id"]
    assert api.call("get_identity", _of(made), expect=200) == made
    assert made["id"] in [one["id"] for one in api.call("list_identities", expect=200)]


def test_the_display_name_defaults_to_the_handle_and_an_at_sign_is_stripped(api: Api) -> None:
    name = api.target.name("stripped")
    made = api.call("create_identity", json={"agent_handle": f"@{name}", "mailbox": {}}, expect=201)
    assert (made["agent_handle"], made["display_name"]) == (name, name)


def test_the_local_part_on_the_platform_domain_is_the_handle(api: Api) -> None:
    made = _identity(api, "forced", mailbox={"email_local_part": "other", "sending_domain": None})
    assert made["email_address"].partition("@")[0] == made["agent_handle"]


def test_a_taken_handle_says_which_namespace_blocks_it(api: Api) -> None:
    made = _identity(api, "taken")
    answer = api.call("create_identity", json={"agent_handle": made["agent_handle"]}, expect=409)
    assert (answer["detail"]["error"], answer["detail"]["blocking_namespace"]) == (
        "agent_handle_unavailable",
        "identities",
    )


def test_a_passthrough_tunnel_awaits_its_certificate(api: Api) -> None:
    made = _identity(api, "passing", tunnel={"tls_mode": "passthrough"})
    assert (made["tunnel"]["tls_mode"], made["tunnel"]["status"]) == ("passthrough", "awaiting_cert")


def test_null_clears_the_description_and_what_is_omitted_stays(api: Api) -> None:
    made = _identity(api, "described", description="Something")
    named = api.call("update_identity", _of(made), json={"display_name": "New"}, expect=200)
    assert (named["display_name"], named["description"]) == ("New", "Something")
    assert api.call("update_identity", _of(made), json={"description": None}, expect=200)["description"] is None


def test_the_handle_is_fixed(api: Api) -> None:
    made = _identity(api, "fixed")
    api.call("update_identity", _of(made), json={"agent_handle": "other"}, expect=422)


def test_filter_modes_are_set_together_or_by_direction_but_not_both(api: Api) -> None:
    made = _identity(api, "filtered")
    both = api.call("update_identity", _of(made), json={"mail_filter_mode": "whitelist"}, expect=200)
    assert (both["mail_inbound_filter_mode"], both["mail_outbound_filter_mode"]) == ("whitelist", "whitelist")
    one = api.call("update_identity", _of(made), json={"mail_outbound_filter_mode": "blacklist"}, expect=200)
    assert (one["mail_inbound_filter_mode"], one["mail_outbound_filter_mode"]) == ("whitelist", "blacklist")
    mixed = {"mail_filter_mode": "whitelist", "mail_inbound_filter_mode": "whitelist"}
    api.call("update_identity", _of(made), json=mixed, expect=422)


def test_deleting_an_identity_deletes_its_mailbox_and_revokes_its_keys(api: Api) -> None:
    made = _identity(api, "passing-away")
    key = _scoped_key(api, made)
    api.call("delete_identity", _of(made), expect=204)
    api.call("get_identity", _of(made), expect=404)
    api.call("get_mailbox", _at(made), expect=404)
    api.call("whoami", key=key, expect=401)


# Mailboxes


def test_mailboxes_are_listed_and_found_by_address_or_local_part(api: Api) -> None:
    made = _identity(api, "boxed")
    box = api.call("get_mailbox", {"email_address": made["agent_handle"]}, expect=200)
    assert box["id"] == made["mailbox"]["id"]
    assert (box["sending_domain"], box["filter_mode"]) == ("inkboxmail.com", "blacklist")
    assert box["id"] in [one["id"] for one in api.call("list_mailboxes", expect=200)]


def test_a_mailbox_refuses_a_display_name_and_a_webhook_url(api: Api) -> None:
    made = _identity(api, "strict")
    for moved in ({"display_name": "New"}, {"webhook_url": _HOOK}):
        api.call("update_mailbox", _at(made), json=moved, expect=422)


def test_a_changed_filter_mode_reports_rules_that_are_redundant_now(api: Api) -> None:
    made = _identity(api, "noticed")
    rule = {"action": "block", "match_type": "domain", "match_target": "evil.test"}
    api.call("create_identity_contact_rule", _of(made), json=rule, expect=201)
    changed = api.call("update_mailbox", _at(made), json={"filter_mode": "whitelist"}, expect=200)
    assert changed["filter_mode_change_notice"] == {
        "new_filter_mode": "whitelist",
        "redundant_rule_action": "block",
        "redundant_rule_count": 1,
    }
    again = api.call("update_mailbox", _at(made), json={"filter_mode": "whitelist"}, expect=200)
    assert again["filter_mode_change_notice"] is None


def test_an_enabled_signature_is_inserted_when_mail_is_sent(api: Api) -> None:
    made = _identity(api, "signing")
    signature = {"signature_html": "<b>Ann</b>", "signature_enabled": True}
    box = api.call("update_mailbox", _at(made), json=signature, expect=200)
    assert (box["signature_html"], box["signature_text"]) == ("<b>Ann</b>", "Ann")
    sent = _send(api, made, ["jane@example.com"], body_html="<p>Hi</p>")
    assert _read(api, made, sent["id"])["body_html"] == "<p>Hi</p><b>Ann</b>"
    api.call("update_mailbox", _at(made), json={"signature_html": None, "signature_text": None}, expect=200)


def test_a_plan_without_signatures_answers_402_and_has_a_footer(api: Api) -> None:
    made = _identity(api, "unpaid")
    api.target.control("PUT", "/settings/inkbox/paid_plan", json={"value": False}).raise_for_status()
    api.call("update_mailbox", _at(made), json={"signature_enabled": True}, expect=402)
    api.call("update_mailbox", _at(made), json={"signature_html": None, "signature_enabled": False}, expect=200)
    sent = _send(api, made, ["jane@example.com"], body_text=None)
    assert _read(api, made, sent["id"])["body_text"] == "Sent with Inkbox"


def test_a_mailbox_at_its_cap_sends_nothing_until_something_is_deleted(api: Api) -> None:
    made = _identity(api, "full")
    first = _send(api, made, ["jane@example.com"])
    used = api.call("get_mailbox", _at(made), expect=200)["storage_used_bytes"]
    api.target.control("PUT", "/settings/inkbox/storage_limit_bytes", json={"value": used}).raise_for_status()
    detail = _send(api, made, ["jane@example.com"], 402)["detail"]
    assert (detail["error"], detail["limit_bytes"]) == ("storage_limit_exceeded", used)
    api.call("delete_message", _at(made, message_id=first["id"]), expect=204)
    _send(api, made, ["jane@example.com"])


# Messages


def test_a_mail_between_two_identities(api: Api) -> None:
    alice, bob = _identity(api, "alice"), _identity(api, "bob")
    sent = _send(api, alice, [bob["email_address"]], attachments=[_FILE], reply_to="desk@example.com")
    [received] = _list(api, bob)
    assert (received["message_id"], received["direction"]) == (sent["message_id"], "inbound")
    assert received["from_display_name"] == alice["display_name"]
    path = _at(bob, message_id=received["id"], filename="report.txt")
    assert api.call("get_attachment", path, expect=200)["filename"] == "report.txt"
    found = api.call("search_mailbox", _at(bob), params={"q": "there"}, expect=200)["items"]
    assert [one["id"] for one in found] == [received["id"]]


def test_getting_an_inbound_message_marks_it_read_and_listing_does_not(api: Api) -> None:
    made = _identity(api, "reader")
    _receive(api, made, "Unread")
    [message] = _list(api, made)
    assert _list(api, made)[0]["is_read"] is False
    assert _read(api, made, message["id"])["is_read"] is True
    marks = {"is_read": False, "is_starred": True}
    marked = api.call("update_message", _at(made, message_id=message["id"]), json=marks, expect=200)
    assert (marked["is_read"], marked["is_starred"]) == (False, True)


def test_a_reply_to_all_goes_to_everybody_but_oneself(api: Api) -> None:
    made = _identity(api, "answering")
    _receive(api, made, "Question", cc=["joe@example.com"])
    [message] = _list(api, made)
    suggested = _read(api, made, message["id"])["reply_all_recipients"]
    reply = api.call("reply_all", _at(made, message_id=message["id"]), json={"body_text": "Yes"}, expect=201)
    assert (reply["to_addresses"], reply["cc_addresses"]) == (suggested["to"], suggested["cc"])
    assert suggested == {"to": ["jane@example.com"], "cc": ["joe@example.com"]}
    assert (reply["subject"], reply["thread_id"]) == ("Re: Question", message["thread_id"])


def test_a_forward_starts_a_new_thread_inline_or_wrapped(api: Api) -> None:
    made = _identity(api, "passing-on")
    attached = {"filename": "report.txt", "content_base64": _FILE["content_base64"]}
    _receive(api, made, "Fwd: Original", attachments=[attached])
    [message] = _list(api, made)
    path = _at(made, message_id=message["id"])
    to = {"recipients": {"to": ["joe@example.com"]}}
    inline = api.call("forward_message", path, json={**to, "body_text": "Note"}, expect=201)
    assert (inline["subject"], inline["has_attachments"]) == ("Fwd: Original", True)
    assert inline["thread_id"] != message["thread_id"]
    assert _read(api, made, inline["id"])["body_text"].startswith("Note\n")
    bare = api.call("forward_message", path, json={**to, "include_original_attachments": False}, expect=201)
    assert bare["has_attachments"] is False
    wrapped = api.call("forward_message", path, json={**to, "mode": "wrapped"}, expect=201)
    [eml] = _read(api, made, wrapped["id"])["attachment_metadata"]
    assert eml["content_type"] == "message/rfc822"


def test_a_forward_needs_a_recipient_and_takes_no_inline_image(api: Api) -> None:
    made = _identity(api, "refusing")
    sent = _send(api, made, ["jane@example.com"])
    path = _at(made, message_id=sent["id"])
    api.call("forward_message", path, json={"recipients": {}}, expect=422)
    image = {**_FILE, "content_type": "image/png", "content_id": "chart"}
    body = {"recipients": {"bcc": ["joe@example.com"]}, "additional_attachments": [image]}
    api.call("forward_message", path, json=body, expect=422)


def test_an_inline_image_needs_html_an_image_type_and_an_id_of_its_own(api: Api) -> None:
    made, to = _identity(api, "drawing"), ["jane@example.com"]
    image = {**_FILE, "filename": "chart.png", "content_type": "image/png", "content_id": "chart"}
    _send(api, made, to, body_html='<img src="cid:chart">', attachments=[image])
    _send(api, made, to, 422, attachments=[image])
    _send(api, made, to, 422, body_html="x", attachments=[{**image, "content_type": "text/plain"}])
    _send(api, made, to, 422, body_html="x", attachments=[image, image])


def test_opens_are_counted_and_need_html(api: Api) -> None:
    made = _identity(api, "tracking")
    _send(api, made, ["jane@example.com"], 422, track_opens=True)
    sent = _send(api, made, ["jane@example.com"], body_html="<p>Hi</p>", track_opens=True)
    assert (sent["first_opened_at"], sent["open_count"]) == (None, 0)
    html = _read(api, made, sent["id"])["body_html"]
    found = re.search(r"opens/(\w+)", html)
    assert found
    opened = api.target.http.get(f"/api/v1/mail/opens/{found[1]}", headers=api.target.world_header)
    assert opened.status_code == httpx.codes.OK
    api.judge("record_open", opened)
    assert _read(api, made, sent["id"])["open_count"] == 1


def test_a_bare_end_date_covers_the_day_and_a_bare_start_date_begins_it(api: Api) -> None:
    made = _identity(api, "dated")
    sent = _send(api, made, ["jane@example.com"])
    day = sent["created_at"][:10]
    assert len(_list(api, made, start_datetime=day, end_datetime=day, direction="outbound")) == 1
    assert _list(api, made, end_datetime="2001-01-01") == []
    api.call("list_messages", _at(made), params={"tz": "Nowhere/Nothing"}, expect=400)
    api.call("list_messages", _at(made), params={"start_datetime": "tomorrow"}, expect=422)


# Sends that may be repeated


def test_the_same_key_and_input_replay_the_answer_and_other_input_is_refused(api: Api) -> None:
    made, key = _identity(api, "once"), {"Idempotency-Key": "order-1", "Prefer": "idempotency-replay"}
    first = _send(api, made, ["jane@example.com"], headers=key)
    assert _send(api, made, ["jane@example.com"], headers=key) == first
    assert len(_list(api, made)) == 1
    detail = _send(api, made, ["joe@example.com"], 409, headers=key)["detail"]
    assert detail["error"] == "idempotency_key_reused"


def test_keys_of_the_three_operations_and_of_mailboxes_are_apart(api: Api) -> None:
    made, other, key = _identity(api, "first-box"), _identity(api, "second-box"), {"Idempotency-Key": "one"}
    sent = _send(api, made, ["jane@example.com"], headers=key)
    path = _at(made, message_id=sent["id"])
    api.call("reply_all", path, json={"body_text": "More"}, headers=key, expect=201)
    api.call("forward_message", path, json={"recipients": {"to": ["joe@example.com"]}}, headers=key, expect=201)
    _send(api, other, ["jane@example.com"], headers=key)
    assert len(_list(api, made)) == 3


def test_a_key_lives_for_seven_days(api: Api) -> None:
    made, key = _identity(api, "lasting"), {"Idempotency-Key": "week"}
    first = _send(api, made, ["jane@example.com"], headers=key)
    api.target.control("POST", "/clock/advance", json={"by": "604799s"}).raise_for_status()
    assert _send(api, made, ["jane@example.com"], headers=key) == first
    api.target.control("POST", "/clock/advance", json={"by": "1s"}).raise_for_status()
    assert _send(api, made, ["jane@example.com"], headers=key)["id"] != first["id"]


def test_a_request_with_the_same_key_that_still_runs(api: Api) -> None:
    made = _identity(api, "busy")
    fault = {
        "provider": "inkbox",
        "operation": "send_message",
        "status": 409,
        "code": "idempotency_in_progress",
        "times": 1,
    }
    api.target.control("POST", "/faults", json=fault).raise_for_status()
    assert _send(api, made, ["jane@example.com"], 409)["detail"]["error"] == "idempotency_in_progress"


def test_the_message_of_a_key_can_be_looked_up(api: Api) -> None:
    made, key = _identity(api, "searching"), {"Idempotency-Key": "lost"}
    sent = _send(api, made, ["jane@example.com"], headers=key)
    query = {"sender_kind": "mailbox", "sender_id": made["mailbox"]["id"], "operation": "mail.send"}
    assert api.call("find_sent_message", params=query, headers=key, expect=200) == {"message_id": sent["id"]}
    api.call("find_sent_message", params=query, headers={"Idempotency-Key": "other"}, expect=404)


# Threads


def test_threads_lie_in_folders_and_blocked_is_the_servers(api: Api) -> None:
    made = _identity(api, "filing")
    sent = _send(api, made, ["jane@example.com"])
    path = _at(made, thread_id=sent["thread_id"])
    assert api.call("list_thread_folders", _at(made), expect=200) == ["inbox"]
    assert api.call("update_thread", path, json={"folder": "archive"}, expect=200)["folder"] == "archive"
    api.call("update_thread", path, json={"folder": "blocked"}, expect=422)
    listed = api.call("list_threads", _at(made), params={"folder": "archive"}, expect=200)["items"]
    assert [one["id"] for one in listed] == [sent["thread_id"]]
    assert len(api.call("get_thread", path, expect=200)["messages"]) == 1
    api.call("delete_thread", path, expect=204)
    api.call("get_message", _at(made, message_id=sent["id"]), expect=404)


# Contact rules


def test_a_blacklist_delivers_all_but_what_is_blocked(api: Api) -> None:
    made = _identity(api, "blocking")
    rule = {"action": "block", "match_type": "domain", "match_target": "evil.test"}
    assert api.call("create_identity_contact_rule", _of(made), json=rule, expect=201)["direction"] == "both"
    _receive(api, made, "Blocked", "x@evil.test")
    _receive(api, made, "Delivered")
    assert [one["subject"] for one in _list(api, made)] == ["Delivered"]
    kept = api.call("list_threads", _at(made), params={"folder": "blocked"}, expect=200)["items"]
    assert [one["subject"] for one in kept] == ["Blocked"]
    sent = _send(api, made, ["x@evil.test"])
    assert _read(api, made, sent["id"])["status"] == "failed"


def test_a_whitelist_delivers_only_what_is_allowed_in_its_direction(api: Api) -> None:
    made = _identity(api, "allowing")
    rule = {
        "action": "allow",
        "match_type": "exact_email",
        "match_target": "jane@example.com",
        "direction": "inbound",
    }
    api.call("create_identity_contact_rule", _of(made), json=rule, expect=201)
    api.call("update_identity", _of(made), json={"mail_filter_mode": "whitelist"}, expect=200)
    _receive(api, made, "Allowed")
    _receive(api, made, "Not allowed", "joe@example.com")
    assert [one["subject"] for one in _list(api, made)] == ["Allowed"]
    sent = _send(api, made, ["jane@example.com"])
    assert _read(api, made, sent["id"])["status"] == "failed", "receiving permission is none to reply"


def test_a_duplicate_rule_names_the_one_that_is_there(api: Api) -> None:
    made = _identity(api, "repeating")
    rule = {"action": "allow", "match_type": "domain", "match_target": "example.com"}
    first = api.call("create_identity_contact_rule", _of(made), json=rule, expect=201)
    for again in (rule, {**rule, "match_target": "EXAMPLE.com", "action": "block", "direction": "inbound"}):
        answer = api.call("create_identity_contact_rule", _of(made), json=again, expect=409)
        assert answer["detail"]["existing_rule_id"] == first["id"]


def test_a_rule_is_split_and_becomes_one_again_and_old_ids_lead_to_it(api: Api) -> None:
    made = _identity(api, "splitting")
    rule = {"action": "allow", "match_type": "domain", "match_target": "example.com", "direction": "outbound"}
    first = api.call("create_identity_contact_rule", _of(made), json=rule, expect=201)
    extended = api.call("create_identity_contact_rule", _of(made), json={**rule, "direction": "inbound"}, expect=201)
    assert (extended["id"], extended["direction"]) == (first["id"], "both")
    path = _of(made, rule_id=first["id"])
    change = {"action": "block", "apply_to": "inbound"}
    split = api.call("update_identity_contact_rule", path, json=change, expect=200)
    assert (split["action"], split["direction"]) == ("block", "inbound")
    listed = api.call("list_identity_contact_rules", _of(made), params={"direction": "outbound"}, expect=200)
    assert [(one["id"], one["direction"]) for one in listed] == [(first["id"], "outbound")]
    one = api.call("update_identity_contact_rule", _of(made, rule_id=split["id"]), json={"action": "allow"}, expect=200)
    assert one["direction"] == "both"
    assert api.call("get_identity_contact_rule", path, expect=200) == one
    refused: list[dict[str, str]] = [{"apply_to": "inbound"}, {}, {**change, "direction": "both"}]
    for wrong in refused:
        api.call("update_identity_contact_rule", path, json=wrong, expect=422)
    api.call("delete_identity_contact_rule", path, expect=204)
    api.call("get_identity_contact_rule", path, expect=404)


def test_the_legacy_routes_are_keyed_by_the_mailbox(api: Api) -> None:
    made = _identity(api, "legacy")
    rule = {"action": "block", "match_type": "exact_email", "match_target": "x@evil.test"}
    first = api.call("create_mailbox_contact_rule", _at(made), json=rule, expect=201)
    assert first["mailbox_id"] == made["mailbox"]["id"]
    path = _at(made, rule_id=first["id"])
    assert api.call("update_mailbox_contact_rule", path, json={"direction": "inbound"}, expect=200)["direction"]
    assert [one["id"] for one in api.call("list_mailbox_contact_rules", _at(made), expect=200)] == [first["id"]]
    query = {"mailbox_id": made["mailbox"]["id"]}
    assert [one["id"] for one in api.call("list_contact_rules", params=query, expect=200)] == [first["id"]]
    assert api.call("get_mailbox_contact_rule", path, expect=200)["direction"] == "inbound"
    api.call("delete_mailbox_contact_rule", path, expect=204)


# Drafts


def test_a_draft_may_be_empty_and_is_edited_under_its_generation(api: Api) -> None:
    made = _identity(api, "drafting")
    draft = api.call("create_draft", _at(made), json={}, expect=201)
    path = _at(made, draft_id=draft["id"])
    change = {"generation": draft["generation"], "recipients": {"to": ["jane@example.com"]}, "subject": "Hi"}
    edited = api.call("update_draft", path, json=change, expect=200)
    assert (edited["generation"] > draft["generation"], edited["to_addresses"]) == (True, ["jane@example.com"])
    stale = api.call("update_draft", path, json=change, expect=409)
    assert stale["detail"]["error"] == "draft_generation_conflict"
    cleared = api.call("update_draft", path, json={"generation": edited["generation"], "subject": None}, expect=200)
    assert (cleared["subject"], cleared["to_addresses"]) == (None, ["jane@example.com"])
    assert api.call("get_draft", path, expect=200) == cleared
    api.call("delete_draft", path, params={"generation": cleared["generation"]}, expect=204)
    assert api.call("list_drafts", _at(made), expect=200)["items"] == []


def test_attachments_of_a_draft_are_added_fetched_and_removed(api: Api) -> None:
    made = _identity(api, "attaching")
    draft = api.call("create_draft", _at(made), json={"attachments": [_FILE]}, expect=201)
    path = _at(made, draft_id=draft["id"])
    more = {"generation": draft["generation"], "attachments": [{**_FILE, "filename": "two.txt"}]}
    draft = api.call("add_draft_attachments", path, json=more, expect=200)
    assert [part["filename"] for part in draft["attachment_metadata"]] == ["report.txt", "two.txt"]
    lock = {"generation": draft["generation"]}
    draft = api.call("remove_draft_attachment", {**path, "part_index": "0"}, params=lock, expect=200)
    assert [part["filename"] for part in draft["attachment_metadata"]] == ["two.txt"]
    api.call(
        "get_draft_attachment", {**path, "part_index": "5"}, params={"generation": draft["generation"]}, expect=404
    )


def test_a_copy_leaves_the_source_as_it_is(api: Api) -> None:
    made = _identity(api, "copying")
    draft = api.call("create_draft", _at(made), json={"subject": "One"}, expect=201)
    path = _at(made, draft_id=draft["id"])
    copy = api.call("duplicate_draft", path, json={"generation": draft["generation"]}, expect=201)
    assert (copy["id"] != draft["id"], copy["subject"]) == (True, "One")
    assert api.call("get_draft", path, expect=200) == draft


def test_a_draft_that_is_sent_is_a_message_and_disappears(api: Api) -> None:
    made = _identity(api, "sending")
    _receive(api, made, "Question")
    [question] = _list(api, made)
    body = {
        "recipients": {"to": ["jane@example.com"]},
        "subject": "Re: Question",
        "body_text": "Yes",
        "in_reply_to_message_id": question["message_id"],
    }
    draft = api.call("create_draft", _at(made), json=body, expect=201)
    path, lock = _at(made, draft_id=draft["id"]), {"generation": draft["generation"]}
    sent = api.call("send_draft", path, json=lock, expect=201)
    assert sent["thread_id"] == question["thread_id"]
    api.call("get_draft", path, expect=404)
    assert api.call("send_draft", path, json=lock, expect=201)["id"] == sent["id"], "an exact retry"
    empty = api.call("create_draft", _at(made), json={}, expect=201)
    lock = {"generation": empty["generation"]}
    api.call("send_draft", _at(made, draft_id=empty["id"]), json=lock, expect=422)


def test_a_draft_forwards_a_message(api: Api) -> None:
    made = _identity(api, "forwarding")
    _receive(api, made, "Original")
    [original] = _list(api, made)
    body = {"forward_message_id": original["id"], "forward_note_text": "Note"}
    draft = api.call("create_draft", _at(made), json=body, expect=201)
    assert (draft["forward_source_message_id"], draft["subject"]) == (original["id"], "Fwd: Original")
    assert draft["body_text"].startswith("Note\n")
    api.call("create_draft", _at(made), json={"forward_note_text": "Note"}, expect=422)


def test_a_draft_that_is_created_twice_with_one_key_is_one(api: Api) -> None:
    made, key = _identity(api, "drafting-once"), {"Idempotency-Key": "draft"}
    first = api.call("create_draft", _at(made), json={"subject": "A"}, headers=key, expect=201)
    assert api.call("create_draft", _at(made), json={"subject": "A"}, headers=key, expect=201) == first
    api.call("create_draft", _at(made), json={"subject": "B"}, headers=key, expect=409)


# Imports


def _upload(api: Api, target: dict[str, Any], data: bytes) -> httpx.Response:
    url = target["url"].removeprefix(api.target.base_url)
    request = api.target.http.build_request("POST", url, data=target["fields"], files={"file": ("mail", data)})
    request.read()  # the judge looks at it
    return api.target.http.send(request)


def test_an_import_is_created_uploaded_started_and_done(api: Api) -> None:
    api.target.needs_emulator("uploads to a store of the vendor's")
    made = _identity(api, "importing")
    created = api.call("create_import", _at(made), json={"original_addresses": ["old@example.com"]}, expect=201)
    assert (created["job"]["status"], created["upload"]["expires_in_seconds"]) == ("pending_upload", 300)
    path = _at(made, job_id=created["job"]["id"])
    api.call("start_import", path, expect=409)
    api.call("create_import", _at(made), json={}, expect=409)
    target = api.call("refresh_import_upload", path, expect=200)
    mail = b"From: old@example.com\r\nSubject: Old\r\nMessage-ID: <1@old>\r\n\r\nHi\r\n"
    api.judge("upload_import", _upload(api, target, mail))
    assert api.call("start_import", path, expect=200)["status"] == "queued"
    job = api.call("get_import", path, expect=200)
    assert (job["status"], job["messages_imported"], job["upload_size_bytes"]) == ("completed", 1, len(mail))
    [message] = _list(api, made)
    assert (message["direction"], message["is_read"], message["import_job_id"]) == ("outbound", True, job["id"])
    api.call("cancel_import", path, expect=409)
    assert [one["id"] for one in api.call("list_imports", _at(made), expect=200)["items"]] == [job["id"]]


def test_a_file_that_is_not_what_it_is_said_to_be_fails(api: Api) -> None:
    api.target.needs_emulator("uploads to a store of the vendor's")
    made = _identity(api, "failing")
    created = api.call("create_import", _at(made), json={"source_format": "zip"}, expect=201)
    path, target = _at(made, job_id=created["job"]["id"]), created["upload"]
    _upload(api, target, b"PK nothing")
    api.call("start_import", path, expect=200)
    job = api.call("get_import", path, expect=200)
    assert (job["status"], job["error_detail"]) == ("failed", "The archive cannot be read")


# Webhooks


def test_the_first_subscription_of_an_identity_shows_its_signing_key_once(api: Api) -> None:
    made = _identity(api, "hooked")
    body = {"url": _HOOK, "event_types": ["message.received"], "agent_identity_id": made["id"]}
    first = api.call("create_subscription", json=body, expect=201)
    assert first["signing_key"]
    assert first["owner_identity_id"] == made["id"]
    by_mailbox = {**body, "mailbox_id": made["mailbox"]["id"], "agent_identity_id": None}
    second = api.call("create_subscription", json=by_mailbox, expect=201)
    assert (second["signing_key"], second["mailbox_id"]) == (None, made["mailbox"]["id"])
    assert api.call("get_identity_signing_key", _of(made), expect=200)["configured"] is True
    query = {"agent_identity_id": made["id"]}
    listed = api.call("list_subscriptions", params=query, expect=200)["subscriptions"]
    assert [one["id"] for one in listed] == [first["id"], second["id"]]
    api.call("list_subscriptions", params={**query, "mailbox_id": made["mailbox"]["id"]}, expect=422)


def test_a_subscription_has_one_owner_and_known_distinct_events(api: Api) -> None:
    made = _identity(api, "wrong-hooks")
    body = {"url": _HOOK, "event_types": ["message.received"], "agent_identity_id": made["id"]}
    refused: list[dict[str, Any]] = [
        {"event_types": []},
        {"event_types": ["message.received"] * 2},
        {"event_types": ["message.unknown"]},
        {"agent_identity_id": None},
        {"mailbox_id": made["mailbox"]["id"]},
        {"url": "http://example.com/hook"},
        {"context_config": {"email": {"mode": "count", "count": 51}}},
    ]
    for wrong in refused:
        api.call("create_subscription", json={**body, **wrong}, expect=422)


def test_context_and_token_are_left_replaced_or_cleared(api: Api) -> None:
    made = _identity(api, "tri-state")
    body = {
        "url": _HOOK,
        "event_types": ["message.received"],
        "agent_identity_id": made["id"],
        "auth_token": "token",
        "context_config": {"email": {"mode": "window", "hours": 24}},
    }
    hook = {"subscription_id": api.call("create_subscription", json=body, expect=201)["id"]}
    same = api.call("update_subscription", hook, json={"url": f"{_HOOK}/2"}, expect=200)
    assert (same["auth_token"], same["has_auth_token"], same["context_config"]["texts"]) == ("token", True, None)
    cleared = api.call("update_subscription", hook, json={"auth_token": None, "context_config": None}, expect=200)
    assert (cleared["auth_token"], cleared["has_auth_token"], cleared["context_config"]) == (None, False, None)
    assert api.call("get_subscription", hook, expect=200) == cleared
    api.call("delete_subscription", hook, expect=204)
    api.call("get_subscription", hook, expect=404)


def test_mixed_subscriptions_need_the_scope_of_the_identity(api: Api) -> None:
    assert api.call("get_webhook_catalog", expect=200)["supports_identity_subscriptions"] is True
    made = _identity(api, "mixing")
    events = ["message.received", "text.received"]
    body = {"url": _HOOK, "event_types": events, "agent_identity_id": made["id"]}
    hook = api.call("create_subscription", json=body, expect=201)["id"]
    query = {"agent_identity_id": made["id"]}
    assert api.call("list_subscriptions", params=query, expect=200)["subscriptions"] == []
    scoped = {**query, "scope": "identity"}
    assert len(api.call("list_subscriptions", params=scoped, expect=200)["subscriptions"]) == 1
    path = {"subscription_id": hook}
    api.call("update_subscription", path, json={"url": _HOOK}, expect=409)
    api.call("update_subscription", path, json={"url": _HOOK}, params={"scope": "identity"}, expect=200)
    api.call("delete_subscription", path, expect=409)
    api.call("delete_subscription", path, params={"scope": "identity"}, expect=204)


def test_attempts_are_logged_and_can_be_replayed_while_the_event_is_wanted(api: Api) -> None:
    made = _identity(api, "logging")
    body = {"url": _HOOK, "event_types": ["message.received", "message.sent"], "agent_identity_id": made["id"]}
    hook = {"subscription_id": api.call("create_subscription", json=body, expect=201)["id"]}
    _receive(api, made, "Hello")
    [row] = api.call("list_webhook_deliveries", params=hook, expect=200)["deliveries"]
    assert (row["event_type"], row["replayable"], row["response_status"]) == ("message.received", True, None)
    again = api.call("replay_webhook_delivery", {"delivery_id": row["id"]}, expect=200)
    assert (again["is_replay"], again["event_id"]) == (True, row["event_id"])
    failed = {**hook, "success": "true"}
    assert api.call("list_webhook_deliveries", params=failed, expect=200)["deliveries"] == []
    api.call("update_subscription", hook, json={"event_types": ["message.sent"]}, expect=200)
    api.call("replay_webhook_delivery", {"delivery_id": row["id"]}, expect=409)


# Keys


def test_a_key_of_one_identity_sees_that_one_alone(api: Api) -> None:
    mine, other = _identity(api, "mine"), _identity(api, "others")
    key = _scoped_key(api, mine)
    assert api.call("whoami", key=key, expect=200)["auth_subtype"].startswith("api_key.agent_scoped.")
    assert [one["id"] for one in api.call("list_identities", key=key, expect=200)] == [mine["id"]]
    assert [one["id"] for one in api.call("list_mailboxes", key=key, expect=200)] == [mine["mailbox"]["id"]]
    assert api.call("get_own_api_key", key=key, expect=200)["scoped_identity_id"] == mine["id"]
    api.call("get_mailbox", _at(other), key=key, expect=404)
    api.call("get_identity", _of(other), key=key, expect=404)
    api.call("create_identity", json={"agent_handle": "third"}, key=key, expect=403)
    api.call("delete_identity", _of(mine), key=key, expect=403)
    api.call("update_mailbox", _at(mine), json={"filter_mode": "whitelist"}, key=key, expect=403)
    api.call("list_contact_rules", key=key, expect=403)
    rule = {"action": "allow", "match_type": "domain", "match_target": "example.com"}
    made = api.call("create_identity_contact_rule", _of(mine), json=rule, key=key, expect=201)
    api.call("delete_identity_contact_rule", _of(mine, rule_id=made["id"]), key=key, expect=403)


def test_an_api_key_makes_scoped_keys_only(api: Api) -> None:
    api.call("create_api_key", json={"label": "Admin"}, expect=403)
    made = _identity(api, "keyed")
    body = {"label": "One", "description": "For it", "scoped_identity_id": made["id"]}
    answer = api.call("create_api_key", json=body, expect=201)
    assert answer["api_key"].endswith(answer["record"]["last4"])
    assert (answer["record"]["label"], answer["record"]["status"]) == ("One", "active")


def test_signing_keys_are_of_identities_and_rotate(api: Api) -> None:
    made = _identity(api, "rotating")
    assert api.call("get_identity_signing_key", _of(made), expect=200) == {"configured": False, "created_at": None}
    first = api.call("create_identity_signing_key", _of(made), json={}, expect=201)["signing_key"]
    assert api.call("create_identity_signing_key", _of(made), json={}, expect=201)["signing_key"] != first
    assert api.call("get_signing_key_status", expect=200)["configured"] is True
    api.call("create_signing_key", json={}, expect=409)
    assert api.call("create_signing_key", json={}, key=_scoped_key(api, made), expect=201)["signing_key"]


def test_401_without_a_key_and_with_a_wrong_one(api: Api) -> None:
    api.call("list_identities", key=None, expect=401)
    api.call("list_identities", key="wrong", expect=401)


# Domains


def test_the_default_domain_is_where_new_mailboxes_are(api: Api) -> None:
    chosen = {"value": ["mail.acme.com", "new.acme.com:pending"]}
    api.target.control("PUT", "/settings/inkbox/sending_domains", json=chosen).raise_for_status()
    listed = api.call("list_domains", params={"status": "verified"}, expect=200)
    assert [(one["domain"], one["is_default"]) for one in listed] == [("mail.acme.com", False)]
    chosen = api.call("set_default_domain", {"domain_name": "mail.acme.com"}, json={}, expect=200)
    assert chosen == {"default_domain": "mail.acme.com"}
    made = _identity(api, "acme", mailbox={"email_local_part": "info"})
    assert (made["email_address"], made["mailbox"]["sending_domain"]) == ("info@mail.acme.com", "mail.acme.com")
    _receive(api, made, "To our own domain")
    assert len(_list(api, made)) == 1
    api.call("set_default_domain", {"domain_name": "new.acme.com"}, json={}, expect=409)
    reset = api.call("set_default_domain", {"domain_name": "inkboxmail.com"}, json={}, expect=200)
    assert reset == {"default_domain": None}


# Agents that register themselves


def test_an_unclaimed_agent_may_write_to_its_human_only_until_it_is_verified(api: Api) -> None:
    human = _identity(api, "human")
    body = {"human_email": human["email_address"], "note_to_human": "Hello", "agent_handle": "claimed-bot"}
    made = api.call("agent_signup", json=body, key=None, expect=201)
    key, agent = made["api_key"], {"email_address": made["email_address"]}
    assert api.call("signup_status", key=key, expect=200)["restrictions"]["max_sends_per_day"] == 5
    mail = {"recipients": {"to": ["joe@example.com"]}, "subject": "Hi"}
    api.call("send_message", agent, json=mail, key=key, expect=403)
    api.call("resend_signup_verification", key=key, expect=429)
    api.call("verify_signup", json={"verification_code": "000000"}, key=key, expect=400)
    [message] = _list(api, human)
    code = message["subject"].split()[-1]
    claimed = api.call("verify_signup", json={"verification_code": code}, key=key, expect=200)
    assert claimed["claim_status"] == "agent_claimed"
    api.call("send_message", agent, json=mail, key=key, expect=201)
    api.call("agent_signup", json=body, key=None, expect=409)
