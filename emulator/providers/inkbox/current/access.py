"""Who asks: an administrator's key, or a key of one identity, which sees that identity alone."""

from __future__ import annotations

from dataclasses import dataclass

from emulator.mail import Mailbox
from emulator.provider import Call, Problem
from emulator.providers.inkbox import resources
from emulator.providers.inkbox.resources import IDENTITIES, Identity, Organization
from emulator.world import World


@dataclass(frozen=True, slots=True)
class Caller:
    """An organization, and the one identity that its key is confined to; None for an administrator's key."""

    organization: Organization
    identity_id: str | None

    @property
    def is_admin(self) -> bool:
        """Whether the key is an administrator's."""
        return self.identity_id is None

    def must_be_admin(self) -> None:
        """Refuse a key of one identity with 403."""
        if not self.is_admin:
            raise Problem("forbidden", "This operation needs an API key of an administrator")

    def sees(self, identity: Identity) -> bool:
        """Tell whether an identity is the caller's."""
        return identity.account_id == self.organization.id and self.identity_id in (None, identity.id)


def caller(call: Call) -> Caller:
    """Return who asks; 403 for a key without an organization."""
    assert call.credential is not None, "the contract asks for one"
    return Caller(resources.organization_of(call.world, call.account), call.credential.subject)


def find_identity(world: World, who: Caller, agent_handle: str) -> Identity:
    """Return an identity by handle; 404 if the caller sees none."""
    identity = resources.find_identity(world, who.organization, agent_handle)
    return _seen(who, identity)


def get_identity(world: World, who: Caller, identity_id: str) -> Identity:
    """Return an identity by id; 404 if the caller sees none."""
    return _seen(who, world.store.get(IDENTITIES, identity_id.lower()))


def find_mailbox(world: World, who: Caller, email_address: str) -> Mailbox:
    """Return a mailbox by its address or local part; 404 if the caller sees none."""
    mailbox = resources.find_mailbox(world, who.organization, email_address)
    if not who.is_admin and identity_of(world, mailbox).id != who.identity_id:
        raise Problem("not_found", "Mailbox not found")
    return mailbox


def list_identities(world: World, who: Caller) -> list[Identity]:
    """Return the identities that the caller sees, newest first."""
    return [each for each in resources.list_identities(world, who.organization) if who.sees(each)]


def list_mailboxes(world: World, who: Caller) -> list[Mailbox]:
    """Return the mailboxes that the caller sees, newest first."""
    owned = {each.mailbox_id for each in list_identities(world, who)}
    every = resources.list_mailboxes(world, who.organization)
    return [each for each in every if who.is_admin or each.id in owned]


def owner_of(world: World, mailbox: Mailbox) -> Identity | None:
    """Return the identity of a mailbox; None for one that the earlier generation unlinked."""
    return world.store.find(IDENTITIES, "mailbox", mailbox.id)


def identity_of(world: World, mailbox: Mailbox) -> Identity:
    """Return the identity of a mailbox; 404 for one that the earlier generation unlinked."""
    identity = owner_of(world, mailbox)
    if identity is None:
        raise Problem("not_found", "Agent identity not found")
    return identity


def _seen(who: Caller, identity: Identity | None) -> Identity:
    if identity is None or not who.sees(identity):
        raise Problem("not_found", "Agent identity not found")
    return identity
