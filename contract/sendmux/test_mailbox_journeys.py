"""What Sendmux's documentation says of its Mailbox API, sentence by sentence, and what the emulator assumes."""

from __future__ import annotations

import base64
from typing import Any

import httpx
import pytest

from contract.judge import Api

_TEXT = "Hi there\n\nSee https://example.com/report now.\n\n-- \nJane\nACME\n"
_QUOTE = "\nOn Mon, 1 Dec 2025 at 10:00, Bob <bob@example.com> wrote:\n> earlier https://example.com/old\n"
_TYPES = ("messages", "folders", "threads", "submissions", "identities", "quotas")

Json = dict[str, Any]


def _address(api: Api) -> str:
    address: str = api.call("get_own_mailbox", expect=200)["data"]["email"]
    return address


def _send(api: Api, subject: str = "Hello", to: str | None = None, **more: Any) -> str:
    body = {"to": [{"email": to or _address(api), "name": None}], "subject": subject, "text_body": "Hi", **more}
    sent: Json = api.call("send_mailbox_message", json=body, expect=200)["data"]
    assert sent["status"] == "queued"
    message_id: str = sent["message_id"]
    return message_id


def _list(api: Api, **query: Any) -> list[Json]:
    found: list[Json] = api.call("list_messages", params=query, expect=200)["data"]
    return found


def _arrived(api: Api, count: int = 1) -> list[Json]:
    """Return what is in the inbox, once so many mails are there."""
    return api.until(lambda: _list(api, folder_id="inbox"), lambda found: len(found) >= count)


def _received(api: Api, subject: str = "Hello", **more: Any) -> Json:
    """Send a mail to oneself and return what came in."""
    _send(api, subject, **more)
    arrived = api.until(lambda: [item for item in _list(api, folder_id="inbox") if item["subject"] == subject])
    return arrived[0]


def _at(item: Json) -> dict[str, str]:
    return {"message_id": item["id"]}


def _read(api: Api, item: Json) -> Json:
    detail: Json = api.call("get_message", _at(item), expect=200)["data"]
    return detail


def _attached(data: bytes = b"0123456789") -> list[Json]:
    content = base64.b64encode(data).decode()
    return [{"filename": "numbers.txt", "content_type": "text/plain", "content": content}]


def _anonymous(api: Api, method: str, url: str, **options: Any) -> httpx.Response:
    """Use a URL of an answer as it is, without a key."""
    return api.target.http.request(method, url, **options)


def _state(api: Api, **query: str) -> str:
    state: str = api.call("get_changes", params=query, expect=200)["data"]["new_state"]
    return state


def _error(answer: Json) -> str:
    code: str = answer["error"]["code"]
    return code


# Account and identity


def test_a_root_key_is_refused(api: Api) -> None:
    for operation in ("list_messages", "get_session", "list_folders"):
        answer = api.call(operation, key=api.target.api_key, expect=403)
        assert _error(answer) == "insufficient_permissions"


def test_a_key_is_needed(api: Api) -> None:
    assert _error(api.call("list_messages", key=None, expect=401)) == "authentication_required"
    assert _error(api.call("list_messages", key="smx_mbx_wrong_key_of_nobody", expect=401)) == "authentication_required"


def test_a_mailbox_outside_the_grant_is_refused(api: Api) -> None:
    mailbox_id = api.call("get_own_mailbox", expect=200)["data"]["id"]
    api.call("list_messages", params={"mailbox_id": mailbox_id}, expect=200)
    answer = api.call("list_messages", params={"mailbox_id": "mbx_clsomebodyelses"}, expect=403)
    assert _error(answer) == "insufficient_permissions"


def test_the_mailbox_shows_what_it_uses(api: Api) -> None:
    before = api.call("get_own_mailbox", expect=200)["data"]
    _send(api)
    after = api.call("get_own_mailbox", expect=200)["data"]
    assert after["quota_used_bytes"] > before["quota_used_bytes"]
    assert api.call("list_granted_mailboxes", expect=200)["data"] == [{"id": after["id"], "email": after["email"]}]
    assert api.call("list_granted_mailboxes", params={"q": "nobody@nowhere"}, expect=200)["data"] == []


def test_the_connection_names_team_key_permissions_and_mailbox(api: Api) -> None:
    connection = api.call("get_mailbox_connection", expect=200)["data"]
    assert connection["credential"]["type"] == "api_key"
    assert {"mailbox.read", "email.send"} <= set(connection["permissions"])
    assert [box["email"] for box in connection["mailboxes"]] == [_address(api)]


def test_the_session_tells_limits_capabilities_and_states(api: Api) -> None:
    session = api.call("get_session", expect=200)["data"]
    assert (session["limits"]["list_limit_max"], session["limits"]["changes_limit_max"]) == (100, 500)
    assert session["limits"]["attachment_upload_bytes_max"] == 7_500_000
    assert session["capabilities"]["sync"]["query_changes"] == ["messages", "folders"]
    assert "GET /mailbox/messages" in session["endpoints"]["messages"]
    assert session["states"]["messages"] == _state(api)


def test_the_identity_gives_name_and_signature_to_what_is_sent(api: Api) -> None:
    changes = {"name": "Support", "text_signature": "Yours", "html_signature": "<i>Yours</i>"}
    identity = api.call("update_identity", json=changes, expect=200)["data"]
    assert {**identity, **changes} == identity
    assert api.call("list_identities", expect=200)["data"] == [identity]
    both = _read(api, _received(api, "Both", text_body="Hi", html_body="<p>Hi</p>"))
    assert both["from"] == {"email": _address(api), "name": "Support"}
    assert (both["text_body"], both["html_body"]) == ("Hi\n\nYours", "<p>Hi</p><br><br><i>Yours</i>")
    plain = _read(api, _received(api, "Plain"))
    assert plain["html_body"] is None, "the signature belongs to a body of its format"
    cleared = api.call("update_identity", json={"name": None, "text_signature": ""}, expect=200)["data"]
    assert (cleared["name"], cleared["text_signature"], cleared["html_signature"]) == ("", "", "<i>Yours</i>")


def test_a_signature_has_at_most_2047_characters_and_a_name_254(api: Api) -> None:
    api.call("update_identity", json={"text_signature": "x" * 2047, "name": "x" * 254}, expect=200)
    assert _error(api.call("update_identity", json={"text_signature": "x" * 2048}, expect=400)) == "invalid_parameter"
    api.call("update_identity", json={"name": "x" * 255}, expect=400)


def test_the_quota_and_the_usage_agree(api: Api) -> None:
    _send(api)
    [quota] = api.call("list_quotas", expect=200)["data"]
    [resource] = api.call("get_usage", expect=200)["data"]["resources"]
    assert (resource["used"], resource["quota_id"]) == (quota["used"], quota["id"])
    assert (resource["limit_status"], quota["resource_type"]) == ("ok", "octets")
    assert api.call("list_quotas", params={"scope": "domain"}, expect=200)["data"] == []


# Messages


def test_a_mail_to_oneself_is_sent_and_received(api: Api) -> None:
    message_id = _send(api, "Ping")
    _arrived(api)
    received, sent = _list(api)
    assert sent["id"] == message_id
    assert (sent["folder_ids"], received["folder_ids"]) == (["sent"], ["inbox"])
    assert (sent["flags"]["seen"], received["flags"]["seen"]) == (True, False)
    assert received["thread_id"] == sent["thread_id"]


def test_every_key_of_a_message_is_always_there(api: Api) -> None:
    message = _read(api, _received(api))
    assert (message["cc"], message["bcc"], message["html_body"], message["in_reply_to"]) == ([], [], None, [])
    assert not any(message_id.startswith("<") for message_id in message["message_id"])


def test_a_reply_by_its_headers_joins_the_thread(api: Api) -> None:
    first = _read(api, _received(api, "First"))
    _send(api, "Re: First", custom_headers={"In-Reply-To": first["message_id"][0], "X-Mine": "yes"})
    _arrived(api, 2)
    thread = api.call("get_thread", {"thread_id": first["thread_id"]}, expect=200)["data"]
    assert thread["message_count"] == 4
    [reply, *_] = _list(api, header_name="X-Mine", header_value="YES")
    assert _read(api, reply)["in_reply_to"] == first["message_id"]


def test_names_of_recipients_are_kept(api: Api) -> None:
    me = _address(api)
    people = {
        "cc": [{"email": "cc@example.com", "name": "Doe, Jane"}],
        "bcc": [{"email": "b@example.com", "name": None}],
    }
    reply_to = [{"email": "r@example.com", "name": "Réply"}]
    message_id = _send(api, "Named", to=me, **people, reply_to=reply_to)
    mine = api.call("get_message", {"message_id": message_id}, expect=200)["data"]
    assert (mine["cc"], mine["bcc"], mine["reply_to"]) == (people["cc"], people["bcc"], reply_to)
    assert _arrived(api)[0]["bcc"] == [], "nobody else learns of bcc"


def test_the_sender_has_to_be_the_mailbox(api: Api) -> None:
    me = {"email": _address(api), "name": "Me myself"}
    assert _received(api, "Mine", **{"from": me})["from"] == me
    body = {"to": [me], "subject": "x", "from": {"email": "other@example.com", "name": None}}
    assert _error(api.call("send_mailbox_message", json=body, expect=403)) == "insufficient_permissions"


def test_an_idempotency_key_sends_once(api: Api) -> None:
    body = {"to": [{"email": _address(api), "name": None}], "subject": "Once"}
    headers = {"Idempotency-Key": "once"}
    first = api.call("send_mailbox_message", json=body, headers=headers, expect=200)
    assert api.call("send_mailbox_message", json=body, headers=headers, expect=200) == first
    other = {**body, "subject": "Twice"}
    answer = api.call("send_mailbox_message", json=other, headers=headers, expect=409)
    assert (_error(answer), answer["error"]["retryable"]) == ("idempotency_conflict", False)
    _arrived(api)
    assert len(_list(api)) == 2


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"q": "quarterly NUMBERS"}, ["report"]),
        ({"subject": "rep"}, ["report"]),
        ({"body": "lunch"}, ["lunch"]),
        ({"cc": "doe"}, ["report"]),
        ({"has_attachment": True}, ["report"]),
        ({"keyword": "$flagged"}, ["lunch"]),
        ({"not_keyword": "$flagged"}, ["report"]),
        ({"is_unread": True}, ["lunch"]),
        ({"min_size_bytes": 1, "max_size_bytes": 2}, []),
        ({"after": "2000-01-01", "before": "2001-01-01"}, []),
        ({"sort_by": "subject", "sort_direction": "asc"}, ["lunch", "report"]),
        ({"sort_by": "size_bytes"}, ["report", "lunch"]),
    ],
    ids=str,
)
def test_messages_are_filtered_and_sorted(api: Api, query: Json, found: list[str]) -> None:
    people = [{"email": "cc@example.com", "name": "Jane Doe"}]
    report = _received(api, "report", text_body="The quarterly numbers", cc=people, attachments=_attached())
    lunch = _received(api, "lunch", text_body="Lunch?")
    api.call("update_message", _at(report), json={"seen": True}, expect=200)
    api.call("update_message", _at(lunch), json={"flagged": True}, expect=200)
    wanted = {"folder_id": "inbox", **query}
    assert [item["subject"] for item in _list(api, **wanted)] == found
    counted = {name: value for name, value in wanted.items() if not name.startswith("sort")}
    assert api.call("count_messages", params=counted, expect=200)["data"]["total"] == len(found)


def test_thread_id_excludes_every_other_filter(api: Api) -> None:
    thread_id = _received(api)["thread_id"]
    assert len(_list(api, thread_id=thread_id)) == 2
    answer = api.call("list_messages", params={"thread_id": thread_id, "q": "x"}, expect=400)
    assert _error(answer) == "invalid_parameter"
    api.call("count_messages", params={"header_name": "Subject"}, expect=400)


@pytest.mark.parametrize("sort_by", ["received_at", "subject"])
def test_pages_hold_every_message_once(api: Api, sort_by: str) -> None:
    for number in range(5):
        _send(api, f"{number}", to="somebody@example.com")
    query, seen = {"limit": 2, "sort_by": sort_by}, list[str]()
    while True:
        answer = api.call("list_messages", params=query, expect=200)
        seen += [item["subject"] for item in answer["data"]]
        assert len(seen) <= len("43210"), "a page comes again"
        if not answer["pagination"]["has_more"]:
            assert "next_cursor" not in answer["pagination"]
            break
        query["cursor"] = answer["pagination"]["next_cursor"]
    assert seen == list("43210")
    api.call("list_messages", params={"cursor": "nonsense"}, expect=400)


def test_an_unknown_message_is_404(api: Api) -> None:
    nobody = {"message_id": "msg_nobody"}
    for operation in ("get_message", "get_message_body", "get_message_content", "delete_message"):
        assert _error(api.call(operation, nobody, expect=404)) == "not_found"
    api.call("update_message", nobody, json={"seen": True}, expect=404)


def test_keyword_names_are_lower_cased_and_lifecycle_keywords_are_read_only(api: Api) -> None:
    item = _received(api)
    marks = {"seen": True, "flagged": True, "keywords": {"Needs_Reply": True, "$answered": True}}
    marked = api.call("update_message", _at(item), json=marks, expect=200)["data"]
    assert marked["keywords"] == ["$answered", "$flagged", "$seen", "needs_reply"]
    assert marked["flags"] == {"seen": True, "flagged": True, "draft": False, "answered": True}
    cleared = api.call("update_message", _at(item), json={"keywords": {"needs_reply": False}}, expect=200)["data"]
    assert cleared["keywords"] == ["$answered", "$flagged", "$seen"]
    answer = api.call("update_message", _at(item), json={"keywords": {"$draft": True}}, expect=400)
    assert _error(answer) == "invalid_parameter"


def test_if_match_refuses_a_change_of_what_has_changed(api: Api) -> None:
    item = _received(api)
    tag = _tag(api, "get_message", _at(item))
    api.call("update_message", _at(item), json={"seen": True}, headers={"If-Match": tag}, expect=200)
    answer = api.call("update_message", _at(item), json={"seen": False}, headers={"If-Match": tag}, expect=409)
    assert (_error(answer), answer["error"]["retryable"]) == ("conflict", False)
    api.call("delete_message", _at(item), headers={"If-Match": tag}, expect=409)
    api.call("delete_message", _at(item), headers={"If-Match": _tag(api, "get_message", _at(item))}, expect=200)


@pytest.mark.parametrize(
    "operation",
    [
        "get_own_mailbox",
        "get_mailbox_connection",
        "get_session",
        "get_usage",
        "get_message",
        "get_message_body",
        "get_message_content",
        "get_thread",
        "get_thread_content",
        "get_submission",
        "get_folder",
    ],
)
def test_if_none_match_spares_the_body(api: Api, operation: str) -> None:
    item = _received(api)
    [submission] = api.call("list_submissions", expect=200)["data"]
    known = {"message": item["id"], "thread": item["thread_id"], "submission": submission["id"], "folder": "inbox"}
    path = {f"{name}_id": value for name, value in known.items() if operation.startswith(f"get_{name}")}
    tag = _tag(api, operation, path)
    assert tag.startswith('W/"')
    assert api.call(operation, path, headers={"If-None-Match": tag}, expect=304) is None
    api.call(operation, path, headers={"If-None-Match": 'W/"other"'}, expect=200)


def _tag(api: Api, operation: str, path: dict[str, str]) -> str:
    known = api.target.provider.document.operations[operation]
    headers = api.target.provider.key_headers(api.key_of("list_messages"))
    response = api.target.http.request(known.method, known.path.format(**path), headers=headers)
    assert response.status_code == httpx.codes.OK
    return response.headers["ETag"]


def test_deleting_moves_to_the_trash_and_permanent_destroys(api: Api) -> None:
    item = _received(api)
    answer = api.call("delete_message", _at(item), expect=200)
    assert answer["data"] == {"deleted": True, "id": item["id"]}
    assert _read(api, item)["folder_ids"] == ["trash"]
    api.call("delete_message", _at(item), params={"permanent": True}, expect=200)
    api.call("get_message", _at(item), expect=404)


# Bodies, content and attachments


def test_the_raw_body_is_given_as_it_came(api: Api) -> None:
    item = _received(api, text_body=_TEXT + _QUOTE, html_body="<p>Hi</p>")
    raw = api.call("get_message_body", _at(item), expect=200)["data"]
    assert (raw["part"], raw["body"]["html"]) == ("both", "<p>Hi</p>")
    assert "earlier" in raw["body"]["text"]
    cut = api.call("get_message_body", _at(item), params={"part": "text", "max_body_chars": 2}, expect=200)["data"]
    assert cut["body"] == {"text": "Hi", "html": None, "is_truncated": True, "truncated_at_chars": 2}


def test_clean_content_leaves_out_quotes_and_signature_and_lists_links(api: Api) -> None:
    item = _received(api, text_body=_TEXT + _QUOTE)
    content = api.call("get_message_content", _at(item), expect=200)["data"]
    body = content["body"]
    assert (body["format"], body["text"]) == ("text", "Hi there\n\nSee https://example.com/report now.")
    assert (body["signature_stripped"], body["quotes_stripped"]) == (True, True)
    assert body["extracted_links"] == ["https://example.com/report"]
    options = {"strip_quotes": False, "strip_signature": False, "include_links": False}
    whole = api.call("get_message_content", _at(item), params=options, expect=200)["data"]
    assert whole["body"]["text"].strip() == (_TEXT + _QUOTE).strip()
    assert whole["body"]["extracted_links"] == []
    assert whole["states"]["option_hash"] != content["states"]["option_hash"]


def test_clean_content_of_html(api: Api) -> None:
    html = '<p>Hi <a href="https://example.com/a">you</a></p><blockquote>earlier</blockquote>'
    sender = {"email": _address(api), "name": None}
    api.call("send_mailbox_message", json={"to": [sender], "subject": "HTML", "html_body": html}, expect=200)
    [item] = _arrived(api)
    body = api.call("get_message_content", _at(item), expect=200)["data"]["body"]
    assert (body["format"], body["text"], body["html"]) == ("html", "Hi you", None)
    assert (body["quotes_stripped"], body["extracted_links"]) == (True, ["https://example.com/a"])
    shown = api.call("get_message_content", _at(item), params={"part": "html"}, expect=200)["data"]["body"]
    assert shown["html"] == '<p>Hi <a href="https://example.com/a">you</a></p>'


@pytest.mark.parametrize("mode", ["none", "selected", "full"])
def test_headers_come_in_the_detail_that_is_asked_for(api: Api, mode: str) -> None:
    item = _received(api)
    headers = api.call("get_message_content", _at(item), params={"include_headers": mode}, expect=200)["data"][
        "headers"
    ]
    assert headers["mode"] == mode
    assert (headers["selected"] is None) == (mode == "none")
    names = [header["name"] for header in headers["full"] or []]
    assert ("Subject" in names) == (mode == "full")


def test_a_download_url_works_without_a_key_and_in_ranges(api: Api) -> None:
    [part] = _received(api, attachments=_attached())["attachments"]
    assert (part["filename"], part["size_bytes"], part["disposition"]) == ("numbers.txt", 10, "attachment")
    assert _anonymous(api, "GET", part["download_url"]).content == b"0123456789"
    piece = _anonymous(api, "GET", part["download_url"], headers={"Range": "bytes=2-4"})
    assert (piece.status_code, piece.content) == (206, b"234")


def test_an_attachment_is_streamed_in_ranges(api: Api) -> None:
    item = _received(api, attachments=_attached())
    path = api.target.provider.document.operations["get_message_attachment"].path
    url = path.format(message_id=item["id"], attachment_id=item["attachments"][0]["id"])
    key = api.target.provider.key_headers(api.key_of("list_messages"))
    whole = api.target.http.get(url, headers=key)
    api.judge("get_message_attachment", whole)
    assert (whole.content, whole.headers["Content-Type"]) == (b"0123456789", "text/plain")
    piece = api.target.http.get(url, headers={**key, "Range": "bytes=-3"})
    assert (piece.status_code, piece.content, piece.headers["Content-Range"]) == (206, b"789", "bytes 7-9/10")
    for wrong in ("bytes=20-", "bytes=1-2,4-5", "lines=1-2", "nonsense"):
        assert api.target.http.get(url, headers={**key, "Range": wrong}).status_code == 400
    api.call("get_message_attachment", {**_at(item), "attachment_id": "blob_none"}, expect=404)


def test_an_uploaded_blob_is_sent(api: Api) -> None:
    kind = {"Content-Type": "application/octet-stream"}
    query = {"filename": "report.pdf"}
    blob = api.call("upload_mailbox_attachment", params=query, content=b"%PDF", headers=kind, expect=200)["data"]
    assert (blob["content_type"], blob["size_bytes"]) == ("application/pdf", 4)
    attachment = {name: blob[name] for name in ("blob_id", "content_type", "filename")}
    [part] = _received(api, attachments=[attachment])["attachments"]
    assert (part["filename"], part["content_type"], part["size_bytes"]) == ("report.pdf", "application/pdf", 4)
    body = {
        "to": [{"email": _address(api), "name": None}],
        "subject": "x",
        "attachments": [{**attachment, "blob_id": "no"}],
    }
    assert _error(api.call("send_mailbox_message", json=body, expect=422)) == "validation_error"
    api.call("upload_mailbox_attachment", content=b"x", headers=kind, expect=400)
    api.call("upload_mailbox_attachment", params=query, content=b"x" * 7_500_001, headers=kind, expect=413)


def test_a_signed_upload_url_takes_a_put_without_a_key(api: Api) -> None:
    announced = {"filename": "a.csv", "content_type": "text/csv", "size_bytes": 3}
    intent = api.call("create_mailbox_attachment_upload", json=announced, expect=200)["data"]
    assert (intent["method"], intent["headers"]) == ("PUT", {"Content-Type": "text/csv", "Content-Length": "3"})
    assert _anonymous(api, "PUT", intent["upload_url"], content=b"long").status_code == 413
    put = _anonymous(api, "PUT", intent["upload_url"], content=b"a,b", headers={"Content-Type": "text/csv"})
    api.judge("complete_mailbox_attachment_upload", put)
    blob = put.json()["data"]
    assert (blob["filename"], blob["content_type"], blob["size_bytes"]) == ("a.csv", "text/csv", 3)
    assert _anonymous(api, "PUT", intent["upload_url"], content=b"a,b").json()["data"] == blob
    assert _anonymous(api, "PUT", intent["upload_url"], content=b"c,d").status_code == 409
    assert _anonymous(api, "PUT", intent["upload_url"][:-4], content=b"a,b").status_code == 401
    path = {"upload_id": "upl_unknown"}
    api.call("complete_mailbox_attachment_upload", path, key=None, content=b"x", expect=404)


# Many messages at once


def test_batch_get_gives_the_bodies_in_three_modes(api: Api) -> None:
    item = _received(api, text_body=_TEXT + _QUOTE)
    body = {"ids": [item["id"], "msg_nobody"]}
    for mode, given in (("none", (False, False)), ("raw", (True, False)), ("clean_json", (False, True))):
        found = api.call("batch_get_messages", json={**body, "body_mode": mode}, expect=200)["data"]
        [one] = found["messages"]
        assert (one["raw_body"] is not None, one["content"] is not None) == given
        assert found["not_found"] == ["msg_nobody"]
    api.call("batch_get_messages", json={"ids": []}, expect=400)
    api.call("batch_get_messages", json={"ids": [str(number) for number in range(101)]}, expect=400)


def test_batch_update_and_delete_say_what_became_of_each(api: Api) -> None:
    first, second = _received(api, "1"), _received(api, "2")
    ids = [first["id"], second["id"], "msg_nobody"]
    marked = api.call("batch_update_messages", json={"ids": ids, "seen": True}, expect=200)["data"]
    assert (marked["updated"], marked["not_found"], marked["failed"]) == (ids[:2], ids[2:], [])
    assert marked["states"]["old_state"] != marked["states"]["new_state"]
    stale = {"ids": ids, "if_in_state": marked["states"]["old_state"]}
    assert _error(api.call("batch_update_messages", json={**stale, "seen": False}, expect=409)) == "conflict"
    api.call("batch_delete_messages", json=stale, expect=409)
    current = {"ids": ids, "if_in_state": marked["states"]["new_state"]}
    gone = api.call("batch_delete_messages", json=current, expect=200)["data"]
    assert (gone["deleted"], gone["not_found"]) == (ids[:2], ids[2:])
    assert {item["id"] for item in _list(api, folder_id="trash")} == set(ids[:2])
    api.call("batch_delete_messages", json={"ids": ids[:1], "permanent": True}, expect=200)
    api.call("get_message", _at(first), expect=404)


def test_snippets_mark_the_words(api: Api) -> None:
    item = _received(api, "Numbers & more", text_body="The numbers <b> are in.")
    query = {"q": "numbers", "message_ids": f"{item['id']},msg_nobody"}
    found = api.call("search_message_snippets", params=query, expect=200)["data"]
    assert found["snippets"] == [
        {
            "message_id": item["id"],
            "subject": "<mark>Numbers</mark> &amp; more",
            "preview": "The <mark>numbers</mark> &lt;b&gt; are in.",
        }
    ]
    assert found["not_found"] == ["msg_nobody"]
    filtered = api.call("search_message_snippets", params={"q": "numbers", "folder_id": "inbox"}, expect=200)["data"]
    assert [snippet["message_id"] for snippet in filtered["snippets"]] == [item["id"]]
    assert _error(api.call("search_message_snippets", expect=400)) == "missing_parameter"


# Folders and threads


def test_a_mailbox_has_its_built_in_folders(api: Api) -> None:
    _send(api)
    _arrived(api)
    folders = {folder["id"]: folder for folder in api.call("list_folders", expect=200)["data"]}
    assert list(folders) == ["inbox", "sent", "drafts", "trash", "archive", "junk"]
    assert all(folder["role"] == folder_id for folder_id, folder in folders.items())
    counts = {name: (folders[name]["total_messages"], folders[name]["unread_messages"]) for name in ("inbox", "sent")}
    assert counts == {"inbox": (1, 1), "sent": (1, 0)}


def test_a_folder_is_made_moved_and_deleted(api: Api) -> None:
    clients = api.call("create_folder", json={"name": "Clients", "sort_order": 2}, expect=201)["data"]
    acme = api.call("create_folder", json={"name": "ACME", "parent_id": clients["id"]}, expect=201)["data"]
    assert (acme["name"], acme["parent_id"], acme["role"]) == ("ACME", clients["id"], None)
    path = {"folder_id": acme["id"]}
    moved = api.call("update_folder", path, json={"name": "Acme", "parent_id": None, "sort_order": 1}, expect=200)
    assert (moved["data"]["name"], moved["data"]["parent_id"], moved["data"]["sort_order"]) == ("Acme", None, 1)
    listed = [folder["name"] for folder in api.call("list_folders", expect=200)["data"]]
    assert listed[-2:] == ["Acme", "Clients"]
    assert api.call("delete_folder", path, expect=200)["data"] == {"deleted": True, "id": acme["id"]}
    api.call("get_folder", path, expect=404)


def test_folders_that_cannot_be(api: Api) -> None:
    made = api.call("create_folder", json={"name": "Clients"}, expect=201)["data"]
    assert _error(api.call("create_folder", json={"name": "Clients"}, expect=422)) == "validation_error"
    api.call("create_folder", json={"name": "x", "parent_id": "fld_nobody"}, expect=422)
    api.call("update_folder", {"folder_id": made["id"]}, json={"parent_id": made["id"]}, expect=400)
    api.call("update_folder", {"folder_id": made["id"]}, json={"name": "Inbox/x"}, expect=400)


def test_built_in_and_non_empty_folders_cannot_be_deleted(api: Api) -> None:
    made = api.call("create_folder", json={"name": "Clients"}, expect=201)["data"]
    api.call("create_folder", json={"name": "ACME", "parent_id": made["id"]}, expect=201)
    for folder_id in ("inbox", "trash", made["id"]):
        assert _error(api.call("delete_folder", {"folder_id": folder_id}, expect=409)) == "conflict"
    api.call("update_folder", {"folder_id": "inbox"}, json={"name": "x"}, expect=409)


def test_a_thread_shows_its_messages_and_people(api: Api) -> None:
    item = _received(api, attachments=_attached())
    [thread] = api.call("list_threads", expect=200)["data"]
    assert (thread["message_count"], thread["unread_count"], thread["has_attachments"]) == (2, 1, True)
    assert (sorted(thread["folder_ids"]), thread["last_message"]["id"]) == (["inbox", "sent"], item["id"])
    path = {"thread_id": thread["id"]}
    detail = api.call("get_thread", path, expect=200)["data"]
    assert detail["message_ids"][-1] == item["id"]
    listed = api.call("list_thread_messages", path, params={"sort": "desc", "limit": 1}, expect=200)
    assert (listed["data"][0]["id"], listed["meta"]["thread_id"]) == (item["id"], thread["id"])
    assert listed["pagination"]["has_more"] is True
    content = api.call("get_thread_content", path, expect=200)
    assert [one["id"] for one in content["data"]] == detail["message_ids"]
    assert content["meta"]["participants"] == detail["participants"]
    api.call("get_thread", {"thread_id": "thr_nobody"}, expect=404)


def test_threads_are_filtered(api: Api) -> None:
    _send(api, "report", text_body="numbers", attachments=_attached())
    _arrived(api)
    _send(api, "outside", to="jane@example.com")
    for query, found in (
        ({"q": "numbers"}, ["report"]),
        ({"participant": "jane"}, ["outside"]),
        ({"folder_id": "inbox"}, ["report"]),
        ({"has_attachment": True}, ["report"]),
        ({"is_unread": True}, ["report"]),
        ({"before": "2001-01-01"}, []),
        ({"after": "2001-01-01", "sort_direction": "asc"}, ["report", "outside"]),
    ):
        threads = api.call("list_threads", params=query, expect=200)["data"]
        assert [thread["subject"] for thread in threads] == found, query


# Changes, events and submissions


def test_without_a_state_only_the_present_one_is_told(api: Api) -> None:
    _send(api)
    changes = api.call("get_changes", expect=200)["data"]
    assert (changes["old_state"], changes["created"], changes["has_more"]) == (None, [], False)
    listed = api.call("list_messages", expect=200)
    assert listed["meta"]["sync_state"] == changes["new_state"]


def test_changes_tell_what_was_created_updated_and_destroyed(api: Api) -> None:
    kept, gone = _received(api, "kept"), _received(api, "gone")
    state = _state(api)
    created = _send(api, to="jane@example.com")
    api.call("update_message", _at(kept), json={"seen": True}, expect=200)
    api.call("delete_message", _at(gone), params={"permanent": True}, expect=200)
    passing = _send(api, to="jane@example.com")
    api.call("delete_message", {"message_id": passing}, params={"permanent": True}, expect=200)
    changes = api.call("get_changes", params={"since_state": state}, expect=200)["data"]
    assert changes["created"] == [created]
    assert (changes["updated"], changes["destroyed"]) == ([kept["id"]], [gone["id"]])
    again = api.call("get_changes", params={"since_state": changes["new_state"]}, expect=200)["data"]
    assert (again["created"], again["updated"], again["destroyed"]) == ([], [], [])


def test_changes_come_in_pieces(api: Api) -> None:
    state, seen = _state(api), list[str]()
    sent = [_send(api, f"{number}", to="jane@example.com") for number in range(5)]
    while True:
        query = {"since_state": state, "limit": 2}
        changes = api.call("get_changes", params=query, expect=200)["data"]
        assert len(changes["created"]) <= 2
        seen, state = seen + changes["created"], changes["new_state"]
        assert len(seen) == len(set(seen)), "a piece comes again"
        if not changes["has_more"]:
            break
    assert seen == sent


def test_typed_changes_tell_of_each_type(api: Api) -> None:
    every = ",".join(_TYPES)
    before = api.call("get_changes", params={"types": every}, expect=200)["data"]["types"]
    _send(api, to="jane@example.com")
    api.call("create_folder", json={"name": "Clients"}, expect=201)
    api.call("update_identity", json={"name": "New"}, expect=200)
    since = {f"{name}_since_state": states["new_state"] for name, states in before.items()}
    after = api.call("get_changes", params={"types": every, **since}, expect=200)["data"]["types"]
    assert {name for name, each in after.items() if each["created"]} == {
        "messages",
        "threads",
        "submissions",
        "folders",
    }
    assert len(after["identities"]["updated"]) == len(after["quotas"]["updated"]) == 1
    for operation, name in (
        ("get_folder_changes", "folders"),
        ("get_submission_changes", "submissions"),
        ("get_quota_changes", "quotas"),
    ):
        query = {"since_state": before[name]["new_state"]}
        assert api.call(operation, params=query, expect=200)["data"] == after[name]


def test_folders_change_their_counts_with_the_mail(api: Api) -> None:
    state = api.call("get_folder_changes", expect=200)["data"]["new_state"]
    _send(api)
    changes = api.call("get_folder_changes", params={"since_state": state}, expect=200)["data"]
    assert {"inbox", "sent"} <= set(changes["updated"])
    assert changes["updated_properties"] == ["total_messages", "unread_messages"]


def test_a_bad_state_is_refused(api: Api) -> None:
    for state in ("nonsense", "messages-99999", "threads-0", "messages-"):
        answer = api.call("get_changes", params={"since_state": state}, expect=400)
        assert _error(answer) == "invalid_parameter"
    api.call("get_changes", params={"types": "messages,nonsense"}, expect=400)


def test_query_changes_bring_a_list_up_to_date(api: Api) -> None:
    query = {"folder_id": "inbox", "not_keyword": "$seen"}
    first = _received(api, "first")
    state = api.call("query_message_changes", params=query, expect=200)["data"]["new_query_state"]
    listed = [item["id"] for item in _list(api, **query)]
    second = _received(api, "second")
    api.call("update_message", _at(first), json={"seen": True}, expect=200)
    asked = {**query, "since_query_state": state, "calculate_total": True}
    changes = api.call("query_message_changes", params=asked, expect=200)["data"]
    assert (changes["removed"], changes["added"]) == ([first["id"]], [{"id": second["id"], "index": 0}])
    listed = [each for each in listed if each not in changes["removed"]]
    for added in changes["added"]:
        listed.insert(added["index"], added["id"])
    assert listed == [item["id"] for item in _list(api, **query)]
    assert changes["total"] == 1
    api.call("query_message_changes", params={"since_query_state": state}, expect=400)


def test_folder_query_changes(api: Api) -> None:
    state = api.call("query_folder_changes", expect=200)["data"]["new_query_state"]
    made = api.call("create_folder", json={"name": "Clients"}, expect=201)["data"]
    query = {"since_query_state": state}
    changes = api.call("query_folder_changes", params=query, expect=200)["data"]
    assert (changes["added"], changes["removed"]) == ([{"id": made["id"], "index": 6}], [])


def test_a_submission_tells_how_a_mail_was_sent(api: Api) -> None:
    message_id = _send(api, to="jane@example.com")
    [found] = api.call("list_submissions", params={"email_ids": message_id}, expect=200)["data"]
    assert found == api.call("get_submission", {"submission_id": found["id"]}, expect=200)["data"]
    assert (found["email_id"], found["undo_status"]) == (message_id, "final")
    assert [each["email"] for each in found["envelope"]["rcpt_to"]] == ["jane@example.com"]
    assert found["identity_id"] == api.call("get_identity", expect=200)["data"]["id"]
    assert api.call("list_submissions", params={"undo_status": "pending"}, expect=200)["data"] == []
    api.call("get_submission", {"submission_id": "sub_nobody"}, expect=404)


def test_events_tell_of_mail_as_it_comes_in(api: Api) -> None:
    api.target.needs_emulator("turns the emulator's clock to end the stream")
    key = api.target.provider.key_headers(api.key_of("list_messages"))
    url = api.target.provider.document.operations["stream_events"].path
    with api.target.http.stream("GET", url, headers=key, params={"close_after": 30}) as stream:
        assert stream.headers["Content-Type"].startswith("text/event-stream")
        lines = stream.iter_lines()
        assert next(lines).startswith(":")
        received = _received(api, "Live")
        frame = dict(line.split(": ", 1) for line in [next(lines) for _ in range(5)] if ": " in line)
        assert (frame["event"], received["id"] in frame["data"]) == ("message.received", True)
        api.target.control("POST", "/clock/advance", json={"by": "30s"})
        assert [line for line in lines if line.strip()] == []
    api.call("stream_events", params={"event_types": "nonsense"}, expect=400)
    api.call("stream_events", params={"ping": 5}, expect=400)
