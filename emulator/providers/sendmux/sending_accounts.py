"""Sendmux's sending accounts, which its API calls providers: the shared Amazon SES and a team's own SMTP servers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from emulator.provider import Problem
from emulator.providers.sendmux.problems import limit_exceeded
from emulator.providers.sendmux.settings import NAME, setting
from emulator.world import Account, Collection, Order, Page, World
from emulator.world.ordered import Key

SMTP: Final = "smtp"
AMAZON_SES: Final = "amazon_ses"


@dataclass(frozen=True, slots=True)
class SendingAccount:
    """A way out for a team's mail.

    `kind` is what the API calls its type; `given` is what its owner said of it, under the API's names.
    """

    id: str
    account_id: str
    kind: str
    active: bool
    given: Mapping[str, Any]
    created_at: datetime
    updated_at: datetime
    n: int
    variables: Mapping[str, str] = field(default_factory=dict)
    tested_at: datetime | None = None

    @property
    def shared(self) -> bool:
        """Tell whether it is the service's own, which nobody edits or deletes."""
        return self.kind == AMAZON_SES

    @property
    def status(self) -> str:
        """Return `active` or `inactive`."""
        return "active" if self.active else "inactive"


SENDING_ACCOUNTS: Collection[SendingAccount] = Collection(
    "sendmux.sending_accounts",
    ordered={"of_account": Order(groups=lambda a: (a.account_id,), sort=lambda a: (a.created_at, a.n))},
)


def add_shared(world: World, account: Account) -> SendingAccount:
    """Give a team the shared Amazon SES account."""
    return _add(world, account, AMAZON_SES, {"name": "Shared Amazon SES"})


def create_account(world: World, account: Account, body: Mapping[str, Any]) -> SendingAccount:
    """Add an SMTP server of a team; 409 at the limit."""
    limit = setting(world, "sending_account_limit")
    own = sum(not each.shared for each in world.store.each(SENDING_ACCOUNTS, "of_account", account.id))
    if limit is not None and own >= limit:
        raise limit_exceeded(limit, "sending accounts")
    return _add(world, account, SMTP, body)


def list_accounts(
    world: World, account: Account, limit: int, after: Key | None, *, status: str | None, kind: str | None
) -> Page[SendingAccount]:
    """Return a page of the sending accounts of a team, newest first, of a status or kind if one is given."""

    def wanted(each: SendingAccount) -> bool:
        return status in (None, each.status) and kind in (None, each.kind)

    return world.store.page(SENDING_ACCOUNTS, "of_account", account.id, limit=limit, after=after, where=wanted)


def every_account(world: World, account: Account) -> list[SendingAccount]:
    """Return all sending accounts of a team, oldest first."""
    return list(world.store.each(SENDING_ACCOUNTS, "of_account", account.id))


def find_account(world: World, account: Account, account_id: str) -> SendingAccount:
    """Return a sending account by id; 404 if it is not the team's."""
    found = get_account(world, account, account_id)
    if found is None:
        raise Problem("not_found", "No such sending account")
    return found


def get_account(world: World, account: Account, account_id: str) -> SendingAccount | None:
    """Return a sending account by id, or None if it is not the team's."""
    found = world.store.get(SENDING_ACCOUNTS, account_id)
    return found if found is not None and found.account_id == account.id else None


def active_account(world: World, account_id: str) -> SendingAccount | None:
    """Return the sending account that a team's mail leaves by, or None if none is active."""
    every = world.store.each(SENDING_ACCOUNTS, "of_account", account_id)
    return next((each for each in every if each.active), None)


def update_account(world: World, found: SendingAccount, changes: Mapping[str, Any]) -> SendingAccount:
    """Change what is supplied; 422 for anything but the variables of the shared account."""
    rest = {name: value for name, value in changes.items() if name != "variables"}
    if found.shared and rest:
        raise _untouchable()
    variables = changes.get("variables", found.variables)
    given = {**found.given, **rest}
    return _put(world, replace(found, given=given, variables=variables, updated_at=world.now()))


def delete_account(world: World, found: SendingAccount) -> None:
    """Delete a sending account; 422 for the shared one."""
    if found.shared:
        raise _untouchable()
    world.store.remove(SENDING_ACCOUNTS, found.id)


def set_active(world: World, found: SendingAccount, *, active: bool) -> SendingAccount:
    """Let mail leave by a sending account, or not."""
    return _put(world, replace(found, active=active, updated_at=world.now()))


def test_account(world: World, found: SendingAccount) -> SendingAccount:
    """Note that the connection was tested; 422 for the shared account, which nobody connects to."""
    if found.shared:
        raise _untouchable()
    return _put(world, replace(found, tested_at=world.now()))


def _add(world: World, account: Account, kind: str, given: Mapping[str, Any]) -> SendingAccount:
    now = world.now()
    added = SendingAccount(
        id=world.new_id(NAME, "sending_account", account.id),
        account_id=account.id,
        kind=kind,
        active=True,
        given={name: value for name, value in given.items() if name != "variables"},
        created_at=now,
        updated_at=now,
        n=world.store.tick(SENDING_ACCOUNTS.name, account.id),
        variables=given.get("variables") or {},
    )
    return world.store.add(SENDING_ACCOUNTS, added)


def _put(world: World, changed: SendingAccount) -> SendingAccount:
    return world.store.put(SENDING_ACCOUNTS, changed)


def _untouchable() -> Problem:
    return Problem("invalid", "The shared sending account cannot be changed", code="validation_error")
