"""What a mailbox is opened with at the mail doors: SMTP AUTH and IMAP LOGIN."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass

from emulator.mail.addresses import normalize
from emulator.mail.mailboxes import CLOSED, mailbox_at, registration
from emulator.mail.records import MAILBOXES, Mailbox
from emulator.world import CREDENTIALS, Collection, Credential, Order, World

KeyCheck = Callable[[World, Credential, Mailbox], bool]
"""Says whether an API key that was shown as a password opens a mailbox of its provider."""

_KEY_CHECKS: dict[str, KeyCheck] = {}


@dataclass(frozen=True, slots=True)
class Login:
    """A user name and password that open a mailbox. `id` is unique; a provider may hand out several.

    With `any_user` the password alone is enough to send.
    """

    id: str
    mailbox_id: str
    username: str
    password: str
    any_user: bool = False


LOGINS: Collection[Login] = Collection(
    "logins",
    ordered={
        "of_user": Order(groups=lambda login: (normalize(login.username),), sort=lambda login: (login.id,)),
        "of_mailbox": Order(groups=lambda login: (login.mailbox_id,), sort=lambda login: (login.id,)),
        "of_password": Order(
            groups=lambda login: (login.password,) if login.any_user else (), sort=lambda login: (login.id,)
        ),
    },
)


def add_login(world: World, mailbox: Mailbox, username: str, password: str, *, any_user: bool = False) -> Login:
    """Let this user name and password open the mailbox; with `any_user` the password sends under any name."""
    n = world.store.tick(LOGINS.name, mailbox.id)
    return world.store.add(LOGINS, Login(f"{mailbox.id}/{n}", mailbox.id, username, password, any_user))


def remove_login(world: World, mailbox: Mailbox, password: str) -> None:
    """Let a password open the mailbox no more; nothing happens if it did not."""
    for login in tuple(world.store.each(LOGINS, "of_mailbox", mailbox.id)):
        if hmac.compare_digest(login.password.encode(), password.encode()):
            world.store.remove(LOGINS, login.id)


def keys_open(provider: str) -> Callable[[KeyCheck], KeyCheck]:
    """Register the function that says which API keys of a provider are passwords of its mailboxes, too."""
    return registration(_KEY_CHECKS, provider)


def is_open(world: World, mailbox_id: str) -> bool:
    """Tell whether a mailbox is there and not closed by its provider."""
    mailbox = world.store.get(MAILBOXES, mailbox_id)
    return mailbox is not None and mailbox.status not in CLOSED


def open_with(world: World, username: str, password: str) -> Mailbox | None:
    """Return the mailbox that this user name and password open, or None: unknown, wrong, or closed by its provider."""
    for login in world.store.each(LOGINS, "of_user", normalize(username)):
        if hmac.compare_digest(login.password.encode(), password.encode()):
            return _if_open(world, world.store.get(MAILBOXES, login.mailbox_id))
    return _if_open(world, _open_with_key(world, username, password))


def open_to_send(world: World, username: str, password: str) -> Mailbox | None:
    """Return the mailbox that these may send from: as `open_with`, and where a password needs no user name."""
    found = open_with(world, username, password)
    if found is not None:
        return found
    login = next(world.store.each(LOGINS, "of_password", password), None)
    return None if login is None else _if_open(world, world.store.get(MAILBOXES, login.mailbox_id))


def _open_with_key(world: World, username: str, password: str) -> Mailbox | None:
    credential, mailbox = world.store.get(CREDENTIALS, password), mailbox_at(world, username)
    if credential is None or mailbox is None or credential.provider != mailbox.provider:
        return None
    if credential.expires_at is not None and credential.expires_at <= world.now():
        return None
    check = _KEY_CHECKS.get(mailbox.provider)
    return mailbox if check is not None and check(world, credential, mailbox) else None


def _if_open(world: World, mailbox: Mailbox | None) -> Mailbox | None:
    return mailbox if mailbox is not None and is_open(world, mailbox.id) else None
