"""Sendmux's sender filters: from whom a mailbox, or every mailbox at a domain, takes mail."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from emulator.mail import Mailbox, addresses
from emulator.provider import Problem
from emulator.providers.sendmux.domains import DOMAINS, SEND_RECEIVE, Domain
from emulator.providers.sendmux.problems import unprocessable
from emulator.world import Collection, World

_MAX_RULES: Final = 1000
_HOST: Final = re.compile(r"(?=.{4,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}")


class Rule(NamedTuple):
    """A rule for one address or for a whole domain. `type` is allow or deny."""

    pattern: str
    type: str
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Filters:
    """The filters of a mailbox or a domain, whose id this is; rules stand in the order of their patterns."""

    id: str
    mode: str = "off"
    rules: tuple[Rule, ...] = ()


FILTERS: Collection[Filters] = Collection("sendmux.filters")


def filters_of(world: World, holder: Mailbox | Domain) -> Filters:
    """Return the filters of a mailbox or a domain; 409 for a domain that does not receive."""
    if isinstance(holder, Domain) and holder.mode != SEND_RECEIVE:
        raise Problem("conflict", "The domain does not receive mail")
    return world.store.get(FILTERS, holder.id) or Filters(holder.id)


def set_filters(world: World, holder: Mailbox | Domain, body: Mapping[str, Any]) -> Filters:
    """Replace the filters of a mailbox or a domain whole; 422 for too many rules and for what is no pattern."""
    if len(body["rules"]) > _MAX_RULES:
        raise unprocessable("rules", f"At most {_MAX_RULES} rules", None)
    rules = {rule.pattern: rule for rule in map(_read, body["rules"])}
    filters = Filters(holder.id, body["mode"], tuple(rules[pattern] for pattern in sorted(rules)))
    known = world.store.get(FILTERS, holder.id) is not None
    return (world.store.put if known else world.store.add)(FILTERS, filters)


def refusal(world: World, mailbox: Mailbox, sender: str) -> str | None:
    """Return why the filters of a mailbox, else those of its domain, do not let mail from a sender in, or None."""
    domain = world.store.find(DOMAINS, "name", addresses.domain(mailbox.address))
    for holder_id in (mailbox.id, domain.id if domain else ""):
        filters = world.store.get(FILTERS, holder_id)
        if filters is not None and filters.mode != "off":
            return None if _admits(filters, addresses.normalize(sender)) else "the sender is not accepted here"
    return None


def _admits(filters: Filters, sender: str) -> bool:
    patterns = (sender, addresses.domain(sender))
    listed = [rule for pattern in patterns for rule in filters.rules if rule.pattern == pattern]
    # The address says more than its domain.
    return listed[0].type == "allow" if listed else filters.mode == "denylist"


def _read(given: Mapping[str, Any]) -> Rule:
    pattern = given["pattern"].strip().lower().removeprefix("*@")
    if not _HOST.fullmatch(pattern) and not (addresses.is_address(pattern) and pattern.isascii()):
        raise unprocessable("rules", "A pattern is an address, a domain or *@domain", given["pattern"])
    return Rule(pattern, given["type"], given.get("note"))
