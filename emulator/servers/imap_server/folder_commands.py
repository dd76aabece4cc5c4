"""Commands about folders: list, count, open, make, rename, remove them, and put mail into them."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Final

from emulator.mail import Mail, folders
from emulator.mail.folders import Folder, Marks
from emulator.mail.records import SENT
from emulator.servers.imap_server.commands import Command, No, Stage
from emulator.servers.imap_server.encoding import folder_name, label
from emulator.servers.imap_server.parser import Bad, Parser
from emulator.servers.imap_server.view import View

if TYPE_CHECKING:
    from emulator.servers.imap_server.session import Session

SYSTEM_FLAGS: Final = rb"\Answered \Flagged \Deleted \Seen \Draft"

_WILDCARDS: Final = re.compile(r"[*%]{2,}")
_LONGEST_NAME: Final = 200
_DEEPEST: Final = 20
_ROLES: Final = {
    SENT: rb" \Sent",
    folders.DRAFTS: rb" \Drafts",
    folders.TRASH: rb" \Trash",
    folders.ARCHIVE: rb" \Archive",
    folders.JUNK: rb" \Junk",
}
_FLAGS: Final = {flag.upper(): flag for flag in SYSTEM_FLAGS.split()}


def marks(flags: list[bytes]) -> Marks:
    """Return the marks that flags stand for. Bad for a system flag that nobody knows."""
    system = {flag.upper() for flag in flags if flag.startswith(b"\\")} - {rb"\RECENT"}
    if not system <= _FLAGS.keys():
        raise Bad("Unknown flag")
    labels = dict.fromkeys(label(flag) for flag in flags if not flag.startswith(b"\\"))
    rest = system - {rb"\SEEN", rb"\FLAGGED"}
    return Marks(
        read=rb"\SEEN" in system,
        starred=rb"\FLAGGED" in system,
        labels=tuple(labels),
        flags=tuple(sorted(_FLAGS[flag].decode() for flag in rest)),
    )


def uid_validity(session: Session) -> int:
    """Return what changes when UIDs are given again: after the world was put back."""
    mailbox, world = session.mailbox, session.world
    return (int(mailbox.created_at.timestamp()) + mailbox.n + world.restored) % (2**32 - 1) + 1


def find(session: Session, name: str, code: str = "NONEXISTENT") -> Folder:
    """Return the folder of this name; No with this response code if there is none."""
    folder = folders.folder_named(session.world, session.mailbox, name)
    if folder is None:
        raise No(f"[{code}] There is no such folder")
    return folder


async def _list(session: Session, words: Parser, answer: bytes) -> bytes:
    words.space()
    special = _selection(words)
    pattern = words.folder()
    words.space()
    pattern += words.pattern()
    if not pattern:
        session.say(answer + rb' (\Noselect) "/" ""')
        return answer + b" completed"
    with session.world.step():
        found = folders.folders_of(session.world, session.mailbox)
    names = [folder.name for folder in found]
    for folder in found:
        if _matches(pattern, folder.name) and not (special and folder.id not in _ROLES):
            inner = any(name.startswith(f"{folder.name}/") for name in names)
            attributes = (rb"\HasChildren" if inner else rb"\HasNoChildren") + _ROLES.get(folder.id, b"")
            session.say(b'%s (%s) "/" %s' % (answer, attributes, folder_name(folder.name)))
    return answer + b" completed"


def _selection(words: Parser) -> bool:
    """Take what RFC 6154 lets stand before the names; tell whether only folders of special use are asked for."""
    if not words.next_is(b"("):
        return False
    options = {option.upper() for option in words.flags()}
    words.space()
    return b"SPECIAL-USE" in options


def _matches(pattern: str, name: str) -> bool:
    pattern = _WILDCARDS.sub(lambda found: "*" if "*" in found[0] else "%", pattern)
    return _fits(pattern, name) or (name == "INBOX" and _fits(pattern.upper(), name))


def _fits(pattern: str, name: str) -> bool:
    """Tell whether a name fits: `*` stands for anything, `%` for anything within a level."""
    # All places of the pattern at once: no pattern takes long.
    places = _after_wildcard(pattern, {0})
    for letter in name:
        stay = {n for n in places if pattern[n : n + 1] == "*" or (pattern[n : n + 1] == "%" and letter != "/")}
        step = {n + 1 for n in places if pattern[n : n + 1] == letter}
        places = _after_wildcard(pattern, stay | step)
    return len(pattern) in places


def _after_wildcard(pattern: str, places: set[int]) -> set[int]:
    return places | {n + 1 for n in places if pattern[n : n + 1] in ("*", "%")}


async def _status(session: Session, words: Parser) -> bytes:
    words.space()
    name = words.folder()
    words.space()
    wanted = [item.upper() for item in words.flags()]
    words.end()
    world, mailbox = session.world, session.mailbox
    with world.step():
        folder = find(session, name)
        known = {
            b"MESSAGES": folders.count(world, folder),
            b"RECENT": folders.count_recent(world, folder),
            b"UIDNEXT": folders.next_uid(world, mailbox.id),
            b"UIDVALIDITY": uid_validity(session),
            b"UNSEEN": folders.count_unseen(world, folder),
        }
    if not wanted or not known.keys() >= set(wanted):
        raise Bad("Unknown item of STATUS")
    items = b" ".join(b"%s %d" % (item, known[item]) for item in wanted)
    session.say(b"STATUS %s (%s)" % (folder_name(folder.name), items))
    return b"STATUS completed"


async def _select(session: Session, words: Parser, *, read_only: bool) -> bytes:
    words.space()
    name = words.folder()
    words.end()
    session.view = None
    world = session.world
    with world.step():
        view = View(world, find(session, name), read_only=read_only)
        unseen, recent = view.first_unseen(), view.count_recent()
        next_uid = folders.next_uid(world, session.mailbox.id)
    session.view = view
    session.say(b"FLAGS (%s)" % SYSTEM_FLAGS)
    session.say(b"%d EXISTS" % len(view))
    session.say(b"%d RECENT" % recent)
    if unseen is not None:
        session.say(b"OK [UNSEEN %d] The first unread message" % unseen)
    permanent = b"" if read_only else SYSTEM_FLAGS + rb" \*"
    session.say(b"OK [PERMANENTFLAGS (%s)] Any keyword is a label" % permanent)
    session.say(b"OK [UIDVALIDITY %d] UIDs hold" % uid_validity(session))
    session.say(b"OK [UIDNEXT %d] The next UID" % next_uid)
    return b"[READ-ONLY] EXAMINE completed" if read_only else b"[READ-WRITE] SELECT completed"


async def _create(session: Session, words: Parser) -> bytes:
    words.space()
    name = _new_name(words)
    words.end()
    with session.world.step():
        folders.make_folder(session.world, session.mailbox, name)
    return b"CREATE completed"


def _new_name(words: Parser) -> str:
    name = words.folder().removesuffix("/")
    levels = name.split("/")
    if len(name) > _LONGEST_NAME or len(levels) > _DEEPEST or not all(levels) or any(sign in name for sign in "*%"):
        raise No("[CANNOT] This is no name for a folder")
    return name


async def _delete(session: Session, words: Parser) -> bytes:
    words.space()
    name = words.folder()
    words.end()
    with session.world.step():
        folder = _own(session, name)
        if folders.folders_in(session.world, folder):
            raise No("[HASCHILDREN] There are folders in it")
        folders.remove_folder(session.world, folder)
    if session.view is not None and session.view.folder.id == folder.id:
        session.view = None
    return b"DELETE completed"


async def _rename(session: Session, words: Parser) -> bytes:
    words.space()
    name = words.folder()
    words.space()
    new = _new_name(words)
    words.end()
    with session.world.step():
        folder = _own(session, name)
        if new.startswith(f"{folder.name}/"):
            raise No("[CANNOT] A folder cannot lie in itself")
        folders.rename_folder(session.world, folder, new)
    return b"RENAME completed"


def _own(session: Session, name: str) -> Folder:
    folder = find(session, name)
    if folder.role is not None:
        raise No("[CANNOT] This folder stays as it is")
    return folder


async def _subscribe(session: Session, words: Parser, *, on: bool) -> bytes:
    words.space()
    name = words.folder()
    words.end()
    with session.world.step():
        find(session, name)
    if not on:
        raise No("[CANNOT] Every folder is subscribed")
    return b"SUBSCRIBE completed"


async def _append(session: Session, words: Parser) -> bytes:
    words.space()
    name = words.folder()
    words.space()
    given = marks(words.flags()) if words.next_is(b"(") else Marks()
    words.skip(b" ")
    at = words.moment() if words.next_is(b'"') else None
    words.skip(b" ")
    raw = words.literal()
    words.end()
    if not raw:
        raise No("There is no mail in it")
    world = session.world
    with world.step():
        kept = folders.keep(world, find(session, name, "TRYCREATE"), Mail(raw), given, at or world.now())
    return b"[APPENDUID %d %d] APPEND completed" % (uid_validity(session), kept.uid)


async def _namespace(session: Session, words: Parser) -> bytes:
    words.end()
    session.say(b'NAMESPACE (("" "/")) NIL NIL')
    return b"NAMESPACE completed"


COMMANDS: Final[dict[bytes, Command]] = {
    name: Command(Stage.MAILBOX, run)
    for name, run in (
        (b"LIST", partial(_list, answer=b"LIST")),
        (b"LSUB", partial(_list, answer=b"LSUB")),
        (b"STATUS", _status),
        (b"SELECT", partial(_select, read_only=False)),
        (b"EXAMINE", partial(_select, read_only=True)),
        (b"CREATE", _create),
        (b"DELETE", _delete),
        (b"RENAME", _rename),
        (b"SUBSCRIBE", partial(_subscribe, on=True)),
        (b"UNSUBSCRIBE", partial(_subscribe, on=False)),
        (b"APPEND", _append),
        (b"NAMESPACE", _namespace),
    )
}
