"""myagentmail (myagentmail.com): inboxes of tenants and their workspaces."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from emulator.provider import Provider, bearer
from emulator.providers.myagentmail import events, resources, wire
from emulator.providers.myagentmail.scenarios import SCENARIOS
from emulator.providers.myagentmail.settings import NAME, SETTINGS

if TYPE_CHECKING:
    from werkzeug.datastructures import Headers


def _read_key(headers: Headers) -> str | None:
    return headers.get("X-API-Key") or bearer(headers)


PROVIDER = Provider(
    name=NAME,
    title="myagentmail",
    origin="https://myagentmail.com",
    mail_hosts=("imap.myagentmail.com", "smtp.myagentmail.com"),
    package=__name__,
    revision="2026-04",
    aliases=("seed", "current"),
    ids=wire.IDS,
    # The other classes of keys are handed out by the API; alone they would belong to nothing.
    key_form=re.compile(r"^tk_[A-Za-z0-9_-]{4,200}$"),
    read_key=_read_key,
    key_headers=lambda key: {"X-API-Key": key},
    render=wire.problem,
    seed=resources.seed,
    open_account=resources.open_account,
    open_mailbox=resources.open_test_mailbox,
    credentials={
        name: resources.SEED[name] for name in ("api_key", "other_api_key", "workspace_key", "super_admin_key")
    },
    webhooks=events.DIALECT,
    scenarios=SCENARIOS,
    environment={"MYAGENTMAIL_BASE_URL": "{base_url}", "MYAGENTMAIL_API_KEY": "{api_key}"},
    settings=SETTINGS,
)
