"""Fates: what becomes of a mail that does not simply arrive, by its recipient's address or by a fault rule."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Final, Literal, NamedTuple

from emulator.mail import addresses
from emulator.mail.parse import Mail
from emulator.mail.records import Mailbox
from emulator.world import World
from emulator.world.faults import Become, Occasion

SIMULATOR: Final = "simulator.test"
"""The domain whose addresses have fates: what is sent to `bounce@simulator.test` bounces."""

Step = Literal["arrive", "delay", "fail", "reject", "complain", "answer"]

PAUSES: Final = (timedelta(minutes=15), timedelta(minutes=45))
"""How long a mail that is not taken yet waits for its second try, and for its third."""

_DELAY: Final = 60.0


class Fate(NamedTuple):
    """The steps of a mail to a recipient, one at each try, and what a server that refuses it says."""

    steps: tuple[Step, ...]
    status: str
    reply: str
    meaning: str


FATES: Final[Mapping[str, Fate]] = {
    "success": Fate(("arrive",), "2.0.0", "250 2.0.0 Ok", "is delivered"),
    "bounce": Fate(
        ("fail",), "5.1.1", "550 5.1.1 The mailbox does not exist", "bounces for good, and a report comes back"
    ),
    "soft-bounce": Fate(
        ("delay", "delay", "fail"),
        "4.2.2",
        "452 4.2.2 The mailbox is full",
        "is tried again after 15 and 60 minutes, then bounces",
    ),
    "defer": Fate(
        ("delay", "arrive"), "4.7.1", "451 4.7.1 Greylisted, try again later", "is delivered at the second try"
    ),
    "complaint": Fate(("complain",), "2.0.0", "250 2.0.0 Ok", "is delivered, and its recipient calls it spam"),
    "reject": Fate(("reject",), "5.7.1", "550 5.7.1 The content is refused", "is not even accepted for sending"),
    "delay": Fate(("arrive",), "2.0.0", "250 2.0.0 Ok", "arrives 60 seconds later; `delay+90@`: 90 seconds"),
    "auto-reply": Fate(("answer",), "2.0.0", "250 2.0.0 Ok", "is delivered and answered by a machine"),
}
"""Every fate by name; at the simulator's domain the name is the local part."""


class Given(NamedTuple):
    """The fate of one mail at one recipient, and how long until its first step."""

    name: str
    wait: timedelta = timedelta()
    status: str | None = None
    reply: str | None = None


def fate_of(world: World, owner: Mailbox | None, recipient: str, mail: Mail) -> Given | None:
    """Return the fate of a mail at a recipient: a fault rule's, else the simulator address's; None: it just arrives.

    `owner` is the mailbox that sends it, None for mail from outside. A rule that matches has been used once more.
    """
    if len(world.faults):
        provider, account = (None, None) if owner is None else (owner.provider, owner.account_id)
        occasion = Occasion(provider, None, account, lambda: (recipient,), lambda: mail.subject)
        effect = world.faults.take(Become, occasion)
        if effect is not None:
            seconds = effect.seconds or (_DELAY if effect.fate == "delay" else 0)
            return Given(effect.fate, timedelta(seconds=seconds), effect.status, effect.reply)
    return simulated(recipient)


def simulated(recipient: str) -> Given | None:
    """Return the fate that a simulator address stands for; None for any other address."""
    if SIMULATOR not in recipient.lower():  # as nearly always
        return None
    local, _, domain = addresses.normalize(recipient).rpartition("@")
    name, _, tag = local.partition("+")
    if domain != SIMULATOR or name not in FATES:
        return None
    if name != "delay":
        return Given(name)
    seconds = min(float(tag), 1e9) if tag.isdecimal() and tag.isascii() else _DELAY
    return Given(name, timedelta(seconds=seconds))
