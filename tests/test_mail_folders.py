"""Folders of the mail floor: what lies where, and what the APIs' lists hold of it."""

from __future__ import annotations

import pytest

from emulator.mail import MESSAGES, Mail, Mailbox, Message, folders, sightings
from emulator.mail.filing import remove_message
from emulator.mail.folders import Folder, Marks
from emulator.mail.postoffice import receive, send
from emulator.world import Duplicate, World
from tests.small_world import draft, mailbox


@pytest.fixture
def box(world: World) -> Mailbox:
    return mailbox(world, "a@x.test")


def _folder(world: World, box: Mailbox, name: str) -> Folder:
    found = folders.folder_named(world, box, name)
    assert found is not None
    return found


def _in(world: World, box: Mailbox, name: str) -> list[Message]:
    return folders.messages_in(world, _folder(world, box, name))


def _timeline(world: World, box: Mailbox) -> list[Message]:
    return list(world.store.each(MESSAGES, "timeline", box.id))


def test_received_mail_lies_in_the_inbox_and_sent_mail_among_the_sent(world: World, box: Mailbox) -> None:
    receive(world, draft(box.address))
    sent = send(world, box, draft("b@outside.test", sender=box.address))
    [received] = _in(world, box, "inbox")
    assert received.direction == "inbound"
    assert [message.id for message in _in(world, box, "Sent")] == [sent.id]
    assert (folders.count_unseen(world, _folder(world, box, "INBOX")), sent.seen) == (1, True)


def test_a_moved_message_keeps_its_id_and_gets_a_greater_number(world: World, box: Mailbox) -> None:
    receive(world, draft(box.address))
    receive(world, draft(box.address, "Second"))
    first, second = _in(world, box, "INBOX")
    moved = folders.move(world, first, _folder(world, box, "Trash"))
    assert (moved.id, moved.place) == (first.id, "trash")
    assert moved.uid > second.uid
    back = folders.move(world, moved, _folder(world, box, "INBOX"))
    assert [message.id for message in _in(world, box, "INBOX")] == [second.id, back.id]
    assert {message.id for message in _timeline(world, box)} == {first.id, second.id}


def test_drafts_and_copies_are_listed_by_no_api(world: World, box: Mailbox) -> None:
    world.store.follow(MESSAGES, box.id)
    receive(world, draft(box.address))
    [message] = _in(world, box, "INBOX")
    copied = folders.copy(world, message, _folder(world, box, "Archive"))
    kept = folders.keep(world, _folder(world, box, "Drafts"), Mail(b"Subject: d\r\n\r\n"), Marks(), world.now())
    assert (copied.listed, kept.listed, kept.direction) == (False, False, "outbound")
    assert _timeline(world, box) == [message]
    assert [seen.message_id for seen in sightings.sightings(world)] == [message.id]
    assert world.store.follow(MESSAGES, box.id).last == 1
    remove_message(world, kept)
    assert _in(world, box, "Drafts") == []


def test_a_copy_that_comes_back_into_the_inbox_is_listed_again(world: World, box: Mailbox) -> None:
    receive(world, draft(box.address))
    [message] = _in(world, box, "INBOX")
    copied = folders.copy(world, message, _folder(world, box, "Trash"))
    remove_message(world, message)
    folders.move(world, copied, _folder(world, box, "INBOX"))
    [back] = _timeline(world, box)
    assert (back.mail, back.direction, _in(world, box, "Trash")) == (message.mail, "inbound", [])


def test_a_mail_is_among_the_sent_ones_once(world: World, box: Mailbox) -> None:
    sent = send(world, box, draft("b@outside.test", sender=box.address))
    kept = folders.keep(world, _folder(world, box, "Sent"), sent.mail, Marks(), world.now())
    assert kept.id == sent.id
    other = Mail(b"To: b@outside.test\r\nMessage-ID: <new@x>\r\n\r\n")
    kept = folders.keep(world, _folder(world, box, "Sent"), other, Marks(), world.now())
    assert (kept.status, kept.recipients, kept.listed) == ("sent", ("b@outside.test",), True)
    assert len(_in(world, box, "Sent")) == 2


def test_folders_are_made_renamed_and_removed(world: World, box: Mailbox) -> None:
    made = folders.make_folder(world, box, "Work/2026")
    assert [folder.name for folder in folders.folders_of(world, box)][6:] == ["Work", "Work/2026"]
    with pytest.raises(Duplicate):
        folders.make_folder(world, box, "Work")
    with pytest.raises(Duplicate):
        folders.make_folder(world, box, "iNbOx")
    receive(world, draft(box.address))
    folders.move(world, _in(world, box, "INBOX")[0], made)
    folders.rename_folder(world, _folder(world, box, "Work"), "Play")
    [message] = _in(world, box, "Play/2026")
    assert message.place == made.id
    folders.remove_folder(world, _folder(world, box, "Play/2026"))
    assert _timeline(world, box) == []


def test_numbers_are_never_given_twice(world: World, box: Mailbox) -> None:
    receive(world, draft(box.address))
    inbox = _folder(world, box, "INBOX")
    [message] = folders.messages_in(world, inbox)
    remove_message(world, message)
    assert folders.next_uid(world, box.id) > message.uid


def test_a_message_is_recent_until_a_mail_program_was_told(world: World, box: Mailbox) -> None:
    receive(world, draft(box.address))
    inbox = _folder(world, box, "INBOX")
    assert folders.count_recent(world, inbox) == 1
    assert list(folders.claim_recent(world, inbox)) == [1]
    assert (folders.count_recent(world, inbox), list(folders.claim_recent(world, inbox))) == (0, [])
    receive(world, draft(box.address))
    assert folders.count_recent(world, inbox) == 1


def test_equal_marks_change_nothing(world: World, box: Mailbox) -> None:
    receive(world, draft(box.address))
    [message] = _in(world, box, "INBOX")
    assert folders.mark(world, message, Marks()) is message
    marked = folders.mark(world, message, Marks(read=True, labels=("a b",), flags=("\\Draft", "\\Answered")))
    assert (marked.is_read, marked.labels, marked.flags) == (True, ("a b",), ("\\Answered", "\\Draft"))
