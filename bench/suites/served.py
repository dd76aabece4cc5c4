"""Inbox Emulator on one port for all tests, each in a world of its own."""

import pytest

from bench.suites import COUNT, send_report


@pytest.mark.parametrize("n", range(COUNT))
def test_mail(emulator_shared, inkbox_shared, n):
    send_report(f"{inkbox_shared.base_url}/api/v1", {"X-Service-Token": inkbox_shared.api_key})
    assert emulator_shared.wait_for(to="jane@example.com").subject == "Report"
