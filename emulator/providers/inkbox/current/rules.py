"""Contact rules: whom an identity may write to, and who may write to it.

For a target (an address or a domain) each direction has at most one rule, and two rules never say the same: one that
comes to say what another says becomes one with it, and is found by both ids.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from emulator.mail import Mailbox, addresses
from emulator.mail.mailboxes import sending_gate
from emulator.provider import Problem, invalid
from emulator.providers.inkbox.current.access import owner_of
from emulator.providers.inkbox.resources import Identity
from emulator.providers.inkbox.settings import NAME
from emulator.world import Collection, Order, World

SIDES: Final = ("inbound", "outbound")

_DOMAIN: Final = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)*")


@dataclass(frozen=True, slots=True)
class Rule:
    """What holds for an address or a domain, in one direction or both. `former` are ids that lead to it, too."""

    id: str
    identity_id: str
    action: str
    match_type: str
    target: str
    sides: tuple[str, ...]
    created_at: datetime
    updated_at: datetime
    n: int
    former: tuple[str, ...] = ()

    @property
    def direction(self) -> str:
        """The API's word for the sides."""
        return self.sides[0] if len(self.sides) == 1 else "both"


RULES: Collection[Rule] = Collection(
    "inkbox.contact_rules",
    ordered={
        "of_identity": Order(groups=lambda r: (r.identity_id,), sort=lambda r: (r.n,)),
        "known_as": Order(groups=lambda r: (r.id, *r.former), sort=lambda r: (r.n,)),
        "about": Order(groups=lambda r: ((r.identity_id, r.match_type, r.target),), sort=lambda r: (r.n,)),
    },
)


def rules_of(world: World, identity: Identity) -> list[Rule]:
    """Return the rules of an identity, oldest first."""
    return list(world.store.each(RULES, "of_identity", identity.id))


def filtered(found: list[Rule], query: Mapping[str, Any]) -> list[Rule]:
    """Return the part of some rules that a list is asked for: those of one direction with those of both."""
    wanted = [
        rule
        for rule in found
        if query.get("action") in (None, rule.action)
        and query.get("match_type") in (None, rule.match_type)
        and set(_sides(query.get("direction", rule.direction))) <= set(rule.sides)
    ]
    return wanted[query["offset"] : query["offset"] + query["limit"]]


def find_rule(world: World, identity: Identity, rule_id: str) -> Rule:
    """Return a rule of an identity by id; 404 if there is none."""
    rule = next(world.store.each(RULES, "known_as", rule_id.lower()), None)
    if rule is None or rule.identity_id != identity.id:
        raise Problem("not_found", "Contact rule not found")
    return rule


def create_rule(world: World, identity: Identity, body: Mapping[str, Any]) -> Rule:
    """Add a rule or extend one that says the same; 409 if a side is ruled already, 422 for what is no target."""
    match_type, action, sides = body["match_type"], body["action"], _sides(body.get("direction", "both"))
    target = _target(match_type, body["match_target"])
    known = list(world.store.each(RULES, "about", (identity.id, match_type, target)))
    same = next((rule for rule in known if rule.action == action), None)
    _refuse_clash([rule for rule in known if rule is not same], sides)
    if same is None:
        return _add(world, identity.id, action, match_type, target, sides)
    if set(sides) <= set(same.sides):
        raise _duplicate(same)
    return world.store.put(RULES, replace(same, sides=SIDES, updated_at=world.now()))


def update_rule(world: World, rule: Rule, changes: Mapping[str, Any]) -> Rule:
    """Change action or direction, with `apply_to` the action of one side; 409 if another rule is in the way."""
    action, side = changes.get("action", rule.action), changes.get("apply_to")
    if side is None:
        return _say(world, rule, action, _sides(changes.get("direction", rule.direction)))
    if "direction" in changes or side not in rule.sides:
        raise invalid("apply_to", "apply_to names a side that the rule covers, and excludes direction", side)
    if rule.sides == (side,) or action == rule.action:
        return _say(world, rule, action, rule.sides)
    world.store.put(RULES, replace(rule, sides=_sides_without(side), updated_at=world.now()))
    return _add(world, rule.identity_id, action, rule.match_type, rule.target, (side,))


def delete_rule(world: World, rule: Rule) -> None:
    """Delete a rule."""
    world.store.remove(RULES, rule.id)


def is_blocked(world: World, mailbox: Mailbox, side: str, address: str) -> bool:
    """Tell whether the identity of a mailbox may not hear from an address, or not write to it."""
    identity = owner_of(world, mailbox)
    if identity is None:
        return False
    rule = _ruling(world, identity, side, addresses.normalize(address))
    if rule is not None:
        return rule.action == "block"
    return (identity.inbound_mode if side == "inbound" else identity.outbound_mode) == "whitelist"


@sending_gate(NAME)
def may_not_send(world: World, mailbox: Mailbox, recipient: str) -> str | None:
    """Say that a contact rule forbids to write to a recipient, if one does."""
    return "A contact rule blocks this recipient" if is_blocked(world, mailbox, "outbound", recipient) else None


def _ruling(world: World, identity: Identity, side: str, address: str) -> Rule | None:
    """Return the rule that decides about an address: one about itself outweighs one about its domain."""
    for match_type, target in (("exact_email", address), ("domain", addresses.domain(address))):
        for rule in world.store.each(RULES, "about", (identity.id, match_type, target)):
            if side in rule.sides:
                return rule
    return None


def _say(world: World, rule: Rule, action: str, sides: tuple[str, ...]) -> Rule:
    """Let a rule say something else, and take in the one that says the same for the other side."""
    about = (rule.identity_id, rule.match_type, rule.target)
    others = [each for each in world.store.each(RULES, "about", about) if each.id != rule.id]
    _refuse_clash([each for each in others if each.action != action], sides)
    former = rule.former
    for each in others:
        if each.action == action:
            sides = tuple(side for side in SIDES if side in (*sides, *each.sides))
            former += (each.id, *each.former)
            world.store.remove(RULES, each.id)
    return world.store.put(RULES, replace(rule, action=action, sides=sides, former=former, updated_at=world.now()))


def _add(world: World, identity_id: str, action: str, match_type: str, target: str, sides: tuple[str, ...]) -> Rule:
    now = world.now()
    rule_id, n = world.new_id(NAME, "contact_rule", identity_id), world.store.tick(RULES.name)
    return world.store.add(RULES, Rule(rule_id, identity_id, action, match_type, target, sides, now, now, n))


def _refuse_clash(others: list[Rule], sides: tuple[str, ...]) -> None:
    for rule in others:
        if set(rule.sides) & set(sides):
            raise _duplicate(rule)


def _duplicate(rule: Rule) -> Problem:
    return Problem("conflict", "A contact rule covers this already", details={"existing_rule_id": rule.id})


def _sides(direction: str) -> tuple[str, ...]:
    return SIDES if direction == "both" else (direction,)


def _sides_without(side: str) -> tuple[str, ...]:
    return tuple(other for other in SIDES if other != side)


def _target(match_type: str, given: str) -> str:
    wanted = addresses.normalize(given)
    if match_type == "domain":
        wanted = wanted.removeprefix("@")
    if not (addresses.is_address(wanted) if match_type == "exact_email" else _DOMAIN.fullmatch(wanted)):
        raise invalid("match_target", f"This is no {match_type.removeprefix('exact_')}", given)
    return wanted
