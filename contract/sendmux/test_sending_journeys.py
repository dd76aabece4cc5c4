"""What Sendmux's documentation says of its Sending API, sentence by sentence, and what the emulator assumes."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

import httpx
import pytest

from contract.judge import Api

_BYTES = {"Content-Type": "application/octet-stream"}

Json = dict[str, Any]


def _email(api: Api, subject: str = "Hello", **more: Any) -> Json:
    """Return a mail from the mailbox of the key to itself."""
    me = {"email": api.call("get_own_mailbox", expect=200)["data"]["email"]}
    return {"from": me, "to": me, "subject": subject, "html_body": "<p>Hi</p>", **more}


def _sent_status(api: Api) -> int:
    return 201 if api.target.provider.revision == "2026-04" else 200


def _send(api: Api, email: Json, **options: Any) -> Json:
    answer: Json = api.call("send_email", json=email, expect=_sent_status(api), **options)
    return answer


def _received(api: Api) -> Json:
    [listed] = api.until(lambda: api.call("list_messages", params={"folder_id": "inbox"}, expect=200)["data"])
    message: Json = api.call("get_message", {"message_id": listed["id"]}, expect=200)["data"]
    return message


def _upload(api: Api, filename: str = "a.txt", data: bytes = b"hello", **options: Any) -> Json:
    options.setdefault("expect", 201)
    query = {"filename": filename, **options.pop("params", {})}
    headers = {**_BYTES, **options.pop("headers", {})}
    answer: Json = api.call("upload_attachment", params=query, content=data, headers=headers, **options)
    return answer


def _put(api: Api, intent: Json, data: bytes, **headers: str) -> httpx.Response:
    """Use an upload URL as it is, without a key."""
    return api.target.http.put(intent["upload_url"], content=data, headers={**intent["headers"], **headers})


def _error(answer: Json) -> str:
    code: str = answer["error"]["code"]
    return code


# Sending


def test_a_mail_is_queued_and_arrives(api: Api) -> None:
    sent = _send(api, _email(api, text_body="Hi"))["data"]
    assert (sent["message_id"][:4], len(sent["message_id"]), sent["status"]) == ("eml_", 28, "queued")
    message = _received(api)
    assert (message["subject"], message["text_body"], message["html_body"]) == ("Hello", "Hi", "<p>Hi</p>")


def test_names_headers_and_reply_to_are_written(api: Api) -> None:
    email = _email(api)
    email["from"] = {**email["from"], "name": "Ann Äther"}
    more = {"reply_to": {"email": "r@example.com"}, "custom_headers": {"X-Campaign": "spring"}}
    _send(api, {**email, **more, "cc": [{"email": "c@example.com", "name": "Cc"}]})
    message = _received(api)
    assert message["from"]["name"] == "Ann Äther"
    assert message["reply_to"] == [{"email": "r@example.com", "name": None}]
    assert message["cc"] == [{"email": "c@example.com", "name": "Cc"}]
    found = {"header_name": "X-Campaign", "header_value": "spring", "folder_id": "inbox"}
    assert api.call("count_messages", params=found, expect=200)["data"]["total"] == 1


def test_a_root_key_does_not_send(api: Api) -> None:
    answer = api.call("send_email", json=_email(api), key=api.target.api_key, expect=403)
    assert _error(answer) == "insufficient_permissions"
    assert api.call("send_email", json=_email(api), key=None, expect=401)["error"]["doc_url"].startswith(
        "https://sendmux.ai/docs/sending-api/errors#"
    )


def test_from_has_to_be_the_mailbox_of_the_key(api: Api) -> None:
    email = _email(api)
    api.call("send_email", json={**email, "from": {"email": "other@example.com"}}, expect=403)
    _send(api, {**email, "from": {"email": email["from"]["email"].upper()}})


@pytest.mark.parametrize(
    "wrong",
    [
        {"subject": ""},
        {"subject": "x" * 999},
        {"subject": "a\r\nBcc: b@example.com"},
        {"html_body": ""},
        {"to": [{"email": "a@example.com"}]},
        {"to": {"email": "nobody"}},
        {"to": {"email": "a@example.com", "name": None}},
        {"custom_headers": {"Subject": "x"}},
        {"custom_headers": {"X-Long": "x" * 501}},
        {"cc": [{"email": f"{number}@example.com"} for number in range(50)]},
        {"attachments": [{"attachment_id": "att_short"}]},
    ],
    ids=str,
)
def test_what_is_not_well_formed_is_422_with_every_issue(api: Api, wrong: Json) -> None:
    answer = api.call("send_email", json={**_email(api), **wrong}, expect=422)
    assert (_error(answer), answer["error"]["retryable"]) == ("validation_error", False)
    assert answer["error"]["errors"][0]["field"].startswith(next(iter(wrong)))


def test_an_unknown_field_is_422(api: Api) -> None:
    assert _error(api.call("send_email", json=_email(api, unknown=True), expect=422)) == "validation_error"


def test_malformed_json_is_400(api: Api) -> None:
    headers = {"Content-Type": "application/json"}
    assert _error(api.call("send_email", content=b"{", headers=headers, expect=400)) == "invalid_parameter"


def test_a_mail_has_at_most_50_recipients_in_total(api: Api) -> None:
    people = [{"email": f"{number}@example.com"} for number in range(49)]
    _send(api, _email(api, cc=people[:25], bcc=people[25:]))
    answer = api.call("send_email", json=_email(api, cc=people, bcc=people[:1]), expect=422)
    assert _error(answer) == "validation_error"


def test_a_delivery_group_that_does_not_exist(api: Api) -> None:
    api.call("send_email", json=_email(api, delivery_group="dgrp_none"), expect=422)


def test_an_idempotency_key_sends_once(api: Api) -> None:
    email, headers = _email(api), {"Idempotency-Key": "once"}
    first = _send(api, email, headers=headers)
    assert _send(api, email, headers=headers) == first
    answer = api.call("send_email", json={**email, "subject": "Other"}, headers=headers, expect=409)
    assert (_error(answer), answer["error"]["retryable"]) == ("idempotency_conflict", False)
    assert _received(api)["subject"] == "Hello"


def test_what_is_sent_is_logged(api: Api) -> None:
    sent = _send(api, _email(api, "Logged"))["data"]
    log = api.call("list_email_logs", expect=200)["data"][0]
    assert log["subject"] == "Logged"
    assert log["id"][-24:] == sent["message_id"][-24:]


# Batches


def test_each_mail_of_a_batch_fails_or_goes_by_itself(api: Api) -> None:
    email = _email(api)
    stranger = {**email, "from": {"email": "other@example.com"}}
    answer = api.call("send_email_batch", json={"messages": [email, stranger]}, expect=200)["data"]
    good, bad = answer["results"]
    assert (good["index"], good["status"], bad["status"], bad["message_id"]) == (0, "queued", "failed", None)
    assert bad["error"]["code"] == "insufficient_permissions"
    assert answer["summary"] == {"total": 2, "queued": 1, "failed": 1}
    assert _received(api)["subject"] == "Hello"


def test_a_batch_of_failures_is_422(api: Api) -> None:
    wrong = _email(api, attachments=[{"attachment_id": "att_" + "a" * 24}])
    answer = api.call("send_email_batch", json={"messages": [wrong, wrong]}, expect=422)
    assert _error(answer) == "validation_error"


def test_a_batch_has_1_to_100_mails(api: Api) -> None:
    email = _email(api)
    api.call("send_email_batch", json={"messages": []}, expect=422)
    api.call("send_email_batch", json={"messages": [email] * 101}, expect=422)
    answer = api.call("send_email_batch", json={"messages": [email] * 100}, expect=200)
    assert answer["data"]["summary"]["queued"] == 100


# Attachments


def test_an_uploaded_attachment_is_sent(api: Api) -> None:
    made = _upload(api, "report.pdf", b"%PDF-1.7")["data"]
    assert (made["attachment_id"][:4], made["content_type"], made["size_bytes"]) == ("att_", "application/pdf", 8)
    path = {"attachment_id": made["attachment_id"]}
    assert api.call("get_attachment", path, expect=200)["data"] == made
    _send(api, _email(api, attachments=[path]))
    [part] = _received(api)["attachments"]
    assert (part["filename"], part["content_type"], part["size_bytes"]) == ("report.pdf", "application/pdf", 8)


def test_an_inline_attachment_is_sent(api: Api) -> None:
    content = base64.b64encode(b"hello").decode()
    inline = {"filename": "a.txt", "content": content, "type": "text/plain", "encoding": "base64"}
    _send(api, _email(api, attachments=[inline]))
    [part] = _received(api)["attachments"]
    assert api.target.http.get(part["download_url"]).content == b"hello"


def test_the_content_type_of_the_query_wins_over_the_name(api: Api) -> None:
    assert _upload(api, "a.bin", params={"content_type": "text/csv"})["data"]["content_type"] == "text/csv"
    assert _upload(api, "a.csv")["data"]["content_type"] == "text/csv"


def test_executables_archives_and_files_of_another_type_are_refused(api: Api) -> None:
    for name in ("setup.exe", "all.zip", "RUN.BAT"):
        assert _error(_upload(api, name, expect=422)) == "validation_error"
    _upload(api, "report.pdf", b"MZ", expect=422)
    content = base64.b64encode(b"hello").decode()
    for name in ("setup.exe", "photo.png"):
        inline = {"filename": name, "content": content}
        api.call("send_email", json=_email(api, attachments=[inline]), expect=422)


def test_sizes_of_uploads(api: Api) -> None:
    _upload(api, data=b"", expect=400)
    _upload(api, data=b"x" * (18 * 1024 * 1024 + 1), expect=413)
    api.call("create_attachment_upload", json={"filename": "a.txt", "size_bytes": 0}, expect=422)
    announced = {"filename": "a.txt", "size_bytes": 18 * 1024 * 1024 + 1}
    api.call("create_attachment_upload", json=announced, expect=413)


def test_an_upload_with_an_idempotency_key_is_made_once(api: Api) -> None:
    headers = {"Idempotency-Key": "file"}
    first = _upload(api, headers=headers)
    assert _upload(api, headers=headers) == first
    assert _error(_upload(api, data=b"other", headers=headers, expect=409)) == "idempotency_conflict"


def test_an_unknown_attachment_is_404(api: Api) -> None:
    assert _error(api.call("get_attachment", {"attachment_id": "att_" + "a" * 24}, expect=404)) == "not_found"


def test_an_upload_can_be_delegated(api: Api) -> None:
    announced = {"filename": "a.txt", "size_bytes": 5, "sha256": hashlib.sha256(b"hello").hexdigest()}
    intent = api.call("create_attachment_upload", json=announced, expect=201)["data"]
    assert (intent["upload_id"][:4], intent["method"], intent["headers"]["Content-Length"]) == ("upl_", "PUT", "5")
    assert _put(api, intent, b"hellooo", **{"Content-Length": "7"}).status_code == 413
    assert _put(api, intent, b"olleh").status_code == 422
    assert _put(api, intent, b"hello", **{"X-Sendmux-Upload-Token": "wrong"}).status_code == 401
    done = _put(api, intent, b"hello")
    api.judge("complete_attachment_upload", done)
    assert done.status_code == 201
    assert done.headers["Location"].endswith(f"/attachments/{done.json()['data']['attachment_id']}")
    assert _put(api, intent, b"hello").json()["data"] == done.json()["data"]
    attachment = {"attachment_id": done.json()["data"]["attachment_id"]}
    assert api.call("get_attachment", attachment, expect=200)["data"]["filename"] == "a.txt"


def test_completing_again_with_other_content_is_409(api: Api) -> None:
    intent = api.call("create_attachment_upload", json={"filename": "a.txt", "size_bytes": 5}, expect=201)["data"]
    _put(api, intent, b"hello")
    again = _put(api, intent, b"olleh")
    assert (again.status_code, _error(again.json())) == (409, "conflict")
    unknown = {"upload_id": "upl_" + "a" * 24}
    api.call("complete_attachment_upload", unknown, key=None, content=b"x", headers=_BYTES, expect=404)


# The document


def test_the_document_is_public_and_tagged(api: Api) -> None:
    url = api.target.provider.document.operations["get_openapi_document"].path
    response = api.target.http.get(url)
    assert response.json()["openapi"] == "3.1.0"
    assert response.headers["Cache-Control"] == "public, max-age=3600"
    tag = response.headers["ETag"]
    assert api.call("get_openapi_document", key=None, headers={"If-None-Match": tag}, expect=304) is None
