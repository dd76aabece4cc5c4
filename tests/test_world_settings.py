"""Settings: what a tester may choose, and what not."""

from __future__ import annotations

from typing import Any

import pytest

from emulator import Emulator


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("verification", "faild", "sendmux.verification is verified or pending or failed, and cannot be 'faild'"),
        ("balance", "much", "cannot be 'much'"),
        ("balance", 5, "sendmux.balance is by default '100.000000' and cannot be 5"),
        ("provisioned", 1, "is by default True and cannot be 1"),
        ("mailbox_limit", "many", "is by default None and cannot be 'many'"),
        ("changes_kept", True, "is by default 10000 and cannot be True"),
    ],
)
def test_a_value_that_cannot_be_is_refused(emulator: Emulator, name: str, value: Any, message: str) -> None:
    with pytest.raises(ValueError) as refused:  # noqa: PT011  # the whole message is compared
        emulator.account("sendmux").set(name, value)
    assert message in str(refused.value)


@pytest.mark.parametrize(("name", "value"), [("verification", "failed"), ("balance", "0.5"), ("mailbox_limit", 3)])
def test_other_values_can_be(emulator: Emulator, name: str, value: Any) -> None:
    emulator.account("sendmux").set(name, value)


def test_a_setting_that_is_none_is_refused_with_the_choices(emulator: Emulator) -> None:
    with pytest.raises(LookupError, match="sendmux has no setting 'verificaton'; it has balance, "):
        emulator.account("sendmux").set("verificaton", "failed")
