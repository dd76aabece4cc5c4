"""Inbox Emulator on one port for all tests, each in a world of its own."""

import httpx
import pytest

from bench.suites import COUNT, MAIL


@pytest.mark.parametrize("n", range(COUNT))
def test_mail(emulator_shared, inkbox_shared, n):
    url = f"{inkbox_shared.base_url}/api/v1"
    with httpx.Client(headers={"X-Service-Token": inkbox_shared.api_key}) as client:
        made = {"agent_handle": "ada", "mailbox": {"email_local_part": "ada"}}
        assert client.post(f"{url}/identities", json=made).status_code == 201
        sent = client.post(f"{url}/mail/mailboxes/ada@inkboxmail.com/messages", json=MAIL)
        assert sent.status_code == 201
    assert emulator_shared.wait_for(to="jane@example.com").subject == "Report"
