"""Inkbox (inkbox.ai): mailboxes that belong to agent identities, in the generation of spring 2026 and in today's."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from emulator.provider import Provider
from emulator.providers.inkbox import events, resources, wire
from emulator.providers.inkbox.current import identities
from emulator.providers.inkbox.current import wire as current_wire
from emulator.providers.inkbox.generation import CURRENT, FIRST
from emulator.providers.inkbox.scenarios import SCENARIOS
from emulator.providers.inkbox.settings import NAME, SETTINGS

if TYPE_CHECKING:
    from werkzeug.datastructures import Headers


def _read_key(headers: Headers) -> str | None:
    # SDKs up to 0.2.9 send the first, later ones the second; the server takes both.
    return headers.get("X-Service-Token") or headers.get("X-API-Key")


PROVIDER = Provider(
    name=NAME,
    title="Inkbox",
    origin="https://inkbox.ai",
    mail_hosts=("imap.inkboxmail.com", "smtp.inkboxmail.com"),
    package=__name__,
    ids=wire.IDS,
    key_form=re.compile(r"^(ApiKey_|ik_live_)[A-Za-z0-9_-]{4,200}$"),
    read_key=_read_key,
    key_headers=lambda key: {"X-Service-Token": key},
    render=wire.problem,
    seed=resources.seed,
    open_account=resources.open_account,
    open_mailbox=resources.open_test_mailbox,
    credentials={name: resources.SEED[name] for name in ("api_key", "api_key_without_organization")},
    revision=FIRST,
    aliases=("seed",),
    settings=SETTINGS,
    webhooks=events.DIALECT,
    scenarios=SCENARIOS,
    environment={"INKBOX_BASE_URL": "{base_url}", "INKBOX_API_KEY": "{api_key}"},
)
PROVIDER = replace(
    PROVIDER,
    generations=(
        replace(
            PROVIDER,
            revision=CURRENT,
            aliases=("current",),
            # The operations are so different that it has a contract of its own, not a patch.
            package=f"{__name__}.current",
            key_headers=lambda key: {"X-API-Key": key},
            render=current_wire.problem,
            open_mailbox=identities.open_test_mailbox,
        ),
    ),
)
