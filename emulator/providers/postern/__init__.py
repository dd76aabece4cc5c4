"""Postern (mszazu.com): inboxes for agents that enroll with a key of limited scope and quota."""

from __future__ import annotations

import re

from emulator.provider import Provider, bearer
from emulator.providers.postern import enrollment, events, resources, wire
from emulator.providers.postern.scenarios import SCENARIOS
from emulator.providers.postern.settings import NAME, SETTINGS

PROVIDER = Provider(
    name=NAME,
    title="Postern",
    origin="https://api.agents.mszazu.com",
    package=__name__,
    revision="2026-06",
    aliases=("seed", "current"),
    ids=wire.IDS,
    key_form=re.compile(r"^pk_(agent|admin)_[A-Za-z0-9_-]{4,200}$"),
    read_key=bearer,
    key_headers=lambda key: {"Authorization": f"Bearer {key}"},
    render=wire.problem,
    seed=enrollment.seed,
    open_account=enrollment.open_account,
    open_mailbox=resources.open_test_mailbox,
    credentials={
        name: enrollment.SEED[name]
        for name in (
            "api_key",
            "enrollment_token",
            "revoked_enrollment_token",
            "expired_enrollment_token",
            "admin_key",
        )
    },
    webhooks=events.DIALECT,
    scenarios=SCENARIOS,
    environment={"POSTERN_API_BASE_URL": "{base_url}", "POSTERN_API_KEY": "{api_key}"},
    settings=SETTINGS,
    request_id_header="X-Postern-Request-Id",
    waiting_operations={"wait_for_email": "max_wait_ms"},
)
