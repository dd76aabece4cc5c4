"""InboxAI's domains: the DNS records they need, and their verification."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from emulator.mail.mailboxes import holder
from emulator.provider import Problem
from emulator.providers.inboxai.pages import Listed, Window, listed
from emulator.providers.inboxai.settings import NAME, setting
from emulator.webhooks import publish
from emulator.world import Account, Collection, Duplicate, Order, World

VERIFIED: Final = "domain.verified"
"""The event that tells of a domain whose records are all there."""


@dataclass(frozen=True, slots=True)
class DnsRecord:
    """A record that the owner of a domain has to publish. `kind` is mx, spf, dkim or dmarc."""

    kind: str
    type: str
    name: str
    value: str
    priority: int | None = None
    valid: bool = False


@dataclass(frozen=True, slots=True)
class Domain:
    """A domain of an organization; `id` is its name in lower case."""

    id: str
    account_id: str
    feedback_enabled: bool
    records: tuple[DnsRecord, ...]
    created_at: datetime
    updated_at: datetime
    n: int

    @property
    def verified(self) -> bool:
        """Tell whether the last verification found every record."""
        return all(record.valid for record in self.records)


DOMAINS: Collection[Domain] = Collection(
    "inboxai.domains",
    ordered={"of_account": Order(groups=lambda d: (d.account_id,), sort=lambda d: (d.created_at, d.n))},
)


def create_domain(world: World, account: Account, name: str, feedback_enabled: bool) -> Domain:
    """Add a domain; 403 at the limit, 409 when any organization has it."""
    limit = setting(world, "domain_limit")
    if count_domains(world, account) >= limit:
        raise Problem("forbidden", f"The domain limit of {limit} is reached", code="limit_exceeded")
    now, domain = world.now(), name.lower()
    n = world.store.tick(DOMAINS.name, account.id)
    try:
        return world.store.add(
            DOMAINS, Domain(domain, account.id, feedback_enabled, _records(world, domain), now, now, n)
        )
    except Duplicate:
        raise Problem("conflict", f"The domain {domain} is already taken") from None


def list_domains(world: World, account: Account, window: Window) -> Listed[Domain]:
    """Return a page of the domains of an organization, newest first."""
    return listed(world, DOMAINS, "of_account", account.id, window)


def count_domains(world: World, account: Account) -> int:
    """Return how many domains an organization has."""
    return world.store.count(DOMAINS, "of_account", account.id)


def find_domain(world: World, account: Account, domain_id: str) -> Domain:
    """Return a domain by name; 404 if it is not the organization's."""
    domain = world.store.get(DOMAINS, domain_id.lower())
    if domain is None or domain.account_id != account.id:
        raise Problem("not_found", "Domain not found")
    return domain


def delete_domain(world: World, account: Account, domain_id: str) -> None:
    """Delete a domain; its inboxes stay."""
    world.store.remove(DOMAINS, find_domain(world, account, domain_id).id)


def verify_domain(world: World, account: Account, domain_id: str) -> Domain:
    """Look for all records of a domain and note which are there."""
    domain = find_domain(world, account, domain_id)
    found = setting(world, "valid_records")
    records = tuple(replace(record, valid=record.kind in found) for record in domain.records)
    checked = world.store.put(DOMAINS, replace(domain, records=records, updated_at=world.now()))
    if checked.verified and not domain.verified:
        publish(world, NAME, account.id, VERIFIED, subject=checked)
    return checked


@holder(NAME)
def receives_for(world: World, name: str) -> bool:
    """Tell whether the instance receives the mail of a domain: the platform's, and those that are verified."""
    domain = world.store.get(DOMAINS, name)
    return name == _platform_domain(world) or (domain is not None and domain.verified)


def check_may_use(world: World, account: Account, name: str) -> None:
    """Refuse with 404 a domain that is neither the platform's nor the organization's."""
    if name != _platform_domain(world):
        find_domain(world, account, name)


def check_may_send(world: World, name: str) -> None:
    """Refuse with 403 a domain that is not verified, if the setting says so."""
    if not setting(world, "refuse_unverified_domains") or name == _platform_domain(world):
        return
    domain = world.store.get(DOMAINS, name)
    if domain is None or not domain.verified:
        raise Problem("forbidden", f"The domain {name} is not verified", code="domain_not_verified")


def _platform_domain(world: World) -> str:
    return str(setting(world, "platform_domain")).lower()


def _records(world: World, domain: str) -> tuple[DnsRecord, ...]:
    key = world.derived_id(NAME, "dkim_key", domain)
    return (
        DnsRecord("mx", "MX", domain, f"mail.{domain}", priority=10),
        DnsRecord("spf", "TXT", domain, f"v=spf1 include:_spf.{domain} ~all"),
        DnsRecord("dkim", "TXT", f"dkim._domainkey.{domain}", f"v=DKIM1; k=rsa; p={key}"),
        DnsRecord("dmarc", "TXT", f"_dmarc.{domain}", f"v=DMARC1; p=none; rua=mailto:dmarc@{domain}"),
    )
