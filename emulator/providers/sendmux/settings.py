"""What a tester may choose about Sendmux, and the defaults."""

from __future__ import annotations

from typing import Final

from emulator.world.settings import Settings

NAME: Final = "sendmux"

SETTINGS: Final = Settings(
    NAME,
    {
        # The domain that everybody may have mailboxes at.
        "shared_domain": "myagent.mx",
        # False: the team is not provisioned for sending yet, so creating mailboxes and domains answers 503.
        "provisioned": True,
        # False: no credential can be made; a mailbox is created without one, and POST .../keys answers 503.
        "credentials_available": True,
        # What verifying a domain comes to.
        "verification": "verified",
        # Whether the connection test of a sending account succeeds.
        "sending_account_test": True,
        # How many a team may have; None: as many as it likes.
        "mailbox_limit": None,
        "domain_limit": None,
        "webhook_limit": None,
        "sending_account_limit": None,
        "credential_limit": None,
        # How many changes of a kind a mailbox tells of; an older state is answered with sync_required.
        "changes_kept": 10_000,
        # How long a stream of events stays open at most, whatever close_after says.
        "max_stream_ms": 3_600_000,
        # US dollars; sending needs some.
        "balance": "100.000000",
    },
    texts={"verification": "verified|pending|failed", "balance": r"\d{1,12}(\.\d{1,6})?"},
)

setting = SETTINGS.of
