"""Failures that Postern documents, by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from emulator.provider import RATE_LIMITED, Scenario

SCENARIOS: Final[Mapping[str, Scenario]] = {
    "quota-exhausted": Scenario(
        "the enrollment key has minted all its mailboxes (409 enrollment_token_exhausted)",
        (
            {
                "operation": "create_inbox",
                "status": 409,
                "code": "enrollment_token_exhausted",
                "message": "The enrollment key is exhausted. Issue a new one.",
                "times": None,
            },
        ),
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
