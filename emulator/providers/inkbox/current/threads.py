"""The folders of threads, and the mail that a contact rule blocks: it is kept apart until its thread is moved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from emulator.mail import MAILBOXES, THREADS, Mailbox, Message, Thread, folders, threads
from emulator.mail.events import MailEvent, listener
from emulator.providers.inkbox.current import rules
from emulator.providers.inkbox.current.access import Caller
from emulator.providers.inkbox.settings import NAME
from emulator.world import Collection, Page, World
from emulator.world.ordered import Key

INBOX: Final = "inbox"
BLOCKED: Final = "blocked"


@dataclass(frozen=True, slots=True)
class Filed:
    """Where a thread lies, if not in the inbox; `id` is the thread's."""

    id: str
    folder: str


FILED: Collection[Filed] = Collection("inkbox.filed_threads")


def folder_of(world: World, thread: Thread) -> str:
    """Return the folder of a thread."""
    return _folder(world, thread.id)


def list_threads(
    world: World, who: Caller, mailbox: Mailbox, folder: str | None, limit: int, after: Key | None
) -> Page[Thread]:
    """Return a page of the threads of a mailbox that the caller sees, last activity first."""

    def shown(thread: Thread) -> bool:
        return _sees(who, _folder(world, thread.id)) and folder in (None, _folder(world, thread.id))

    return world.store.page(THREADS, "activity", mailbox.id, limit=limit, after=after, where=shown)


def list_folders(world: World, who: Caller, mailbox: Mailbox) -> list[str]:
    """Return the folders that hold a thread which the caller sees."""
    found = {_folder(world, thread.id) for thread in world.store.each(THREADS, "activity", mailbox.id)}
    return sorted(folder for folder in found if _sees(who, folder))


def messages_of(world: World, thread: Thread) -> list[Message]:
    """Return the messages of a thread, oldest first; blocked ones only in a thread that is blocked itself."""
    found = threads.messages_of(world, thread)
    return found if folder_of(world, thread) == BLOCKED else [each for each in found if not is_blocked(each)]


def move_thread(world: World, mailbox: Mailbox, thread: Thread, folder: str) -> Thread:
    """Move a thread to another folder; what was blocked in it is mail like any other then."""
    inbox = folders.folder_named(world, mailbox, "INBOX")
    assert inbox is not None, "every mailbox has one"
    for message in threads.messages_of(world, thread):
        if is_blocked(message):
            folders.move(world, message, inbox)
    _file(world, thread.id, folder)
    return thread


def is_blocked(message: Message) -> bool:
    """Tell whether a message was kept apart by a contact rule."""
    return message.folder == BLOCKED


def will_be_blocked(world: World, mailbox: Mailbox, message: Message) -> bool:
    """Tell whether a contact rule keeps a message apart that comes in; reports of the mail system always come in."""
    sender = next(iter(message.mail.bare_addresses("from")), message.sender)
    return bool(message.sender) and rules.is_blocked(world, mailbox, "inbound", sender)


@listener
def _on_mail(world: World, event: MailEvent) -> None:
    """Keep mail apart that a rule blocks; other mail brings a blocked thread back."""
    message = event.message
    mailbox = world.store.get(MAILBOXES, message.mailbox_id)
    if mailbox is None or mailbox.provider != NAME:
        return
    if event.happening == "received" and will_be_blocked(world, mailbox, message):
        folders.move(world, message, folders.Folder(BLOCKED, mailbox.id, BLOCKED))
        thread = world.store.get(THREADS, message.thread_id)
        if thread is not None and thread.message_count == 1:
            _file(world, thread.id, BLOCKED)
    elif _folder(world, message.thread_id) == BLOCKED and not is_blocked(message):
        _file(world, message.thread_id, INBOX)


def _sees(who: Caller, folder: str) -> bool:
    return who.is_admin or folder != BLOCKED


def _folder(world: World, thread_id: str) -> str:
    found = world.store.get(FILED, thread_id)
    return INBOX if found is None else found.folder


def _file(world: World, thread_id: str, folder: str) -> None:
    known = world.store.get(FILED, thread_id) is not None
    (world.store.put if known else world.store.add)(FILED, Filed(thread_id, folder))
