"""What a tester may choose about Postern, and the defaults."""

from __future__ import annotations

from typing import Final

from emulator.world.settings import Settings

NAME: Final = "postern"
DOMAIN: Final = "x4p.mszazu.com"

SETTINGS: Final = Settings(
    NAME,
    {
        # What an organization has, for keys without allowed_domains.
        "domains": (DOMAIN,),
        # True: the ramp of the documents; a number: so many mails per mailbox and day.
        "daily_cap": None,
        "max_wait_ms": 300_000,
        "paid_provisioning": False,
        # False: the facilitator settles nothing.
        "settlement": True,
    },
)

setting = SETTINGS.of
