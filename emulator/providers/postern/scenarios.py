"""Failures that Postern documents, by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from emulator.provider import RATE_LIMITED, Scenario

_EXHAUSTED: Final[Mapping[str, Any]] = {
    "status": 409,
    "code": "enrollment_token_exhausted",
    "message": "This enrollment key is exhausted. Issue a new key.",
    "times": None,
}

SCENARIOS: Final[Mapping[str, Scenario]] = {
    "quota-exhausted": Scenario(
        "the enrollment key has minted all its mailboxes, and enrolls nobody (409 enrollment_token_exhausted)",
        tuple({**_EXHAUSTED, "operation": operation} for operation in ("create_inbox", "enroll")),
    ),
    "daily-cap-reached": Scenario(
        "every mailbox may send one mail a day (429 until the next day)", settings={"daily_cap": 1}
    ),
    "payment-required": Scenario(
        "creating an inbox has to be paid for first (402 with the payment's terms)",
        settings={"paid_provisioning": True},
    ),
    "rate-limited": RATE_LIMITED,
}
