"""Inbox Emulator in this process, by production URL: a mailbox, a mail sent and waited for, in a fresh world."""

import pytest

from bench.suites import COUNT, send_report

URL = "https://inkbox.ai/api/v1"


@pytest.mark.parametrize("n", range(COUNT))
def test_mail(emulator_intercept, inkbox, n):
    send_report(URL, {"X-Service-Token": inkbox.api_key})
    assert emulator_intercept.wait_for(to="jane@example.com").subject == "Report"
