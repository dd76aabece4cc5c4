"""Commands about the messages of the open folder."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

from emulator.mail import Message, folders
from emulator.mail.filing import remove_message
from emulator.mail.folders import Folder, Marks
from emulator.servers.imap_server import fetch, search
from emulator.servers.imap_server.clues import Clue
from emulator.servers.imap_server.commands import Command, No, Stage
from emulator.servers.imap_server.encoding import number_set
from emulator.servers.imap_server.folder_commands import find, marks, uid_validity
from emulator.servers.imap_server.parser import Bad, NumberSet, Parser
from emulator.servers.imap_server.view import Place, View, places_of

if TYPE_CHECKING:
    from emulator.servers.imap_server.session import Session

_T = TypeVar("_T")

_AT_ONCE: Final = 100
_DELETED: Final = r"\Deleted"


def _portions(items: list[_T]) -> Iterator[list[_T]]:
    """Yield a list in pieces, so that no session keeps the others waiting."""
    return (items[start : start + _AT_ONCE] for start in range(0, len(items), _AT_ONCE))


async def _fetch(session: Session, words: Parser, *, by_uid: bool = False) -> bytes:
    words.space()
    numbers = words.numbers()
    words.space()
    items = fetch.parse(words)
    words.end()
    if by_uid and all(item.name != b"UID" for item in items):
        items.insert(0, fetch.Item(b"UID"))
    view, reading = session.opened, fetch.marks_seen(items)
    with_flags = any(item.name == b"FLAGS" for item in items)
    for portion in _portions(view.places(numbers, by_uid=by_uid)):
        with session.world.step():
            found = [_read(session, view, place, reading=reading and not view.read_only) for place in portion]
        for place, message, newly_read in found:
            if newly_read or with_flags:
                view.tell_flags(place, message)
            wanted = [*items, fetch.Item(b"FLAGS")] if newly_read and not with_flags else items
            fetched = fetch.Fetched(message, place.uid, recent=view.is_recent(place.uid))
            session.say(b"%d FETCH %s" % (place.number, fetched.write(wanted)))
        await session.breathe()
    return b"FETCH completed"


def _read(session: Session, view: View, place: Place, *, reading: bool) -> tuple[Place, Message, bool]:
    """Return a message to be fetched, marked as read if it is read by that, and whether it was not before."""
    message = view.message(place)
    if message is None or not reading or message.is_read:
        return place, message or view.message_once(place), False
    shown_as_unread = not message.seen
    return place, folders.mark(session.world, message, _changed(message, b"+", Marks(read=True))), shown_as_unread


async def _store(session: Session, words: Parser, *, by_uid: bool = False) -> bytes:
    words.space()
    numbers = words.numbers()
    words.space()
    how = b"+" if words.skip(b"+") else b"-" if words.skip(b"-") else b""
    words.expect(b"FLAGS")
    silent = words.skip(b".SILENT")
    words.space()
    given = marks(words.flags())
    words.end()
    view, gone = _writable(session), False
    for portion in _portions(view.places(numbers, by_uid=by_uid)):
        with session.world.step():
            for place in portion:
                message = view.message(place)
                if message is None:
                    gone = True
                    continue
                message = folders.mark(session.world, message, _changed(message, how, given))
                written = view.tell_flags(place, message)
                if not silent:
                    uid = b"UID %d " % place.uid if by_uid else b""
                    session.say(b"%d FETCH (%sFLAGS %s)" % (place.number, uid, written))
        await session.breathe()
    if gone:
        raise No("[EXPUNGEISSUED] Some of the messages are gone")
    return b"STORE completed"


def _changed(message: Message, how: bytes, given: Marks) -> Marks:
    """Return the marks of a message after adding (+), taking away (-) or setting some."""
    if not how:
        return given
    if how == b"+":
        return Marks(
            read=message.is_read or given.read,
            starred=message.is_starred or given.starred,
            labels=tuple(dict.fromkeys([*message.labels, *given.labels])),
            flags=tuple(sorted({*message.flags, *given.flags})),
        )
    return Marks(
        read=message.is_read and not given.read,
        starred=message.is_starred and not given.starred,
        labels=tuple(label for label in message.labels if label not in given.labels),
        flags=tuple(flag for flag in message.flags if flag not in given.flags),
    )


async def _search(session: Session, words: Parser, *, by_uid: bool = False) -> bytes:
    words.space()
    try:
        wanted = search.parse(words)
    except search.UnknownCharset:
        known = b" ".join(search.CHARSETS).decode()
        raise No(f"[BADCHARSET ({known})] Unknown charset") from None
    words.end()
    view = session.opened
    with session.world.step():
        places, last = _where(view, wanted), view.last()
    if places is None:
        places = await _where_clues_lead(session, wanted.clues)
    found: list[bytes] = []
    for portion in _portions(places):
        with session.world.step():
            messages = [view.message_once(place) for place in portion]
        for place, message in zip(portion, messages, strict=True):
            recent = view.is_recent(place.uid)
            if wanted.test(search.Candidate(message, place.number, place.uid, recent, last.number, last.uid)):
                found.append(b" %d" % (place.uid if by_uid else place.number))
        await session.breathe()
    session.say(b"SEARCH" + b"".join(found))
    return b"SEARCH completed"


def _where(view: View, wanted: search.Search) -> list[Place] | None:
    """Return where messages stand that can be what is looked for; None if they can be anywhere."""
    if wanted.uids is not None:
        return view.places(wanted.uids, by_uid=True)
    if wanted.numbers is not None:
        return view.places(wanted.numbers, by_uid=False)
    if wanted.unseen:
        return view.unseen()
    return view.flagged(wanted.flag) if wanted.flag else None


async def _where_clues_lead(session: Session, clues: list[Clue]) -> list[Place]:
    """Return where messages stand that the clues do not rule out."""
    view = session.opened
    runs = view.runs()
    for clue in clues:
        for run in view.notes.missing(runs, clue):
            with session.world.step():
                view.gather(run, clue)
            await session.breathe()
        runs = view.notes.narrow(runs, clue)
    return [place for run in runs for place in places_of(run)]


async def _copy(session: Session, words: Parser, *, by_uid: bool = False) -> bytes:
    done = _transfer(session, words, folders.copy, by_uid=by_uid, view=session.opened)
    return b"%sCOPY completed" % (done + b" " if done else b"")


async def _move(session: Session, words: Parser, *, by_uid: bool = False) -> bytes:
    done = _transfer(session, words, folders.move, by_uid=by_uid, view=_writable(session))
    if done:
        session.say(b"OK %s Moved" % done)
    return b"MOVE completed"


def _transfer(session: Session, words: Parser, bring: Callable[..., Message], *, by_uid: bool, view: View) -> bytes:
    """Copy or move messages, all or none of them; return the COPYUID, empty if there was nothing to do."""
    words.space()
    numbers = words.numbers()
    words.space()
    name = words.folder()
    words.end()
    pairs: list[tuple[int, int]] = []
    with session.world.step():
        target: Folder = find(session, name, "TRYCREATE")
        for place in view.places(numbers, by_uid=by_uid):
            message = view.message(place)
            if message is not None:
                pairs.append((place.uid, bring(session.world, message, target).uid))
    if not pairs:
        return b""
    sources, targets = (number_set(column) for column in zip(*pairs, strict=True))
    return b"[COPYUID %d %s %s]" % (uid_validity(session), sources, targets)


async def _expunge(session: Session, words: Parser) -> bytes:
    words.end()
    _remove_deleted(session, _writable(session))
    return b"EXPUNGE completed"


async def _uid_expunge(session: Session, words: Parser, *, by_uid: bool) -> bytes:  # noqa: ARG001  # it always is
    words.space()
    numbers = words.numbers()
    words.end()
    _remove_deleted(session, _writable(session), numbers)
    return b"EXPUNGE completed"


def _remove_deleted(session: Session, view: View, uids: NumberSet | None = None) -> None:
    with session.world.step():
        ranges = None if uids is None else uids.within(view.last().uid)
        places = view.flagged(_DELETED)
        for place in view.all() if places is None else places:
            message = view.message(place)
            if message is None or _DELETED not in message.flags:
                continue
            if ranges is None or any(a <= place.uid <= b for a, b in ranges):
                remove_message(session.world, message)


async def _check(_: Session, words: Parser) -> bytes:
    words.end()
    return b"CHECK completed"


async def _close(session: Session, words: Parser, *, expunge: bool) -> bytes:
    words.end()
    view = session.opened
    if expunge and not view.read_only:
        _remove_deleted(session, view)
    session.view = None
    return b"%s completed" % (b"CLOSE" if expunge else b"UNSELECT")


async def _uid(session: Session, words: Parser) -> bytes:
    words.space()
    name = words.word()
    if name not in _BY_UID:
        raise Bad("Unknown command of UID")
    return await _BY_UID[name](session, words, by_uid=True)


def _writable(session: Session) -> View:
    if session.opened.read_only:
        raise No("The folder is open for reading only")
    return session.opened


_BY_UID: Final[dict[bytes, Callable[..., Awaitable[bytes]]]] = {
    b"FETCH": _fetch,
    b"STORE": _store,
    b"SEARCH": _search,
    b"COPY": _copy,
    b"MOVE": _move,
    b"EXPUNGE": _uid_expunge,
}

COMMANDS: Final[dict[bytes, Command]] = {
    name: Command(Stage.FOLDER, run)
    for name, run in (
        (b"FETCH", _fetch),
        (b"STORE", _store),
        (b"SEARCH", _search),
        (b"COPY", _copy),
        (b"MOVE", _move),
        (b"EXPUNGE", _expunge),
        (b"UID", _uid),
        (b"CHECK", _check),
        (b"CLOSE", partial(_close, expunge=True)),
        (b"UNSELECT", partial(_close, expunge=False)),
    )
}
