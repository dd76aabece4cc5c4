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
    "handle-unavailable": Scenario(
        "today: the next identity cannot be created, because its handle is taken (409)",
        ({"operation": "create_identity", "status": 409, "code": "agent_handle_unavailable"},),
    ),
    "send-in-progress": Scenario(
        "today: the next send finds one with its key still running (409); the one after it succeeds",
        ({"operation": "send_message", "status": 409, "code": "idempotency_in_progress"},),
    ),
    "draft-uncertain": Scenario(
        "today: nobody knows whether the next draft was sent (409)",
        ({"operation": "send_draft", "status": 409, "code": "draft_delivery_uncertain"},),
    ),
    "storage-full": Scenario(
        "today: every mailbox is at its storage limit, and sends nothing (402)", settings={"storage_limit_bytes": 0}
    ),
    "imports-used-up": Scenario("today: no import may begin any more (429)", settings={"imports_per_day": 0}),
}
