"""Inbox Emulator in this process, by production URL: a mailbox, a mail sent and waited for, in a fresh world."""

import httpx
import pytest

from bench.suites import COUNT, MAIL

URL = "https://inkbox.ai/api/v1"


@pytest.mark.parametrize("n", range(COUNT))
def test_mail(emulator_intercept, inkbox, n):
    with httpx.Client(headers={"X-Service-Token": inkbox.api_key}) as client:
        made = {"agent_handle": "ada", "mailbox": {"email_local_part": "ada"}}
        assert client.post(f"{URL}/identities", json=made).status_code == 201
        sent = client.post(f"{URL}/mail/mailboxes/ada@inkboxmail.com/messages", json=MAIL)
        assert sent.status_code == 201
    assert emulator_intercept.wait_for(to="jane@example.com").subject == "Report"
