"""The submissions of a mailbox: each mail that it sent through the Mailbox API, and how far that came."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

from emulator.mail import MESSAGES, Mailbox, Message
from emulator.mail.bounces import reports_of
from emulator.mail.events import MailEvent, listener
from emulator.mail.transits import on_the_way
from emulator.provider import Problem
from emulator.providers.sendmux.mailbox_identity import identity_id
from emulator.providers.sendmux.mailbox_search import moment
from emulator.world import Collection, Order, Page, World
from emulator.world.ordered import Key

FINAL: Final = "final"
PENDING: Final = "pending"


@dataclass(frozen=True, slots=True)
class Submission:
    """A mail that was handed in for sending, to whom, and where its copy is."""

    id: str
    mailbox_id: str
    message_id: str
    thread_id: str
    sender: str
    recipients: tuple[str, ...]
    send_at: datetime
    n: int


class Progress(NamedTuple):
    """How far a mail came at a recipient, `queued`, `yes` or `no` as JMAP has it, and what the server there said."""

    recipient: str
    delivered: str
    reply: str | None


SUBMISSIONS: Collection[Submission] = Collection(
    "sendmux.submissions",
    ordered={"of_mailbox": Order(groups=lambda s: (s.mailbox_id,), sort=lambda s: (s.send_at, s.n))},
    logged=lambda s: s.mailbox_id,
)

_MAX_IDS: Final = 100
_TAKEN: Final = "250 2.0.0 Ok"
_DELIVERED: Final = {"delayed": "queued", "failed": "no", "rejected": "no", "complained": "yes"}
_RANKS: Final[Mapping[str, Callable[[Submission], Any]]] = {
    "send_at": lambda each: each.send_at,
    "email_id": lambda each: each.message_id,
    "thread_id": lambda each: each.thread_id,
}


def note_submission(world: World, message: Message) -> Submission:
    """Note that a message was handed in for sending."""
    return world.store.add(
        SUBMISSIONS,
        Submission(
            id=_id(message),
            mailbox_id=message.mailbox_id,
            message_id=message.id,
            thread_id=message.thread_id,
            sender=message.sender,
            recipients=message.recipients,
            send_at=message.created_at,
            n=message.n,
        ),
    )


def list_submissions(world: World, mailbox: Mailbox, query: Mapping[str, Any], after: Key | None) -> Page[Submission]:
    """Return a page of the submissions that a query means; 400 for wrong values."""
    ids = {name: _ids(query[name], name) for name in ("identity_ids", "email_ids", "thread_ids") if name in query}
    span = {name: moment(query[name], name) for name in ("after", "before") if name in query}

    def wanted(each: Submission) -> bool:
        shown = {"identity_ids": identity_id(mailbox.id), "email_ids": each.message_id, "thread_ids": each.thread_id}
        return (
            all(shown[name] in some for name, some in ids.items())
            and span.get("after", each.send_at) <= each.send_at
            and ("before" not in span or each.send_at < span["before"])
            and query.get("undo_status") in (None, undo_status(world, each))
        )

    by, newest_first = _RANKS[query["sort_by"]], query["sort_direction"] == "desc"
    found = [each for each in world.store.each(SUBMISSIONS, "of_mailbox", mailbox.id) if wanted(each)]
    found.sort(key=lambda each: (by(each), each.n), reverse=newest_first)
    start = 0 if after is None else next((at for at, each in enumerate(found, 1) if each.id == after[-1]), len(found))
    rest = found[start : start + query["limit"]]
    return Page(rest, (rest[-1].send_at, rest[-1].n, rest[-1].id) if start + len(rest) < len(found) else None)


def find_submission(world: World, mailbox: Mailbox, submission_id: str) -> Submission:
    """Return a submission of a mailbox by id; 404 if there is none."""
    found = world.store.get(SUBMISSIONS, submission_id)
    if found is None or found.mailbox_id != mailbox.id:
        raise Problem("not_found", "No such submission")
    return found


def progress_of(world: World, submission: Submission) -> list[Progress]:
    """Return how far the mail came at each recipient; one whose copy is gone was delivered."""
    message = world.store.get(MESSAGES, submission.message_id)
    if message is None:
        return [Progress(each, "yes", _TAKEN) for each in submission.recipients]
    waiting = message.recipients if message.status == "queued" else on_the_way(world, message.id)
    known = {each: Progress(each, "queued", None) for each in waiting}
    known |= {
        each.recipient: Progress(each.recipient, _DELIVERED[each.action], each.reply) for each in message.outcomes
    }
    return [known.get(each) or Progress(each, "yes", _TAKEN) for each in submission.recipients]


def reports_on(world: World, submission: Submission) -> list[Message]:
    """Return the delivery reports that came back about the mail; none for one whose copy is gone."""
    message = world.store.get(MESSAGES, submission.message_id)
    return [] if message is None else reports_of(world, message)


def undo_status(world: World, submission: Submission) -> str:
    """Tell whether the mail can still be held back."""
    message = world.store.get(MESSAGES, submission.message_id)
    return PENDING if message is not None and message.status == "queued" else FINAL


@listener
def _on_mail(world: World, event: MailEvent) -> None:
    """Note that a submission changed with its mail; what happens at once is part of its beginning."""
    submission = world.store.get(SUBMISSIONS, _id(event.message))
    if submission is not None and world.now() > submission.send_at:
        world.store.put(SUBMISSIONS, submission)


def _id(message: Message) -> str:
    return f"sub_{message.id.removeprefix('msg_')}"


def _ids(text: str, name: str) -> frozenset[str]:
    ids = frozenset(filter(None, text.split(",")))
    if len(ids) > _MAX_IDS:
        raise Problem("refused", f"{name} names more than {_MAX_IDS}")
    return ids
