"""Sendmux's teams and mailboxes."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from importlib.resources import files
from typing import Any, Final, NamedTuple

from emulator.mail import MAILBOXES, Mailbox, Message, addresses
from emulator.mail.filing import used_bytes
from emulator.mail.mailboxes import gate, mailbox_at, open_mailbox
from emulator.provider import Problem
from emulator.providers.sendmux import domains, filters, keys, sending_accounts
from emulator.providers.sendmux.generation import Generation
from emulator.providers.sendmux.keys import Key
from emulator.providers.sendmux.problems import limit_exceeded, unprocessable
from emulator.providers.sendmux.settings import NAME, setting
from emulator.world import ACCOUNTS, CREDENTIALS, Account, Collection, Credential, Duplicate, Order, Page, World
from emulator.world.ordered import Key as Place

SEED: Final[Mapping[str, str]] = json.loads(files(__package__).joinpath("seed.json").read_text("utf-8"))

_DEFAULT_QUOTA: Final = 1024**3
_EMAIL: Final = re.compile(r"[\w%+-]+(\.[\w%+-]+)*@[a-z0-9-]+(\.[a-z0-9-]+)*\.[a-z]{2,63}", re.ASCII | re.IGNORECASE)


class SendScope(NamedTuple):
    """Which sending accounts or delivery groups a mailbox sends by."""

    type: str = "all"
    provider_ids: tuple[str, ...] | None = None
    group_ids: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What Sendmux keeps of a mailbox besides the mail; `id` is the mailbox's."""

    id: str
    account_id: str
    quota_bytes: int
    send_scope: SendScope
    created_at: datetime
    n: int


class Created(NamedTuple):
    """A new mailbox with its first key, or with what went wrong when that was made."""

    mailbox: Mailbox
    key: Key | None
    warning: str | None


PLANS: Collection[Plan] = Collection(
    "sendmux.plans",
    ordered={"of_account": Order(groups=lambda p: (p.account_id,), sort=lambda p: (p.created_at, p.n))},
)


# Teams


def seed(world: World) -> None:
    """Give a new world the test team with its keys, a verified domain and a mailbox at the shared one."""
    account_id = open_account(world, SEED["api_key"], SEED["team"], SEED["api_key_name"]).account_id
    assert account_id is not None, "a root key belongs to a team"
    account = world.store.get(ACCOUNTS, account_id)
    assert account is not None, "a team that was just added"
    keys.add_root_key(world, account.id, SEED["readonly_key"], SEED["readonly_key_name"], keys.READONLY)
    domains.verify_domain(world, domains.create_domain(world, account, SEED["domain"], "send_receive"))
    mailbox = _open(world, account.id, SEED["mailbox"], None, _DEFAULT_QUOTA, SendScope())
    keys.add_mailbox_key(world, mailbox, SEED["mailbox_key_name"], secret=SEED["mailbox_key"])


def open_account(world: World, key: str, name: str = "Team", label: str = "API key") -> Credential:
    """Make a team that this key belongs to, and return the key's credential."""
    account = Account(world.derived_id(NAME, "account", key), NAME, name, world.now())
    world.store.add(ACCOUNTS, account)
    sending_accounts.add_shared(world, account)
    keys.add_root_key(world, account.id, key, label)
    credential = world.store.get(CREDENTIALS, key)
    assert credential is not None, "a key that was just added"
    return credential


def open_test_mailbox(world: World, account: Account, local_part: str | None) -> Mailbox:
    """Make a mailbox with a key at the shared domain."""
    local = local_part or world.new_id(NAME, "local_part", account.id)
    address = f"{local}@{setting(world, 'shared_domain')}"
    mailbox = _open(world, account.id, address, None, _DEFAULT_QUOTA, SendScope())
    keys.add_mailbox_key(world, mailbox, "Initial key")
    return mailbox


# Mailboxes


def create_mailbox(world: World, account: Account, body: Mapping[str, Any], rules: Generation) -> Created:
    """Make a mailbox and its first key.

    422 for a domain that is not verified and for other wrong values, 409 for a taken address and at the limit, 503
    if the team cannot send yet.
    """
    limit = setting(world, "mailbox_limit")
    if limit is not None and world.store.count(MAILBOXES, "of_account", account.id) >= limit:
        raise limit_exceeded(limit, "mailboxes")
    address, scope = body["email"].lower(), _send_scope(world, account, body.get("send_scope"))
    quota = _quota(body.get("quota_bytes", _DEFAULT_QUOTA), rules)
    if not domains.may_hold_mailboxes(world, account, addresses.domain(address)):
        raise unprocessable("email", "The domain is not verified for receiving in this team", body["email"])
    if not setting(world, "provisioned"):
        raise Problem("unavailable", "The team is not provisioned for sending yet")
    mailbox = _open(world, account.id, address, body.get("display_name"), quota, scope)
    if not setting(world, "credentials_available"):
        return Created(mailbox, None, "The mailbox was created, but no credential could be made; create a key for it")
    return Created(mailbox, keys.add_mailbox_key(world, mailbox, "Initial key", one_secret=rules.one_secret), None)


def list_mailboxes(
    world: World, account: Account, limit: int, after: Place | None, *, include_deleted: bool
) -> Page[Plan]:
    """Return a page of the mailboxes of a team, newest first."""
    where = None if include_deleted else lambda plan: not mailbox_of(world, plan).deleted
    return world.store.page(PLANS, "of_account", account.id, limit=limit, after=after, where=where)


def find_mailbox(world: World, account: Account, mailbox_id: str) -> Mailbox:
    """Return a mailbox by id; 404 if it is not the team's or deleted."""
    mailbox = find_ever(world, account, mailbox_id)
    if mailbox.deleted:
        raise Problem("not_found", "No such mailbox")
    return mailbox


def find_ever(world: World, account: Account, mailbox_id: str) -> Mailbox:
    """Return a mailbox by id, deleted ones too; 404 if it never was the team's."""
    mailbox = world.store.get(MAILBOXES, mailbox_id)
    if mailbox is None or mailbox.account_id != account.id:
        raise Problem("not_found", "No such mailbox")
    return mailbox


def update_mailbox(
    world: World, account: Account, mailbox: Mailbox, changes: Mapping[str, Any], rules: Generation
) -> Mailbox:
    """Change display name, quota or send scope, what is supplied; 422 for wrong values."""
    plan, quota = plan_of(world, mailbox), changes.get("quota_bytes")
    if "send_scope" in changes:
        plan = replace(plan, send_scope=_send_scope(world, account, changes["send_scope"]))
    if quota is not None:
        if quota < used_bytes(world, mailbox):
            raise unprocessable("quota_bytes", "The mailbox holds more than that", quota)
        plan = replace(plan, quota_bytes=_quota(quota, rules))
    world.store.put(PLANS, plan)
    name = changes.get("display_name", mailbox.display_name)
    return world.store.put(MAILBOXES, replace(mailbox, display_name=name, updated_at=world.now()))


def delete_mailbox(world: World, mailbox: Mailbox) -> None:
    """Delete a mailbox: its keys are revoked, and its address is free."""
    keys.revoke_all(world, mailbox)
    world.store.put(MAILBOXES, replace(mailbox, status="deleted", updated_at=world.now()))
    world.bells.ring(mailbox.address)


def set_status(world: World, mailbox: Mailbox, status: str) -> Mailbox:
    """Suspend a mailbox or let it work again; 409 if it is deleted."""
    if mailbox.deleted:
        raise Problem("conflict", "The mailbox is deleted")
    return world.store.put(MAILBOXES, replace(mailbox, status=status, updated_at=world.now()))


def availability(world: World, account: Account, email: str) -> str:
    """Return why an address may be had, or may not: `available` or one of the documented reasons."""
    if not (_EMAIL.fullmatch(email) and addresses.is_address(email)):
        return "invalid_email"
    if not domains.may_hold_mailboxes(world, account, addresses.domain(email).lower()):
        return "domain_not_available"
    return "available" if mailbox_at(world, email) is None else "taken"


@gate(NAME)
def refusal(world: World, mailbox: Mailbox, sender: str) -> str | None:
    """Return why a mailbox does not take mail from a sender, or None if it does."""
    return filters.refusal(world, mailbox, sender)


def plan_of(world: World, mailbox: Mailbox) -> Plan:
    """Return what Sendmux keeps of a mailbox besides the mail."""
    plan = world.store.get(PLANS, mailbox.id)
    assert plan is not None, f"{mailbox.id} has no plan"
    return plan


def mailbox_of(world: World, plan: Plan) -> Mailbox:
    """Return the mailbox of a plan."""
    mailbox = world.store.get(MAILBOXES, plan.id)
    assert mailbox is not None, f"{plan.id} is no mailbox"
    return mailbox


def receiver(world: World, message: Message) -> Mailbox:
    """Return the mailbox that a message is in, deleted ones too."""
    mailbox = world.store.get(MAILBOXES, message.mailbox_id)
    assert mailbox is not None, f"{message.id} is in no mailbox"
    return mailbox


def _open(
    world: World, account_id: str, address: str, display_name: str | None, quota_bytes: int, scope: SendScope
) -> Mailbox:
    try:
        mailbox = open_mailbox(world, NAME, account_id, address, display_name=display_name)
    except Duplicate:
        raise Problem("conflict", f"The address {address} is in use") from None
    world.store.add(PLANS, Plan(mailbox.id, account_id, quota_bytes, scope, mailbox.created_at, mailbox.n))
    return mailbox


def _quota(wanted: int, rules: Generation) -> int:
    if rules.quota_tiers and wanted not in rules.quota_tiers:
        tiers = ", ".join(map(str, rules.quota_tiers))
        raise unprocessable("quota_bytes", f"A mailbox may have {tiers} bytes", wanted)
    return int(wanted)


def _send_scope(world: World, account: Account, given: Mapping[str, Any] | None) -> SendScope:
    if given is None:
        return SendScope()
    accounts, groups = given.get("provider_public_ids"), given.get("group_public_ids")
    for account_id in accounts or ():
        if sending_accounts.get_account(world, account, account_id) is None:
            raise unprocessable("send_scope.provider_public_ids", "Not a sending account of this team", account_id)
    if groups:  # no operation of the API makes one
        raise unprocessable("send_scope.group_public_ids", "Not a delivery group of this team", groups[0])
    return SendScope(given["type"], _ids(accounts), _ids(groups))


def _ids(given: list[str] | None) -> tuple[str, ...] | None:
    return None if given is None else tuple(given)
