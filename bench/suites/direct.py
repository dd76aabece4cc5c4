"""Inbox Emulator in this process, called without an HTTP client."""

import pytest

from bench.suites import COUNT, MAIL


@pytest.mark.parametrize("n", range(COUNT))
def test_mail(emulator, inkbox, n):
    made = {"agent_handle": "ada", "mailbox": {"email_local_part": "ada"}}
    assert inkbox.request("POST", "/api/v1/identities", json=made).status_code == 201
    sent = inkbox.request("POST", "/api/v1/mail/mailboxes/ada@inkboxmail.com/messages", json=MAIL)
    assert sent.status_code == 201
    assert emulator.wait_for(to="jane@example.com").subject == "Report"
