"""What the mail system keeps: mailboxes, messages, threads, and the mail that left for the outside."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from emulator.mail.addresses import normalize
from emulator.mail.parse import Mail
from emulator.world import Collection, Order

Direction = Literal["inbound", "outbound"]


@dataclass(frozen=True, slots=True)
class Mailbox:
    """An address that receives. `status` is the provider's word; a `deleted` one frees its address.

    `n` counts the mailboxes of the account, so that newest first never depends on the clock.
    """

    id: str
    provider: str
    account_id: str
    address: str
    display_name: str | None
    status: str
    created_at: datetime
    updated_at: datetime
    n: int

    @property
    def deleted(self) -> bool:
        """Tell whether the mailbox is gone for its owner and for senders."""
        return self.status == "deleted"


@dataclass(frozen=True, slots=True)
class Alias:
    """A further address of a mailbox; `id` is the form in which addresses are compared.

    `n` counts the aliases of the mailbox.
    """

    id: str
    address: str
    mailbox_id: str
    n: int


@dataclass(frozen=True, slots=True)
class Message:
    """One mail in one mailbox. `recipients` is the envelope's; `bcc` is known to the sender's copy alone.

    `n` counts the messages of the mailbox, `arrival` all mail of the world. `folder` is where its owner put it; None:
    where it came, the inbox or the folder of sent mail.
    """

    id: str
    mailbox_id: str
    thread_id: str
    direction: Direction
    status: str
    mail: Mail
    sender: str
    recipients: tuple[str, ...]
    created_at: datetime
    updated_at: datetime
    n: int
    bcc: tuple[str, ...] = ()
    is_read: bool = False
    is_starred: bool = False
    labels: tuple[str, ...] = ()
    arrival: int = 0
    folder: str | None = None


@dataclass(frozen=True, slots=True)
class Thread:
    """A conversation as one mailbox sees it. `last_n` is the `n` of its newest message."""

    id: str
    mailbox_id: str
    subject: str | None
    message_count: int
    last_message_at: datetime
    last_n: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Departure:
    """A mail that left for an address outside the world: what the sink's tray holds.

    `n` counts the departures, `arrival` all mail of the world.
    """

    id: str
    n: int
    at: datetime
    sender: str
    recipient: str
    mail: Mail
    arrival: int = 0


MAILBOXES: Collection[Mailbox] = Collection(
    "mailboxes",
    unique={"address": lambda m: None if m.deleted else normalize(m.address)},
    ordered={
        "of_account": Order(groups=lambda m: () if m.deleted else (m.account_id,), sort=lambda m: (m.created_at, m.n)),
        "ever_at": Order(groups=lambda m: (normalize(m.address),), sort=lambda m: (m.created_at, m.n)),
    },
    logged=lambda m: m.id,
)

ALIASES: Collection[Alias] = Collection(
    "aliases",
    ordered={"of_mailbox": Order(groups=lambda a: (a.mailbox_id,), sort=lambda a: (a.n,))},
)

MESSAGES: Collection[Message] = Collection(
    "messages",
    ordered={
        "timeline": Order(
            groups=lambda m: (m.mailbox_id, (m.mailbox_id, m.direction), m.thread_id),
            sort=lambda m: (m.created_at, m.n),
        ),
        "message_id": Order(groups=lambda m: ((m.mailbox_id, m.mail.message_id),), sort=lambda m: (m.n,)),
    },
    logged=lambda m: m.mailbox_id,
)

THREADS: Collection[Thread] = Collection(
    "threads",
    ordered={
        "activity": Order(groups=lambda t: (t.mailbox_id,), sort=lambda t: (t.last_message_at, t.last_n)),
    },
    logged=lambda t: t.mailbox_id,
)

DEPARTURES: Collection[Departure] = Collection(
    "departures",
    ordered={"all": Order(groups=lambda d: ("all", ("to", normalize(d.recipient))), sort=lambda d: (d.n,))},
)
