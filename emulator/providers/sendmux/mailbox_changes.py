"""States of a mailbox as tokens, and what changed since one: things of six types, and the results of a query."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from emulator.mail import MAILBOXES, MESSAGES, THREADS, Mailbox, folders
from emulator.provider import Problem
from emulator.providers.sendmux.mailbox_identity import SIGNATURES, identity_id, quota_id
from emulator.providers.sendmux.settings import setting
from emulator.providers.sendmux.submissions import SUBMISSIONS
from emulator.world import Collection, World
from emulator.world.store import Change, Happening


class Changes(NamedTuple):
    """What was created, updated and destroyed between two states; `sync_required`: too much to tell."""

    old_state: str | None
    new_state: str
    has_more: bool = False
    created: Sequence[str] = ()
    updated: Sequence[str] = ()
    destroyed: Sequence[str] = ()
    sync_required: bool = False
    updated_properties: Sequence[str] | None = None


class QueryChanges(NamedTuple):
    """What to take out of a list of results, and what to put where, to bring it from one state to another."""

    old_state: str | None
    new_state: str
    has_more: bool = False
    added: Sequence[tuple[int, str]] = ()
    removed: Sequence[str] = ()


class _Type(NamedTuple):
    """A type of things: the log that notes what happens to each, and logs that mean that any may have changed."""

    own: Collection[Any] | None
    others: tuple[Collection[Any], ...] = ()
    every: Callable[[World, Mailbox], list[str]] = lambda _world, _mailbox: []
    properties: tuple[str, ...] | None = None
    """What can have changed by the other logs alone."""


_TYPES: Final[Mapping[str, _Type]] = {
    "messages": _Type(MESSAGES),
    "folders": _Type(
        folders.FOLDERS,
        (MESSAGES,),
        lambda world, mailbox: [each.id for each in folders.folders_of(world, mailbox)],
        ("total_messages", "unread_messages"),
    ),
    "threads": _Type(THREADS),
    "submissions": _Type(SUBMISSIONS),
    "identities": _Type(None, (SIGNATURES, MAILBOXES), lambda _world, mailbox: [identity_id(mailbox.id)]),
    "quotas": _Type(None, (MESSAGES, MAILBOXES), lambda _world, mailbox: [quota_id(mailbox.id)]),
}

TYPES: Final = tuple(_TYPES)
DEFAULT_LIMIT: Final = 50


def state(world: World, mailbox: Mailbox, name: str) -> str:
    """Return the token of the present state of a type of things."""
    return _token(name, _marks(world, mailbox, _TYPES[name]))


def changes(world: World, mailbox: Mailbox, name: str, since: str | None, limit: int) -> Changes:
    """Return what changed since a state, up to `limit` things; without one, the present state only.

    400 for a token that this mailbox never gave.
    """
    kind, new_state = _TYPES[name], state(world, mailbox, name)
    if since is None:
        return Changes(None, new_state)
    now = _marks(world, mailbox, kind)
    then = _read(name, since, now)
    if kind.own is None:
        touched = kind.every(world, mailbox) if then != now else []
        return Changes(since, new_state, updated=touched)
    if _too_old(world, mailbox, kind.own, then[0]):
        return Changes(since, new_state, sync_required=True)
    taken, last = _window(world.store.follow(kind.own, mailbox.id).after(then[0]), limit)
    found = _summary(taken)
    if last is not None:
        return found._replace(old_state=since, new_state=_token(name, (last, *then[1:])), has_more=True)
    if then[1:] == now[1:]:
        return found._replace(old_state=since, new_state=new_state)
    only_others = not (found.created or found.updated or found.destroyed)
    rest = [each for each in kind.every(world, mailbox) if each not in found.created]
    properties = kind.properties if only_others else None
    return found._replace(old_state=since, new_state=new_state, updated=rest, updated_properties=properties)


def query_state(world: World, mailbox: Mailbox, name: str, query: Mapping[str, Any]) -> str:
    """Return the token of the present results of a query for things of a type."""
    return f"{state(world, mailbox, name)}.{_fingerprint(query)}"


def query_changes(
    world: World,
    mailbox: Mailbox,
    name: str,
    query: Mapping[str, Any],
    results: Sequence[str],
    since: str | None,
    limit: int,
) -> QueryChanges:
    """Return how the results of a query changed since a state; without one, the present state only.

    `results` are the ids as they stand now. 400 for a token of another query, and one that is too old.
    """
    if since is None:
        return QueryChanges(None, query_state(world, mailbox, name, query))
    token, _, fingerprint = since.rpartition(".")
    if fingerprint != _fingerprint(query):
        raise Problem("refused", "The state belongs to another query")
    found = changes(world, mailbox, name, token, limit)
    if found.sync_required:
        raise Problem("refused", "The state is too old; list the results again")
    touched = {*found.created, *found.updated}
    return QueryChanges(
        since,
        f"{found.new_state}.{fingerprint}",
        found.has_more,
        [(index, each) for index, each in enumerate(results) if each in touched],
        [*found.updated, *found.destroyed],
    )


def _marks(world: World, mailbox: Mailbox, kind: _Type) -> tuple[int, ...]:
    logs = (*(() if kind.own is None else (kind.own,)), *kind.others)
    return tuple(world.store.follow(collection, mailbox.id).last for collection in logs)


def _token(name: str, marks: Iterable[int]) -> str:
    return "-".join([name, *map(str, marks)])


def _read(name: str, token: str, now: tuple[int, ...]) -> tuple[int, ...]:
    given, *numbers = token.split("-")
    then = tuple(int(number) for number in numbers if number.isascii() and number.isdigit() and len(number) < 16)
    if given != name or len(numbers) != len(now) or len(then) != len(now):
        raise Problem("refused", f"Not a state of the {name}")
    if any(mark > last for mark, last in zip(then, now, strict=True)):
        raise Problem("refused", f"The {name} have not been in this state")
    return then


def _too_old(world: World, mailbox: Mailbox, collection: Collection[Any], mark: int) -> bool:
    log = world.store.follow(collection, mailbox.id)
    return not log.reaches(mark) or log.last - mark > setting(world, "changes_kept")


def _window(happened: Iterable[Change], limit: int) -> tuple[list[Change], int | None]:
    """Return what happened to the first `limit` things, and after which change there is more, if there is."""
    taken, seen = list[Change](), set[str]()
    for change in happened:
        if change.record_id not in seen and len(seen) == limit:
            return taken, change.n - 1
        seen.add(change.record_id)
        taken.append(change)
    return taken, None


def _summary(taken: Iterable[Change]) -> Changes:
    first, last = dict[str, Happening](), dict[str, Happening]()
    for change in taken:
        first.setdefault(change.record_id, change.happening)
        last[change.record_id] = change.happening
    gone = [each for each in last if last[each] == "destroyed"]
    created = [each for each in last if first[each] == "created" and each not in gone]
    updated = [each for each in last if first[each] != "created" and each not in gone]
    destroyed = [each for each in gone if first[each] != "created"]
    return Changes(None, "", created=created, updated=updated, destroyed=destroyed)


def _fingerprint(query: Mapping[str, Any]) -> str:
    text = json.dumps(query, sort_keys=True)
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=6).hexdigest()
