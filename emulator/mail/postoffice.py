"""The post office: takes mail in from mailboxes of this world and from outside, and sees that it gets to everybody."""

from __future__ import annotations

import re
from collections.abc import Iterable
from email.utils import format_datetime
from typing import Final

from emulator.mail import addresses, trace
from emulator.mail.arrivals import Arrived, arrive, journal
from emulator.mail.compose import Draft, compose
from emulator.mail.fates import FATES, fate_of, simulated
from emulator.mail.filing import file_mail
from emulator.mail.mailboxes import Refusal, refusal
from emulator.mail.parse import Mail, blank_line
from emulator.mail.records import DEPARTURES, MAILBOXES, Departure, Mailbox, Message
from emulator.mail.transits import begin, held_back, refused, set_out
from emulator.world import World

_BCC: Final = re.compile(rb"(?im)^bcc[ \t]*:.*\r?\n(?:[ \t].*\r?\n)*")


def send(world: World, mailbox: Mailbox, draft: Draft, thread_id: str | None = None) -> Message:
    """Send a draft from a mailbox and return the sender's copy, status `queued`.

    `thread_id` is the thread it replies in, for mail that has no Message-ID to refer to.
    Mailboxes of this world have their copies at once, unless a fate holds the mail up; the status moves right after.
    """
    mail = compose(draft, message_id=_message_id(world, mailbox), date=world.now())
    return _dispatch(world, mailbox, mail, draft.sender, draft.recipients, draft.bcc, thread_id)


def submit(world: World, mailbox: Mailbox, sender: str, recipients: Iterable[str], raw: bytes) -> Message:
    """Send a mail that the owner of a mailbox wrote with a mail program, and return the sender's copy, as `send` does.

    Date and Message-ID are put above it if it has none, Bcc is taken out; `sender` and `recipients` are the envelope.
    """
    mail = Mail(_without_bcc(raw))
    missing = ""
    if not mail.fields.get("date"):
        missing += f"Date: {format_datetime(world.now())}\r\n"
    if mail.message_id is None:
        missing += f"Message-ID: {_message_id(world, mailbox)}\r\n"
    mail = Mail(missing.encode() + mail.raw) if missing else mail
    everybody = addresses.unique(recipients)
    named = {addresses.normalize(one) for one in (*mail.bare_addresses("to"), *mail.bare_addresses("cc"))}
    bcc = [one for one in everybody if addresses.normalize(one) not in named]
    return _dispatch(world, mailbox, mail, sender, everybody, bcc)


def receive(world: World, draft: Draft) -> list[Arrived]:
    """Let a mail come in from the outside and return what arrived at once."""
    n = world.store.tick("received")
    mail = compose(draft, message_id=f"<outside-{n}@{addresses.domain(draft.sender)}>", date=world.now())
    return transmit(world, draft.sender, draft.recipients, mail)


def transmit(
    world: World,
    sender: str,
    recipients: Iterable[str],
    mail: Mail,
    *,
    copy: Message | None = None,
    helo: str | None = None,
) -> list[Arrived]:
    """Bring a mail to each recipient and return what arrived at once, in mailboxes and in the tray for the outside.

    `copy` is the sender's own, which hears what became of the mail; without it the mail comes from outside, and what
    is refused is only journaled. `helo` is what a client at the SMTP door called itself.
    """
    owner = None if copy is None else world.store.get(MAILBOXES, copy.mailbox_id)
    signed = mail if helo is not None else trace.signed(world, mail, sender)
    arriving = []
    for recipient in addresses.unique(recipients):
        given = held_back(world, owner, recipient) or fate_of(world, owner, recipient, mail)
        given = given or refused(world, sender, recipient)
        if given is None:
            arriving.append(recipient)
        elif copy is None and FATES[given.name].steps[0] in ("fail", "reject"):
            journal(world, "refused", sender, recipient, mail, reply=given.reply or FATES[given.name].reply)
        else:
            set_out(world, copy, sender, recipient, signed, given, helo=helo)
    return arrive(world, sender, arriving, signed, helo=helo)


def refused_at_door(world: World, sender: str, recipient: str, *, submitted: bool) -> Refusal | None:
    """Return what the SMTP door says instead of taking a recipient, or None.

    What the owner of a mailbox submits is taken and bounces later, unless it is for an address of this world or its
    fate is to be rejected. A status that begins with 4 passes: a deferred mail is taken at its second try.
    """
    given = simulated(recipient)
    if given is None:
        return refusal(world, sender, recipient)
    fate = FATES[given.name]
    if fate.steps[0] == "reject" or not (submitted or _takes_at_last(world, fate.steps, sender, recipient)):
        return Refusal(fate.status, fate.reply.partition(f"{fate.status} ")[2])
    return None


def outside_tray(world: World) -> list[Departure]:
    """Return the mail that left for addresses outside this world, oldest first."""
    return list(world.store.each(DEPARTURES, "all", "all"))


def _dispatch(
    world: World,
    mailbox: Mailbox,
    mail: Mail,
    sender: str,
    recipients: list[str],
    bcc: Iterable[str],
    thread_id: str | None = None,
) -> Message:
    message = file_mail(world, mailbox, mail, "outbound", "queued", sender, recipients, bcc=bcc, thread_id=thread_id)
    begin(world, message)
    transmit(world, sender, recipients, mail, copy=message)
    return message


def _takes_at_last(world: World, steps: tuple[str, ...], sender: str, recipient: str) -> bool:
    """Tell whether a server with this fate takes a mail from outside now; what it defers it knows the second time."""
    if steps[0] != "delay":
        return steps[0] != "fail"
    return steps[-1] != "fail" and world.store.tick("tries", sender, recipient) > 1


def _message_id(world: World, mailbox: Mailbox) -> str:
    local = world.new_id(mailbox.provider, "message_id", mailbox.id)
    return f"<{local}@{addresses.domain(mailbox.address)}>"


def _without_bcc(raw: bytes) -> bytes:
    body = blank_line(raw)[1]
    return _BCC.sub(b"", raw[:body]) + raw[body:]
