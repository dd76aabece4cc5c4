"""Postern's daily cap on the mail of a mailbox: a number, or a ramp that rises with the mailbox's age."""

from __future__ import annotations

from typing import Final

from emulator.mail import Mailbox
from emulator.provider import slow_down
from emulator.world import World
from emulator.world.quotas import count_today, until_midnight

_RAMP_START: Final = 10
_RAMP_STEP: Final = 10
_RAMP_END: Final = 50


def count_send(world: World, mailbox: Mailbox, daily_cap: int | bool | None) -> None:
    """Count one mail of today; 429 above the cap. None and False mean no cap, True the ramp."""
    sent = count_today(world, "postern.sends", mailbox.id)
    if daily_cap is None or daily_cap is False:
        return
    cap = _ramp(world, mailbox) if daily_cap is True else daily_cap
    if sent > cap:
        raise slow_down(f"This mailbox may send {cap} messages per day", until_midnight(world))


def _ramp(world: World, mailbox: Mailbox) -> int:
    weeks = (world.now() - mailbox.created_at).days // 7
    return min(_RAMP_START + weeks * _RAMP_STEP, _RAMP_END)
