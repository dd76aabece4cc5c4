"""What the mail system keeps: mailboxes, messages, threads, and the mail that left for the outside."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, NamedTuple

from emulator.mail.addresses import normalize
from emulator.mail.parse import Mail
from emulator.world import Collection, Order

Direction = Literal["inbound", "outbound"]

INBOX: Final = "inbox"
SENT: Final = "sent"


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


Action = Literal["delayed", "failed", "rejected", "complained"]


class Outcome(NamedTuple):
    """What became of a mail on its way to one recipient, other than being delivered.

    `delayed`: the receiving server does not take it yet; `failed`: it bounced; `rejected`: it was not even tried;
    `complained`: it was delivered, and the recipient calls it spam. `status` is the enhanced code (RFC 3463),
    `reply` what the receiving server said.
    """

    recipient: str
    action: Action
    status: str
    reply: str
    at: datetime

    @property
    def permanent(self) -> bool:
        """Whether trying again is of no use."""
        return self.status.startswith("5")


@dataclass(frozen=True, slots=True)
class Message:
    """One mail in one mailbox. `recipients` is the envelope's; `bcc` is known to the sender's copy alone.

    `n` counts the messages of the mailbox, `arrival` all mail of the world. `folder` is where its owner put it; None:
    where it came, the inbox or the folder of sent mail. `filed` is its number there, 0 as long as that is `n`.
    `flags` are those of a mail program that no API has, such as "answered". Drafts and copies made by a mail program
    are not `listed`: they lie in their folder and belong to no thread. `outcomes` is, in the sender's copy, what became
    of it at recipients that did not just get it.
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
    filed: int = 0
    flags: tuple[str, ...] = ()
    listed: bool = True
    outcomes: tuple[Outcome, ...] = ()

    @property
    def place(self) -> str:
        """The id of the folder it lies in."""
        return self.folder or (INBOX if self.direction == "inbound" else SENT)

    @property
    def uid(self) -> int:
        """Its number in its folder; later ones are greater."""
        return self.filed or self.n

    @property
    def seen(self) -> bool:
        """Whether it was read; what one sent oneself needs no reading."""
        return self.is_read or self.direction == "outbound"


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

    def __repr__(self) -> str:
        return f"<Mail to {self.recipient} from {self.sender}: {self.mail.subject or ''!r}>"


@dataclass(frozen=True, slots=True)
class Transit:
    """A mail on its way to one recipient that does not simply arrive: its fate and how many steps of it are done.

    `message_id` is the sender's copy, None for mail from outside. `status` and `reply` are what a server that refuses
    it says, `since` is when it set out, `helo` what a client at the SMTP door called itself.
    """

    id: str
    message_id: str | None
    sender: str
    recipient: str
    mail: Mail
    fate: str
    status: str
    reply: str
    since: datetime
    helo: str | None = None
    step: int = 0


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
            groups=lambda m: (m.mailbox_id, (m.mailbox_id, m.direction), m.thread_id) if m.listed else (),
            sort=lambda m: (m.created_at, m.n),
        ),
        "message_id": Order(
            groups=lambda m: ((m.mailbox_id, m.mail.message_id),) if m.listed else (), sort=lambda m: (m.n,)
        ),
        # With its marks in the key, what changed in a folder since a moment is the difference of two sets of keys.
        "folder": Order(
            groups=lambda m: (
                (m.mailbox_id, m.place),
                *(() if m.seen else ((m.mailbox_id, m.place, "unseen"),)),
                *(((m.mailbox_id, m.place, r"\Flagged"),) if m.is_starred else ()),
                *((m.mailbox_id, m.place, flag) for flag in m.flags),
            ),
            sort=lambda m: (m.uid, m.seen, m.is_starred, m.flags, m.labels),
        ),
    },
    logged=lambda m: m.mailbox_id if m.listed else None,
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

TRANSITS: Collection[Transit] = Collection(
    "transits",
    ordered={"of_message": Order(groups=lambda t: (t.message_id,) if t.message_id else (), sort=lambda t: (t.id,))},
)
