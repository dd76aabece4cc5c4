"""The messages of a mailbox: listing, marking and deleting them, one or many."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from emulator.mail import MESSAGES, Mailbox, Message, folders
from emulator.mail.filing import remove_message
from emulator.provider import Problem
from emulator.providers.sendmux import mailbox_changes
from emulator.providers.sendmux.mailbox_keywords import set_keywords, wanted_keywords
from emulator.providers.sendmux.mailbox_search import Test, is_filtered, people, test_of
from emulator.world import Page, World
from emulator.world.ordered import Key


class Batch(NamedTuple):
    """What became of the messages that a request names, and the state of the mailbox before and after."""

    done: list[str]
    not_found: list[str]
    old_state: str
    new_state: str


_RANKS: Final[Mapping[str, Callable[[Message], Any]]] = {
    "received_at": lambda message: message.created_at,
    "sent_at": lambda message: message.mail.date or message.created_at,
    "subject": lambda message: (message.mail.subject or "").casefold(),
    "from": lambda message: _first(message, "from"),
    "to": lambda message: _first(message, "to"),
    "size_bytes": lambda message: len(message.mail),
}


def list_messages(world: World, mailbox: Mailbox, query: Mapping[str, Any], after: Key | None) -> Page[Message]:
    """Return a page of the messages that a query means; 400 for wrong values and a cursor whose message is gone."""
    group, test = _scope(mailbox, query)
    newest_first, limit = query["sort_direction"] == "desc", query["limit"]
    if query["sort_by"] == "received_at":
        return world.store.page(
            MESSAGES, "timeline", group, limit=limit, after=after, newest_first=newest_first, where=test
        )
    found = wanted_messages(world, mailbox, query)
    start = 0 if after is None else _place(found, after[-1]) + 1
    rest = found[start : start + limit]
    return Page(rest, (rest[-1].created_at, rest[-1].n, rest[-1].id) if start + limit < len(found) else None)


def wanted_messages(world: World, mailbox: Mailbox, query: Mapping[str, Any]) -> list[Message]:
    """Return all messages that a query means, in its order; 400 for wrong values."""
    group, test = _scope(mailbox, query)
    found = [message for message in world.store.each(MESSAGES, "timeline", group) if test is None or test(message)]
    by = _RANKS[query.get("sort_by", "received_at")]
    newest_first = query.get("sort_direction", "desc") == "desc"
    return sorted(found, key=lambda message: (by(message), message.created_at, message.n), reverse=newest_first)


def count_messages(world: World, mailbox: Mailbox, query: Mapping[str, Any]) -> int:
    """Return how many messages a query means; 400 for wrong values."""
    group, test = _scope(mailbox, query)
    if test is None:
        return world.store.count(MESSAGES, "timeline", group)
    return sum(map(test, world.store.each(MESSAGES, "timeline", group)))


def find_message(world: World, mailbox: Mailbox, message_id: str) -> Message:
    """Return a message of a mailbox by id; 404 if there is none."""
    message = get_message(world, mailbox, message_id)
    if message is None:
        raise Problem("not_found", "No such message")
    return message


def get_message(world: World, mailbox: Mailbox, message_id: str) -> Message | None:
    """Return a message of a mailbox by id, or None."""
    message = world.store.get(MESSAGES, message_id)
    return message if message is not None and message.mailbox_id == mailbox.id and message.listed else None


def find_attachment(message: Message, attachment_id: str) -> int:
    """Return the index of an attachment; 404 if there is none."""
    for index in range(len(message.mail.body.attachments)):
        if attachment_id == id_of_attachment(message, index):
            return index
    raise Problem("not_found", "No such attachment")


def id_of_attachment(message: Message, index: int) -> str:
    """Return the id of the `index`-th attachment of a message."""
    return f"blob_{message.id.removeprefix('msg_')}{index:02}"


def update_message(world: World, message: Message, body: Mapping[str, Any]) -> Message:
    """Set and clear marks of a message, what is supplied; 400 for keywords that cannot be changed."""
    return set_keywords(world, message, wanted_keywords(body))


def delete_message(world: World, mailbox: Mailbox, message: Message, *, permanent: bool) -> None:
    """Move a message to the trash, where it stays if it lies there already, or delete it for good."""
    if permanent:
        remove_message(world, message)
    elif message.place != folders.TRASH:
        trash = next(each for each in folders.folders_of(world, mailbox) if each.id == folders.TRASH)
        folders.move(world, message, trash)


def update_messages(world: World, mailbox: Mailbox, body: Mapping[str, Any]) -> Batch:
    """Set and clear marks of many messages; 409 if the mailbox is not in the state that the request names."""
    wanted = wanted_keywords(body)
    return _each(world, mailbox, body, lambda message: set_keywords(world, message, wanted))


def delete_messages(world: World, mailbox: Mailbox, body: Mapping[str, Any]) -> Batch:
    """Move many messages to the trash or delete them for good; 409 if the mailbox is not in the state named."""
    permanent = body.get("permanent", False)
    return _each(world, mailbox, body, lambda message: delete_message(world, mailbox, message, permanent=permanent))


def _each(world: World, mailbox: Mailbox, body: Mapping[str, Any], change: Callable[[Message], object]) -> Batch:
    old_state = mailbox_changes.state(world, mailbox, "messages")
    if body.get("if_in_state", old_state) != old_state:
        raise Problem("conflict", "The messages have changed")
    done, not_found = list[str](), list[str]()
    for message_id in dict.fromkeys(body["ids"]):
        message = get_message(world, mailbox, message_id)
        if message is None:
            not_found.append(message_id)
        else:
            change(message)
            done.append(message_id)
    return Batch(done, not_found, old_state, mailbox_changes.state(world, mailbox, "messages"))


def _scope(mailbox: Mailbox, query: Mapping[str, Any]) -> tuple[str, Test | None]:
    """Return the group of messages that a query is about, and what those must pass."""
    thread_id = query.get("thread_id")
    if thread_id is None:
        return mailbox.id, test_of(query)
    if is_filtered(query):
        raise Problem("refused", "thread_id excludes every other filter")
    return thread_id, lambda message: message.mailbox_id == mailbox.id


def _place(found: list[Message], message_id: str) -> int:
    for place, message in enumerate(found):
        if message.id == message_id:
            return place
    raise Problem("refused", "The cursor is not valid any more")


def _first(message: Message, field: str) -> str:
    return next((address.casefold() for _, address in people(message, field)), "")
