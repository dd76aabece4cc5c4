"""What an emulator saw, told to a person whose test failed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from emulator.api_requests import requests
from emulator.mail.sightings import Sighting, sightings
from emulator.mail.wanted import Wanted
from emulator.world import World, timestamp

_SHOWN: Final = 10


def nothing_came(world: World, wanted: Wanted, seconds: float, passed_over: frozenset[int] = frozenset()) -> str:
    """Return why no mail was found: what did arrive and why it is not it, the last API calls, how to see it again.

    `passed_over` are the arrivals of mail that fits and was taken before.
    """
    with world.step():
        arrived = sightings(world)
    lines = [f"no mail with {wanted} within {seconds:g} s" if str(wanted) else f"no mail within {seconds:g} s"]
    lines += _section("What arrived", [_near_miss(mail, wanted, passed_over) for mail in arrived])
    lines += _planned(world)
    return "\n".join([*lines, *_calls(world), *_again(world)])


def something_came(world: World, mail: Sighting, wanted: Wanted) -> str:
    """Return what came although nothing was expected."""
    asked = f" with {wanted}" if str(wanted) else ""
    return "\n".join([f"no mail{asked} was expected, but this came", f"  {mail}", *_calls(world), *_again(world)])


def summary(world: World, refused: Sequence[str] = ()) -> str:
    """Return what happened in a world, for the report of a failed test; `refused` are connections that were."""
    with world.step():
        arrived = sightings(world)
    lines = _section("What arrived", map(str, arrived))
    return "\n".join([*lines, *_calls(world), *(_section("Refused", refused) if refused else []), *_again(world)])


def _near_miss(mail: Sighting, wanted: Wanted, passed_over: frozenset[int]) -> str:
    reasons = list(wanted.misses(mail))
    if not reasons and mail.arrival in passed_over:
        reasons = ["it was returned before"]
    return f"{mail}: {', '.join(reasons)}" if reasons else str(mail)


def _planned(world: World) -> list[str]:
    due = world.next_due()
    if due is None or not world.clock.virtual:
        return []
    wait = (due - world.now()).total_seconds()
    return [f'The clock stands; something is planned for {timestamp(due)}: emulator.advance("{wait:g}s") does it']


def _calls(world: World) -> list[str]:
    return _section("The last API calls", map(str, requests(world, newest=_SHOWN)))


def _again(world: World) -> list[str]:
    return [f"Seed {world.seed!r}; it starts the same with @pytest.mark.emulator(seed={world.seed!r})"]


def _section(title: str, items: Iterable[str]) -> list[str]:
    """Return a title and the last of the items, indented."""
    lines = list(items)
    hidden = len(lines) - _SHOWN
    more = [f"  ({hidden} before)"] if hidden > 0 else []
    return [f"{title}:", *more, *(f"  {line}" for line in lines[-_SHOWN:] or ["nothing"])]
