"""The rules of Sendmux's Mailbox and Sending APIs that need the emulator's knobs: the clock, settings, many clients."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from werkzeug.test import TestResponse

from emulator import Account, AccountInbox, Emulator
from emulator.mail import MAILBOXES, MESSAGES, folders
from emulator.mail.mailboxes import mailbox_at
from emulator.mail.parse import Mail
from emulator.mail.postoffice import transmit
from emulator.providers.sendmux.keys import KEYS

_API = "/api/v1/mailbox"
_EMAILS = "/api/v1/emails"
_ME = "agent@myagent.mx"
_ORIGIN = "https://app.sendmux.ai"


def _ask(team: Account, method: str, path: str, key: str | None = None, **options: Any) -> TestResponse:
    shown = team.credentials["mailbox_key"] if key is None else key
    headers = {"Authorization": f"Bearer {shown}", **options.pop("headers", {})}
    return team.request(method, path, headers=headers, **options)


def _call(team: Account, method: str, path: str, expect: int = 200, **options: Any) -> Any:
    response = _ask(team, method, path, **options)
    assert response.status_code == expect, response.text
    answer = response.get_json()
    return answer["data"] if expect < 400 else answer["error"]["code"]


def _send(team: Account, to: str = _ME, expect: int = 200, key: str | None = None, **more: Any) -> Any:
    body = {"to": [{"email": to, "name": None}], "subject": "Hello", "text_body": "Hi", **more}
    return _call(team, "POST", f"{_API}/messages/send", expect, key=key, json=body)


def _email(**more: Any) -> dict[str, Any]:
    return {"from": {"email": _ME}, "to": {"email": "jane@example.com"}, "subject": "Hi", "html_body": "Hi", **more}


def _key_of(team: Account, mailbox: AccountInbox) -> str:
    return next(team.emulator.world.store.each(KEYS, "active", mailbox.id)).secret


def _mailbox(team: Account) -> AccountInbox:
    found = mailbox_at(team.emulator.world, _ME)
    assert found is not None
    return AccountInbox(team.emulator, found)


# Whose is what


def test_another_mailbox_of_the_team_sees_nothing(sendmux: Account) -> None:
    message_id = _send(sendmux)["message_id"]
    other = _key_of(sendmux, sendmux.mailbox("other"))
    message = _call(sendmux, "GET", f"{_API}/messages/{message_id}")
    assert _call(sendmux, "GET", f"{_API}/messages", key=other) == []
    assert _call(sendmux, "GET", f"{_API}/messages?thread_id={message['thread_id']}", key=other) == []
    assert _call(sendmux, "GET", f"{_API}/messages/{message_id}", 404, key=other) == "not_found"
    assert _call(sendmux, "GET", f"{_API}/threads/{message['thread_id']}", 404, key=other) == "not_found"
    [submission] = _call(sendmux, "GET", f"{_API}/submissions")
    assert _call(sendmux, "GET", f"{_API}/submissions/{submission['id']}", 404, key=other) == "not_found"
    folder = _call(sendmux, "POST", f"{_API}/folders", 201, json={"name": "Mine"})
    assert _call(sendmux, "GET", f"{_API}/folders/{folder['id']}", 404, key=other) == "not_found"


def test_blobs_are_the_mailboxs_and_attachments_the_teams(sendmux: Account) -> None:
    other = _key_of(sendmux, sendmux.mailbox("other"))
    blob = _call(sendmux, "POST", f"{_API}/attachments:upload?filename=a.txt", data=b"a")
    attached = [{"blob_id": blob["blob_id"], "content_type": "text/plain", "filename": "a.txt"}]
    assert _send(sendmux, expect=422, key=other, attachments=attached) == "validation_error"
    _send(sendmux, attachments=attached)
    made = _call(sendmux, "POST", f"{_EMAILS}/attachments?filename=a.txt", 201, data=b"a")
    assert _call(sendmux, "GET", f"{_EMAILS}/attachments/{made['attachment_id']}", key=other) == made
    taken = [{"blob_id": made["attachment_id"], "content_type": "text/plain", "filename": "a.txt"}]
    _send(sendmux, expect=422, attachments=taken)


def test_a_suspended_mailbox_neither_reads_nor_sends(emulator: Emulator, sendmux: Account) -> None:
    mailbox = _mailbox(sendmux)
    sendmux.request("POST", f"/api/v1/mailboxes/{mailbox.id}/suspend")
    assert _call(sendmux, "GET", f"{_API}/messages", 403) == "insufficient_permissions"
    assert _call(sendmux, "POST", f"{_EMAILS}/send", 403, json=_email()) == "insufficient_permissions"
    emulator.receive("jane@example.com", "to somebody else")
    sendmux.request("POST", f"/api/v1/mailboxes/{mailbox.id}/resume")
    assert _call(sendmux, "GET", f"{_API}/messages") == []


# The clock


def test_urls_and_files_expire(emulator: Emulator, sendmux: Account) -> None:
    emulator.receive(_ME, "File", attachments={"a.txt": b"a"})
    [message] = _call(sendmux, "GET", f"{_API}/messages")
    url = message["attachments"][0]["download_url"].removeprefix(_ORIGIN)
    announced = {"filename": "a.txt", "content_type": "text/plain", "size_bytes": 1}
    intent = _call(sendmux, "POST", f"{_API}/attachment-uploads", json=announced)
    made = _call(sendmux, "POST", f"{_EMAILS}/attachments?filename=a.txt", 201, data=b"a")
    emulator.advance("14m")
    assert sendmux.request("GET", url).status_code == 200
    emulator.advance("1m")
    assert sendmux.request("GET", url).status_code == 403
    assert _call(sendmux, "PUT", intent["upload_url"].removeprefix(_ORIGIN), 404, data=b"a") == "not_found"
    emulator.advance("1d")
    assert _call(sendmux, "GET", f"{_EMAILS}/attachments/{made['attachment_id']}", 404) == "not_found"
    assert "download_url" in _call(sendmux, "GET", f"{_API}/messages/{message['id']}")["attachments"][0]


def test_an_idempotency_key_lives_for_a_day_and_for_one_mailbox(emulator: Emulator, sendmux: Account) -> None:
    other, headers = sendmux.mailbox("other"), {"Idempotency-Key": "one"}
    body = {"to": [{"email": "jane@example.com", "name": None}], "subject": "Hello"}
    path = f"{_API}/messages/send"
    first = _call(sendmux, "POST", path, json=body, headers=headers)
    assert _call(sendmux, "POST", path, json=body, headers=headers) == first
    assert _call(sendmux, "POST", path, json=body, headers=headers, key=_key_of(sendmux, other)) != first
    emulator.advance("1d")
    assert _call(sendmux, "POST", path, json=body, headers=headers) != first


def test_a_send_repeated_by_twenty_clients_leaves_once(sendmux_server: Account) -> None:
    key = sendmux_server.provider.key_headers(sendmux_server.credentials["mailbox_key"])
    headers = {**key, "Idempotency-Key": "one"}
    with httpx.Client(base_url=sendmux_server.base_url, headers=headers) as client, ThreadPoolExecutor(20) as pool:
        sent = [pool.submit(client.post, f"{_EMAILS}/send", json=_email()) for _ in range(20)]
        made = {each.result().json()["data"]["message_id"] for each in sent}
    assert len(made) == len(sendmux_server.emulator.sent) == 1


# Settings


def test_sending_costs_credits_and_needs_an_active_account(sendmux: Account) -> None:
    sendmux.set("balance", "0")
    for path, body in (("send", _email()), ("send/batch", {"messages": [_email()]})):
        assert _call(sendmux, "POST", f"{_EMAILS}/{path}", 402, json=body) == "insufficient_credits"
    sendmux.set("balance", "0.01")
    [shared] = sendmux.request("GET", "/api/v1/providers").get_json()["data"]
    sendmux.request("POST", f"/api/v1/providers/{shared['id']}/deactivate")
    answer = _ask(sendmux, "POST", f"{_EMAILS}/send", json=_email())
    assert (answer.status_code, answer.get_json()["error"]["code"]) == (503, "no_active_providers")
    assert answer.headers["Retry-After"]
    assert sendmux.emulator.sent == []


def test_a_state_that_is_too_old_asks_for_a_new_start(sendmux: Account) -> None:
    sendmux.set("changes_kept", 3)
    state = _call(sendmux, "GET", f"{_API}/changes")["new_state"]
    query = _call(sendmux, "GET", f"{_API}/messages/query-changes")["new_query_state"]
    _send(sendmux, "jane@example.com")
    assert len(_call(sendmux, "GET", f"{_API}/changes?since_state={state}")["created"]) == 1
    _send(sendmux, "jane@example.com")
    changes = _call(sendmux, "GET", f"{_API}/changes?since_state={state}")
    assert (changes["sync_required"], changes["created"], changes["has_more"]) == (True, [], False)
    _call(sendmux, "GET", f"{_API}/messages/query-changes?since_query_state={query}", 400)


def test_after_a_reset_a_later_state_was_never_there(emulator: Emulator, sendmux: Account) -> None:
    _call(sendmux, "GET", f"{_API}/changes")
    _send(sendmux)
    state = _call(sendmux, "GET", f"{_API}/changes")["new_state"]
    emulator.reset()
    assert _call(sendmux, "GET", f"{_API}/changes?since_state={state}", 400) == "invalid_parameter"


# One mail system


def test_mail_from_outside_and_from_other_providers_is_listed(emulator: Emulator, sendmux: Account) -> None:
    state = _call(sendmux, "GET", f"{_API}/changes")["new_state"]
    inkbox = emulator.account("inkbox")
    sender = inkbox.mailbox("bot").address
    body = {"recipients": {"to": [_ME]}, "subject": "Across", "body_text": "Hello"}
    inkbox.request("POST", f"/api/v1/mail/mailboxes/{sender}/messages", json=body)
    emulator.receive(_ME, "Outside", sender="jane@example.com")
    messages = _call(sendmux, "GET", f"{_API}/messages")
    assert [(each["from"]["email"], each["subject"]) for each in messages] == [
        ("jane@example.com", "Outside"),
        (sender, "Across"),
    ]
    changes = _call(sendmux, "GET", f"{_API}/changes?since_state={state}")
    assert changes["created"] == [each["id"] for each in reversed(messages)]


def test_what_a_mail_program_does_is_seen(emulator: Emulator, sendmux: Account) -> None:
    emulator.receive(_ME, "Filed")
    [shown] = _call(sendmux, "GET", f"{_API}/messages")
    state = _call(sendmux, "GET", f"{_API}/changes")["new_state"]
    world, mailbox = emulator.world, _mailbox(sendmux)
    with world.step():
        message = world.store.get(MESSAGES, shown["id"])
        assert message is not None
        marked = folders.mark(world, message, folders.Marks(read=True, flags=("answered",)))
        folders.move(world, marked, folders.make_folder(world, mailbox.record, "Clients/ACME"))
    assert _call(sendmux, "GET", f"{_API}/changes?since_state={state}")["updated"] == [shown["id"]]
    moved = _call(sendmux, "GET", f"{_API}/messages/{shown['id']}")
    assert moved["keywords"] == ["$answered", "$seen"]
    clients, acme = _call(sendmux, "GET", f"{_API}/folders")[-2:]
    assert (acme["name"], acme["parent_id"], acme["total_messages"]) == ("ACME", clients["id"], 1)
    assert moved["folder_ids"] == [acme["id"]]
    assert _call(sendmux, "DELETE", f"{_API}/folders/{acme['id']}", 409) == "conflict"


def test_broken_mail_is_shown_as_far_as_it_goes(emulator: Emulator, sendmux: Account) -> None:
    emulator.receive(_ME, None, None, sender="jane@example.com")
    raw = b"From: =?broken\r\nTo: nobody\r\nDate: yesterday\r\nSubject: =?utf-8?q?=FF?=\r\n\r\n\xff\xfe"
    with emulator.world.step():
        transmit(emulator.world, "broken", [_ME], Mail(raw))
    broken, empty = _call(sendmux, "GET", f"{_API}/messages")
    assert (broken["from"], broken["to"], broken["sent_at"], broken["thread_id"][:4]) == (None, [], None, "thr_")
    assert (empty["subject"], empty["preview"]) == (None, None)
    for message in (broken, empty):
        _call(sendmux, "GET", f"{_API}/messages/{message['id']}/content?include_headers=full")
        _call(sendmux, "GET", f"{_API}/messages?sort_by=sent_at")


def test_pages_stay_as_they_are_while_mail_comes_and_goes(emulator: Emulator, sendmux: Account) -> None:
    for number in range(4):
        emulator.receive(_ME, f"{number}")
    first = _ask(sendmux, "GET", f"{_API}/messages?limit=2").get_json()
    emulator.receive(_ME, "late")
    _call(sendmux, "DELETE", f"{_API}/messages/{first['data'][1]['id']}?permanent=true")
    cursor = first["pagination"]["next_cursor"]
    second = _call(sendmux, "GET", f"{_API}/messages?limit=2&cursor={cursor}")
    assert [message["subject"] for message in [*first["data"], *second]] == list("3210")


# Events


def _frames(team: Account, query: str = "", **options: Any) -> Iterator[dict[str, str]]:
    """Yield the frames of a stream as they come; comments have no event."""
    response = _ask(team, "GET", f"{_API}/events?{query}", **options)
    assert response.status_code == 200, response.text
    for frame in response.response:
        text = frame.decode() if isinstance(frame, bytes) else frame
        yield dict(line.split(": ", 1) for line in text.strip().splitlines())


def test_a_stream_goes_on_where_another_ended(emulator: Emulator, sendmux: Account) -> None:
    frames = _frames(sendmux, "close_after=30")
    assert "event" not in next(frames)
    emulator.receive(_ME, "one")
    seen = next(frames)
    emulator.advance("30s")
    assert list(frames) == []
    for subject in ("two", "three"):
        emulator.receive(_ME, subject)
    again = _frames(sendmux, headers={"Last-Event-ID": seen["id"]})
    next(again)
    missed = [json.loads(next(again)["data"]) for _ in range(2)]
    assert [each["message"]["subject"] for each in missed] == ["two", "three"]
    assert missed[0]["message_id_kind"] == "rfc5322"
    assert missed[0]["recipients"] == [_ME]


def test_after_an_unknown_event_the_client_has_to_look_for_itself(emulator: Emulator, sendmux: Account) -> None:
    emulator.receive(_ME, "missed")
    frames = _frames(sendmux, "last_event_id=evt_unknown")
    next(frames)
    sync = next(frames)
    assert (sync["event"], json.loads(sync["data"])["message"]) == ("sync_required", None)
    emulator.receive(_ME, "new")
    assert json.loads(next(frames)["data"])["message"]["subject"] == "new"


def test_a_stream_ends_with_the_mailbox_the_doors_and_the_setting(emulator: Emulator, sendmux: Account) -> None:
    frames = _frames(sendmux)
    next(frames)
    with emulator.world.bells.dismissal():
        assert list(frames) == []
    sendmux.set("max_stream_ms", 0)
    assert [frame.get("event") for frame in _frames(sendmux)] == [None]
    sendmux.set("max_stream_ms", 60_000)
    frames = _frames(sendmux)
    next(frames)
    sendmux.request("DELETE", f"/api/v1/mailboxes/{_mailbox(sendmux).id}")
    assert list(frames) == []


def test_an_event_carries_at_most_16_kib_of_each_body(emulator: Emulator, sendmux: Account) -> None:
    frames = _frames(sendmux, "event_types=message.received")
    next(frames)
    emulator.receive(_ME, "long", "ä" * 20_000)
    body = json.loads(next(frames)["data"])["message"]["body"]
    assert (body["text"], body["is_truncated"], body["max_bytes"]) == ("ä" * 8192, True, 16_384)


def test_nothing_is_taken_for_spam(emulator: Emulator, sendmux: Account) -> None:
    frames = _frames(sendmux, "event_types=message.received.spam&close_after=30")
    next(frames)
    emulator.receive(_ME, "Buy now")
    emulator.advance("30s")
    assert list(frames) == []


def test_too_many_streams_are_429_by_a_fault(emulator: Emulator, sendmux: Account) -> None:
    emulator.fail("sendmux", "stream_events", 429)
    assert _call(sendmux, "GET", f"{_API}/events", 429) == "rate_limit_exceeded"


def test_waiting_streams_leave_room_for_everybody_else(sendmux_server: Account) -> None:
    headers = sendmux_server.provider.key_headers(sendmux_server.credentials["mailbox_key"])
    with httpx.Client(base_url=sendmux_server.base_url, headers=headers) as client:
        streams = [client.stream("GET", f"{_API}/events") for _ in range(20)]
        opened = [stream.__enter__() for stream in streams]
        assert [response.headers["Transfer-Encoding"] for response in opened] == ["chunked"] * 20
        assert client.get(f"{_API}/messages").status_code == 200
        for stream in streams:
            stream.__exit__(None, None, None)


# What becomes of a mail


def _submission(team: Account) -> Any:
    [found] = _call(team, "GET", f"{_API}/submissions")
    assert _call(team, "GET", f"{_API}/submissions/{found['id']}") == found
    return found


@pytest.mark.parametrize(
    ("to", "expected"),
    [
        ("success", [("yes", "250 2.0.0 Ok")] * 3),
        ("bounce", [("no", "550 5.1.1 The mailbox does not exist")] * 3),
        (
            "soft-bounce",
            [("queued", "452 4.2.2 The mailbox is full")] * 2 + [("no", "452 4.2.2 The mailbox is full")],
        ),
        ("defer", [("queued", "451 4.7.1 Greylisted, try again later"), *[("yes", "250 2.0.0 Ok")] * 2]),
        ("complaint", [("yes", "250 2.0.0 Ok")] * 3),
        ("reject", [("no", "550 5.7.1 The content is refused")] * 3),
        ("delay+1200", [("queued", None)] * 2 + [("yes", "250 2.0.0 Ok")]),
        ("auto-reply", [("yes", "250 2.0.0 Ok")] * 3),
    ],
)
def test_a_submission_says_how_far_the_mail_came(
    sendmux: Account, to: str, expected: list[tuple[str, str | None]]
) -> None:
    _send(sendmux, f"{to}@simulator.test")
    found = []
    for minutes in (0, 15, 45):
        sendmux.emulator.advance(f"{minutes}m")
        [status] = _submission(sendmux)["delivery_status"]
        assert (status["email"], status["displayed"]) == (f"{to}@simulator.test", "unknown")
        found.append((status["delivered"], status["smtp_reply"]))
    assert found == expected
    assert _submission(sendmux)["undo_status"] == "final"


def test_a_submission_tells_recipients_apart(sendmux: Account) -> None:
    more = [{"email": each, "name": None} for each in ("bounce@simulator.test", "delay@simulator.test", _ME)]
    _send(sendmux, "jane@example.com", cc=more)
    found = {each["email"]: each["delivered"] for each in _submission(sendmux)["delivery_status"]}
    assert found == {
        "jane@example.com": "yes",
        "bounce@simulator.test": "no",
        "delay@simulator.test": "queued",
        _ME: "yes",
    }


def test_a_submission_names_the_reports_that_came_back(sendmux: Account) -> None:
    more = [{"email": "soft-bounce@simulator.test", "name": None}]
    _send(sendmux, "bounce@simulator.test", cc=more)
    assert len(_submission(sendmux)["dsn_blob_ids"]) == 1
    sendmux.emulator.advance("1h")
    blobs = _submission(sendmux)["dsn_blob_ids"]
    reports = _call(sendmux, "GET", f"{_API}/messages?folder_id=inbox&sort_direction=asc")
    contents = []
    for blob, report in zip(blobs, reports, strict=True):
        assert blob in [each["id"] for each in report["attachments"]]
        contents.append(_ask(sendmux, "GET", f"{_API}/messages/{report['id']}/attachments/{blob}").data)
    assert b"Final-Recipient: rfc822; bounce@simulator.test\r\n" in contents[0]
    assert b"Final-Recipient: rfc822; soft-bounce@simulator.test\r\n" in contents[1]
    _call(sendmux, "DELETE", f"{_API}/messages/{reports[0]['id']}?permanent=true")
    assert _submission(sendmux)["dsn_blob_ids"] == blobs[1:]


def test_a_submission_without_reports_names_none(sendmux: Account) -> None:
    for to in ("reject", "auto-reply", "complaint"):
        _send(sendmux, f"{to}@simulator.test")
    assert [each["dsn_blob_ids"] for each in _call(sendmux, "GET", f"{_API}/submissions")] == [[], [], []]


def test_a_submission_changes_when_its_mail_gets_further(sendmux: Account) -> None:
    def state() -> str:
        found: str = _call(sendmux, "GET", f"{_API}/submissions/changes")["new_state"]
        return found

    def changed(since: str) -> list[tuple[str, int]]:
        found = _call(sendmux, "GET", f"{_API}/submissions/changes?since_state={since}")
        return [(name, len(found[name])) for name in ("created", "updated", "destroyed")]

    before = state()
    _send(sendmux, "soft-bounce@simulator.test")
    assert changed(before) == [("created", 1), ("updated", 0), ("destroyed", 0)]
    sent = state()
    _send(sendmux, "jane@example.com", expect=200)
    assert changed(sent) == [("created", 1), ("updated", 0), ("destroyed", 0)]
    both = state()
    for minutes in (15, 45):
        sendmux.emulator.advance(f"{minutes}m")
        assert changed(both) == [("created", 0), ("updated", 1), ("destroyed", 0)]
        both = state()
    sendmux.emulator.advance("24h")
    assert state() == both


# Deletions


def test_a_permanently_deleted_message_leaves_its_submission(sendmux: Account) -> None:
    message_id = _send(sendmux, "jane@example.com")["message_id"]
    _call(sendmux, "DELETE", f"{_API}/messages/{message_id}?permanent=true")
    [submission] = _call(sendmux, "GET", f"{_API}/submissions")
    assert (submission["email_id"], submission["undo_status"]) == (message_id, "final")
    assert _call(sendmux, "GET", f"{_API}/threads") == []


def test_the_name_of_the_identity_is_the_display_name(emulator: Emulator, sendmux: Account) -> None:
    mailbox = _mailbox(sendmux)
    state = _call(sendmux, "GET", f"{_API}/changes?types=identities")["types"]["identities"]["new_state"]
    sendmux.request("PATCH", f"/api/v1/mailboxes/{mailbox.id}", json={"display_name": "Bot"})
    assert _call(sendmux, "GET", f"{_API}/identity")["name"] == "Bot"
    query = f"types=identities&identities_since_state={state}"
    assert len(_call(sendmux, "GET", f"{_API}/changes?{query}")["types"]["identities"]["updated"]) == 1
    _call(sendmux, "PATCH", f"{_API}/identity", json={"name": None})
    changed = emulator.world.store.get(MAILBOXES, mailbox.id)
    assert changed is not None
    assert changed.display_name is None


@pytest.mark.parametrize("revision", ["seed", "current"])
def test_the_status_of_a_send_is_the_generations(sendmux: Account, revision: str) -> None:
    sendmux.use_revision(revision)
    _call(sendmux, "POST", f"{_EMAILS}/send", 201 if revision == "seed" else 200, json=_email())
