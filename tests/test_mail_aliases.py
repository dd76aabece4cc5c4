"""Further addresses of a mailbox: mail to them arrives in it, and nobody else can have them."""

from __future__ import annotations

import pytest

from emulator.mail import MESSAGES, Mailbox
from emulator.mail.mailboxes import add_alias, aliases_of, mailbox_at, remove_alias
from emulator.mail.postoffice import outside_tray, receive
from emulator.mail.sightings import sightings
from emulator.world import Duplicate, World
from tests.small_world import draft, mailbox


def _received(world: World, box: Mailbox) -> list[tuple[str, ...]]:
    return [message.recipients for message in world.store.each(MESSAGES, "timeline", box.id)]


def test_mail_to_an_alias_arrives_in_its_mailbox(world: World) -> None:
    box = mailbox(world, "a@x.test")
    alias = add_alias(world, box, "Nick@x.test")
    receive(world, draft(["nick@X.test", "b@outside.test"]))
    assert _received(world, box) == [("nick@X.test",)]
    assert mailbox_at(world, "NICK@x.test") == box
    assert aliases_of(world, box) == [alias]


def test_one_mail_to_several_addresses_of_a_mailbox_is_one_copy(world: World) -> None:
    box, other = mailbox(world, "a@x.test"), mailbox(world, "b@x.test")
    add_alias(world, box, "nick@x.test")
    receive(world, draft(["nick@x.test", "b@x.test", "A@x.test"]))
    assert _received(world, box) == [("nick@x.test", "a@x.test")]
    assert _received(world, other) == [("b@x.test",)]


def test_an_address_is_a_mailboxs_or_an_alias_and_only_once(world: World) -> None:
    box = mailbox(world, "a@x.test")
    add_alias(world, box, "nick@x.test")
    for taken in ("a@x.test", "NICK@x.test"):
        with pytest.raises(Duplicate):
            add_alias(world, box, taken)
        with pytest.raises(Duplicate):
            mailbox(world, taken)


def test_a_removed_alias_is_free_and_its_mail_goes_outside(world: World) -> None:
    box = mailbox(world, "a@x.test")
    remove_alias(world, add_alias(world, box, "nick@x.test"))
    receive(world, draft("nick@x.test"))
    assert [left.recipient for left in outside_tray(world)] == ["nick@x.test"]
    assert aliases_of(world, box) == []
    assert mailbox(world, "nick@x.test").address == "nick@x.test"


def test_what_arrived_at_an_alias_is_told_apart(world: World) -> None:
    box = mailbox(world, "a@x.test")
    add_alias(world, box, "nick@x.test")
    receive(world, draft("a@x.test", "Own"))
    receive(world, draft("nick@x.test", "Alias"))
    assert [(found.to, found.subject) for found in sightings(world, to="NICK@x.test")] == [("nick@x.test", "Alias")]
    assert [found.subject for found in sightings(world, to="a@x.test")] == ["Own", "Alias"]
