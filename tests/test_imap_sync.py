"""What is done over IMAP is seen in the API at once, and the other way round; IDLE tells it while it happens."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import pytest

from emulator import Emulator
from emulator.mail import MESSAGES
from tests.imap_server import Served, Wire, served


@pytest.fixture
def at(emulator: Emulator) -> Served:
    at = served(emulator)
    at.receive("One", "Two")
    return at


@pytest.fixture
def idle(at: Served) -> Iterator[Wire]:
    with closing(at.wire()) as wire:
        wire.login(at.box)
        wire.send(b"t IDLE\r\n")
        assert wire.line() == b"+ Idling\r\n"
        yield wire


def test_marks_made_over_imap_are_seen_in_the_api(at: Served) -> None:
    with at.opened() as client:
        client.store("1", "+FLAGS", "(\\Seen \\Flagged)")
        assert [(item["is_read"], item["is_starred"]) for item in at.listed()] == [(True, True), (False, False)]
        client.store("1", "-FLAGS", "(\\Flagged)")
        client.fetch("2", "(BODY[TEXT])")
        assert [(item["is_read"], item["is_starred"]) for item in at.listed()] == [(True, False), (True, False)]


def test_marks_made_by_the_api_are_seen_over_imap(at: Served) -> None:
    with closing(at.wire()) as wire:
        wire.login(at.box)
        at.api("PATCH", f"/{at.listed()[0]['id']}", json={"is_read": True, "is_starred": True})
        assert wire.command(b"NOOP")[0] == b"* 1 FETCH (UID 1 FLAGS (\\Seen \\Flagged \\Recent))\r\n"
        assert wire.command(b"SEARCH FLAGGED")[0] == b"* SEARCH 1\r\n"
        assert wire.command(b"NOOP")[0].startswith(b"t OK")


def test_labels_are_keywords(at: Served) -> None:
    world = at.emulator.world
    with at.opened() as client:
        client.store("1", "+FLAGS", "(Work to=20do)")
        with world.step():
            message = next(world.store.each(MESSAGES, "timeline", at.box.id))
            assert message.labels == ("Work", "to do")
            world.store.put(MESSAGES, replace(message, labels=("später",)))
        assert client.fetch("1", "(FLAGS)")[1] == [b"1 (FLAGS (\\Recent sp=C3=A4ter))"]
        assert client.search(None, "KEYWORD sp=C3=A4ter UNKEYWORD Work")[1] == [b"1"]


def test_what_is_expunged_is_gone_from_the_api_and_what_the_api_deletes_from_imap(at: Served) -> None:
    one, two = at.listed()
    with at.opened() as client:
        client.store("1", "+FLAGS", "(\\Deleted)")
        assert len(at.listed()) == 2
        client.expunge()
        assert [item["id"] for item in at.listed()] == [two["id"]]
        at.account.request("DELETE", f"/api/v1/mail/mailboxes/{at.box.address}/messages/{two['id']}")
        client.noop()
        assert client.response("EXPUNGE")[1] == [b"1"]
    assert one["id"] not in [item["id"] for item in at.listed()]


def test_what_the_api_sends_is_among_the_sent_mail(at: Served) -> None:
    at.api("POST", json={"recipients": {"to": ["jane@outside.test"]}, "subject": "Hi", "body_text": "there"})
    with at.opened("Sent") as client:
        assert client.fetch("1", "(FLAGS)")[1] == [b"1 (FLAGS (\\Seen \\Recent))"]
        raw = at.emulator.sent[0].mail.raw
        client.append("Sent", "(\\Seen)", "", raw)
        assert client.status("Sent", "(MESSAGES)")[1] == [b'"Sent" (MESSAGES 1)']


def test_idle_tells_of_new_mail(at: Served, idle: Wire) -> None:
    at.receive("Three")
    assert [idle.line(), idle.line()] == [b"* 3 EXISTS\r\n", b"* 3 RECENT\r\n"]
    idle.send(b"DONE\r\n")
    assert idle.until(b"t ") == [b"t OK IDLE completed\r\n"]


def test_idle_tells_of_marks_and_removals_by_the_api(at: Served, idle: Wire) -> None:
    one, two = at.listed()
    at.api("PATCH", f"/{two['id']}", json={"is_read": True})
    assert idle.line() == b"* 2 FETCH (UID 2 FLAGS (\\Seen \\Recent))\r\n"
    at.account.request("DELETE", f"/api/v1/mail/mailboxes/{at.box.address}/messages/{one['id']}")
    assert idle.line() == b"* 1 EXPUNGE\r\n"


def test_idle_tells_of_what_other_sessions_do(at: Served, idle: Wire) -> None:
    with at.opened() as client:
        client.store("2", "+FLAGS", "(\\Answered)")
        assert idle.line() == b"* 2 FETCH (UID 2 FLAGS (\\Recent \\Answered))\r\n"
        client.uid("MOVE", "1", "Archive")
        assert idle.line() == b"* 1 EXPUNGE\r\n"
        client.append("INBOX", "", "", b"Subject: Three\r\n\r\n")
        assert idle.until(b"* 2 EXISTS")[-1]


def test_idle_ends_with_the_world(at: Served, idle: Wire) -> None:
    at.emulator.reset()
    assert idle.line() == b"* BYE The world was reset\r\n"


def test_idle_wants_to_hear_done(idle: Wire) -> None:
    idle.send(b"NOOP\r\n")
    assert idle.line() == b"t BAD Expected DONE\r\n"
    assert idle.command(b"NOOP")[-1].startswith(b"t OK")


def test_no_mail_is_lost_to_an_idle_session_while_many_deliver(at: Served, idle: Wire) -> None:
    def deliver() -> None:
        for _ in range(25):
            at.receive("More")

    threads = [threading.Thread(target=deliver) for _ in range(4)]
    for thread in threads:
        thread.start()
    assert idle.until(b"* 102 EXISTS")[-1] == b"* 102 EXISTS\r\n"
    for thread in threads:
        thread.join()
