"""What a tester may choose about myagentmail, and the defaults."""

from __future__ import annotations

from typing import Final

from emulator.world.settings import Settings

NAME: Final = "myagentmail"

SETTINGS: Final = Settings(
    NAME,
    {
        # False: mail goes to anybody, whether the sender says `verified` or not.
        "recipient_safeguard": True,
        # Which DNS records of a domain a verification finds; it fails without all of them.
        "valid_records": ["ownership", "dkim", "spf", "mx"],
    },
)

setting = SETTINGS.of
