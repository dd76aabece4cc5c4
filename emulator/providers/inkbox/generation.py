"""What changed between the generations of Inkbox's API in what both of them do.

The operations of the newest one are another API: its contract, routes and rules stand in `current/`. Here is what is
left: rules that nobody asks for by an operation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from emulator.providers.inkbox.settings import NAME
from emulator.webhooks.dialect import revision_in_use
from emulator.world import World

FIRST: Final = "2026-04"
CURRENT: Final = "2026-11"


@dataclass(frozen=True, slots=True)
class Generation:
    """What one generation does its own way.

    `needs_key_of_identity` says that mail programs log in with a key that is confined to the identity of the mailbox.
    `identities_sign` says that webhooks are signed with the key of the identity, not of the organization.
    `names_parties` says that webhooks tell which addresses of a mail are known, `tells_forwards` that forwards have
    an event of their own.
    """

    needs_key_of_identity: bool
    identities_sign: bool
    names_parties: bool
    tells_forwards: bool


_GENERATIONS: Final[Mapping[str, Generation]] = {
    FIRST: Generation(
        needs_key_of_identity=False,
        identities_sign=False,
        names_parties=False,
        tells_forwards=False,
    ),
    CURRENT: Generation(
        needs_key_of_identity=True,
        identities_sign=True,
        names_parties=True,
        tells_forwards=True,
    ),
}


def of_revision(revision: str) -> Generation:
    """Return what a revision does its own way."""
    return _GENERATIONS[revision]


def of_account(world: World, account_id: str) -> Generation:
    """Return what the generation that an account uses does its own way."""
    return of_revision(revision_in_use(world, NAME, account_id))
