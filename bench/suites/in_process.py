"""Inbox Emulator in this process, by production URL: a mailbox, a mail sent and waited for, in a fresh world."""

import pytest

from bench.suites import CLIENT, COUNT, MAIL

URL = "https://inkbox.ai/api/v1"


@pytest.mark.parametrize("n", range(COUNT))
def test_mail(emulator_intercept, inkbox, n):
    headers = {"X-Service-Token": inkbox.api_key}
    made = {"agent_handle": "ada", "mailbox": {"email_local_part": "ada"}}
    assert CLIENT.post(f"{URL}/identities", json=made, headers=headers).status_code == 201
    sent = CLIENT.post(f"{URL}/mail/mailboxes/ada@inkboxmail.com/messages", json=MAIL, headers=headers)
    assert sent.status_code == 201
    assert emulator_intercept.wait_for(to="jane@example.com").subject == "Report"
