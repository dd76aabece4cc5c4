"""Sendmux's logs of what was sent and received, and the figures drawn from them: read off the mail itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from heapq import merge
from itertools import islice
from typing import Final, NamedTuple

from emulator.mail import MESSAGES, Message
from emulator.mail.records import Direction
from emulator.provider import Problem
from emulator.providers.sendmux.resources import PLANS
from emulator.world import Account, Page, World, parse_moment
from emulator.world.ordered import Key

STATUSES: Final = ("sent", "failed", "rejected", "pending")

_WINDOWS: Final = {"24h": timedelta(hours=24), "7d": timedelta(days=7), "30d": timedelta(days=30)}
_STEPS: Final = {"hourly": timedelta(hours=1), "daily": timedelta(days=1)}
_MAX_STEPS: Final = 1000
_DAY: Final = timedelta(days=1)
_MOMENT: Final = timedelta(microseconds=1)
_DATE_LENGTH: Final = len("2026-01-01")
_EVER: Final = (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))
_STATUS_OF: Final = {
    "queued": "pending",
    "sent": "sent",
    "delivered": "sent",
    "bounced": "failed",
    "failed": "rejected",  # nobody even tried to deliver it
}
_LETTERS: Final = 24


class Wanted(NamedTuple):
    """What a list of logs is narrowed to; `end` is not in it any more."""

    start: datetime = _EVER[0]
    end: datetime = _EVER[1]
    mailbox_id: str | None = None
    status: str | None = None
    search: str | None = None

    def admits(self, message: Message) -> bool:
        """Tell whether a message is wanted."""
        return (
            self.start <= message.created_at < self.end
            and self.mailbox_id in (None, message.mailbox_id)
            and self.status in (None, status_of(message))
            and (self.search is None or self.search.lower() in _searched(message))
        )


class Figures(NamedTuple):
    """How much was sent in a period, in the one before it, and step by step; by status."""

    summary: Counter[str]
    before: Counter[str]
    steps: list[tuple[datetime, Counter[str]]]


def start_of(from_date: str | None) -> datetime:
    """Return the moment that a `from_date` begins with, a date alone at midnight UTC; 400 for what is no time."""
    return _EVER[0] if from_date is None else _moment(from_date)


def end_of(to_date: str | None) -> datetime:
    """Return the moment after a `to_date`, a date alone being the whole day; 400 for what is no time."""
    if to_date is None:
        return _EVER[1]
    return _moment(to_date) + (_DAY if len(to_date) == _DATE_LENGTH else _MOMENT)


def list_logs(
    world: World, account: Account, direction: Direction, wanted: Wanted, limit: int, after: Key | None
) -> Page[Message]:
    """Return a page of what a team's mailboxes sent or received, newest first."""
    found = (each for each in _messages(world, account, direction) if wanted.admits(each))
    following = (each for each in found if after is None or _place(each) < after)
    taken = list(islice(following, limit + 1))
    return Page(taken[:limit], _place(taken[limit - 1]) if len(taken) > limit else None)


def find_log(world: World, account: Account, direction: Direction, log_id: str) -> Message:
    """Return the message that a log is about; 404 if it is not the team's."""
    message = world.store.get(MESSAGES, f"msg_{log_id[-_LETTERS:]}")
    if message is not None and message.direction == direction and id_of(message) == log_id:
        plan = world.store.get(PLANS, message.mailbox_id)
        if plan is not None and plan.account_id == account.id:
            return message
    raise Problem("not_found", "No such log")


def id_of(message: Message) -> str:
    """Return the id of a message's log."""
    return f"{'dlog_c' if message.direction == 'outbound' else 'ilog_'}{message.id[-_LETTERS:]}"


def status_of(message: Message) -> str:
    """Return what the log says of a message that was sent."""
    return _STATUS_OF.get(message.status, "failed")


def refusals_of(message: Message) -> dict[str, str]:
    """Return what the servers said that refused a message for good, by the recipient's address."""
    return {each.recipient: each.reply for each in message.outcomes if each.action in ("failed", "rejected")}


def figures(
    world: World, account: Account, window: str, granularity: str, *, from_date: str | None, to_date: str | None
) -> Figures:
    """Count what a team sent in the window before `to_date` or now, or since `from_date`; 400 for too many steps."""
    end = world.now() + _MOMENT if to_date is None else end_of(to_date)
    start = end - _WINDOWS[window] if from_date is None else start_of(from_date)
    step, length = _STEPS[granularity], end - start
    if length > step * _MAX_STEPS:
        raise Problem("refused", f"The period has more than {_MAX_STEPS} steps")
    sent = list(_messages(world, account, "outbound"))
    steps, at = [], _floor(start, step)
    while at < end:
        steps.append((at, _count(sent, max(at, start), min(at + step, end))))
        at += step
    return Figures(_count(sent, start, end), _count(sent, start - length, start), steps)


def _messages(world: World, account: Account, direction: Direction) -> Iterator[Message]:
    """Yield what all mailboxes of a team sent or received, deleted ones too, newest first."""
    mailbox_ids = [plan.id for plan in world.store.each(PLANS, "of_account", account.id)]
    each = [world.store.each(MESSAGES, "timeline", (one, direction), newest_first=True) for one in mailbox_ids]
    return merge(*each, key=_place, reverse=True)


def _place(message: Message) -> Key:
    return (message.created_at, message.arrival, message.id)


def _searched(message: Message) -> str:
    mail = message.mail
    return " ".join([mail.subject or "", message.sender, *message.recipients, *mail.bare_addresses("from")]).lower()


def _moment(text: str) -> datetime:
    try:
        return parse_moment(text)
    except ValueError:
        raise Problem("refused", f"{text!r} is not a time") from None


def _floor(moment: datetime, step: timedelta) -> datetime:
    start = moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    return start if step < _DAY else start.replace(hour=0)


def _count(messages: Iterable[Message], start: datetime, end: datetime) -> Counter[str]:
    return Counter(status_of(each) for each in messages if start <= each.created_at < end)
