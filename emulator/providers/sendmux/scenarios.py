"""Failures that Sendmux documents, by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from emulator.provider import RATE_LIMITED, Scenario

_NO_ACTIVE_PROVIDERS: Final[Mapping[str, Any]] = {
    "status": 503,
    "code": "no_active_providers",
    "message": "No sending account is active",
    "times": None,
}

SCENARIOS: Final[Mapping[str, Scenario]] = {
    "provisioning-fails": Scenario(
        "the team is not provisioned: mailboxes and domains cannot be created (503)", settings={"provisioned": False}
    ),
    "credentials-fail": Scenario(
        "a mailbox is created without a credential and with a warning; asking for one answers 503",
        settings={"credentials_available": False},
    ),
    "no-credits": Scenario(
        "nothing can be sent, because the balance is used up (402)", settings={"balance": "0.000000"}
    ),
    "no-active-providers": Scenario(
        "the Sending API sends nothing, because no sending account is active (503 no_active_providers)",
        tuple({**_NO_ACTIVE_PROVIDERS, "operation": operation} for operation in ("send_email", "send_email_batch")),
    ),
    "domain-fails": Scenario("the verification of a domain fails", settings={"verification": "failed"}),
    "mailbox-limit-reached": Scenario(
        "the team has all the mailboxes it may have (409)", settings={"mailbox_limit": 0}
    ),
    "rate-limited": RATE_LIMITED,
}
