"""Sendmux (sendmux.ai): mailboxes, domains and sending for teams of agents, in the generation of its first pages."""

from __future__ import annotations

import re
from dataclasses import replace

from emulator.provider import Provider, bearer
from emulator.providers.sendmux import access, events, resources, wire
from emulator.providers.sendmux.generation import CURRENT, FIRST
from emulator.providers.sendmux.scenarios import SCENARIOS
from emulator.providers.sendmux.settings import NAME, SETTINGS

PROVIDER = Provider(
    name=NAME,
    title="Sendmux",
    origin="https://app.sendmux.ai",
    hosts=("smtp.sendmux.ai",),
    mail_hosts=("smtp.sendmux.ai", "mail.sendmux.ai"),
    package=__name__,
    ids=wire.IDS,
    key_form=re.compile(r"^smx_root_[A-Za-z0-9_-]{4,200}$"),
    read_key=bearer,
    key_headers=lambda key: {"Authorization": f"Bearer {key}"},
    render=wire.problem,
    seed=resources.seed,
    open_account=resources.open_account,
    open_mailbox=resources.open_test_mailbox,
    credentials={name: resources.SEED[name] for name in ("api_key", "mailbox_key", "readonly_key")},
    # The clients take the path along.
    webhooks=events.DIALECT,
    scenarios=SCENARIOS,
    environment={"SENDMUX_BASE_URL": "{base_url}/api/v1", "SENDMUX_API_KEY": "{api_key}"},
    settings=SETTINGS,
    waiting_operations={"stream_events": "max_stream_ms"},
    request_id_header="X-Request-Id",
    standing_headers=access.standing_headers,
    revision=FIRST,
    aliases=("seed",),
    document_patch="openapi-seed.json",
)
PROVIDER = replace(
    PROVIDER, generations=(replace(PROVIDER, revision=CURRENT, aliases=("current",), document_patch=None),)
)
