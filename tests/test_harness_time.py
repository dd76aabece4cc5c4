"""Time and failure from a test's side: absences, waits that are skipped, and rules that come with the world."""

from __future__ import annotations

import time

import pytest

from emulator import Account, Emulator


def test_an_absence_of_days_takes_no_time(emulator: Emulator, inkbox: Account) -> None:
    box = inkbox.mailbox("bot")
    emulator.receive(box.address, "Before")
    before = emulator.world.now()
    emulator.expect_none(to=box.address, within="30d")
    assert (emulator.world.now() - before).days == 30


def test_what_comes_all_the_same_is_named(emulator: Emulator, inkbox: Account) -> None:
    box = inkbox.mailbox("bot")
    mail = {"recipients": {"to": ["delay+600@simulator.test"]}, "subject": "Late", "body_text": "x"}
    inkbox.request("POST", f"/api/v1/mail/mailboxes/{box.address}/messages", json=mail)
    emulator.expect_none(subject="late", within="9m")
    with pytest.raises(AssertionError, match=r"to delay\+600@simulator.test from bot@inkboxmail.com: 'Late'"):
        emulator.expect_none(subject="late", within="1m")


@pytest.mark.emulator(clock=None)
def test_in_real_time_an_absence_is_waited_for(emulator: Emulator) -> None:
    emulator.expect_none(within=0.01)


@pytest.mark.emulator(skip_waits=True)
def test_a_wait_of_a_provider_is_skipped_on_demand(emulator: Emulator, postern: Account) -> None:
    inbox, began = postern.mailbox("bot"), emulator.world.now()
    started = time.monotonic()
    waited = postern.request("POST", f"/v1/inboxes/{inbox.address}/wait", json={"timeout_seconds": 300})
    assert waited.get_json()["timed_out"] is True
    assert (emulator.world.now() - began).total_seconds() == 300
    assert time.monotonic() - started < 250


@pytest.mark.emulator(faults=[{"provider": "inkbox", "operation": "whoami", "status": 429, "retry_after": 7}])
def test_rules_come_with_the_world(inkbox: Account) -> None:
    first, second = (inkbox.request("GET", "/api/whoami") for _ in range(2))
    assert (first.status_code, first.headers["Retry-After"], second.status_code) == (429, "7", 200)
