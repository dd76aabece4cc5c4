"""Agents that register themselves today: with a handle of their choice and a key that is confined to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from emulator.providers.inkbox import signup
from emulator.providers.inkbox.current.identities import add_identity
from emulator.providers.inkbox.resources import DOMAIN, Identity, Organization
from emulator.providers.inkbox.signup import Registration
from emulator.world import World

_UNCLAIMED_SENDS: Final = 5


def register(world: World, body: Mapping[str, Any]) -> Registration:
    """Make an unclaimed agent and mail the code to its human; 409 if the handle that it asks for is taken."""
    wanted = body.get("agent_handle")

    def make(organization: Organization, proposed: str) -> Identity:
        handle = proposed if wanted is None else wanted.removeprefix("@").lower()
        return add_identity(world, organization, handle, f"{handle}@{DOMAIN}", body.get("display_name"))

    human, note, name = body["human_email"], body["note_to_human"], body.get("display_name")
    return signup.register(world, human, note, name, make, unclaimed_sends=_UNCLAIMED_SENDS, confined=True)
