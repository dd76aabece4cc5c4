"""Inbox Emulator on one port for all tests, each in a world of its own."""

import pytest

from bench.suites import CLIENT, COUNT, MAIL


@pytest.mark.parametrize("n", range(COUNT))
def test_mail(emulator_shared, inkbox_shared, n):
    url = f"{inkbox_shared.base_url}/api/v1"
    headers = {"X-Service-Token": inkbox_shared.api_key}
    made = {"agent_handle": "ada", "mailbox": {"email_local_part": "ada"}}
    assert CLIENT.post(f"{url}/identities", json=made, headers=headers).status_code == 201
    sent = CLIENT.post(f"{url}/mail/mailboxes/ada@inkboxmail.com/messages", json=MAIL, headers=headers)
    assert sent.status_code == 201
    assert emulator_shared.wait_for(to="jane@example.com").subject == "Report"
