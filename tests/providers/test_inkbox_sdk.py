"""The vendor's published SDK of the emulated generation, unmodified, against the served emulator."""

from __future__ import annotations

import base64
import smtplib
from collections.abc import Iterator
from email.message import EmailMessage

import httpx
import pytest
from inkbox import Inkbox
from inkbox.exceptions import InkboxAPIError

from emulator import Account


@pytest.fixture
def client(inkbox_server: Account) -> Iterator[Inkbox]:
    with Inkbox(api_key=inkbox_server.api_key, base_url=inkbox_server.base_url) as client:
        yield client


def test_identities_and_mailboxes(client: Inkbox) -> None:
    client.create_identity("bot")
    box = client.mailboxes.create(agent_handle="bot", display_name="Bot", email_local_part="bot")
    assert box.email_address == "bot@inkboxmail.com"
    assert [one.id for one in client.mailboxes.list()] == [box.id]
    assert client.mailboxes.get("bot").id == box.id
    updated = client.mailboxes.update(box.email_address, display_name="New", webhook_url="https://example.com/hook")
    assert (updated.display_name, updated.webhook_url) == ("New", "https://example.com/hook")
    assert client.mailboxes.update(box.email_address, webhook_url=None).webhook_url is None
    identity = client.get_identity("bot")
    assert identity.email_address == box.email_address
    identity.update(status="paused")
    assert [one.status for one in client.list_identities()] == ["paused"]
    client.mailboxes.delete(box.email_address)
    assert client.mailboxes.list() == []
    identity.delete()
    assert client.list_identities() == []


def test_send_list_read_star_thread_search_attachment_delete(client: Inkbox) -> None:
    alice = client.create_identity("alice", create_mailbox=True, email_local_part="alice")
    bob = client.create_identity("bob", create_mailbox=True, email_local_part="bob")
    attachment = {
        "filename": "report 1.pdf",
        "content_type": "application/pdf",
        "content_base64": base64.b64encode(b"%PDF").decode(),
    }
    sent = alice.send_email(to=["bob@inkboxmail.com"], subject="Report", body_text="Numbers", attachments=[attachment])
    [received] = list(bob.iter_unread_emails())
    assert received.message_id == sent.message_id
    detail = bob.get_message(str(received.id))
    assert (detail.body_text, detail.attachment_metadata[0]["size"]) == ("Numbers", 4)
    bob.mark_emails_read([str(received.id)])
    assert list(bob.iter_unread_emails()) == []

    messages = client._messages  # the SDK's README reaches it through the identity; starring is only here
    assert messages.star("bob@inkboxmail.com", received.id).is_starred is True
    link = messages.get_attachment("bob@inkboxmail.com", received.id, "report 1.pdf")
    assert httpx.get(link["url"]).content == b"%PDF"

    reply = bob.send_email(to=["alice@inkboxmail.com"], subject="Re: Report", in_reply_to_message_id=str(received.id))
    assert reply.thread_id == received.thread_id
    thread = alice.get_thread(str(sent.thread_id))
    assert [message.subject for message in thread.messages] == ["Report", "Re: Report"]
    assert [found.id for found in client.mailboxes.search("bob@inkboxmail.com", q="numbers")] == [received.id]

    messages.delete("bob@inkboxmail.com", received.id)
    assert [message.id for message in bob.iter_emails()] == [reply.id]
    client._threads.delete("bob@inkboxmail.com", reply.thread_id)
    assert list(bob.iter_emails()) == []


def test_pagination_walks_all_messages(client: Inkbox) -> None:
    alice = client.create_identity("alice", create_mailbox=True)
    for number in range(7):
        alice.send_email(to=["ops@example.com"], subject=str(number))
    assert [message.subject for message in alice.iter_emails(page_size=3)] == list("6543210")


def test_keys_and_whoami(client: Inkbox) -> None:
    assert client.whoami().auth_type == "api_key"
    assert client.create_signing_key().signing_key


def test_errors_arrive_as_the_sdks_exceptions(client: Inkbox, inkbox_server: Account) -> None:
    with pytest.raises(InkboxAPIError) as failed:
        client.mailboxes.create(agent_handle="nobody")
    assert (failed.value.status_code, failed.value.detail) == (404, "Agent identity not found")
    with (
        Inkbox(api_key="wrong", base_url=inkbox_server.base_url) as stranger,
        pytest.raises(InkboxAPIError, match="401"),
    ):
        stranger.list_identities()


def test_an_agent_registers_itself(inkbox_server: Account) -> None:
    base_url = inkbox_server.base_url
    made = Inkbox.signup("jane@example.com", "Sales Agent", note_to_human="Hello", base_url=base_url)
    code = inkbox_server.emulator.wait_for(to="jane@example.com").subject.split()[-1]
    assert Inkbox.verify_signup(made.api_key, code, base_url=base_url).claim_status == "agent_claimed"
    assert Inkbox.get_signup_status(made.api_key, base_url=base_url).restrictions.can_create_mailboxes is True


def test_mail_by_smtp_is_listed(client: Inkbox, inkbox_server: Account) -> None:
    identity = client.create_identity("bot", create_mailbox=True, email_local_part="bot")
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "Jane <jane@example.com>", "bot@inkboxmail.com", "Grüße"
    mail.set_content("Hello from outside")
    servers = inkbox_server.emulator.serve()
    with smtplib.SMTP("127.0.0.1", servers.smtp.port) as smtp:
        smtp.send_message(mail)
    [message] = list(identity.iter_emails())
    assert (message.subject, message.snippet) == ("Grüße", "Hello from outside")
