"""Sightings: every mail of a world where it arrived, and waiting for the next."""

from __future__ import annotations

import json
from dataclasses import replace
from threading import Event, Thread
from typing import Any

import pytest

from emulator.mail import MAILBOXES, Attachment, Mailbox
from emulator.mail.postoffice import send
from emulator.mail.sightings import Sighting, receive, sightings, wait_for
from emulator.mail.wanted import Wanted
from emulator.world import World
from tests.small_world import draft, mailbox

LONG = 60.0
"""Seconds that no passing test ever waits."""


@pytest.fixture
def box(world: World) -> Mailbox:
    return mailbox(world, "box@x.test")


def _arrive(world: World, to: str | list[str], subject: str, **fields: Any) -> list[Sighting]:
    with world.step():
        return receive(world, draft(to, subject, **fields))


def _subjects(found: list[Sighting]) -> list[str]:
    return [sighting.subject for sighting in found]


def test_a_received_mail_is_seen_once_for_each_address(world: World, box: Mailbox) -> None:
    found = _arrive(world, ["box@x.test", "BOX@x.test"], "Hello", cc=["out@z.test"])
    assert [(sighting.to, sighting.provider) for sighting in found] == [(box.address, "x"), ("out@z.test", None)]
    assert found[0].mail.raw.endswith(found[1].mail.raw)
    assert (found[0].message_id is None, found[1].message_id is None) == (False, True)
    assert found == sightings(world)


def test_only_the_mail_that_just_came_is_returned(world: World, box: Mailbox) -> None:
    _arrive(world, [box.address, "out@z.test"], "first")
    assert _subjects(_arrive(world, [box.address, "out@z.test"], "second")) == ["second", "second"]


def test_everything_is_in_the_order_of_its_arrival(world: World, box: Mailbox) -> None:
    # The clock stands still, so it cannot tell.
    other = mailbox(world, "another@x.test")
    order = ["out@z.test", box.address, other.address, "out@z.test", other.address, box.address]
    for number, address in enumerate(order):
        _arrive(world, address, str(number))
    assert _subjects(sightings(world)) == ["0", "1", "2", "3", "4", "5"]
    assert [sighting.to for sighting in sightings(world)] == order


def test_sent_mail_is_seen_where_it_arrives_only(world: World, box: Mailbox) -> None:
    with world.step():
        send(world, box, draft("out@z.test", sender=box.address))
    assert [(sighting.to, sighting.sender) for sighting in sightings(world)] == [("out@z.test", "box@x.test")]


def test_mail_is_found_by_address_sender_and_subject(world: World, box: Mailbox) -> None:
    _arrive(world, box.address, "Your Code", sender="Shop@acme.test")
    _arrive(world, box.address, "Other", sender="shop@acme.test")
    _arrive(world, "out@z.test", "Your code", sender="bank@acme.test")
    assert _subjects(sightings(world, to="BOX@x.test")) == ["Your Code", "Other"]
    assert _subjects(sightings(world, to=" out@Z.test ")) == ["Your code"]
    assert _subjects(sightings(world, sender="shop@")) == ["Your Code", "Other"]
    assert _subjects(sightings(world, subject="code")) == ["Your Code", "Your code"]
    assert _subjects(sightings(world, to=box.address, sender="acme", subject="CODE")) == ["Your Code"]
    assert sightings(world, to="box@x") == []


def test_an_address_shows_all_it_ever_got(world: World) -> None:
    _arrive(world, "box@x.test", "before")
    first = mailbox(world, "Box@x.test")
    _arrive(world, "box@x.test", "first owner")
    world.store.put(MAILBOXES, replace(first, status="deleted"))
    _arrive(world, "box@x.test", "between")
    mailbox(world, "box@x.test", account="other")
    _arrive(world, "box@x.test", "second owner")
    expected = ["before", "first owner", "between", "second owner"]
    assert _subjects(sightings(world, to="box@x.test")) == expected == _subjects(sightings(world))


def test_a_sighting_reads_the_mail(world: World, box: Mailbox) -> None:
    attachment = Attachment("a.txt", "text/plain", b"abc")
    (found,) = _arrive(world, box.address, "Grüße", text="Hi", html="<p>Hi</p>", attachments=(attachment,))
    assert (found.subject, found.text, found.html, found.attachments) == ("Grüße", "Hi", "<p>Hi</p>", (attachment,))
    shown = json.loads(json.dumps(found.as_json()))
    headers = shown.pop("headers")
    assert headers["Subject"] == "Grüße"
    assert shown == {
        "to": "box@x.test",
        "from": "someone@outside.test",
        "at": "2026-01-01T00:00:00.000Z",
        "provider": "x",
        "message_id": found.message_id,
        "subject": "Grüße",
        "text": "Hi",
        "html": "<p>Hi</p>",
        "attachments": [{"filename": "a.txt", "content_type": "text/plain", "size": 3}],
    }


def test_what_a_mail_does_not_say_is_empty(world: World) -> None:
    (found,) = _arrive(world, "out@z.test", "Hello", text=None, html="<p>")
    assert (found.text, found.html, found.attachments, found.as_json()["provider"]) == ("", "<p>", (), "outside")


# Waiting


def test_what_is_there_already_is_returned_at_once(world: World, box: Mailbox) -> None:
    _arrive(world, box.address, "old")
    _arrive(world, box.address, "new")
    found = wait_for(world, Wanted(to=box.address), timeout=LONG)
    assert found is not None
    assert found.subject == "new"


def test_the_newest_is_the_last_that_arrived_anywhere(world: World, box: Mailbox) -> None:
    _arrive(world, "out@z.test", "old")
    _arrive(world, box.address, "new")
    found = wait_for(world, timeout=LONG)
    assert found is not None
    assert found.subject == "new"


def test_waiting_ends_without_mail(world: World, box: Mailbox) -> None:
    _arrive(world, "out@z.test", "elsewhere")
    assert wait_for(world, Wanted(to=box.address), timeout=0) is None
    assert wait_for(world, Wanted(subject="never"), timeout=0.001) is None
    assert not world.bells._waiting


@pytest.mark.parametrize(
    ("wanted", "to"),
    [
        (Wanted("box@x.test"), "box@x.test"),
        (Wanted(" BOX@x.test"), "box@x.test"),
        (Wanted("out@z.test"), "OUT@z.test"),
        (Wanted(subject="wanted"), "out@z.test"),
        (Wanted(sender="someone@"), "box@x.test"),
    ],
)
def test_a_waiter_wakes_up_when_its_mail_comes(world: World, box: Mailbox, wanted: Wanted, to: str) -> None:
    assert box.address == "box@x.test"
    found: list[Sighting | None] = []
    looked = _looked(world)
    waiter = Thread(target=lambda: found.append(wait_for(world, wanted, timeout=LONG)))
    waiter.start()
    assert looked.wait(LONG)
    _arrive(world, to, "wanted")
    waiter.join()
    assert [sighting and sighting.subject for sighting in found] == ["wanted"]


def test_other_mail_does_not_end_the_waiting(world: World, box: Mailbox) -> None:
    found: list[Sighting | None] = []
    looked = _looked(world)
    waiter = Thread(
        target=lambda: found.append(wait_for(world, Wanted(to=box.address, subject="wanted"), timeout=LONG))
    )
    waiter.start()
    assert looked.wait(LONG)
    _arrive(world, "out@z.test", "wanted")
    _arrive(world, box.address, "something else")
    _arrive(world, box.address, "wanted")
    waiter.join()
    assert [(sighting.subject, sighting.to) for sighting in found if sighting] == [("wanted", "box@x.test")]


def _looked(world: World) -> Event:
    """Return an event that is set once somebody has begun to wait."""
    looked = Event()
    settle = world.settle

    def settle_and_tell() -> int:
        looked.set()
        return settle()

    world.settle = settle_and_tell  # type: ignore[method-assign]  # every look begins with it
    return looked
