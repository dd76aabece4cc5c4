"""Inkbox's records and rules: organizations, identities, their mailboxes, messages and threads."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from importlib.resources import files
from typing import Any, Final

from emulator.mail import (
    MAILBOXES,
    Mailbox,
)
from emulator.mail.events import Happening
from emulator.mail.logins import keys_open
from emulator.mail.mailboxes import holder, mailbox_at, open_mailbox
from emulator.provider import MEGABYTE, Problem
from emulator.providers.inkbox.generation import of_account
from emulator.providers.inkbox.settings import NAME, verified_domains
from emulator.webhooks import SUBSCRIPTIONS, Subscription, subscribe
from emulator.world import ACCOUNTS, CREDENTIALS, Account, Collection, Credential, Duplicate, Order, World

DOMAIN: Final = "inkboxmail.com"
SEED: Final[Mapping[str, str]] = json.loads(files(__package__).joinpath("seed.json").read_text("utf-8"))

EVENTS: Final[Mapping[Happening, str]] = {
    "received": "message.received",
    "sent": "message.sent",
    "delivered": "message.delivered",
    "bounced": "message.bounced",
    "rejected": "message.failed",
}
"""What a mailbox's webhook is told of, in Inkbox's words."""

_DEFAULT_DISPLAY_NAME: Final = "Inkbox user"
_MAX_ATTACHMENTS: Final = 25 * MEGABYTE


@dataclass(frozen=True, slots=True)
class Organization:
    """What Inkbox knows of an account. `organization_id` is shown; `id` is the account's and never changes."""

    id: str
    organization_id: str
    signing_key: str | None = None


@dataclass(frozen=True, slots=True)
class Identity:
    """An agent identity: a handle inside its organization, with at most one mailbox.

    What follows `n` is of the newest generation alone: who may write to it and be written to (`whitelist` or
    `blacklist`), and the key that its webhooks are signed with.
    """

    id: str
    account_id: str
    agent_handle: str
    status: str
    mailbox_id: str | None
    created_at: datetime
    updated_at: datetime
    n: int
    display_name: str | None = None
    description: str | None = None
    tls_mode: str = "edge"
    inbound_mode: str = "blacklist"
    outbound_mode: str = "blacklist"
    signing_key: str | None = None
    signing_key_at: datetime | None = None


ORGANIZATIONS: Collection[Organization] = Collection("inkbox.organizations")
IDENTITIES: Collection[Identity] = Collection(
    "inkbox.identities",
    unique={"handle": lambda i: (i.account_id, i.agent_handle), "mailbox": lambda i: i.mailbox_id},
    ordered={
        "of_account": Order(groups=lambda i: (i.account_id,), sort=lambda i: (i.created_at, i.n)),
        "of_handle": Order(groups=lambda i: (i.agent_handle,), sort=lambda i: (i.created_at, i.n)),
    },
)


# Accounts


def seed(world: World) -> None:
    """Give a new world the test organization, its key, and a key that belongs to no organization."""
    open_account(world, SEED["api_key"], SEED["organization"], SEED["api_key_label"])
    stray = SEED["api_key_without_organization"]
    world.store.add(CREDENTIALS, Credential(stray, NAME, None, "human", "Without organization", world.now()))


def open_account(world: World, key: str, name: str = "Organization", label: str = "API key") -> Credential:
    """Make an organization that this key belongs to, and return the key's credential."""
    organization_id = world.derived_id(NAME, "account", key)
    add_organization(world, organization_id, name)
    return world.store.add(CREDENTIALS, Credential(key, NAME, organization_id, "human", label, world.now()))


@holder(NAME)
def receives_for(world: World, name: str) -> bool:
    """Tell whether Inkbox receives the mail of a domain."""
    return name == DOMAIN or name in verified_domains(world)


@keys_open(NAME)
def opens(world: World, key: Credential, mailbox: Mailbox) -> bool:
    """Tell whether an API key opens a mailbox over SMTP and IMAP: one of its organization, or of its identity."""
    if key.account_id != mailbox.account_id:
        return False
    if key.subject is None:
        return not of_account(world, mailbox.account_id).needs_key_of_identity
    identity = world.store.find(IDENTITIES, "mailbox", mailbox.id)
    return identity is not None and identity.id == key.subject


def add_organization(world: World, organization_id: str, name: str) -> Organization:
    """Add an account and its organization."""
    world.store.add(ACCOUNTS, Account(organization_id, NAME, name, world.now()))
    return world.store.add(ORGANIZATIONS, Organization(organization_id, organization_id))


def organization_of(world: World, account: Account | None) -> Organization:
    """Return the caller's organization; 403 for a key that has none."""
    found = None if account is None else world.store.get(ORGANIZATIONS, account.id)
    if found is None:
        raise Problem("forbidden", "Organization ID missing from token")
    return found


def rotate_signing_key(world: World, organization: Organization) -> str:
    """Give the organization a new webhook signing key and return it; it is not shown again."""
    key = world.new_id(NAME, "signing_key", organization.id)
    world.store.put(ORGANIZATIONS, replace(organization, signing_key=key))
    return key


def open_test_mailbox(world: World, account: Account, local_part: str | None) -> Mailbox:
    """Make an identity with a mailbox, both of the same name."""
    organization = organization_of(world, account)
    name = local_part or world.new_id(NAME, "local_part", account.id)
    identity = create_identity(world, organization, name, {"email_local_part": name})
    return existing_mailbox(world, identity)


# Identities


def create_identity(
    world: World, organization: Organization, agent_handle: str, mailbox: Mapping[str, Any] | None
) -> Identity:
    """Make an identity, with a mailbox when asked for; 409 when the handle or the address is taken."""
    now = world.now()
    handle = _handle(agent_handle)
    identity = Identity(
        id=world.new_id(NAME, "identity", organization.id),
        account_id=organization.id,
        agent_handle=handle,
        status="active",
        mailbox_id=None,
        created_at=now,
        updated_at=now,
        n=world.store.tick(IDENTITIES.name, organization.id),
    )
    try:
        world.store.add(IDENTITIES, identity)
    except Duplicate:
        raise _handle_taken(handle) from None
    if mailbox is None:
        return identity
    return _add_mailbox(world, identity, mailbox.get("display_name") or handle, mailbox.get("email_local_part"))


def find_identity(world: World, organization: Organization, agent_handle: str) -> Identity:
    """Return an identity by handle; 404 if there is none."""
    identity = world.store.find(IDENTITIES, "handle", (organization.id, _handle(agent_handle)))
    if identity is None:
        raise Problem("not_found", "Agent identity not found")
    return identity


def list_identities(world: World, organization: Organization) -> list[Identity]:
    """Return the identities of an organization, newest first."""
    return list(world.store.each(IDENTITIES, "of_account", organization.id, newest_first=True))


def update_identity(
    world: World, organization: Organization, agent_handle: str, changes: Mapping[str, Any]
) -> Identity:
    """Change handle or status; 400 for an unknown status, 409 for a handle that is taken."""
    identity = find_identity(world, organization, agent_handle)
    status = changes.get("status", identity.status)
    if status not in ("active", "paused"):
        raise Problem("refused", "status must be active or paused")
    handle = _handle(changes.get("agent_handle", identity.agent_handle))
    try:
        return world.store.put(
            IDENTITIES, replace(identity, agent_handle=handle, status=status, updated_at=world.now())
        )
    except Duplicate:
        raise _handle_taken(handle) from None


def delete_identity(world: World, organization: Organization, agent_handle: str) -> None:
    """Delete an identity; its mailbox is unlinked and survives."""
    world.store.remove(IDENTITIES, find_identity(world, organization, agent_handle).id)


def link_mailbox(world: World, organization: Organization, agent_handle: str, mailbox_id: str) -> Identity:
    """Link an existing mailbox; 404 if it is not the organization's, 409 if one of the two is linked already."""
    identity = find_identity(world, organization, agent_handle)
    mailbox = world.store.get(MAILBOXES, mailbox_id.lower())
    if mailbox is None or mailbox.account_id != organization.id or mailbox.deleted:
        raise Problem("not_found", "Mailbox not found")
    _refuse_second_mailbox(identity)
    try:
        return _link(world, identity, mailbox.id)
    except Duplicate:
        raise Problem("conflict", "Mailbox is already linked to an identity") from None


def unlink_mailbox(world: World, organization: Organization, agent_handle: str) -> None:
    """Unlink the mailbox; 404 if the identity has none."""
    identity = find_identity(world, organization, agent_handle)
    if identity.mailbox_id is None:
        raise Problem("not_found", "Identity has no mailbox")
    _link(world, identity, None)


def mailbox_of(world: World, identity: Identity) -> Mailbox | None:
    """Return the mailbox that an identity is linked to, or None."""
    return None if identity.mailbox_id is None else world.store.get(MAILBOXES, identity.mailbox_id)


def existing_mailbox(world: World, identity: Identity) -> Mailbox:
    """Return the mailbox of an identity that has one."""
    mailbox = mailbox_of(world, identity)
    assert mailbox is not None, f"{identity.agent_handle} has no mailbox"
    return mailbox


def _handle(given: str) -> str:
    return given.removeprefix("@").lower()


def _handle_taken(handle: str) -> Problem:
    return Problem("conflict", f"Agent handle '{handle}' is already taken")


def _link(world: World, identity: Identity, mailbox_id: str | None) -> Identity:
    return world.store.put(IDENTITIES, replace(identity, mailbox_id=mailbox_id, updated_at=world.now()))


def _refuse_second_mailbox(identity: Identity) -> None:
    if identity.mailbox_id is not None:
        raise Problem("conflict", "Identity already has a mailbox")


# Mailboxes


def create_mailbox(
    world: World, organization: Organization, agent_handle: str, display_name: str | None, local_part: str | None
) -> Mailbox:
    """Make a mailbox for an identity; 404 without the identity, 409 when it has one or the address is taken."""
    identity = find_identity(world, organization, agent_handle)
    _refuse_second_mailbox(identity)
    linked = _add_mailbox(world, identity, display_name or _DEFAULT_DISPLAY_NAME, local_part)
    return existing_mailbox(world, linked)


def list_mailboxes(world: World, organization: Organization) -> list[Mailbox]:
    """Return the active mailboxes of an organization, newest first."""
    return list(world.store.each(MAILBOXES, "of_account", organization.id, newest_first=True))


def find_mailbox(world: World, organization: Organization, email_address: str) -> Mailbox:
    """Return a mailbox by its address or local part; 404 if it is not the organization's or deleted."""
    address = email_address if "@" in email_address else f"{email_address}@{DOMAIN}"
    mailbox = mailbox_at(world, address)
    if mailbox is None or mailbox.account_id != organization.id:
        raise Problem("not_found", "Mailbox not found")
    return mailbox


def update_mailbox(world: World, organization: Organization, email_address: str, changes: Mapping[str, Any]) -> Mailbox:
    """Change display name or webhook URL; only what is supplied."""
    mailbox = find_mailbox(world, organization, email_address)
    if "webhook_url" in changes:
        _tell_at(world, mailbox, changes["webhook_url"])
    name = changes.get("display_name", mailbox.display_name)
    return world.store.put(MAILBOXES, replace(mailbox, display_name=name, updated_at=world.now()))


def delete_mailbox(world: World, organization: Organization, email_address: str) -> None:
    """Delete a mailbox: it receives nothing more and is hidden; its identity goes on without one."""
    mailbox = find_mailbox(world, organization, email_address)
    identity = world.store.find(IDENTITIES, "mailbox", mailbox.id)
    if identity is not None:
        _link(world, identity, None)
    world.store.put(MAILBOXES, replace(mailbox, status="deleted", updated_at=world.now()))


def webhook_url(world: World, mailbox: Mailbox) -> str | None:
    """Return the webhook URL of a mailbox, or None."""
    target = _webhook(world, mailbox)
    return None if target is None else target.url


def _webhook(world: World, mailbox: Mailbox) -> Subscription | None:
    return next(world.store.each(SUBSCRIPTIONS, "about", mailbox.id), None)


def _tell_at(world: World, mailbox: Mailbox, url: str | None) -> None:
    """Let a mailbox tell what happens to its mail at another URL, or nowhere."""
    known = _webhook(world, mailbox)
    if known is not None and url is not None:
        world.store.put(SUBSCRIPTIONS, replace(known, url=url, updated_at=world.now()))
    elif known is not None:
        world.store.remove(SUBSCRIPTIONS, known.id)
    elif url is not None:
        subscribe(world, NAME, mailbox.account_id, url, EVENTS.values(), mailbox_ids=(mailbox.id,), secret=False)


def _add_mailbox(world: World, identity: Identity, display_name: str, local_part: str | None) -> Identity:
    local = local_part or world.new_id(NAME, "local_part", identity.account_id)
    address = f"{local.lower()}@{DOMAIN}"
    try:
        mailbox = open_mailbox(world, NAME, identity.account_id, address, display_name=display_name)
    except Duplicate:
        raise Problem("conflict", f"Email address '{address}' is already taken") from None
    return _link(world, identity, mailbox.id)
