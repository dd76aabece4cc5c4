"""What a tester may choose about Inkbox, and the defaults. All of it is about the newest generation."""

from __future__ import annotations

from typing import Final

from emulator.world import World
from emulator.world.settings import Settings

NAME: Final = "inkbox"

SETTINGS: Final = Settings(
    NAME,
    {
        # How many bytes of mail a mailbox may hold.
        "storage_limit_bytes": 2 * 1024**3,
        # False: signatures are refused, and mail that is sent ends with a footer.
        "paid_plan": True,
        # The domains of every organization: `mail.acme.com`, which is verified, or `mail.acme.com:pending`.
        "sending_domains": (),
        # How many webhook subscriptions an identity may have.
        "subscriptions_per_owner": 20,
        # How many imports an organization may begin in 24 hours.
        "imports_per_day": 20,
    },
)

setting = SETTINGS.of


def domain_statuses(world: World) -> dict[str, str]:
    """Return the status of each sending domain that was chosen, by its name in lower case."""
    split = (given.lower().partition(":") for given in setting(world, "sending_domains"))
    return {name: status or "verified" for name, _, status in split}


def verified_domains(world: World) -> set[str]:
    """Return the domains that mailboxes may be at, besides Inkbox's own."""
    return {name for name, status in domain_statuses(world).items() if status == "verified"}
