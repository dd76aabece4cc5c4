"""myagentmail's tenants and inboxes: who gets which address, and whose they are."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from importlib.resources import files
from typing import Any, Final, NamedTuple

from emulator.mail import MAILBOXES, Mailbox, addresses
from emulator.mail.logins import add_login, remove_login
from emulator.mail.mailboxes import add_alias, aliases_of, mailbox_at, open_mailbox, remove_alias
from emulator.provider import Problem
from emulator.providers.myagentmail import domains, keys, webhooks, workspaces
from emulator.providers.myagentmail.domains import DEFAULT_DOMAIN
from emulator.providers.myagentmail.keys import Caller
from emulator.providers.myagentmail.settings import NAME
from emulator.providers.myagentmail.workspaces import WORKSPACES, Workspace
from emulator.world import ACCOUNTS, CREDENTIALS, Account, Collection, Credential, Duplicate, Order, World

SEED: Final[Mapping[str, str]] = json.loads(files(__package__).joinpath("seed.json").read_text("utf-8"))

_LAST_SUFFIX: Final = 99


@dataclass(frozen=True, slots=True)
class Inbox:
    """What myagentmail knows of a mailbox; `id` is the mailbox's. It goes when the inbox is deleted.

    `primary` is the address that the inbox sends from, its canonical one or an alias.
    """

    id: str
    account_id: str
    workspace_id: str
    primary: str
    api_key: str
    imap_password: str
    created_at: datetime
    n: int


class Created(NamedTuple):
    """What a creation gave: an inbox, and whether the tenant had it before."""

    inbox: Inbox
    existed: bool


class Tenant(NamedTuple):
    """A new tenant, for the one answer that shows its key."""

    account: Account
    key: Credential
    workspace: Workspace


INBOXES: Collection[Inbox] = Collection(
    "myagentmail.inboxes",
    ordered={"of_realm": Order(groups=lambda i: (i.account_id, i.workspace_id), sort=lambda i: (i.created_at, i.n))},
)


# Tenants


def seed(world: World) -> None:
    """Give a new world two test tenants, a workspace key of the first one, and the super-admin key."""
    tenant = open_account(world, SEED["api_key"], SEED["tenant"])
    assert tenant.account_id is not None, "a tenant that was just added"
    default = workspaces.default_workspace(world, tenant.account_id)
    workspaces.add_key(world, default, SEED["workspace_key_name"], SEED["workspace_key"])
    open_account(world, SEED["other_api_key"], SEED["other_tenant"])
    key = SEED["super_admin_key"]
    world.store.add(CREDENTIALS, Credential(key, NAME, None, keys.SUPER_ADMIN, "Super admin", world.now()))


def open_account(world: World, key: str, name: str = "Tenant") -> Credential:
    """Make a tenant that this key belongs to, and return the key's credential."""
    return _add_tenant(world, world.derived_id(NAME, "account", key), name, key).key


def create_tenant(world: World, name: str) -> Tenant:
    """Make a tenant with its default workspace and its key."""
    account_id = world.new_id(NAME, "account", "tenants")
    return _add_tenant(world, account_id, name, world.new_id(NAME, "api_key", account_id))


def open_test_mailbox(world: World, account: Account, local_part: str | None) -> Mailbox:
    """Make an inbox in the tenant's default workspace."""
    username = local_part or world.new_id(NAME, "local_part", account.id)
    address = f"{username.lower()}@{DEFAULT_DOMAIN}"
    if mailbox_at(world, address) is not None:
        raise _username_taken(address)
    inbox = _add_inbox(world, workspaces.default_workspace(world, account.id), address, None)
    return mailbox_of(world, inbox)


def _add_tenant(world: World, account_id: str, name: str, key: str) -> Tenant:
    account = world.store.add(ACCOUNTS, Account(account_id, NAME, name, world.now()))
    credential = Credential(key, NAME, account.id, keys.TENANT, "Tenant master", world.now())
    world.store.add(CREDENTIALS, credential)
    workspace = workspaces.create_workspace(world, account.id, "Default", None, is_default=True)
    return Tenant(account, credential, workspace)


# Inboxes


def create_inbox(world: World, caller: Caller, body: Mapping[str, Any], *, strict: bool) -> Created:
    """Return the tenant's inbox at the requested address, or make one there or at the next free number.

    404 for a workspace or domain that is not the caller's, 409 for a requested username that another tenant has when
    `strict`, or when all numbers are taken.
    """
    workspace = workspaces.choose_workspace(world, caller, body.get("workspaceId"))
    domain = (body.get("domain") or DEFAULT_DOMAIN).lower()
    requested = body.get("username")
    known = None if requested is None else _inbox_at(world, caller, f"{requested.lower()}@{domain}")
    if known is not None:
        return Created(known, existed=True)
    domains.check_may_use(world, workspace, domain)
    if requested is None:
        address = _free_address(world, _generated_username(world, caller), domain)
    else:
        address = _free_address(world, requested.lower(), domain, numbered=not strict)
    return Created(_add_inbox(world, workspace, address, body.get("displayName")), existed=False)


def list_inboxes(world: World, caller: Caller, workspace_id: str | None = None) -> list[Inbox]:
    """Return the inboxes that the caller sees, of one workspace if asked for; 404 for one it does not see."""
    if caller.inbox_id is not None:
        inboxes = [find_inbox(world, caller, caller.inbox_id)]
        return [inbox for inbox in inboxes if workspace_id in (None, inbox.workspace_id)]
    realm = caller.realm if workspace_id is None else workspaces.find_workspace(world, caller, workspace_id).id
    return list(world.store.each(INBOXES, "of_realm", realm, newest_first=True))


def count_inboxes(world: World, workspace: Workspace) -> int:
    """Return how many inboxes a workspace has."""
    return world.store.count(INBOXES, "of_realm", workspace.id)


def find_inbox(world: World, caller: Caller, inbox_id: str) -> Inbox:
    """Return an inbox by id; 404 if the caller does not see it or it was deleted."""
    inbox = world.store.get(INBOXES, inbox_id.lower())
    if inbox is None or not caller.sees(inbox.account_id, inbox.workspace_id, inbox.id):
        raise Problem("not_found", "Inbox not found")
    return inbox


def delete_inbox(world: World, inbox: Inbox) -> None:
    """Delete an inbox: its aliases, key and password are gone and its address is free, its mail stays unlisted."""
    mailbox = mailbox_of(world, inbox)
    for alias in aliases_of(world, mailbox):
        remove_alias(world, alias)
    world.store.remove(CREDENTIALS, inbox.api_key)
    remove_login(world, mailbox, inbox.imap_password)
    world.store.remove(INBOXES, inbox.id)
    world.store.put(MAILBOXES, replace(mailbox, status="deleted", updated_at=world.now()))


def delete_workspace(world: World, workspace: Workspace) -> None:
    """Delete a workspace with its inboxes, domains, webhooks and keys; 409 for the default one."""
    if workspace.is_default:
        raise Problem("conflict", "The default workspace cannot be deleted", code="DEFAULT_WORKSPACE")
    caller = Caller(workspace.account_id, workspace.id)
    for inbox in list_inboxes(world, caller):
        delete_inbox(world, inbox)
    for domain in domains.list_domains(world, caller):
        domains.delete_domain(world, domain)
    for key in workspaces.list_keys(world, workspace):
        workspaces.revoke_key(world, key)
    webhooks.delete_webhooks_of(world, workspace)
    world.store.remove(WORKSPACES, workspace.id)


def mailbox_of(world: World, inbox: Inbox) -> Mailbox:
    """Return the mailbox of an inbox."""
    mailbox = world.store.get(MAILBOXES, inbox.id)
    assert mailbox is not None, f"{inbox.id} has no mailbox"
    return mailbox


def _inbox_at(world: World, caller: Caller, address: str) -> Inbox | None:
    """Return the inbox of the caller's tenant that receives at this address, or None."""
    mailbox = mailbox_at(world, address)
    inbox = None if mailbox is None else world.store.get(INBOXES, mailbox.id)
    return inbox if inbox is not None and inbox.account_id == caller.account_id else None


def _generated_username(world: World, caller: Caller) -> str:
    tenant = world.store.get(ACCOUNTS, caller.account_id)
    assert tenant is not None, "a key's tenant"
    return workspaces.slug_of(tenant.name, "inbox")


def _free_address(world: World, username: str, domain: str, *, numbered: bool = True) -> str:
    """Return the address itself if nobody has it, else the first free of its numbers, if `numbered`."""
    for suffix in ("", *range(1, _LAST_SUFFIX + 1)) if numbered else ("",):
        address = f"{username}{suffix}@{domain}"
        if mailbox_at(world, address) is None:
            return address
    raise _username_taken(f"{username}@{domain}")


def _add_inbox(world: World, workspace: Workspace, address: str, display_name: str | None) -> Inbox:
    mailbox = open_mailbox(world, NAME, workspace.account_id, address, display_name=display_name)
    inbox = Inbox(
        id=mailbox.id,
        account_id=workspace.account_id,
        workspace_id=workspace.id,
        primary=mailbox.address,
        api_key=world.new_id(NAME, "inbox_key", mailbox.id),
        imap_password=world.new_id(NAME, "imap_password", mailbox.id),
        created_at=mailbox.created_at,
        n=mailbox.n,
    )
    credential = Credential(inbox.api_key, NAME, inbox.account_id, keys.INBOX, address, inbox.created_at, inbox.id)
    world.store.add(CREDENTIALS, credential)
    add_login(world, mailbox, mailbox.address, inbox.imap_password)
    return world.store.add(INBOXES, inbox)


def _username_taken(address: str) -> Problem:
    message = f"The address {address} is already taken"
    return Problem("conflict", message, code="USERNAME_TAKEN", details={"conflict": {"email": address}})


# Addresses


def alias_addresses(world: World, inbox: Inbox) -> list[str]:
    """Return the aliases of an inbox, oldest first."""
    return [alias.address for alias in aliases_of(world, mailbox_of(world, inbox))]


def own_addresses(world: World, inbox: Inbox) -> list[str]:
    """Return every address of an inbox, the canonical one first."""
    return [mailbox_of(world, inbox).address, *alias_addresses(world, inbox)]


def add_address(world: World, inbox: Inbox, address: str, *, primary: bool) -> Inbox:
    """Give an inbox an alias; 404 or 400 for a domain it cannot use, 409 for an address in use."""
    workspace = world.store.get(WORKSPACES, inbox.workspace_id)
    assert workspace is not None, "a workspace takes its inboxes with it"
    domains.check_may_use(world, workspace, addresses.domain(address).lower())
    try:
        add_alias(world, mailbox_of(world, inbox), address)
    except Duplicate:
        raise Problem("conflict", f"The address {address} is already taken") from None
    return world.store.put(INBOXES, replace(inbox, primary=address)) if primary else inbox


def remove_address(world: World, inbox: Inbox, address: str) -> str:
    """Take an alias from an inbox and return it; the canonical address is primary again if the alias was.

    404 for an address the inbox does not have, 400 for the canonical one.
    """
    mailbox, wanted = mailbox_of(world, inbox), addresses.normalize(address)
    if wanted == addresses.normalize(mailbox.address):
        raise Problem("refused", "The canonical address cannot be removed", code="CANONICAL_ADDRESS")
    alias = next((alias for alias in aliases_of(world, mailbox) if alias.id == wanted), None)
    if alias is None:
        raise Problem("not_found", "The inbox has no such address")
    remove_alias(world, alias)
    if inbox.primary == alias.address:
        world.store.put(INBOXES, replace(inbox, primary=mailbox.address))
    return alias.address
