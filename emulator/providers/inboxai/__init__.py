"""InboxAI: the self-hosted "agentmail" REST API, whose keys begin with `inai_`."""

from __future__ import annotations

import re

from emulator.provider import Provider, bearer
from emulator.providers.inboxai import attachments, events, resources, wire
from emulator.providers.inboxai.scenarios import SCENARIOS
from emulator.providers.inboxai.settings import NAME, SETTINGS

PROVIDER = Provider(
    name=NAME,
    title="InboxAI",
    # Everybody hosts it themselves; this is the host of the documentation's examples.
    origin="https://your-instance.com",
    package=__name__,
    revision="2025-01",
    aliases=("seed", "current"),
    ids=wire.IDS,
    key_form=re.compile(r"^inai_[A-Za-z0-9_-]{4,200}$"),
    read_key=bearer,
    key_headers=lambda key: {"Authorization": f"Bearer {key}"},
    render=wire.problem,
    seed=resources.seed,
    open_account=resources.open_account,
    open_mailbox=resources.open_test_mailbox,
    credentials={"api_key": resources.SEED["api_key"], "admin_key": resources.SEED["admin_key"]},
    webhooks=events.DIALECT,
    scenarios=SCENARIOS,
    environment={"INBOXAI_BASE_URL": "{base_url}", "INBOXAI_API_KEY": "{api_key}"},
    settings=SETTINGS,
    fetches=dict.fromkeys(("send_message", "reply_to_message", "reply_all_to_message"), attachments.fetch),
)
