"""The threads of a mailbox: listing them, and what is in them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from emulator.mail import MESSAGES, THREADS, Mailbox, Message, Thread, addresses, threads
from emulator.provider import Problem
from emulator.providers.sendmux.mailbox_search import everything, holds, moment, people
from emulator.world import Page, World
from emulator.world.ordered import Key

Test = Callable[[Thread, list[Message]], bool]


class Conversation(NamedTuple):
    """A thread with its messages, oldest first."""

    thread: Thread
    messages: list[Message]

    @property
    def id(self) -> str:
        """The id of the thread."""
        return self.thread.id


def list_threads(world: World, mailbox: Mailbox, query: Mapping[str, Any], after: Key | None) -> Page[Conversation]:
    """Return a page of the threads that a query means, by their last activity; 400 for wrong values."""
    tests = _tests(query)

    def wanted(thread: Thread) -> bool:
        messages = threads.messages_of(world, thread)
        return all(test(thread, messages) for test in tests)

    found = world.store.page(
        THREADS,
        "activity",
        mailbox.id,
        limit=query["limit"],
        after=after,
        newest_first=query["sort_direction"] == "desc",
        where=wanted if tests else None,
    )
    return Page([conversation(world, thread) for thread in found.records], found.next_key)


def find_thread(world: World, mailbox: Mailbox, thread_id: str) -> Thread:
    """Return a thread of a mailbox by id; 404 if there is none."""
    thread = world.store.get(THREADS, thread_id)
    if thread is None or thread.mailbox_id != mailbox.id:
        raise Problem("not_found", "No such thread")
    return thread


def conversation(world: World, thread: Thread) -> Conversation:
    """Return a thread with its messages."""
    return Conversation(thread, threads.messages_of(world, thread))


def list_thread_messages(world: World, thread: Thread, query: Mapping[str, Any], after: Key | None) -> Page[Message]:
    """Return a page of the messages of a thread, oldest first unless asked otherwise."""
    newest_first = query["sort"] == "desc"
    return world.store.page(
        MESSAGES, "timeline", thread.id, limit=query["limit"], after=after, newest_first=newest_first
    )


def participants(messages: Iterable[Message]) -> list[tuple[str, str]]:
    """Return the (name, address) pairs of everybody in some messages, each address once, with a name if known."""
    names, order = dict[str, str](), dict[str, str]()
    for message in messages:
        for field in ("from", "to", "cc", "bcc"):
            for name, address in people(message, field):
                key = addresses.normalize(address)
                order.setdefault(key, address)
                names[key] = names.get(key) or name
    return [(names[key], address) for key, address in order.items()]


def _tests(query: Mapping[str, Any]) -> list[Test]:
    return [make(query[name]) for name, make in _TESTS.items() if name in query]


def _any(test: Callable[[Message], bool]) -> Test:
    return lambda _thread, messages: any(map(test, messages))


def _participant(words: str) -> Test:
    return lambda _thread, messages: any(holds(" ".join(each), words) for each in participants(messages))


def _after(text: str) -> Test:
    start = moment(text, "after")
    return lambda thread, _messages: thread.last_message_at >= start


def _before(text: str) -> Test:
    end = moment(text, "before")
    return lambda thread, _messages: thread.last_message_at < end


_TESTS: Mapping[str, Callable[[Any], Test]] = {
    "q": lambda words: _any(lambda message: holds("\n".join(everything(message)), words)),
    "participant": _participant,
    "folder_id": lambda folder_id: _any(lambda message: message.place == folder_id),
    "after": _after,
    "before": _before,
    "has_attachment": lambda asked: _any(lambda message: not asked or bool(message.mail.body.attachments)),
    "is_unread": lambda asked: _any(lambda message: not asked or not message.seen),
}
