"""The post office: takes mail in, brings it to the mailboxes of this world, and hands the rest to the outside tray."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from emulator.mail import addresses, threads
from emulator.mail.compose import Draft, compose
from emulator.mail.parse import Mail
from emulator.mail.records import DEPARTURES, MAILBOXES, MESSAGES, Departure, Direction, Mailbox, Message
from emulator.world import World
from emulator.world.agenda import handler, schedule

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
    return world.store.add(MAILBOXES, mailbox)


def mailbox_at(world: World, address: str) -> Mailbox | None:
    """Return the mailbox that receives at this address, or None."""
    return world.store.find(MAILBOXES, "address", addresses.normalize(address))


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
        mailbox.address,
        draft.recipients,
        bcc=draft.bcc,
        thread_id=thread_id,
    )
    transmit(world, mailbox.address, draft.recipients, mail)
    schedule(world, date, "mail.progress", message.id)
    return message


def receive(world: World, draft: Draft) -> Mail:
    """Let a mail come in from the outside and return it as it was written."""
    n = world.store.tick("received")
    mail = compose(draft, message_id=f"<outside-{n}@{addresses.domain(draft.sender)}>", date=world.now())
    transmit(world, draft.sender, draft.recipients, mail)
    return mail


def transmit(world: World, sender: str, recipients: Iterable[str], mail: Mail) -> None:
    """Bring a mail to each recipient: into a mailbox of this world, or into the tray for the outside."""
    for recipient in addresses.unique(recipients):
        mailbox = mailbox_at(world, recipient)
        if mailbox is None:
            _depart(world, sender, recipient, mail)
        else:
            received = _file(world, mailbox, mail, "inbound", "received", sender, [mailbox.address])
            _journal(world, "delivered", sender, recipient, mail, message_id=received.id)


def remove_message(world: World, message: Message) -> None:
    """Remove a message from its mailbox and its thread."""
    world.store.remove(MESSAGES, message.id)
    threads.left(world, message)


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
) -> Message:
    now = world.now()
    thread = threads.thread_for(world, mailbox, mail, now, thread_id)
    message = Message(
        id=world.new_id(mailbox.provider, "message", mailbox.id),
        mailbox_id=mailbox.id,
        thread_id=thread.id,
        direction=direction,
        status=status,
        mail=mail,
        sender=sender,
        recipients=tuple(recipients),
        created_at=now,
        updated_at=now,
        n=world.store.tick("messages", mailbox.id),
        bcc=tuple(bcc),
    )
    threads.joined(world, thread, message)
    world.bells.ring(mailbox.address)
    return world.store.add(MESSAGES, message)


def _depart(world: World, sender: str, recipient: str, mail: Mail) -> None:
    n = world.store.tick("departures")
    world.store.add(DEPARTURES, Departure(f"departure-{n}", n, world.now(), sender, recipient, mail))
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
