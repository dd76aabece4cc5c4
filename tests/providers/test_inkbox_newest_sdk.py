"""The vendor's newest SDK, unmodified, in the generation of today: served, and in process with its production URL.

One process can import one version of a package, and the other tests import the SDK of spring 2026. So these run by
themselves, with the newest one first on the path: `pip install --target DIR inkbox`, then
`PYTHONPATH=DIR pytest tests/providers/test_inkbox_newest_sdk.py`.
"""

from __future__ import annotations

import base64
import io
import re
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import inkbox
import pytest
from inkbox import Inkbox

from emulator import Account, Emulator
from emulator.webhooks.receivers import Received
from tests.dialling import nobody_dials

if not hasattr(inkbox, "DraftRecipients"):
    pytest.skip("the newest inkbox is not on the path: pip install --target DIR inkbox", allow_module_level=True)

pytestmark = pytest.mark.emulator(revisions={"inkbox": "current"})

_HOOK = "https://agent.example/hook"
_FILE = {
    "filename": "report 1.pdf",
    "content_type": "application/pdf",
    "content_base64": base64.b64encode(b"%PDF").decode(),
}


@pytest.fixture(params=["served", "in process"])
def here(request: pytest.FixtureRequest, emulator: Emulator) -> Iterator[Emulator]:
    if request.param == "served":
        emulator.serve()
        yield emulator
        return
    with nobody_dials(), emulator.intercept():
        yield emulator


@pytest.fixture
def account(here: Emulator) -> Account:
    return here.account("inkbox")


@pytest.fixture
def client(account: Account) -> Iterator[Any]:
    at = {"base_url": account.base_url} if account.emulator.servers else {}
    with Inkbox(api_key=account.api_key, **at) as client:
        assert account.emulator.servers or client._base_url == "https://inkbox.ai"
        yield client


@pytest.fixture
def alice(client: Any) -> Any:
    return client.create_identity("alice")


@pytest.fixture
def bob(client: Any) -> Any:
    return client.create_identity("bob", display_name="Bob")


@pytest.fixture
def receive(here: Emulator) -> Callable[..., object]:
    return here.receive


def _status(error: pytest.ExceptionInfo[Any]) -> int:
    return int(error.value.status_code)


# Identities and mailboxes


def test_an_identity_comes_with_mailbox_and_tunnel_and_goes_with_them(client: Any) -> None:
    made = client.create_identity("sales-bot", display_name="Sales", description="Sells")
    assert (made.email_address, made.tunnel.public_host) == ("sales-bot@inkboxmail.com", "sales-bot.inkboxwire.com")
    assert made.mailbox.agent_identity_id == made.id
    made.update(description=None, display_name="New")
    [listed] = client.list_identities()
    assert (listed.display_name, listed.description, listed.tunnel.id) == ("New", None, made.tunnel.id)
    [box] = client.mailboxes.list()
    assert (box.id, box.storage_used_bytes, box.storage_limit_bytes) == (made.mailbox.id, 0, 2 * 1024**3)
    key = client.api_keys.create(label="scoped", scoped_identity_id=made.id)
    made.delete()
    assert (client.list_identities(), client.mailboxes.list()) == ([], [])
    with Inkbox(api_key=key.api_key, base_url=client._base_url) as revoked, pytest.raises(inkbox.InkboxAPIError) as no:
        revoked.whoami()
    assert _status(no) == 401


def test_a_handle_is_taken_in_every_organization(client: Any, alice: Any) -> None:
    with pytest.raises(inkbox.identities.exceptions.HandleUnavailableError) as taken:
        client.create_identity("alice")
    assert taken.value.blocking_namespace == "identities"
    assert alice.agent_handle == "alice"


def test_a_signature_is_written_below_what_is_sent(client: Any, alice: Any) -> None:
    box = client.mailboxes.update(alice.email_address, signature_html="<b>Alice</b>", signature_enabled=True)
    assert (box.signature_text, box.signature_enabled) == ("Alice", True)
    sent = alice.send_email(to=["jane@example.com"], subject="Hi", body_text="Hello", body_html="<p>Hello</p>")
    detail = client.messages.get(alice.email_address, sent.id)
    assert (detail.body_text, detail.body_html) == ("Hello\n\n-- \nAlice", "<p>Hello</p><b>Alice</b>")
    client.mailboxes.update(alice.email_address, signature_enabled=False)
    plain = alice.send_email(to=["jane@example.com"], subject="Hi", body_text="Hello")
    assert client.messages.get(alice.email_address, plain.id).body_text == "Hello"


def test_a_changed_filter_mode_tells_which_rules_say_nothing_any_more(client: Any, alice: Any) -> None:
    alice.create_mail_contact_rule(action="block", match_type="domain", match_target="evil.test")
    notice = client.mailboxes.update(alice.email_address, filter_mode="whitelist").filter_mode_change_notice
    assert (notice.redundant_rule_action, notice.redundant_rule_count) == ("block", 1)
    again = client.mailboxes.update(alice.email_address, filter_mode="whitelist")
    assert again.filter_mode_change_notice is None


# Messages and threads


def test_a_mail_is_sent_read_answered_and_forwarded(client: Any, alice: Any, bob: Any) -> None:
    sent = alice.send_email(to=[bob.email_address], cc=["jane@example.com"], subject="Report", attachments=[_FILE])
    [received] = bob.iter_unread_emails()
    assert (received.message_id, received.from_display_name) == (sent.message_id, "alice")
    detail = client.messages.get(bob.email_address, received.id)
    assert (detail.is_read, detail.attachment_metadata[0]["size"]) == (True, 4)
    assert (detail.reply_all_recipients.to, detail.reply_all_recipients.cc) == (
        [alice.email_address],
        ["jane@example.com"],
    )
    link = client.messages.get_attachment(bob.email_address, received.id, "report 1.pdf")
    assert httpx.get(link["url"]).content == b"%PDF"

    reply = bob.reply_all_email(received.id, body_text="Thanks")
    assert (reply.subject, reply.to_addresses, reply.cc_addresses, reply.thread_id) == (
        "Re: Report",
        [alice.email_address],
        ["jane@example.com"],
        received.thread_id,
    )
    inline = bob.forward_email(received.id, to=["joe@example.com"], body_text="See below")
    assert (inline.subject, inline.has_attachments) == ("Fwd: Report", True)
    assert inline.thread_id != received.thread_id
    assert "See below" in client.messages.get(bob.email_address, inline.id).body_text
    wrapped = bob.forward_email(received.id, bcc=["joe@example.com"], mode="wrapped", subject="Look")
    [eml] = client.messages.get(bob.email_address, wrapped.id).attachment_metadata
    assert (wrapped.subject, eml["content_type"]) == ("Look", "message/rfc822")
    assert [found.id for found in client.mailboxes.search(bob.email_address, q="thanks")] == [reply.id]


def test_a_send_that_is_repeated_with_its_key_is_one_mail_for_seven_days(
    here: Emulator, client: Any, alice: Any
) -> None:
    mail = {"to": ["jane@example.com"], "subject": "Once", "body_text": "Hi", "idempotency_key": "order-1"}
    first, again = alice.send_email(**mail), alice.send_email(**mail)
    assert first == again
    assert len(here.sent) == 1
    with pytest.raises(inkbox.IdempotencyKeyReusedError):
        alice.send_email(**{**mail, "subject": "Other"})
    assert client.message_sends.lookup_email(alice.email_address, idempotency_key="order-1") == first.id
    # Replies and forwards have keys of their own.
    assert alice.forward_email(first.id, to=["joe@example.com"], idempotency_key="order-1").id != first.id
    here.advance("7d")
    assert alice.send_email(**mail).id != first.id


def test_the_sdk_waits_for_a_request_with_the_same_key(here: Emulator, alice: Any) -> None:
    busy = {"provider": "inkbox", "operation": "send_message", "status": 409, "code": "idempotency_in_progress"}
    here.fault("respond", **busy)
    alice.send_email(to=["jane@example.com"], subject="Once", body_text="Hi")
    assert len(here.sent) == 1


def test_an_opened_mail_is_counted(here: Emulator, client: Any, alice: Any) -> None:
    sent = alice.send_email(to=["jane@example.com"], subject="Hi", body_html="<p>Hello</p>", track_opens=True)
    html = client.messages.get(alice.email_address, sent.id).body_html
    found = re.search(r'<img src="([^"]+)"', html)
    assert found
    for _ in range(2):
        assert httpx.get(found[1]).headers["content-type"] == "image/gif"
    here.advance("1h")
    httpx.get(found[1])
    opened = client.messages.get(alice.email_address, sent.id)
    assert (opened.open_count, opened.first_opened_at) == (2, sent.created_at)
    with pytest.raises(inkbox.InkboxAPIError) as no_html:
        alice.send_email(to=["jane@example.com"], subject="Hi", body_text="Hello", track_opens=True)
    assert _status(no_html) == 422


def test_an_inline_image_is_shown_in_the_html(alice: Any) -> None:
    image = {**_FILE, "filename": "chart.png", "content_type": "image/png", "content_id": "chart"}
    sent = alice.send_email(
        to=["jane@example.com"], subject="Chart", body_html='<img src="cid:chart">', attachments=[image]
    )
    assert sent.has_attachments
    for wrong in (
        {"attachments": [image]},
        {"body_html": "x", "attachments": [image, image]},
        {"body_html": "x", "attachments": [{**image, "content_type": "text/plain"}]},
    ):
        with pytest.raises(inkbox.InkboxAPIError) as refused:
            alice.send_email(to=["jane@example.com"], subject="Chart", **wrong)
        assert _status(refused) == 422


def test_messages_of_a_day_in_a_zone(here: Emulator, client: Any, alice: Any, receive: Any) -> None:
    for subject in ("first", "second"):
        receive(alice.email_address, subject)
        here.advance("13h")

    def listed(**window: str) -> list[str]:
        return [message.subject for message in client.messages.list(alice.email_address, **window)]

    assert listed(start_datetime="2026-01-01", end_datetime="2026-01-01") == ["first"]
    assert listed(end_datetime="2026-01-01", tz="America/New_York") == ["second", "first"]
    assert listed(start_datetime="2026-01-01T13:00:00+01:00", end_datetime="2026-01-01T12:30:00") == ["first"]


def test_threads_lie_in_folders(client: Any, alice: Any, receive: Any) -> None:
    receive(alice.email_address, "Hello")
    [thread] = client.threads.list(alice.email_address)
    assert client.threads.update(alice.email_address, thread.id, folder="archive").folder == "archive"
    assert client.threads.list_folders(alice.email_address) == ["archive"]
    assert list(client.threads.list(alice.email_address, folder="inbox")) == []
    assert [one.subject for one in client.threads.get(alice.email_address, thread.id).messages] == ["Hello"]
    client.threads.delete(alice.email_address, thread.id)
    assert client.threads.list_folders(alice.email_address) == []


def test_a_full_mailbox_sends_nothing_until_something_is_deleted(
    account: Account, client: Any, alice: Any, receive: Any
) -> None:
    receive(alice.email_address, "Large", "x" * 5000)
    account.set("storage_limit_bytes", 5000)
    with pytest.raises(inkbox.StorageLimitExceededError) as full:
        alice.send_email(to=["jane@example.com"], subject="Hi", body_text="Hello")
    assert full.value.limit_bytes == 5000
    [large] = alice.iter_emails()
    client.messages.delete(alice.email_address, large.id)
    alice.send_email(to=["jane@example.com"], subject="Hi", body_text="Hello")


# Contact rules


def test_rules_block_mail_in_both_directions(here: Emulator, client: Any, alice: Any, receive: Any) -> None:
    alice.create_mail_contact_rule(action="block", match_type="domain", match_target="evil.test")
    alice.create_mail_contact_rule(
        action="allow", match_type="exact_email", match_target="good@evil.test", direction="inbound"
    )
    receive(alice.email_address, "Blocked", sender="x@evil.test")
    receive(alice.email_address, "Allowed", sender="good@evil.test")
    assert [message.subject for message in alice.iter_emails()] == ["Allowed"]
    [kept] = client.threads.list(alice.email_address, folder="blocked")
    assert kept.subject == "Blocked"

    refused = alice.send_email(to=["good@evil.test"], subject="Hi", body_text="Hello")
    assert client.messages.get(alice.email_address, refused.id).status == "failed"
    assert here.sent == []
    client.threads.update(alice.email_address, kept.id, folder="inbox")
    assert {message.subject for message in alice.iter_emails(direction="inbound")} == {"Allowed", "Blocked"}


def test_a_whitelist_lets_in_and_out_what_is_allowed(here: Emulator, alice: Any, receive: Any) -> None:
    rule = alice.create_mail_contact_rule(action="allow", match_type="domain", match_target="example.com")
    alice.update(mail_filter_mode="whitelist")
    receive(alice.email_address, "In", sender="jane@example.com")
    receive(alice.email_address, "Not in", sender="jane@other.test")
    alice.send_email(to=["jane@example.com", "jane@other.test"], subject="Out", body_text="Hi")
    assert [left.recipient for left in here.sent] == ["jane@example.com"]
    assert [message.subject for message in alice.iter_emails(direction="inbound")] == ["In"]

    blocked = alice.update_mail_contact_rule(rule.id, action="block", apply_to="inbound")
    assert (blocked.id != rule.id, blocked.direction, alice.get_mail_contact_rule(rule.id).direction) == (
        True,
        "inbound",
        "outbound",
    )
    one = alice.update_mail_contact_rule(blocked.id, action="allow")
    assert one.direction == "both"
    assert alice.get_mail_contact_rule(rule.id).id == one.id
    with pytest.raises(inkbox.DuplicateContactRuleError) as duplicate:
        alice.create_mail_contact_rule(action="block", match_type="domain", match_target="EXAMPLE.com")
    assert duplicate.value.existing_rule_id == one.id
    alice.delete_mail_contact_rule(one.id)
    assert alice.list_mail_contact_rules() == []


def test_the_three_routes_to_rules_show_the_same(client: Any, alice: Any, bob: Any) -> None:
    legacy = client.mail_contact_rules
    made = legacy.create(alice.email_address, action="block", match_type="exact_email", match_target="x@evil.test")
    other = bob.create_mail_contact_rule(
        action="allow", match_type="domain", match_target="example.com", direction="outbound"
    )
    assert [rule.id for rule in alice.list_mail_contact_rules()] == [made.id]
    assert made.mailbox_id == alice.mailbox.id
    every = client.mail_identity_contact_rules
    assert [rule.id for rule in every.list_all()] == [made.id, other.id]
    assert [rule.id for rule in every.list_all(direction="both")] == [made.id]
    assert [rule.id for rule in every.list_all(direction="outbound", action="allow")] == [other.id]
    assert [rule.id for rule in every.list_all(agent_identity_id=bob.id)] == [other.id]
    assert [rule.id for rule in legacy.list_all(mailbox_id=alice.mailbox.id)] == [made.id]
    assert legacy.update(alice.email_address, made.id, direction="inbound").direction == "inbound"
    assert legacy.get(alice.email_address, made.id).direction == "inbound"
    legacy.delete(alice.email_address, made.id)
    assert legacy.list(alice.email_address) == []


# Drafts


def test_a_draft_is_written_step_by_step_and_sent_once(client: Any, alice: Any) -> None:
    draft = alice.create_email_draft(subject="Review", idempotency_key="d1")
    assert alice.create_email_draft(subject="Review", idempotency_key="d1").id == draft.id
    people = inkbox.DraftRecipients(to=["jane@example.com"])
    draft = alice.update_email_draft(draft.id, generation=draft.generation, recipients=people, body_text="Look")
    with pytest.raises(inkbox.InkboxAPIError) as stale:
        alice.update_email_draft(draft.id, generation=1, subject="Late")
    assert (_status(stale), stale.value.detail["error"]) == (409, "draft_generation_conflict")

    at = (alice.email_address, draft.id)
    draft = client.drafts.add_attachments(*at, generation=draft.generation, attachments=[_FILE])
    content = client.drafts.download_attachment(*at, 0, generation=draft.generation)
    assert (content.content, content.filename, content.content_type) == (b"%PDF", "report 1.pdf", "application/pdf")
    copy = alice.duplicate_email_draft(draft.id, generation=draft.generation)
    draft = client.drafts.remove_attachment(*at, 0, generation=draft.generation)
    assert (draft.attachment_metadata, copy.attachment_count) == ([], 1)

    sent = alice.send_email_draft(draft.id, generation=draft.generation)
    assert (sent.subject, sent.to_addresses) == ("Review", ["jane@example.com"])
    assert alice.send_email_draft(draft.id, generation=draft.generation).id == sent.id
    assert [left.id for left in alice.iter_email_drafts()] == [copy.id]
    alice.delete_email_draft(copy.id, generation=copy.generation)
    assert list(alice.iter_email_drafts()) == []


def test_a_draft_forwards_with_a_note_that_can_be_changed(client: Any, alice: Any, receive: Any) -> None:
    receive(alice.email_address, "Original", "The text", attachments={"a.txt": b"x"})
    [original] = alice.iter_emails()
    draft = alice.create_email_draft(forward_message_id=original.id, forward_note_text="Note", to=["jane@example.com"])
    assert (draft.subject, draft.attachment_count) == ("Fwd: Original", 1)
    draft = alice.update_email_draft(draft.id, generation=draft.generation, forward_note_text="Other")
    assert draft.body_text.startswith("Other\n")
    sent = alice.send_email_draft(draft.id, generation=draft.generation)
    assert sent.thread_id != original.thread_id
    assert "The text" in client.messages.get(alice.email_address, sent.id).body_text


# Imports


_OLD = b"From: old@example.com\r\nTo: joe@example.com\r\nSubject: %s\r\nMessage-ID: <%s@old>\r\n%s\r\nHi\r\n"
_DATE = b"Date: Mon, 01 Jan 2024 00:00:00 +0000\r\n"


def _mbox() -> bytes:
    mails = (_OLD % (b"One", b"1", _DATE), _OLD % (b"Two", b"2", b""), _OLD % (b"One", b"1", _DATE))
    return b"\n".join(b"From someone\n" + mail.replace(b"\r\n", b"\n") for mail in mails)


def _zip() -> bytes:
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        archive.writestr("Takeout/All mail.mbox", _mbox())
        archive.writestr("three.eml", _OLD % (b"Three", b"3", _DATE))
        archive.writestr("notes.txt", "nothing")
    return whole.getvalue()


@pytest.mark.parametrize(
    ("data", "subjects", "duplicates"),
    [
        (_OLD % (b"One", b"1", _DATE), {"One"}, 0),
        (_mbox(), {"One", "Two"}, 1),
        (_zip(), {"One", "Two", "Three"}, 1),
    ],
    ids=["eml", "mbox", "zip"],
)
def test_old_mail_is_imported(client: Any, alice: Any, data: bytes, subjects: set[str], duplicates: int) -> None:
    imports = client.mailboxes.imports
    made = imports.create(alice.email_address, original_addresses=["old@example.com"])
    imports.upload(made.upload, io.BytesIO(data), filename="archive")
    assert imports.start(alice.email_address, str(made.job.id)).status == "queued"
    job = imports.wait(alice.email_address, str(made.job.id), poll_interval=0.01)
    assert (job.status, job.messages_imported, job.messages_skipped_duplicate) == (
        "completed",
        len(subjects),
        duplicates,
    )
    found = list(alice.iter_emails(direction="outbound"))
    assert {message.subject for message in found} == subjects
    assert all(message.import_job_id == job.id and message.is_read for message in found)
    assert min(message.created_at.year for message in found) == 2024
    assert [one.id for one in imports.list(alice.email_address).items] == [job.id]


def test_an_upload_target_lasts_five_minutes_and_an_import_can_be_cancelled(
    here: Emulator, client: Any, alice: Any
) -> None:
    imports = client.mailboxes.imports
    made = imports.create(alice.email_address)
    here.advance("5m")
    with pytest.raises(inkbox.exceptions.MailImportUploadError) as late:
        imports.upload(made.upload, io.BytesIO(b"x"), filename="a.eml")
    assert _status(late) == 403
    imports.upload(imports.refresh_upload_target(alice.email_address, str(made.job.id)), io.BytesIO(b"x"), filename="a")
    assert imports.cancel(alice.email_address, str(made.job.id)).status == "cancelled"


def test_imports_of_a_day_are_limited(account: Account, client: Any, alice: Any) -> None:
    account.set("imports_per_day", 1)
    made = client.mailboxes.imports.create(alice.email_address)
    client.mailboxes.imports.cancel(alice.email_address, str(made.job.id))
    with pytest.raises(inkbox.exceptions.MailImportQuotaExceededError) as over:
        client.mailboxes.imports.create(alice.email_address)
    assert over.value.retry_after_seconds == 24 * 3600


# Webhooks


def test_webhooks_are_signed_by_the_identity_logged_and_replayed(
    here: Emulator, client: Any, alice: Any, bob: Any
) -> None:
    heard: list[Received] = []
    here.receive_webhooks(_HOOK, heard.append)
    hooks, log = client.webhooks.subscriptions, client.webhooks.deliveries
    made = hooks.create(
        agent_identity_id=bob.id, url=_HOOK, event_types=["message.received", "message.forwarded"], auth_token="secret"
    )
    assert hooks.create(mailbox_id=bob.mailbox.id, url=_HOOK, event_types=["message.sent"]).signing_key is None
    alice.send_email(to=[bob.email_address], subject="Hello", body_text="Hi")
    [received] = heard
    assert inkbox.verify_webhook(payload=received.body, headers=received.headers, secret=made.signing_key)
    assert received.headers["authorization"] == "Bearer secret"
    [party] = received.json["data"]["agent_identities"]
    assert (party["bucket"], party["agent_handle"], received.json["data"]["contacts"]) == ("from", "alice", [])

    [row] = log.list(subscription_id=made.id)
    assert (row.event_id, row.response_status, row.request_payload) == (
        received.json["id"],
        200,
        received.body.decode(),
    )
    assert log.replay(row.id).is_replay
    assert (heard[1].body, heard[1].headers["x-inkbox-request-id"] != received.headers["x-inkbox-request-id"]) == (
        received.body,
        True,
    )
    assert [one.is_replay for one in log.list(event_type="message.received", success=True)] == [True, False]

    [message] = bob.iter_emails()
    bob.forward_email(message.id, to=["jane@example.com"])
    assert [one.json["event_type"] for one in heard[2:]] == ["message.forwarded"]
    assert heard[2].json["data"]["message"]["status"] == "sent"

    rotated = bob.create_signing_key().signing_key
    alice.send_email(to=[bob.email_address], subject="Again", body_text="Hi")
    assert inkbox.verify_webhook(payload=heard[3].body, headers=heard[3].headers, secret=rotated)
    hooks.update(made.id, event_types=["message.forwarded"], auth_token=None)
    with pytest.raises(inkbox.InkboxAPIError) as unwanted:
        log.replay(row.id)
    assert _status(unwanted) == 409
    hooks.delete(made.id)
    assert [one.mailbox_id for one in hooks.list()] == [bob.mailbox.id]


def test_a_mixed_subscription_is_seen_and_changed_in_the_scope_of_the_identity(client: Any, alice: Any) -> None:
    hooks = client.webhooks.subscriptions
    events = ["message.received", "text.received"]
    context = {"email": {"mode": "count", "count": 3}}
    mixed = hooks.create(agent_identity_id=alice.id, url=_HOOK, event_types=events, context_config=context)
    assert hooks.list() == []
    assert [one.id for one in hooks.list(scope="identity")] == [mixed.id]
    assert hooks.get(mixed.id).context_config == {**context, "texts": None, "calls": None}
    with pytest.raises(inkbox.InkboxAPIError):
        hooks.delete(mixed.id)
    hooks.delete(mixed.id, scope="identity")
    with pytest.raises(inkbox.InkboxAPIError) as unknown:
        hooks.create(agent_identity_id=alice.id, url=_HOOK, event_types=["message.none"])
    assert _status(unknown) == 422


def test_mail_that_is_blocked_is_told_to_nobody(here: Emulator, client: Any, alice: Any) -> None:
    client.webhooks.subscriptions.create(agent_identity_id=alice.id, url=_HOOK, event_types=["message.received"])
    alice.create_mail_contact_rule(action="block", match_type="domain", match_target="evil.test")
    here.receive(alice.email_address, "Hi", sender="x@evil.test")
    assert client.webhooks.deliveries.list() == []


# Keys, domains, registration


def test_a_key_of_one_identity_sees_that_identity_alone(client: Any, alice: Any, bob: Any, receive: Any) -> None:
    key = client.api_keys.create(label="Bob's", description="For Bob", scoped_identity_id=bob.id)
    assert (key.record.scoped_identity_id, key.record.last4) == (bob.id, key.api_key[-4:])
    bob.update(mail_inbound_filter_mode="whitelist")
    receive(bob.email_address, "Blocked")
    with Inkbox(api_key=key.api_key, base_url=client._base_url) as scoped:
        assert scoped.whoami().auth_subtype == "api_key.agent_scoped.claimed"
        assert [one.id for one in scoped.list_identities()] == [bob.id]
        assert [box.id for box in scoped.mailboxes.list()] == [bob.mailbox.id]
        assert scoped.threads.list_folders(bob.email_address) == []
        assert scoped.signing_keys.get_status().configured is False
        assert scoped.create_signing_key().signing_key
        scoped.get_identity("bob").create_mail_contact_rule(
            action="allow", match_type="domain", match_target="example.com"
        )
        for operation, status in (
            (lambda: scoped.mailboxes.get(alice.email_address), 404),
            (lambda: scoped.get_identity("alice"), 404),
            (lambda: scoped.create_identity("carol"), 403),
            (lambda: scoped.get_identity("bob").update(mail_filter_mode="blacklist"), 403),
            (lambda: scoped.mailboxes.update(bob.email_address, filter_mode="blacklist"), 403),
            (scoped.mail_identity_contact_rules.list_all, 403),
            (lambda: scoped.api_keys.create(label="x", scoped_identity_id=bob.id), 403),
            (lambda: scoped.domains.set_default("inkboxmail.com"), 403),
            (lambda: scoped.webhooks.subscriptions.list(agent_identity_id=alice.id), None),
        ):
            if status is None:
                assert operation() == []
                continue
            with pytest.raises(inkbox.InkboxAPIError) as refused:
                operation()
            assert _status(refused) == status
    with pytest.raises(inkbox.InkboxAPIError) as no_identity:
        client.create_signing_key()
    assert _status(no_identity) == 409
    assert client.signing_keys.get_status().configured is True


def test_new_mailboxes_are_at_the_default_domain(account: Account, client: Any) -> None:
    account.set("sending_domains", ["mail.acme.com", "new.acme.com:pending"])
    assert [(one.domain, one.status) for one in client.domains.list()] == [
        ("mail.acme.com", "verified"),
        ("new.acme.com", "pending"),
    ]
    assert [one.domain for one in client.domains.list(status=inkbox.SendingDomainStatus.PENDING)] == ["new.acme.com"]
    assert client.domains.set_default("mail.acme.com") == "mail.acme.com"
    assert client.create_identity("one", email_local_part="info").email_address == "info@mail.acme.com"
    assert client.create_identity("two", sending_domain=None).email_address == "two@inkboxmail.com"
    assert client.domains.set_default("inkboxmail.com") is None
    assert client.create_identity("three", sending_domain="mail.acme.com").email_address == "three@mail.acme.com"
    with pytest.raises(inkbox.InkboxAPIError) as pending:
        client.domains.set_default("new.acme.com")
    assert _status(pending) == 409


def test_an_agent_registers_itself(account: Account) -> None:
    at = {"base_url": account.base_url}
    made = Inkbox.signup("jane@example.com", note_to_human="Hello", agent_handle="my-agent", harness="tests", **at)
    assert made.email_address == "my-agent@inkboxmail.com"
    restrictions = Inkbox.get_signup_status(made.api_key, **at).restrictions
    assert (restrictions.max_sends_per_day, restrictions.allowed_recipients) == (5, ["jane@example.com"])
    code = account.emulator.wait_for(to="jane@example.com").subject.split()[-1]
    account.emulator.advance("5m")
    assert Inkbox.resend_signup_verification(made.api_key, **at).claim_status == "agent_unclaimed"
    with pytest.raises(inkbox.InkboxAPIError):
        Inkbox.verify_signup(made.api_key, code, **at)
    newest = account.emulator.mail(to="jane@example.com")[-1].subject.split()[-1]
    assert Inkbox.verify_signup(made.api_key, newest, **at).claim_status == "agent_claimed"
    with Inkbox(api_key=made.api_key, **at) as client:
        assert client.whoami().auth_subtype == "api_key.agent_scoped.claimed"
        assert [one.agent_handle for one in client.list_identities()] == ["my-agent"]
