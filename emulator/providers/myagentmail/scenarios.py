"""Failures that myagentmail documents, by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from emulator.provider import RATE_LIMITED, Scenario

_SENDS: Final = ("send_message", "reply_message", "reply_all_message", "forward_message", "send_draft")

SCENARIOS: Final[Mapping[str, Scenario]] = {
    "plan-limit-reached": Scenario(
        "nothing can be sent: the inbox is paused, or the plan's limit is reached (403)",
        tuple({"operation": operation, "status": 403, "times": None} for operation in _SENDS),
    ),
    "smtp-relay-error": Scenario(
        "the next new mail fails at the relay (502); the one after it is sent",
        ({"operation": "send_message", "status": 502},),
    ),
    "domain-not-verified": Scenario(
        "a verification finds none of a domain's DNS records, and the domain has failed", settings={"valid_records": []}
    ),
    "rate-limited": RATE_LIMITED,
}
