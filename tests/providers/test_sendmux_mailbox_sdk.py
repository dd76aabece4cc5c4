"""The vendor's published SDK, unmodified: the flows of the Mailbox and Sending APIs in today's generation."""

from __future__ import annotations

import smtplib
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from sendmux_core import RetryOptions, SendmuxApiError, iter_cursor_pages
from sendmux_mailbox import (
    MailboxAPIApi,
    create_mailbox_client,
    download_mailbox_attachment,
    iter_mailbox_events,
    read_mailbox_text_attachment,
    send_mailbox_message_with_files,
    upload_mailbox_attachment_from_file,
    upload_mailbox_attachment_via_presigned_file,
)
from sendmux_sending import (
    AttachmentsApi,
    BatchSendRequest,
    EmailsApi,
    MetaApi,
    attachment_from_file,
    create_sending_client,
    send_email_with_files,
    upload_attachment_from_file,
)

from emulator import Account

_ME = "agent@myagent.mx"
_EVERY = "messages,folders,threads,submissions,identities,quotas"


@pytest.fixture
def team(sendmux_server: Account) -> Account:
    sendmux_server.use_revision("current")
    return sendmux_server


def _client(team: Account, create: Any) -> Any:
    return create(
        api_key=team.credentials["mailbox_key"],
        base_url=f"{team.base_url}/api/v1",
        retry_options=RetryOptions(max_attempts=1),
    )


@pytest.fixture
def client(team: Account) -> Iterator[Any]:
    made = _client(team, create_mailbox_client)
    yield made
    made.rest_client._inner.pool_manager.clear()


@pytest.fixture
def mailbox(client: Any) -> Any:
    return MailboxAPIApi(client)


@pytest.fixture
def sending(team: Account) -> Iterator[Any]:
    made = _client(team, create_sending_client)
    yield made
    made.rest_client._inner.pool_manager.clear()


@pytest.fixture
def report(tmp_path: Path) -> Path:
    path = tmp_path / "report.txt"
    path.write_bytes(b"The numbers")
    return path


def _send(mailbox: Any, subject: str = "Hello", to: str = _ME, **more: Any) -> str:
    body = {"to": [{"email": to, "name": None}], "subject": subject, "text_body": "Hi", **more}
    message_id: str = mailbox.mailbox_send_message(None, body).data.message_id
    return message_id


def _inbox(mailbox: Any) -> Any:
    return mailbox.mailbox_list_messages(folder_id="inbox").data


# The Mailbox API


def test_account_identity_quota_and_session(mailbox: Any) -> None:
    assert mailbox.mailbox_get_connection().data.mailboxes[0].email == _ME
    me = mailbox.mailbox_get_me().data
    assert [box.id for box in mailbox.mailbox_list_granted_mailboxes().data] == [me.id]
    changed = mailbox.mailbox_update_identity(update_mailbox_identity_body={"name": "Bot", "text_signature": "Bye"})
    assert mailbox.mailbox_get_identity().data == changed.data
    assert mailbox.mailbox_list_identities().data == [changed.data]
    assert mailbox.mailbox_list_quotas().data[0].hard_limit == me.quota_bytes
    assert mailbox.mailbox_list_usage().data.resources[0].limit_status == "ok"
    session = mailbox.mailbox_get_session().data
    assert (session.limits.list_limit_max, session.capabilities.messages.batch_get) == (100, True)


def test_send_list_read_mark_and_delete(mailbox: Any) -> None:
    _send(mailbox, "Hello", html_body="<p>Hi</p>", cc=[{"email": "cc@example.com", "name": "Cc"}])
    [received] = _inbox(mailbox)
    detail = mailbox.mailbox_get_message(received.id).data
    assert (detail.text_body, detail.html_body, detail.var_from.email) == ("Hi", "<p>Hi</p>", _ME)
    assert mailbox.mailbox_list_body(received.id).data.body.text == "Hi"
    assert mailbox.mailbox_list_content(received.id, include_headers="full").data.body.text == "Hi"
    marks = {"seen": True, "keywords": {"triaged": True}}
    marked = mailbox.mailbox_update_message(received.id, patch_mailbox_message_body=marks).data
    assert (marked.flags.seen, marked.keywords) == (True, ["$seen", "triaged"])
    assert mailbox.mailbox_count_messages(keyword="triaged").data.total == 1
    assert mailbox.mailbox_delete_message(received.id).data.deleted is True
    assert mailbox.mailbox_get_message(received.id).data.folder_ids == ["trash"]


def test_pages_hold_every_message_once(mailbox: Any) -> None:
    for number in range(5):
        _send(mailbox, f"{number}", to="jane@example.com")
    messages = iter_cursor_pages(lambda cursor: mailbox.mailbox_list_messages(limit=2, cursor=cursor))
    assert [message.subject for message in messages] == list("43210")


def test_files_go_up_and_come_down(client: Any, mailbox: Any, report: Path) -> None:
    direct = upload_mailbox_attachment_from_file(client, file_path=report).data
    signed = upload_mailbox_attachment_via_presigned_file(client, file_path=report).data
    assert direct.content_type == signed.content_type == "text/plain"
    body = {"to": [{"email": _ME, "name": None}], "subject": "Files", "text_body": "Hi"}
    names = ("blob_id", "content_type", "filename")
    body["attachments"] = [{name: getattr(signed, name) for name in names}]
    send_mailbox_message_with_files(client, body=body, files=[report], idempotency_key="files")
    [received] = _inbox(mailbox)
    known = {"message_id": received.id, "attachment_id": received.attachments[1].id}
    assert len(received.attachments) == 2
    assert download_mailbox_attachment(client, **known) == b"The numbers"
    assert read_mailbox_text_attachment(client, **known) == "The numbers"


def test_many_messages_at_once_and_snippets(mailbox: Any) -> None:
    for subject in ("one", "two"):
        _send(mailbox, subject)
    ids = [message.id for message in _inbox(mailbox)]
    for mode in ("none", "raw", "clean_json"):
        body = {"ids": [*ids, "msg_nobody"], "body_mode": mode}
        assert mailbox.mailbox_batch_get_messages(mailbox_batch_get_body=body).data.not_found == ["msg_nobody"]
    marked = mailbox.mailbox_batch_update_messages(batch_update_mailbox_messages_body={"ids": ids, "seen": True})
    assert marked.data.updated == ids
    stale = {"ids": ids, "if_in_state": marked.data.states.old_state}
    with pytest.raises(SendmuxApiError) as conflict:
        mailbox.mailbox_batch_delete_messages(batch_delete_mailbox_messages_body=stale)
    assert (conflict.value.status_code, conflict.value.code, conflict.value.retryable) == (409, "conflict", False)
    found = mailbox.mailbox_search_message_snippets(q="two").data
    assert {snippet.subject for snippet in found.snippets} == {"<mark>two</mark>"}
    gone = mailbox.mailbox_batch_delete_messages(batch_delete_mailbox_messages_body={"ids": ids}).data
    assert gone.deleted == ids


def test_folders_threads_and_submissions(mailbox: Any) -> None:
    made = mailbox.mailbox_create_folder(create_mailbox_folder_body={"name": "Clients"}).data
    renamed = mailbox.mailbox_update_folder(made.id, patch_mailbox_folder_body={"name": "Customers"}).data
    assert mailbox.mailbox_get_folder(made.id).data == renamed
    assert [folder.name for folder in mailbox.mailbox_list_folders().data][-1] == "Customers"
    assert mailbox.mailbox_delete_folder(made.id).data.deleted is True
    message_id = _send(mailbox)
    [thread] = mailbox.mailbox_list_threads().data
    assert message_id in mailbox.mailbox_get_thread(thread.id).data.message_ids
    assert len(mailbox.mailbox_list_thread_messages(thread.id).data) == 2
    assert mailbox.mailbox_get_thread_content(thread.id).meta.thread_id == thread.id
    [submission] = mailbox.mailbox_list_submissions(email_ids=message_id).data
    assert mailbox.mailbox_get_submission(submission.id).data.undo_status == "final"


def test_changes_of_every_type(mailbox: Any) -> None:
    before = mailbox.mailbox_get_changes(types=_EVERY).actual_instance.data
    states = {name: getattr(before.types, name).new_state for name in _EVERY.split(",")}
    query = mailbox.mailbox_query_message_changes(folder_id="inbox").data.new_query_state
    folders = mailbox.mailbox_query_folder_changes().data.new_query_state
    message_id = _send(mailbox)
    since = {f"{name}_since_state": state for name, state in states.items()}
    after = mailbox.mailbox_get_changes(types=_EVERY, **since).actual_instance.data.types
    assert message_id in after.messages.created
    assert mailbox.mailbox_get_folder_changes(since_state=states["folders"]).data.updated == after.folders.updated
    assert len(mailbox.mailbox_get_submission_changes(since_state=states["submissions"]).data.created) == 1
    assert len(mailbox.mailbox_get_quota_changes(since_state=states["quotas"]).data.updated) == 1
    assert len(mailbox.mailbox_query_message_changes(folder_id="inbox", since_query_state=query).data.added) == 1
    assert len(mailbox.mailbox_query_folder_changes(since_query_state=folders).data.added) == 6


def test_events_arrive_as_they_happen(team: Account, client: Any) -> None:
    events, heard = iter_mailbox_events(client, close_after=30), list[Any]()
    listener = Thread(target=lambda: heard.extend(events))
    # The stream has begun once somebody waits at the mailbox's bell.
    waiting = team.emulator.world.bells._waiting
    listener.start()
    while _ME not in waiting and listener.is_alive():
        listener.join(0.01)
    team.emulator.receive(_ME, "Live", "It works", attachments={"a.txt": b"a"})
    team.emulator.advance("30s")
    listener.join()
    [event] = heard
    assert (event.event_type, event.message.subject, event.is_spam) == ("message.received", "Live", False)
    assert event.message.body.text == "It works"


def test_mail_by_smtp_is_listed(team: Account, mailbox: Any) -> None:
    with smtplib.SMTP("127.0.0.1", team.emulator.serve().smtp.port) as smtp:
        smtp.sendmail("jane@example.com", [_ME], "Subject: By SMTP\r\n\r\nHello\r\n")
    [received] = _inbox(mailbox)
    assert (received.subject, received.preview, received.var_from) == ("By SMTP", "Hello", None)


def test_errors_arrive_as_the_sdks_exceptions(mailbox: Any) -> None:
    with pytest.raises(SendmuxApiError) as failed:
        mailbox.mailbox_get_message("msg_nobody")
    assert (failed.value.status_code, failed.value.code) == (404, "not_found")


# The Sending API


def _email(**more: Any) -> dict[str, Any]:
    return {"from": {"email": _ME}, "to": {"email": _ME}, "subject": "Hello", "html_body": "<p>Hi</p>", **more}


def test_sending_one_and_many(sending: Any, mailbox: Any) -> None:
    emails = EmailsApi(sending)
    sent = emails.sending_send_email(_email(), idempotency_key="one").data
    assert emails.sending_send_email(_email(), idempotency_key="one").data == sent
    wrong = _email(attachments=[{"attachment_id": "att_" + "a" * 24}])
    batch = emails.sending_send_email_batch(BatchSendRequest.from_dict({"messages": [_email(), wrong]})).data
    assert (batch.summary.queued, batch.summary.failed) == (1, 1)
    assert batch.results[1].error.code == "validation_error"
    assert len(_inbox(mailbox)) == 2
    with pytest.raises(SendmuxApiError) as failed:
        emails.sending_send_email(_email(**{"from": {"email": "other@example.com"}}))
    assert (failed.value.status_code, failed.value.code) == (403, "insufficient_permissions")


def test_sending_files(sending: Any, mailbox: Any, report: Path) -> None:
    uploaded = upload_attachment_from_file(sending, file_path=report, idempotency_key="file").data
    assert AttachmentsApi(sending).sending_get_attachment(uploaded.attachment_id).data == uploaded
    assert uploaded.content_type == "text/plain"
    inline = attachment_from_file(report)
    send_email_with_files(sending, body=_email(attachments=[inline]), files=[report], idempotency_key="files")
    [received] = _inbox(mailbox)
    assert [(part.filename, part.size_bytes) for part in received.attachments] == [("report.txt", 11)] * 2


def test_a_delegated_upload(sending: Any) -> None:
    attachments = AttachmentsApi(sending)
    intent = attachments.sending_create_attachment_upload({"filename": "a.txt", "size_bytes": 5}).data
    token = intent.headers["X-Sendmux-Upload-Token"]
    done = attachments.sending_complete_attachment_upload(token, 5, intent.upload_id, b"hello").data
    assert (done.filename, done.content_type, done.size_bytes) == ("a.txt", "text/plain", 5)


def test_the_connection_of_a_sending_key(sending: Any) -> None:
    connection = MetaApi(sending).sending_get_connection().data
    assert "email.send" in connection.permissions
    assert MetaApi(sending).sending_get_open_api_spec()["openapi"] == "3.1.0"
