"""Failures that InboxAI may answer with, by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from emulator.provider import RATE_LIMITED, Scenario

SCENARIOS: Final[Mapping[str, Scenario]] = {
    "inbox-limit-reached": Scenario(
        "the organization has all the inboxes it may have (403)", settings={"inbox_limit": 0}
    ),
    "domain-limit-reached": Scenario(
        "the organization has all the domains it may have (403)", settings={"domain_limit": 0}
    ),
    "domain-not-verified": Scenario(
        "a verification finds none of the DNS records, and nothing is sent from such a domain (403)",
        settings={"valid_records": [], "refuse_unverified_domains": True},
    ),
    "rate-limited": RATE_LIMITED,
}
