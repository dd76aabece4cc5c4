"""myagentmail's lists across inboxes, which only its example application shows: folders, and what is in them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from heapq import merge
from itertools import islice
from typing import Final, NamedTuple

from emulator.mail import MESSAGES, THREADS, Mailbox, Message, Thread, threads
from emulator.providers.myagentmail.messages import Filing, filing_of, is_read
from emulator.providers.myagentmail.resources import Inbox, mailbox_of
from emulator.world import World


class Conversation(NamedTuple):
    """How many messages a thread has, and how many of them are unread."""

    messages: int
    unread: int


class Row(NamedTuple):
    """A message with its inbox and where it was put; with its conversation, where a row stands for a thread."""

    message: Message
    mailbox: Mailbox
    filing: Filing
    conversation: Conversation | None


FOLDERS: Final[Mapping[str, Callable[[Message, Filing], bool]]] = {
    "inbox": lambda message, filing: message.direction == "inbound" and not filing.archived and not filing.deleted,
    "sent": lambda message, filing: message.direction == "outbound" and not filing.deleted,
    "starred": lambda message, filing: message.is_starred and not filing.deleted,
    "archived": lambda _, filing: filing.archived and not filing.deleted,
    "trash": lambda _, filing: filing.deleted,
}


def list_rows(world: World, inboxes: Iterable[Inbox], folder: str, limit: int, *, by_thread: bool) -> list[Row]:
    """Return the newest messages of a folder; `by_thread` only the newest of each thread."""
    rows = _rows(world, inboxes, folder)
    return list(islice(_newest_of_threads(world, rows) if by_thread else rows, limit))


def count_folders(world: World, inboxes: Iterable[Inbox]) -> Counter[str]:
    """Return how many messages each folder holds, and under `unread` how many of the inbox are unread."""
    counts: Counter[str] = Counter()
    for inbox in inboxes:
        for message in world.store.each(MESSAGES, "timeline", inbox.id):
            counts.update(_places(message, filing_of(world, message)))
    return counts


def _places(message: Message, filing: Filing) -> Iterator[str]:
    for name, holds in FOLDERS.items():
        if holds(message, filing):
            yield name
            if name == "inbox" and not is_read(message):
                yield "unread"


def _rows(world: World, inboxes: Iterable[Inbox], folder: str) -> Iterator[Row]:
    mailboxes = {inbox.id: mailbox_of(world, inbox) for inbox in inboxes}
    timelines = (world.store.each(MESSAGES, "timeline", inbox_id, newest_first=True) for inbox_id in mailboxes)
    for message in merge(*timelines, key=lambda message: message.arrival, reverse=True):
        filing = filing_of(world, message)
        if FOLDERS[folder](message, filing):
            yield Row(message, mailboxes[message.mailbox_id], filing, None)


def _newest_of_threads(world: World, rows: Iterable[Row]) -> Iterator[Row]:
    seen: set[str] = set()
    for row in rows:
        thread = world.store.get(THREADS, row.message.thread_id)
        if thread is not None and thread.id not in seen:
            seen.add(thread.id)
            yield row._replace(conversation=_conversation(world, thread))


def _conversation(world: World, thread: Thread) -> Conversation:
    found = threads.messages_of(world, thread)
    return Conversation(len(found), sum(not is_read(message) for message in found))
