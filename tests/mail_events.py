"""Hear what happens to mail."""

from __future__ import annotations

import pytest

from emulator.mail import events
from emulator.mail.events import MailEvent
from emulator.world import World


def heard_in(world: World, monkeypatch: pytest.MonkeyPatch) -> list[MailEvent]:
    """Return a list that grows with everything that happens to the mail of a world."""
    heard: list[MailEvent] = []

    def hear(where: World, event: MailEvent) -> None:
        if where is world:
            heard.append(event)

    monkeypatch.setattr(events, "_LISTENERS", [*events._LISTENERS, hear])
    return heard
