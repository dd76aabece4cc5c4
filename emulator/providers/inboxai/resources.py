"""InboxAI's organizations and inboxes: who may have how many, and what they are called."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.resources import files
from typing import Any, Final, NamedTuple

from emulator.mail import MAILBOXES, Mailbox
from emulator.mail.mailboxes import open_mailbox
from emulator.provider import Problem
from emulator.providers.inboxai import domains, keys
from emulator.providers.inboxai.pages import Listed, Window, listed
from emulator.providers.inboxai.settings import NAME, setting
from emulator.world import ACCOUNTS, CREDENTIALS, Account, Collection, Credential, Duplicate, World

SEED: Final[Mapping[str, str]] = json.loads(files(__package__).joinpath("seed.json").read_text("utf-8"))


@dataclass(frozen=True, slots=True)
class ClientId:
    """What a customer calls an inbox in its own books; `id` is the mailbox's."""

    id: str
    given: str


class Organization(NamedTuple):
    """An account with what it has and what it may have."""

    account: Account
    inbox_count: int
    inbox_limit: int
    domain_count: int
    domain_limit: int


CLIENT_IDS: Collection[ClientId] = Collection("inboxai.client_ids")


# Accounts


def seed(world: World) -> None:
    """Give a new world the test organization with its key, and the admin key, which opens it too."""
    account_id = open_account(world, SEED["api_key"], SEED["organization"], SEED["api_key_name"]).account_id
    world.store.add(CREDENTIALS, Credential(SEED["admin_key"], NAME, account_id, "admin", "Admin key", world.now()))


def open_account(world: World, key: str, name: str = "Organization", label: str = "API key") -> Credential:
    """Make an organization that this key belongs to, and return the key's credential."""
    account = Account(world.derived_id(NAME, "account", key), NAME, name, world.now())
    world.store.add(ACCOUNTS, account)
    keys.add_key(world, account.id, label, key)
    credential = world.store.get(CREDENTIALS, key)
    assert credential is not None, "a key that was just added"
    return credential


def organization(world: World, account: Account) -> Organization:
    """Return an account with its counts and limits."""
    return Organization(
        account,
        inbox_count=_count_inboxes(world, account),
        inbox_limit=setting(world, "inbox_limit"),
        domain_count=domains.count_domains(world, account),
        domain_limit=setting(world, "domain_limit"),
    )


def open_test_mailbox(world: World, account: Account, local_part: str | None) -> Mailbox:
    """Make an inbox on the platform's domain, whatever the limit."""
    username = local_part or world.new_id(NAME, "local_part", account.id)
    return _add_inbox(world, account, username, setting(world, "platform_domain"), None)


# Inboxes


def create_inbox(world: World, account: Account, body: Mapping[str, Any]) -> Mailbox:
    """Make an inbox; 403 at the limit, 404 for a domain that is not the organization's, 409 for a taken address."""
    limit = setting(world, "inbox_limit")
    if _count_inboxes(world, account) >= limit:
        raise Problem("forbidden", f"The inbox limit of {limit} is reached", code="limit_exceeded")
    domain = (body.get("domain") or setting(world, "platform_domain")).lower()
    domains.check_may_use(world, account, domain)
    inbox = _add_inbox(world, account, body["username"], domain, body.get("display_name"))
    if body.get("client_id") is not None:
        world.store.add(CLIENT_IDS, ClientId(inbox.id, body["client_id"]))
    return inbox


def list_inboxes(world: World, account: Account, window: Window) -> Listed[Mailbox]:
    """Return a page of the inboxes of an organization, newest first."""
    return listed(world, MAILBOXES, "of_account", account.id, window)


def find_inbox(world: World, account: Account, inbox_id: str) -> Mailbox:
    """Return an inbox by id; 404 if it is not the organization's or deleted."""
    inbox = world.store.get(MAILBOXES, inbox_id)
    if inbox is None or inbox.account_id != account.id or inbox.deleted:
        raise Problem("not_found", "Inbox not found")
    return inbox


def update_inbox(world: World, account: Account, inbox_id: str, changes: Mapping[str, Any]) -> Mailbox:
    """Change the display name, if one is supplied."""
    inbox = find_inbox(world, account, inbox_id)
    name = changes.get("display_name", inbox.display_name)
    return world.store.put(MAILBOXES, replace(inbox, display_name=name, updated_at=world.now()))


def delete_inbox(world: World, account: Account, inbox_id: str) -> None:
    """Delete an inbox: it receives nothing more, and its address is free."""
    inbox = find_inbox(world, account, inbox_id)
    world.store.put(MAILBOXES, replace(inbox, status="deleted", updated_at=world.now()))


def client_id(world: World, inbox: Mailbox) -> str | None:
    """Return what the customer calls an inbox, or None."""
    found = world.store.get(CLIENT_IDS, inbox.id)
    return None if found is None else found.given


def _add_inbox(world: World, account: Account, username: str, domain: str, display_name: str | None) -> Mailbox:
    address = f"{username}@{domain}"
    try:
        return open_mailbox(world, NAME, account.id, address, display_name=display_name)
    except Duplicate:
        raise Problem("conflict", f"The address {address} is already taken") from None


def _count_inboxes(world: World, account: Account) -> int:
    return world.store.count(MAILBOXES, "of_account", account.id)
