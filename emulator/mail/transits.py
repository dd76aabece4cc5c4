"""Transits: mail whose fate it is to wait, to bounce or to be complained about, step by step on the world's clock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from emulator.mail import bounces, trace
from emulator.mail.arrivals import arrive, journal
from emulator.mail.events import Happening, MailEvent, tell
from emulator.mail.fates import FATES, PAUSES, Given, Step
from emulator.mail.mailboxes import refusal, withheld
from emulator.mail.parse import Mail
from emulator.mail.records import MESSAGES, TRANSITS, Action, Mailbox, Message, Outcome, Transit
from emulator.world import World
from emulator.world.agenda import handler, schedule

_PROGRESS: Final = "mail.progress"
_STEP: Final = "mail.step"
_TOLD: Final[dict[Action, Happening]] = {
    "delayed": "delayed",
    "failed": "bounced",
    "rejected": "rejected",
    "complained": "complained",
}


def refused(world: World, sender: str, recipient: str) -> Given | None:
    """Return the fate of a mail that an address does not take; None if it does."""
    reason = refusal(world, sender, recipient)
    return reason and Given("bounce", status=reason.status, reply=f"550 {reason.status} {reason.words}")


def held_back(world: World, owner: Mailbox | None, recipient: str) -> Given | None:
    """Return the fate of a mail that its sender may not send to an address; None if it may, or comes from outside."""
    reason = None if owner is None else withheld(world, owner, recipient)
    return reason and Given("reject", status=reason.status, reply=f"550 {reason.status} {reason.words}")


def set_out(
    world: World,
    copy: Message | None,
    sender: str,
    recipient: str,
    mail: Mail,
    given: Given,
    *,
    helo: str | None = None,
) -> Transit:
    """Send a mail on the way of its fate; `copy` is the sender's own, None for mail from outside."""
    fate = FATES[given.name]
    transit = Transit(
        id=f"transit-{world.store.tick(TRANSITS.name)}",
        message_id=None if copy is None else copy.id,
        sender=sender,
        recipient=recipient,
        mail=mail,
        fate=given.name,
        status=given.status or fate.status,
        reply=given.reply or fate.reply,
        since=world.now(),
        helo=helo,
    )
    schedule(world, world.now() + given.wait, _STEP, transit.id)
    return world.store.add(TRANSITS, transit)


def on_the_way(world: World, message_id: str) -> frozenset[str]:
    """Return the recipients of a sent mail of which it is not known yet what becomes of it there."""
    return frozenset(transit.recipient for transit in world.store.each(TRANSITS, "of_message", message_id))


def begin(world: World, message: Message) -> None:
    """Let a queued message move on: `sent`, then `delivered`, unless something else becomes of it."""
    schedule(world, world.now(), _PROGRESS, message.id)


@handler(_PROGRESS)
def _progress(world: World, message_id: str) -> None:
    message = world.store.get(MESSAGES, message_id)
    if message is None or message.status != "queued":
        return
    message = world.store.put(MESSAGES, replace(message, status="sent", updated_at=world.now()))
    tell(world, MailEvent("sent", message, message.recipients))
    waiting = on_the_way(world, message_id)
    there = tuple(recipient for recipient in message.recipients if recipient not in waiting)
    if there:
        _delivered(world, message, there)
    else:
        _conclude(world, message_id)


@handler(_STEP)
def _step(world: World, transit_id: str) -> None:
    transit = world.store.get(TRANSITS, transit_id)
    if transit is None:
        return
    step = FATES[transit.fate].steps[transit.step]
    if step == "delay":
        world.store.put(TRANSITS, replace(transit, step=transit.step + 1))
        schedule(world, world.now() + PAUSES[transit.step], _STEP, transit.id)
    else:
        world.store.remove(TRANSITS, transit_id)
    _STEPS[step](world, transit)


def _delay(world: World, transit: Transit) -> None:
    _note(world, transit, "delayed")


def _reject(world: World, transit: Transit) -> None:
    _note(world, transit, "rejected")


def _fail(world: World, transit: Transit) -> None:
    _note(world, transit, "failed")
    if not bounces.is_automatic(transit.sender, transit.mail):
        _send_back(world, "", transit.sender, bounces.report(world, transit))


def _reach(world: World, transit: Transit) -> bool:
    """Let a mail arrive after all, and tell whether its recipient still takes it."""
    given = refused(world, transit.sender, transit.recipient)
    if given is not None:
        _fail(world, replace(transit, status=given.status or "", reply=given.reply or ""))
        return False
    arrive(world, transit.sender, [transit.recipient], transit.mail, helo=transit.helo)
    copy = _copy_of(world, transit)
    if copy is not None:
        kept = tuple(outcome for outcome in copy.outcomes if outcome.recipient != transit.recipient)
        _delivered(world, world.store.put(MESSAGES, replace(copy, outcomes=kept)), (transit.recipient,))
    return True


def _complain(world: World, transit: Transit) -> None:
    if _reach(world, transit):
        _note(world, transit, "complained")


def _answer(world: World, transit: Transit) -> None:
    if _reach(world, transit) and not bounces.is_automatic(transit.sender, transit.mail):
        _send_back(world, transit.recipient, transit.sender, bounces.automatic_answer(world, transit))


_STEPS: Final[dict[Step, Callable[[World, Transit], object]]] = {
    "arrive": _reach,
    "delay": _delay,
    "fail": _fail,
    "reject": _reject,
    "complain": _complain,
    "answer": _answer,
}


def _send_back(world: World, sender: str, recipient: str, mail: Mail) -> None:
    """Deliver what a machine wrote; nobody hears of it if the recipient does not take it, so that no loop begins."""
    if refusal(world, sender, recipient) is None:
        arrive(world, sender, [recipient], trace.signed(world, mail, sender))


# What the sender's copy says


def _copy_of(world: World, transit: Transit) -> Message | None:
    return None if transit.message_id is None else world.store.get(MESSAGES, transit.message_id)


def _note(world: World, transit: Transit, action: Action) -> None:
    """Note in the sender's copy what became of the mail at a recipient, in the journal, and tell who listens."""
    outcome = Outcome(transit.recipient, action, transit.status, transit.reply, world.now())
    journal(world, _TOLD[action], transit.sender, transit.recipient, transit.mail, reply=transit.reply)
    copy = _copy_of(world, transit)
    if copy is None:
        return
    others = tuple(one for one in copy.outcomes if one.recipient != transit.recipient)
    copy = world.store.put(MESSAGES, replace(copy, outcomes=(*others, outcome)))
    tell(world, MailEvent(_TOLD[action], _conclude(world, copy.id), (transit.recipient,), outcome))


def _delivered(world: World, copy: Message, recipients: tuple[str, ...]) -> None:
    tell(world, MailEvent("delivered", _conclude(world, copy.id), recipients))


def _conclude(world: World, message_id: str) -> Message:
    """Give a message its last status when nothing of it is on the way any more; return it as it is then."""
    message = world.store.get(MESSAGES, message_id)
    assert message is not None, "it was noted in this step"
    if message.status != "sent" or world.store.count(TRANSITS, "of_message", message_id):
        return message
    actions = {outcome.action for outcome in message.outcomes}
    status = "bounced" if "failed" in actions else "failed" if "rejected" in actions else "delivered"
    return world.store.put(MESSAGES, replace(message, status=status, updated_at=world.now()))
