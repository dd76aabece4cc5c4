"""The post office: takes mail in, brings it to the mailboxes of this world, and hands the rest to the outside tray."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime

from emulator.mail import addresses, threads
from emulator.mail.compose import Draft, compose
from emulator.mail.parse import Mail
from emulator.mail.records import (
    ALIASES,
    DEPARTURES,
    MAILBOXES,
    MESSAGES,
    Alias,
    Departure,
    Direction,
    Mailbox,
    Message,
    Thread,
)
from emulator.world import Duplicate, World
from emulator.world.agenda import handler, schedule

Gate = Callable[[World, Mailbox, str], str | None]
"""Says why a mailbox does not take mail from a sender, or None if it does."""

_GATES: dict[str, Gate] = {}
_PROGRESS = {"queued": "sent", "sent": "delivered"}


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

    def register(function: Gate) -> Gate:
        _GATES[provider] = function
        return function

    return register


def refusal(world: World, sender: str, recipient: str) -> str | None:
    """Return why mail from a sender is not taken at an address of this world, or None if it is."""
    mailbox = mailbox_at(world, recipient)
    guard = None if mailbox is None else _GATES.get(mailbox.provider)
    return None if mailbox is None or guard is None else guard(world, mailbox, sender)


def send(world: World, mailbox: Mailbox, draft: Draft, thread_id: str | None = None) -> Message:
    """Send a draft from a mailbox and return the sender's copy, status `queued`.

    `thread_id` is the thread it replies in, for mail that has no Message-ID to refer to.
    Mailboxes of this world have their copies at once; the status moves to `sent` and `delivered` right after.
    """
    date = world.now()
    mail = compose(draft, message_id=_message_id(world, mailbox), date=date)
    message = _file(
        world,
        mailbox,
        mail,
        "outbound",
        "queued",
        draft.sender,
        draft.recipients,
        bcc=draft.bcc,
        thread_id=thread_id,
    )
    transmit(world, draft.sender, draft.recipients, mail)
    schedule(world, date, "mail.progress", message.id)
    return message


def receive(world: World, draft: Draft) -> Mail:
    """Let a mail come in from the outside and return it as it was written."""
    n = world.store.tick("received")
    mail = compose(draft, message_id=f"<outside-{n}@{addresses.domain(draft.sender)}>", date=world.now())
    transmit(world, draft.sender, draft.recipients, mail)
    return mail


def transmit(world: World, sender: str, recipients: Iterable[str], mail: Mail) -> None:
    """Bring a mail to each recipient: into a mailbox of this world that takes it, or into the tray for the outside."""
    found = [(recipient, mailbox_at(world, recipient)) for recipient in addresses.unique(recipients)]
    at: dict[str, list[str]] = {}
    for recipient, mailbox in found:
        if mailbox is not None:
            at.setdefault(mailbox.id, []).append(_as_known(mailbox, recipient))
            world.bells.ring(recipient)  # it may be an alias
    for recipient, mailbox in found:
        if mailbox is None:
            _depart(world, sender, recipient, mail)
        elif refusal(world, sender, recipient) is not None:
            _journal(world, "refused", sender, recipient, mail)
        elif mailbox.id in at:  # one copy, by however many of its addresses a mailbox is reached
            received = _file(world, mailbox, mail, "inbound", "received", sender, at.pop(mailbox.id))
            _journal(world, "delivered", sender, recipient, mail, message_id=received.id)


def deposit(
    world: World, mailbox: Mailbox, mail: Mail, direction: Direction, at: datetime, *, listed: bool = True
) -> Message:
    """Put a mail into a mailbox as if it had come or gone at this time; it is delivered to nobody."""
    if direction == "inbound":
        sender = next(iter(mail.bare_addresses("from")), "")
        return _file(world, mailbox, mail, direction, "received", sender, [mailbox.address], at=at, listed=listed)
    recipients = addresses.unique(mail.bare_addresses("to") + mail.bare_addresses("cc"))
    bcc = mail.bare_addresses("bcc")
    everybody = addresses.unique([*recipients, *bcc])
    return _file(world, mailbox, mail, direction, "sent", mailbox.address, everybody, bcc, at=at, listed=listed)


def remove_message(world: World, message: Message) -> None:
    """Remove a message from its mailbox and its thread."""
    world.store.remove(MESSAGES, message.id)
    if message.listed:
        threads.left(world, message)


def remove_thread(world: World, thread: Thread) -> None:
    """Remove a thread with all its messages."""
    for message in threads.messages_of(world, thread):
        remove_message(world, message)


def outside_tray(world: World) -> list[Departure]:
    """Return the mail that left for addresses outside this world, oldest first."""
    return list(world.store.each(DEPARTURES, "all", "all"))


def _file(
    world: World,
    mailbox: Mailbox,
    mail: Mail,
    direction: Direction,
    status: str,
    sender: str,
    recipients: list[str],
    bcc: Iterable[str] = (),
    thread_id: str | None = None,
    at: datetime | None = None,
    listed: bool = True,
) -> Message:
    now = at or world.now()
    thread = threads.thread_for(world, mailbox, mail, now, thread_id) if listed else None
    message = Message(
        id=world.new_id(mailbox.provider, "message", mailbox.id),
        mailbox_id=mailbox.id,
        thread_id=thread.id if thread else "",
        direction=direction,
        status=status,
        mail=mail,
        sender=sender,
        recipients=tuple(recipients),
        created_at=now,
        updated_at=now,
        n=world.store.tick("messages", mailbox.id),
        bcc=tuple(bcc),
        arrival=world.store.tick("arrivals"),
        listed=listed,
    )
    if thread:
        threads.joined(world, thread, message)
    world.bells.ring(mailbox.address)
    return world.store.add(MESSAGES, message)


def _as_known(mailbox: Mailbox, recipient: str) -> str:
    is_own = addresses.normalize(recipient) == addresses.normalize(mailbox.address)
    return mailbox.address if is_own else recipient


def _depart(world: World, sender: str, recipient: str, mail: Mail) -> None:
    n = world.store.tick("departures")
    arrival = world.store.tick("arrivals")
    world.store.add(DEPARTURES, Departure(f"departure-{n}", n, world.now(), sender, recipient, mail, arrival))
    world.bells.ring(recipient)
    _journal(world, "left", sender, recipient, mail)


def _journal(world: World, kind: str, sender: str, recipient: str, mail: Mail, message_id: str | None = None) -> None:
    def render() -> dict[str, str | None]:
        return {"from": sender, "to": recipient, "subject": mail.subject, "message": message_id}

    world.journal.add(world.now(), f"mail.{kind}", render, len(sender) + len(recipient))


def _message_id(world: World, mailbox: Mailbox) -> str:
    local = world.new_id(mailbox.provider, "message_id", mailbox.id)
    return f"<{local}@{addresses.domain(mailbox.address)}>"


@handler("mail.progress")
def _progress(world: World, message_id: str) -> None:
    message = world.store.get(MESSAGES, message_id)
    if message is None or message.status not in _PROGRESS:
        return
    now: datetime = world.now()
    moved = world.store.put(MESSAGES, replace(message, status=_PROGRESS[message.status], updated_at=now))
    if moved.status in _PROGRESS:
        schedule(world, now, "mail.progress", message_id)
