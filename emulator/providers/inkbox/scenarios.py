"""Failures that Inkbox documents, by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from emulator.provider import RATE_LIMITED, Scenario

SCENARIOS: Final[Mapping[str, Scenario]] = {
    "address-collides": Scenario(
        "the next mailbox cannot be created, because its address is taken (409)",
        ({"operation": "create_mailbox", "status": 409, "message": "Email address is already taken"},),
    ),
    "unavailable": Scenario(
        "the next creation of a mailbox answers 503; the one after it succeeds",
        ({"operation": "create_mailbox", "status": 503},),
    ),
    "rate-limited": RATE_LIMITED,
}
