"""Identities: each comes and goes with its mailbox and its tunnel."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from emulator.mail import MAILBOXES, Mailbox
from emulator.mail.mailboxes import open_mailbox
from emulator.provider import Problem, invalid
from emulator.providers.inkbox import resources
from emulator.providers.inkbox.current import domains
from emulator.providers.inkbox.current.access import Caller, find_identity
from emulator.providers.inkbox.resources import DOMAIN, IDENTITIES, Identity, Organization
from emulator.providers.inkbox.settings import NAME
from emulator.webhooks import SUBSCRIPTIONS
from emulator.world import CREDENTIALS, Account, Duplicate, World

_HANDLE_LENGTH: Final = range(3, 64)
_NO_HANDLE: Final = re.compile(r"[^a-z0-9]+")


def create_identity(world: World, who: Caller, body: Mapping[str, Any]) -> Identity:
    """Make an identity with mailbox and tunnel; 409 if the handle is taken, 404 if the domain is not verified."""
    who.must_be_admin()
    handle = body["agent_handle"].removeprefix("@").lower()
    wanted = body.get("mailbox") or {}
    domain = _domain(world, who.organization, wanted)
    local = handle if domain == DOMAIN else (wanted.get("email_local_part") or handle).lower()
    made = add_identity(world, who.organization, handle, f"{local}@{domain}", body.get("display_name"))
    tls_mode = (body.get("tunnel") or {}).get("tls_mode", "edge")
    return world.store.put(IDENTITIES, replace(made, description=body.get("description"), tls_mode=tls_mode))


def add_identity(
    world: World, organization: Organization, handle: str, address: str, display_name: str | None
) -> Identity:
    """Make an identity with a mailbox at this address; 409 if handle or address is taken, in whatever organization."""
    if len(handle) not in _HANDLE_LENGTH:
        raise invalid("agent_handle", "A handle has 3 to 63 characters", handle)
    if world.store.count(IDENTITIES, "of_handle", handle):
        raise _unavailable(handle, "identities")
    made = resources.create_identity(world, organization, handle, None)
    shown = display_name or handle
    try:
        mailbox = open_mailbox(world, NAME, organization.id, address, display_name=shown)
    except Duplicate:
        raise _unavailable(handle, "mail") from None
    return world.store.put(IDENTITIES, replace(made, display_name=shown, mailbox_id=mailbox.id))


def open_test_mailbox(world: World, account: Account, local_part: str | None) -> Mailbox:
    """Make an identity with its mailbox; what no handle may hold is a hyphen in the handle."""
    organization = resources.organization_of(world, account)
    name = local_part or world.new_id(NAME, "local_part", account.id)
    handle = _NO_HANDLE.sub("-", name.lower()).strip("-").ljust(_HANDLE_LENGTH.start, "0")
    return resources.existing_mailbox(world, add_identity(world, organization, handle, f"{name}@{DOMAIN}", name))


def update_identity(world: World, who: Caller, agent_handle: str, changes: Mapping[str, Any]) -> Identity:
    """Change what is supplied; 403 for modes with a key of one identity, 422 for both ways to name them."""
    identity = find_identity(world, who, agent_handle)
    modes = modes_of(changes, "mail_filter_mode", "mail_inbound_filter_mode", "mail_outbound_filter_mode")
    if modes:
        who.must_be_admin()
    changed = replace(
        identity,
        display_name=changes.get("display_name", identity.display_name),
        description=changes.get("description", identity.description),
        inbound_mode=modes.get("inbound", identity.inbound_mode),
        outbound_mode=modes.get("outbound", identity.outbound_mode),
        updated_at=world.now(),
    )
    _name_mailbox(world, changed)
    return world.store.put(IDENTITIES, changed)


def modes_of(changes: Mapping[str, Any], both: str, inbound: str, outbound: str) -> dict[str, str]:
    """Return the filter modes that a request sets, by direction; 422 if it names one in both ways."""
    names = {"inbound": inbound, "outbound": outbound}
    given = {direction: changes[name] for direction, name in names.items() if name in changes}
    if both not in changes:
        return given
    if given:
        raise invalid(both, f"{both} sets both directions and cannot be combined with one of them", changes[both])
    return dict.fromkeys(("inbound", "outbound"), changes[both])


def delete_identity(world: World, who: Caller, agent_handle: str) -> None:
    """Delete an identity, its mailbox, tunnel and webhooks, and revoke its keys."""
    who.must_be_admin()
    identity = find_identity(world, who, agent_handle)
    mailbox = resources.mailbox_of(world, identity)
    if mailbox is not None:
        world.store.put(MAILBOXES, replace(mailbox, status="deleted", updated_at=world.now()))
        for subscription in list(world.store.each(SUBSCRIPTIONS, "about", mailbox.id)):
            world.store.remove(SUBSCRIPTIONS, subscription.id)
    for key in list(world.store.each(CREDENTIALS, "of_account", identity.account_id)):
        if key.subject == identity.id:
            world.store.put(CREDENTIALS, replace(key, expires_at=world.now()))
    world.store.remove(IDENTITIES, identity.id)


def rotate_signing_key(world: World, identity: Identity) -> Identity:
    """Give an identity a new key for its webhooks; the key is shown once."""
    key = world.new_id(NAME, "signing_key", identity.id)
    return world.store.put(IDENTITIES, replace(identity, signing_key=key, signing_key_at=world.now()))


def _domain(world: World, organization: Organization, wanted: Mapping[str, Any]) -> str:
    """Return where a new mailbox is: at the default domain if none is named, at Inkbox's own if it is null."""
    if "sending_domain" not in wanted:
        return domains.default_domain(world, organization) or DOMAIN
    return domains.usable(world, wanted["sending_domain"] or DOMAIN)


def _name_mailbox(world: World, identity: Identity) -> None:
    """Let the mailbox send under the name of its identity."""
    mailbox = resources.mailbox_of(world, identity)
    if mailbox is not None and mailbox.display_name != identity.display_name:
        world.store.put(MAILBOXES, replace(mailbox, display_name=identity.display_name))


def _unavailable(handle: str, namespace: str) -> Problem:
    message = f"Agent handle '{handle}' is unavailable"
    return Problem("conflict", message, code="agent_handle_unavailable", details={"blocking_namespace": namespace})
