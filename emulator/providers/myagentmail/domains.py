"""myagentmail's custom domains: the DNS records they need, and their verification."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, NamedTuple

from emulator.mail.mailboxes import holder
from emulator.provider import Problem
from emulator.providers.myagentmail.keys import Caller
from emulator.providers.myagentmail.settings import NAME, setting
from emulator.providers.myagentmail.workspaces import Workspace
from emulator.world import Collection, Duplicate, Order, World

DEFAULT_DOMAIN: Final = "myagentmail.com"

_VERIFIED: Final = "verified"
_FAILED: Final = "failed"
_PENDING: Final = "pending"
_KINDS: Final = frozenset({"ownership", "dkim", "spf", "mx"})


@dataclass(frozen=True, slots=True)
class Domain:
    """A domain of a workspace. `token` is what its DNS has to prove, `found` are the kinds of records that it has."""

    id: str
    account_id: str
    workspace_id: str
    name: str
    status: str
    token: str
    found: frozenset[str]
    created_at: datetime
    updated_at: datetime
    n: int


class DnsRecord(NamedTuple):
    """A record that the owner of a domain has to publish."""

    type: str
    name: str
    value: str
    priority: int | None
    status: str


DOMAINS: Collection[Domain] = Collection(
    "myagentmail.domains",
    unique={"name": lambda d: d.name},
    ordered={"of_realm": Order(groups=lambda d: (d.account_id, d.workspace_id), sort=lambda d: (d.created_at, d.n))},
)


def create_domain(world: World, workspace: Workspace, name: str) -> Domain:
    """Add a domain to a workspace; 409 for one that anybody has."""
    now = world.now()
    domain = Domain(
        id=world.new_id(NAME, "domain", workspace.id),
        account_id=workspace.account_id,
        workspace_id=workspace.id,
        name=name.lower(),
        status=_PENDING,
        token=world.new_id(NAME, "dns_token", workspace.id),
        found=frozenset(),
        created_at=now,
        updated_at=now,
        n=world.store.tick(DOMAINS.name, workspace.account_id),
    )
    if domain.name == DEFAULT_DOMAIN:
        raise _taken(domain.name)
    try:
        return world.store.add(DOMAINS, domain)
    except Duplicate:
        raise _taken(domain.name) from None


def list_domains(world: World, caller: Caller) -> list[Domain]:
    """Return the domains that the caller sees, newest first."""
    return list(world.store.each(DOMAINS, "of_realm", caller.realm, newest_first=True))


def count_domains(world: World, workspace: Workspace) -> int:
    """Return how many domains a workspace has."""
    return world.store.count(DOMAINS, "of_realm", workspace.id)


def find_domain(world: World, caller: Caller, name: str) -> Domain:
    """Return a domain by name; 404 if the caller does not see it."""
    domain = world.store.find(DOMAINS, "name", name.lower())
    if domain is None or not caller.sees(domain.account_id, domain.workspace_id):
        raise _not_found()
    return domain


def delete_domain(world: World, domain: Domain) -> None:
    """Delete a domain; inboxes and aliases at it stay."""
    world.store.remove(DOMAINS, domain.id)


def verify_domain(world: World, domain: Domain) -> Domain:
    """Look for the DNS records of a domain and note what was found."""
    found = _KINDS.intersection(setting(world, "valid_records"))
    status = _VERIFIED if found == _KINDS else _FAILED
    return world.store.put(DOMAINS, replace(domain, status=status, found=found, updated_at=world.now()))


@holder(NAME)
def receives_for(world: World, name: str) -> bool:
    """Tell whether myagentmail receives the mail of a domain: the default one, and those that are verified."""
    domain = world.store.find(DOMAINS, "name", name)
    return name == DEFAULT_DOMAIN or (domain is not None and domain.status == _VERIFIED)


def check_may_use(world: World, workspace: Workspace, name: str) -> None:
    """Refuse a domain that is neither the default one nor the workspace's (404) or not verified (400)."""
    if name == DEFAULT_DOMAIN:
        return
    domain = world.store.find(DOMAINS, "name", name)
    if domain is None or domain.workspace_id != workspace.id:
        raise _not_found()
    if domain.status != _VERIFIED:
        raise Problem("refused", f"The domain {name} is not verified", code="DOMAIN_NOT_VERIFIED")


def dns_records(domain: Domain) -> Iterator[DnsRecord]:
    """Yield the records that a domain needs: ownership, DKIM, SPF and MX."""
    name, token = domain.name, domain.token

    def record(kind: str, type_: str, at: str, value: str, priority: int | None = None) -> DnsRecord:
        return DnsRecord(type_, at, value, priority, _VERIFIED if kind in domain.found else _PENDING)

    yield record("ownership", "TXT", f"_myagentmail.{name}", f"myagentmail-verification={token}")
    yield record("dkim", "CNAME", f"{token}._domainkey.{name}", f"{token}.dkim.{DEFAULT_DOMAIN}")
    yield record("spf", "TXT", name, f"v=spf1 include:{DEFAULT_DOMAIN} ~all")
    yield record("mx", "MX", name, f"mx.{DEFAULT_DOMAIN}", 10)


def _taken(name: str) -> Problem:
    return Problem("conflict", f"The domain {name} is already taken")


def _not_found() -> Problem:
    return Problem("not_found", "Domain not found")
