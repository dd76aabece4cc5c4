"""What a tester may choose about InboxAI, and the defaults."""

from __future__ import annotations

from typing import Final

from emulator.world.settings import Settings

NAME: Final = "inboxai"

SETTINGS: Final = Settings(
    NAME,
    {
        # Where inboxes live that name no domain: a self-hosted instance chooses it, the documentation shows this one.
        "platform_domain": "yourdomain.com",
        "inbox_limit": 50,
        "domain_limit": 10,
        # Which DNS records of a domain a verification finds.
        "valid_records": ["mx", "spf", "dkim", "dmarc"],
        # True: 403 for mail from a domain that is not verified.
        "refuse_unverified_domains": False,
        # The hosts that attachments may be fetched from, besides the emulator itself, e.g. ["127.0.0.1"].
        "attachment_hosts": [],
        # Seconds that one request may spend on fetching attachments.
        "attachment_timeout": 10,
    },
)

setting = SETTINGS.of
