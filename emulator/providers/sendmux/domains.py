"""Sendmux's domains: the DNS records they need, and their verification."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from emulator.mail import MAILBOXES, addresses
from emulator.mail.mailboxes import holder
from emulator.provider import Problem
from emulator.providers.sendmux.problems import limit_exceeded, unprocessable
from emulator.providers.sendmux.settings import NAME, setting
from emulator.world import Account, Collection, Duplicate, Order, Page, World
from emulator.world.ordered import Key

SEND_RECEIVE: Final = "send_receive"


@dataclass(frozen=True, slots=True)
class Domain:
    """A domain of a team. `checked_at` is when its records were last looked for, `verified_at` when all were there."""

    id: str
    account_id: str
    name: str
    mode: str
    status: str
    dkim_tokens: tuple[str, ...]
    created_at: datetime
    n: int
    checked_at: datetime | None = None
    verified_at: datetime | None = None


DOMAINS: Collection[Domain] = Collection(
    "sendmux.domains",
    unique={"name": lambda d: d.name},
    ordered={"of_account": Order(groups=lambda d: (d.account_id,), sort=lambda d: (d.created_at, d.n))},
)


def create_domain(world: World, account: Account, name: str, mode: str) -> Domain:
    """Add a domain; 409 at the limit and when any team has it, 503 if the team cannot send yet."""
    limit = setting(world, "domain_limit")
    if limit is not None and world.store.count(DOMAINS, "of_account", account.id) >= limit:
        raise limit_exceeded(limit, "domains")
    if not setting(world, "provisioned"):
        raise Problem("unavailable", "The team is not provisioned for sending yet")
    in_use = Problem("conflict", f"The domain {name} is in use")
    if name.lower() == setting(world, "shared_domain"):
        raise in_use
    domain = Domain(
        id=world.new_id(NAME, "domain", account.id),
        account_id=account.id,
        name=name.lower(),
        mode=mode,
        status="pending",
        dkim_tokens=tuple(world.new_id(NAME, "dkim_token", account.id) for _ in range(3)),
        created_at=world.now(),
        n=world.store.tick(DOMAINS.name, account.id),
    )
    try:
        return world.store.add(DOMAINS, domain)
    except Duplicate:
        raise in_use from None


def list_domains(world: World, account: Account, limit: int, after: Key | None) -> Page[Domain]:
    """Return a page of the domains of a team, newest first."""
    return world.store.page(DOMAINS, "of_account", account.id, limit=limit, after=after)


def find_domain(world: World, account: Account, domain_id: str) -> Domain:
    """Return a domain by id; 404 if it is not the team's."""
    domain = world.store.get(DOMAINS, domain_id)
    if domain is None or domain.account_id != account.id:
        raise Problem("not_found", "No such domain")
    return domain


def upgrade_domain(world: World, domain: Domain, mode: str) -> Domain:
    """Let a send-only domain receive too: verified anew; 422 for anything else, 409 if it does already."""
    if mode != SEND_RECEIVE:
        raise unprocessable("mode", "A domain can only be upgraded to send_receive", mode)
    if domain.mode == SEND_RECEIVE:
        raise Problem("conflict", "The domain receives already")
    return world.store.put(DOMAINS, replace(domain, mode=mode, status="pending"))


def delete_domain(world: World, domain: Domain) -> None:
    """Delete a domain; 409 while there are mailboxes at it."""
    if count_mailboxes(world, domain):
        raise Problem("conflict", "There are mailboxes at the domain")
    world.store.remove(DOMAINS, domain.id)


def verify_domain(world: World, domain: Domain) -> Domain:
    """Look for the records of a domain; what is found is a setting. A failed domain stays so until all are there."""
    now, found = world.now(), setting(world, "verification")
    status = "failed" if found == "pending" and domain.status == "failed" else found
    verified_at = now if status == "verified" else domain.verified_at
    return world.store.put(DOMAINS, replace(domain, status=status, checked_at=now, verified_at=verified_at))


def count_mailboxes(world: World, domain: Domain) -> int:
    """Return how many mailboxes there are at a domain."""
    of_team = world.store.each(MAILBOXES, "of_account", domain.account_id)
    return sum(addresses.domain(mailbox.address) == domain.name for mailbox in of_team)


@holder(NAME)
def receives_for(world: World, name: str) -> bool:
    """Tell whether Sendmux receives the mail of a domain: the shared one, and those verified to receive."""
    domain = world.store.find(DOMAINS, "name", name)
    return name == setting(world, "shared_domain") or (domain is not None and _receives(domain))


def may_hold_mailboxes(world: World, account: Account, name: str) -> bool:
    """Tell whether a team may have mailboxes at a domain: the shared one, and its own that are verified to receive."""
    if name == setting(world, "shared_domain"):
        return True
    domain = world.store.find(DOMAINS, "name", name)
    return domain is not None and domain.account_id == account.id and _receives(domain)


def _receives(domain: Domain) -> bool:
    return domain.status == "verified" and domain.mode == SEND_RECEIVE
