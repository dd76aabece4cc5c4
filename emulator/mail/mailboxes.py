"""Mailboxes: opening them, their aliases, and whether one of them takes a mail."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple, TypeVar

from emulator.mail import addresses
from emulator.mail.records import ALIASES, MAILBOXES, Alias, Mailbox
from emulator.world import Duplicate, World

Gate = Callable[[World, Mailbox, str], str | None]
"""Says why a mailbox does not take mail from a sender, or None if it does."""

SendingGate = Callable[[World, Mailbox, str], str | None]
"""Says why a mailbox does not send to a recipient, or None if it does."""

Holder = Callable[[World, str], bool]
"""Says whether a provider receives the mail of a domain, given in lower case."""

CLOSED: Final = ("deleted", "suspended", "paused")
"""What a provider calls the status of a mailbox that takes no mail and that nobody can log in to."""

_GATES: dict[str, Gate] = {}
_SENDING_GATES: dict[str, SendingGate] = {}
_HOLDERS: dict[str, Holder] = {}
_F = TypeVar("_F", bound=Callable[..., object])


class Refusal(NamedTuple):
    """Why mail is not taken at an address: the enhanced status code (RFC 3463), and in words."""

    status: str
    words: str


def open_mailbox(
    world: World, provider: str, account_id: str, address: str, *, display_name: str | None, status: str = "active"
) -> Mailbox:
    """Open a mailbox and return it. Raises Duplicate if the address is taken in this world."""
    now = world.now()
    mailbox = Mailbox(
        id=world.new_id(provider, "mailbox", account_id),
        provider=provider,
        account_id=account_id,
        address=address,
        display_name=display_name,
        status=status,
        created_at=now,
        updated_at=now,
        n=world.store.tick("mailboxes", account_id),
    )
    if world.store.get(ALIASES, addresses.normalize(address)) is not None:
        raise Duplicate(ALIASES.name, "id", address)
    return world.store.add(MAILBOXES, mailbox)


def mailbox_at(world: World, address: str) -> Mailbox | None:
    """Return the mailbox that receives at this address, its own or an alias, or None."""
    wanted = addresses.normalize(address)
    mailbox = world.store.find(MAILBOXES, "address", wanted)
    if mailbox is not None:
        return mailbox
    alias = world.store.get(ALIASES, wanted)
    return None if alias is None else world.store.get(MAILBOXES, alias.mailbox_id)


def add_alias(world: World, mailbox: Mailbox, address: str) -> Alias:
    """Let a mailbox receive at a further address. Raises Duplicate if the address is taken in this world."""
    if mailbox_at(world, address) is not None:
        raise Duplicate(ALIASES.name, "id", address)
    n = world.store.tick(ALIASES.name, mailbox.id)
    return world.store.add(ALIASES, Alias(addresses.normalize(address), address, mailbox.id, n))


def remove_alias(world: World, alias: Alias) -> None:
    """Let a mailbox receive at an address no more."""
    world.store.remove(ALIASES, alias.id)


def aliases_of(world: World, mailbox: Mailbox) -> list[Alias]:
    """Return the further addresses of a mailbox, oldest first."""
    return list(world.store.each(ALIASES, "of_mailbox", mailbox.id))


def gate(provider: str) -> Callable[[Gate], Gate]:
    """Register the function that guards the mailboxes of a provider."""
    return registration(_GATES, provider)


def sending_gate(provider: str) -> Callable[[SendingGate], SendingGate]:
    """Register the function that says whom the mailboxes of a provider may write to."""
    return registration(_SENDING_GATES, provider)


def holder(provider: str) -> Callable[[Holder], Holder]:
    """Register the function that knows the domains of a provider."""
    return registration(_HOLDERS, provider)


def is_held(world: World, domain: str) -> bool:
    """Tell whether a provider of this world receives the mail of a domain."""
    wanted = domain.lower()
    return any(holds(world, wanted) for holds in _HOLDERS.values())


def refusal(world: World, sender: str, recipient: str) -> Refusal | None:
    """Return why mail from a sender is not taken at an address, or None: it is taken, or is for the outside."""
    mailbox = mailbox_at(world, recipient)
    if mailbox is None:
        held = is_held(world, addresses.domain(recipient))
        return Refusal("5.1.1", "There is no mailbox at this address") if held else None
    if mailbox.status in CLOSED:
        return Refusal("5.2.1", f"The mailbox is {mailbox.status}")
    guard = _GATES.get(mailbox.provider)
    reason = None if guard is None else guard(world, mailbox, sender)
    return None if reason is None else Refusal("5.7.1", reason)


def withheld(world: World, sender: Mailbox, recipient: str) -> Refusal | None:
    """Return why a mailbox does not send to a recipient, or None: it does."""
    guard = _SENDING_GATES.get(sender.provider)
    reason = None if guard is None else guard(world, sender, recipient)
    return None if reason is None else Refusal("5.7.1", reason)


def registration(known: dict[str, _F], provider: str) -> Callable[[_F], _F]:
    """Return a decorator that notes a function as a provider's."""

    def register(function: _F) -> _F:
        known[provider] = function
        return function

    return register
