"""The folders of a mailbox: which there are, what lies in them, and what a mail program does with it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from emulator.mail.filing import deposit, remove_message
from emulator.mail.parse import Mail
from emulator.mail.records import INBOX, MAILBOXES, MESSAGES, SENT, Mailbox, Message
from emulator.world import Collection, Duplicate, Order, World

DRAFTS: Final = "drafts"
TRASH: Final = "trash"
ARCHIVE: Final = "archive"
JUNK: Final = "junk"

_NAMES: Final = {
    INBOX: "INBOX",
    SENT: "Sent",
    DRAFTS: "Drafts",
    TRASH: "Trash",
    ARCHIVE: "Archive",
    JUNK: "Junk",
}


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder; `name` begins with the names of those it lies in, each followed by `/`.

    Every mailbox has the built-in ones: their `id` is their role, and no record is kept of them.
    """

    id: str
    mailbox_id: str
    name: str
    role: str | None = None


@dataclass(frozen=True, slots=True)
class Marks:
    """What a message is marked with: read and starred as every API says it, labels, and flags of mail programs."""

    read: bool = False
    starred: bool = False
    labels: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()


FOLDERS: Collection[Folder] = Collection(
    "folders",
    unique={"name": lambda f: (f.mailbox_id, f.name)},
    ordered={"of_mailbox": Order(groups=lambda f: (f.mailbox_id,), sort=lambda f: (f.name,))},
    logged=lambda f: f.mailbox_id,
)


@dataclass(frozen=True, slots=True)
class Visit:
    """The number of the newest message of a folder that a mail program was told of; `id` is that of the folder."""

    id: str
    uid: int


_VISITS: Collection[Visit] = Collection("folder visits")


# Folders


def folders_of(world: World, mailbox: Mailbox) -> list[Folder]:
    """Return the folders of a mailbox: the built-in ones, then those its owner made, by name."""
    built_in = [Folder(role, mailbox.id, name, role) for role, name in _NAMES.items()]
    return [*built_in, *world.store.each(FOLDERS, "of_mailbox", mailbox.id)]


def folder_named(world: World, mailbox: Mailbox, name: str) -> Folder | None:
    """Return the folder of this name, or None; INBOX is compared without case."""
    wanted = "INBOX" if name.upper() == "INBOX" else name
    for role, known in _NAMES.items():
        if known == wanted:
            return Folder(role, mailbox.id, known, role)
    return world.store.find(FOLDERS, "name", (mailbox.id, wanted))


def make_folder(world: World, mailbox: Mailbox, name: str) -> Folder:
    """Make a folder, and those it lies in. Raises Duplicate if there is one of this name."""
    if folder_named(world, mailbox, name) is not None:
        raise Duplicate(FOLDERS.name, "name", name)
    parent = name.rpartition("/")[0]
    if parent and folder_named(world, mailbox, parent) is None:
        make_folder(world, mailbox, parent)
    formats = world.formats[mailbox.provider]
    n = world.store.tick(FOLDERS.name, mailbox.id)
    known = "folder" in formats
    folder_id = world.new_id(mailbox.provider, "folder", mailbox.id) if known else f"{mailbox.id}/folder-{n}"
    return world.store.add(FOLDERS, Folder(folder_id, mailbox.id, name))


def mailbox_of(world: World, folder: Folder) -> Mailbox:
    """Return the mailbox that a folder lies in."""
    mailbox = world.store.get(MAILBOXES, folder.mailbox_id)
    if mailbox is None:
        raise LookupError(f"a folder lies in mailbox {folder.mailbox_id}, which is not there")
    return mailbox


def folders_in(world: World, folder: Folder) -> list[Folder]:
    """Return the folders that lie in a folder, however deep."""
    each = world.store.each(FOLDERS, "of_mailbox", folder.mailbox_id)
    return [one for one in each if one.name.startswith(f"{folder.name}/")]


def rename_folder(world: World, folder: Folder, name: str) -> None:
    """Give another name to a folder that its owner made, and so to those in it. Raises Duplicate if one is taken."""
    for each in [folder, *folders_in(world, folder)]:
        new = name + each.name[len(folder.name) :]
        if folder_named(world, mailbox_of(world, folder), new) is not None:
            raise Duplicate(FOLDERS.name, "name", new)
        world.store.put(FOLDERS, replace(each, name=new))


def remove_folder(world: World, folder: Folder) -> None:
    """Remove a folder that its owner made, with the messages in it."""
    for message in messages_in(world, folder):
        remove_message(world, message)
    world.store.remove(FOLDERS, folder.id)


# What lies in them


def messages_in(world: World, folder: Folder) -> list[Message]:
    """Return the messages of a folder in the order in which they came into it."""
    return list(world.store.each(MESSAGES, "folder", (folder.mailbox_id, folder.id)))


def count(world: World, folder: Folder) -> int:
    """Return the number of messages in a folder."""
    return world.store.count(MESSAGES, "folder", (folder.mailbox_id, folder.id))


def count_unseen(world: World, folder: Folder) -> int:
    """Return the number of unread messages in a folder."""
    return world.store.count(MESSAGES, "folder", (folder.mailbox_id, folder.id, "unseen"))


def next_uid(world: World, mailbox_id: str) -> int:
    """Return a number smaller than or equal to that of the next message to come into any folder of a mailbox."""
    return world.store.ticks("messages", mailbox_id) + 1


def count_recent(world: World, folder: Folder) -> int:
    """Return the number of messages in a folder of which no mail program was told yet."""
    keys = world.store.keys(MESSAGES, "folder", (folder.mailbox_id, folder.id))
    return len(keys) - keys.rank((_recent(world, folder).start,))


def claim_recent(world: World, folder: Folder) -> range:
    """Return the numbers that messages may have of which no mail program was told yet, and note that now one was."""
    found = _recent(world, folder)
    if found:
        visit = Visit(f"{folder.mailbox_id}/{folder.id}", found[-1])
        (world.store.put if world.store.get(_VISITS, visit.id) else world.store.add)(_VISITS, visit)
    return found


def mark(world: World, message: Message, marks: Marks) -> Message:
    """Give a message these marks and no others."""
    changed = replace(
        message, is_read=marks.read, is_starred=marks.starred, labels=marks.labels, flags=tuple(sorted(marks.flags))
    )
    return message if changed == message else world.store.put(MESSAGES, replace(changed, updated_at=world.now()))


def move(world: World, message: Message, folder: Folder) -> Message:
    """Put a message into another folder; the APIs know it by the same id."""
    if not message.listed and _shown(folder):
        moved = copy(world, message, folder)
        remove_message(world, message)
        return moved
    filed = world.store.tick("messages", message.mailbox_id)
    return world.store.put(MESSAGES, replace(message, folder=folder.id, filed=filed, updated_at=world.now()))


def copy(world: World, message: Message, folder: Folder) -> Message:
    """Put a copy of a message into a folder."""
    marks = Marks(message.is_read, message.is_starred, message.labels, message.flags)
    return keep(world, folder, message.mail, marks, message.created_at, like=message)


def keep(
    world: World, folder: Folder, mail: Mail, marks: Marks, at: datetime, *, like: Message | None = None
) -> Message:
    """Put a mail into a folder as it is, delivered to nobody; `like` is the message that it is a copy of.

    In the inbox and among the sent mail it is a message like any other; in another folder no API lists it.
    The same mail is among the sent ones once: mail programs put there what they have just sent through the server.
    """
    mailbox = mailbox_of(world, folder)
    if folder.id == SENT and like is None and (known := _sent_before(world, mailbox, mail)) is not None:
        return known
    outbound = folder.id in (SENT, DRAFTS) or (not _shown(folder) and like is not None and like.direction == "outbound")
    kept = deposit(world, mailbox, mail, "outbound" if outbound else "inbound", at, listed=_shown(folder))
    if kept.place != folder.id:
        kept = world.store.put(MESSAGES, replace(kept, folder=folder.id))
    return mark(world, kept, marks)


def _recent(world: World, folder: Folder) -> range:
    visit = world.store.get(_VISITS, f"{folder.mailbox_id}/{folder.id}")
    return range(visit.uid + 1 if visit else 1, next_uid(world, folder.mailbox_id))


def _shown(folder: Folder) -> bool:
    return folder.id in (INBOX, SENT)


def _sent_before(world: World, mailbox: Mailbox, mail: Mail) -> Message | None:
    if mail.message_id is None:
        return None
    known = world.store.each(MESSAGES, "message_id", (mailbox.id, mail.message_id))
    return next((message for message in known if message.place == SENT), None)
