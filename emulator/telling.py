"""What an emulator saw, told to a person whose test failed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from emulator.api_requests import requests
from emulator.mail.sightings import Sighting, sightings
from emulator.mail.wanted import Wanted
from emulator.webhooks import DELIVERIES, Delivery
from emulator.world import World, timestamp

_SHOWN: Final = 10
_FAILED: Final = ("mail.refused", "mail.failed", "mail.rejected")
_AGAIN: Final = "; it starts the same with @pytest.mark.emulator(seed="


def nothing_came(world: World, wanted: Wanted, seconds: float, passed_over: frozenset[int] = frozenset()) -> str:
    """Return why no mail was found: what did arrive and why it is not it, what failed, how to see it again.

    `passed_over` are the arrivals of mail that fits and was taken before.
    """
    heading = f"no mail with {wanted} within {seconds:g} s" if str(wanted) else f"no mail within {seconds:g} s"
    arrived = [_near_miss(mail, wanted, passed_over) for mail in _arrived(world)]
    return "\n".join([heading, *_section("What arrived", arrived), *_troubles(world), *_planned(world), *_told(world)])


def something_came(world: World, mail: Sighting, wanted: Wanted) -> str:
    """Return what came although nothing was expected."""
    asked = f" with {wanted}" if str(wanted) else ""
    return "\n".join([f"no mail{asked} was expected, but this came", f"  {mail}", *_told(world)])


def summary(world: World, refused: Sequence[str] = ()) -> str:
    """Return what happened in a world, for the report of a failed test; `refused` are connections that were."""
    arrived = _section("What arrived", map(str, _arrived(world)))
    connections = _section("Connections that were refused", refused) if refused else []
    return "\n".join([*arrived, *_troubles(world), *connections, *_told(world)])


def is_told(text: str) -> bool:
    """Tell whether a text holds such a story already."""
    return _AGAIN in text


def _arrived(world: World) -> list[Sighting]:
    with world.step():
        return sightings(world)


def _troubles(world: World) -> list[str]:
    """Return what did not arrive: mail that was refused or failed, webhooks that nobody took."""
    entries = [entry.as_json() for entry in world.journal if entry.kind in _FAILED]
    mail = [f"to {entry['to']} from {entry['from']}: {entry['subject']!r}: {entry['reply']}" for entry in entries]
    with world.step():
        deliveries = list(world.store.each(DELIVERIES, "all", "all"))
    posted = [_failure(each) for each in deliveries if each.attempts and not each.attempts[-1].succeeded]
    return [
        *(_section("Mail that was refused or failed", mail) if mail else []),
        *(_section("Webhooks that failed", posted) if posted else []),
    ]


def _failure(delivery: Delivery) -> str:
    last = delivery.attempts[-1]
    tried = "once" if len(delivery.attempts) == 1 else f"{len(delivery.attempts)} times"
    answered = f"answered {last.status}" if last.status is not None else f"{last.error}"
    return f"{delivery.provider} {delivery.event_type} to {delivery.url}, tried {tried}: {answered}"


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


def _told(world: World) -> list[str]:
    calls = _section("The last API calls", map(str, requests(world, newest=_SHOWN)))
    return [*calls, f"Seed {world.seed!r}{_AGAIN}{world.seed!r})"]


def _section(title: str, items: Iterable[str]) -> list[str]:
    """Return a title and the last of the items, indented."""
    lines = list(items)
    hidden = len(lines) - _SHOWN
    more = [f"  ({hidden} before)"] if hidden > 0 else []
    return [f"{title}:", *more, *(f"  {line}" for line in lines[-_SHOWN:] or ["nothing"])]
