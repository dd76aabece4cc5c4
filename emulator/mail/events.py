"""What happens to the mail of a mailbox, told to whoever listens: webhooks, for example."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple

from emulator.mail.records import Message, Outcome
from emulator.world import World

Happening = Literal["received", "sent", "delivered", "delayed", "bounced", "rejected", "complained"]


class MailEvent(NamedTuple):
    """Something that happened to a message of a mailbox.

    `recipients` are those it is about; `outcome` is what became of it at the one that is not simply delivered.
    """

    happening: Happening
    message: Message
    recipients: tuple[str, ...]
    outcome: Outcome | None = None


Listener = Callable[[World, MailEvent], None]
_LISTENERS: list[Listener] = []


def listener(function: Listener) -> Listener:
    """Register a function that is called, within the step, with everything that happens to mail."""
    _LISTENERS.append(function)
    return function


def tell(world: World, event: MailEvent) -> None:
    """Tell every listener."""
    for hear in _LISTENERS:
        hear(world, event)
