"""What a mailbox is opened with at the mail doors: SMTP AUTH and IMAP LOGIN."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import Final

from emulator.mail.addresses import normalize
from emulator.mail.records import MAILBOXES, Mailbox
from emulator.world import Collection, Order, World

_CLOSED: Final = ("deleted", "suspended", "paused")


@dataclass(frozen=True, slots=True)
class Login:
    """A user name and password that open a mailbox. `id` is unique; a provider may hand out several."""

    id: str
    mailbox_id: str
    username: str
    password: str


LOGINS: Collection[Login] = Collection(
    "logins",
    ordered={
        "of_user": Order(groups=lambda login: (normalize(login.username),), sort=lambda login: (login.id,)),
        "of_mailbox": Order(groups=lambda login: (login.mailbox_id,), sort=lambda login: (login.id,)),
    },
)


def add_login(world: World, mailbox: Mailbox, username: str, password: str) -> Login:
    """Let this user name and password open the mailbox."""
    n = world.store.tick(LOGINS.name, mailbox.id)
    return world.store.add(LOGINS, Login(f"{mailbox.id}/{n}", mailbox.id, username, password))


def remove_login(world: World, mailbox: Mailbox, password: str) -> None:
    """Let a password open the mailbox no more; nothing happens if it did not."""
    for login in tuple(world.store.each(LOGINS, "of_mailbox", mailbox.id)):
        if hmac.compare_digest(login.password.encode(), password.encode()):
            world.store.remove(LOGINS, login.id)


def is_open(world: World, mailbox_id: str) -> bool:
    """Tell whether a mailbox is there and not closed by its provider."""
    mailbox = world.store.get(MAILBOXES, mailbox_id)
    return mailbox is not None and mailbox.status not in _CLOSED


def open_with(world: World, username: str, password: str) -> Mailbox | None:
    """Return the mailbox that this user name and password open, or None: unknown, wrong, or closed by its provider."""
    for login in world.store.each(LOGINS, "of_user", normalize(username)):
        if hmac.compare_digest(login.password.encode(), password.encode()):
            return world.store.get(MAILBOXES, login.mailbox_id) if is_open(world, login.mailbox_id) else None
    return None
