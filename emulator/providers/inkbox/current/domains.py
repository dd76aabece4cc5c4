"""Sending domains: the ones that a tester chose, and the default of an organization."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from emulator.mail import addresses
from emulator.provider import Problem
from emulator.providers.inkbox.resources import DOMAIN, Organization
from emulator.providers.inkbox.settings import domain_statuses, verified_domains
from emulator.world import Collection, World


@dataclass(frozen=True, slots=True)
class Default:
    """The sending domain of new mailboxes; `id` is the organization's."""

    id: str
    domain: str


class SendingDomain(NamedTuple):
    """A domain of an organization."""

    name: str
    status: str
    is_default: bool


DEFAULTS: Collection[Default] = Collection("inkbox.default_domains")


def list_domains(world: World, organization: Organization, status: str | None) -> list[SendingDomain]:
    """Return the domains of an organization, by name."""
    default = default_domain(world, organization)
    every = sorted(domain_statuses(world).items())
    return [SendingDomain(name, known, name == default) for name, known in every if status in (None, known)]


def default_domain(world: World, organization: Organization) -> str | None:
    """Return the default domain of an organization; None for Inkbox's own."""
    found = world.store.get(DEFAULTS, organization.id)
    return found.domain if found is not None and found.domain in verified_domains(world) else None


def set_default(world: World, organization: Organization, name: str) -> str | None:
    """Choose the default domain, Inkbox's own to have none; 404 for another one, 409 if it is not verified."""
    wanted = addresses.normalize(name)
    if world.store.get(DEFAULTS, organization.id) is not None:
        world.store.remove(DEFAULTS, organization.id)
    if wanted == DOMAIN:
        return None
    if wanted not in domain_statuses(world):
        raise Problem("not_found", "Domain not found")
    if wanted not in verified_domains(world):
        raise Problem("conflict", f"The domain {wanted} is not verified")
    return world.store.add(DEFAULTS, Default(organization.id, wanted)).domain


def usable(world: World, name: str) -> str:
    """Return the domain that a mailbox is asked for at; 404 if it is not a verified one."""
    wanted = addresses.normalize(name)
    if wanted != DOMAIN and wanted not in verified_domains(world):
        raise Problem("not_found", f"There is no verified domain {wanted}")
    return wanted
