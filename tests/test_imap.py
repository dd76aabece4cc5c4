"""The IMAP door, with the standard library's client and byte for byte."""

from __future__ import annotations

import base64
import imaplib
import re
import socket
import ssl
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator import Emulator
from emulator.mail import folders
from emulator.mail.logins import add_login, remove_login
from emulator.servers import Ports, Servers
from emulator.servers.imap import ImapServer, Limits
from emulator.servers.ports import PortTaken
from emulator.servers.tls import Authority
from tests.imap_server import PASSWORD, Served, Wire, served


@pytest.fixture
def at(emulator: Emulator) -> Served:
    return served(emulator)


@pytest.fixture
def wire(at: Served) -> Iterator[Wire]:
    at.receive("One", "Two", "Three")
    with closing(at.wire()) as wire:
        wire.login(at.box)
        yield wire


# Logging in


def test_a_login_opens_its_mailbox_and_no_other_password_does(at: Served) -> None:
    with imaplib.IMAP4("127.0.0.1", at.port) as client:
        with pytest.raises(imaplib.IMAP4.error, match="AUTHENTICATIONFAILED"):
            client.login(at.box.address, "wrong")
        assert client.login(at.box.address.upper(), PASSWORD)[0] == "OK"


@pytest.mark.parametrize("how", ["in the command", "on a line of its own"])
def test_sasl_plain(at: Served, how: str) -> None:
    message = base64.b64encode(f"\0{at.box.address}\0{PASSWORD}".encode())
    with closing(at.wire()) as wire:
        assert b"AUTH=PLAIN SASL-IR" in wire.greeting
        if how == "in the command":
            answer = wire.command(b"AUTHENTICATE PLAIN " + message)
        else:
            wire.send(b"t AUTHENTICATE PLAIN\r\n")
            assert wire.line() == b"+ \r\n"
            wire.send(message + b"\r\n")
            answer = wire.until(b"t ")
        assert answer[-1].startswith(b"t OK")


@pytest.mark.parametrize(
    "message", [b"*", b"!", b"", base64.b64encode(b"no zero bytes"), base64.b64encode(b"\0\xff\0x")]
)
def test_what_is_not_sasl_plain_is_refused(at: Served, message: bytes) -> None:
    with closing(at.wire()) as wire:
        wire.send(b"t AUTHENTICATE PLAIN\r\n")
        wire.line()
        wire.send(message + b"\r\n")
        assert wire.until(b"t ")[-1].startswith(b"t BAD")
        assert wire.command(b"AUTHENTICATE CRAM-MD5")[-1].startswith(b"t NO")


def test_a_login_leads_into_the_world_that_knows_it(at: Served) -> None:
    other = at.emulator.world.fork()
    at.emulator.worlds.add("other", other)
    with other.step():
        add_login(other, at.box.record, at.box.address, "another")
    at.receive("Not in the other world")
    with imaplib.IMAP4("127.0.0.1", at.port) as client:
        client.login(at.box.address, "another")
        assert client.select()[1] == [b"0"]
        at.emulator.worlds.remove("other")
        with pytest.raises(imaplib.IMAP4.abort):
            client.noop()


def test_a_closed_mailbox_ends_its_sessions(at: Served) -> None:
    with closing(at.wire()) as wire:
        wire.login(at.box)
        wire.send(b"t IDLE\r\n")
        assert wire.line() == b"+ Idling\r\n"
        at.account.request("DELETE", f"/api/v1/mail/mailboxes/{at.box.address}")
        assert wire.until(b"* BYE")[-1] == b"* BYE The mailbox is closed\r\n"
    with imaplib.IMAP4("127.0.0.1", at.port) as again, pytest.raises(imaplib.IMAP4.error, match="AUTHENTICATION"):
        again.login(at.box.address, PASSWORD)


def test_a_reset_ends_sessions_and_gives_new_validity(at: Served) -> None:
    at.emulator.world.settled_origin()
    with closing(at.wire()) as wire:
        wire.login(at.box)
        before = wire.command(b"STATUS INBOX (UIDVALIDITY)")[0]
        at.emulator.reset()
        assert wire.command(b"NOOP")[0] == b"* BYE The world was reset\r\n"
    with closing(at.wire()) as wire:
        wire.login(at.box)
        assert wire.command(b"STATUS INBOX (UIDVALIDITY)")[0] != before


def test_a_removed_login_opens_nothing(at: Served) -> None:
    with at.emulator.world.step():
        remove_login(at.emulator.world, at.box.record, PASSWORD)
    with imaplib.IMAP4("127.0.0.1", at.port) as client, pytest.raises(imaplib.IMAP4.error):
        client.login(at.box.address, PASSWORD)


def test_a_session_is_journaled_without_its_password(at: Served) -> None:
    with at.opened() as client:
        client.noop()
    with imaplib.IMAP4("127.0.0.1", at.port) as client, pytest.raises(imaplib.IMAP4.error):
        client.login("somebody", "unknown-password")
    session, refused = at.emulator.journal("imap")
    assert (session["mailbox"], session["commands"]["SELECT"], session["open"]) == (at.box.address, 1, False)
    assert refused["user"] == "somebody"
    assert PASSWORD not in str([session, refused])
    assert "unknown-password" not in str(refused)


def test_commands_come_in_their_order(at: Served) -> None:
    with closing(at.wire()) as wire:
        assert wire.command(b"SELECT INBOX")[-1] == b"t BAD Log in first\r\n"
        assert wire.command(b"CAPABILITY")[0].startswith(b"* CAPABILITY IMAP4rev1 LITERAL+")
        wire.command(b"LOGIN %s %s" % (at.box.address.encode(), PASSWORD.encode()))
        assert wire.command(b"LOGIN a b")[-1] == b"t BAD You are logged in already\r\n"
        assert wire.command(b"FETCH 1 FLAGS")[-1] == b"t BAD Open a folder first\r\n"
        assert wire.command(b"ENABLE UTF8=ACCEPT")[0] == b"* ENABLED\r\n"
        assert wire.command(b"NAMESPACE")[0] == b'* NAMESPACE (("" "/")) NIL NIL\r\n'
        assert wire.command(b'ID ("name" "test")')[0].startswith(b'* ID ("name" "Inbox Emulator"')
        assert wire.command(b"LOGOUT") == [b"* BYE Good bye\r\n", b"t OK LOGOUT completed\r\n"]
        assert wire.line() == b""


# Folders


def test_folders_are_listed_with_their_use(at: Served) -> None:
    with at.login() as client:
        client.create("Work/2026")
        client.create('"K&APY-ln &- Co"')
        lines = [line.decode() for line in client.list()[1] if isinstance(line, bytes)]
        assert lines == [
            r'(\HasNoChildren) "/" "INBOX"',
            r'(\HasNoChildren \Sent) "/" "Sent"',
            r'(\HasNoChildren \Drafts) "/" "Drafts"',
            r'(\HasNoChildren \Trash) "/" "Trash"',
            r'(\HasNoChildren \Archive) "/" "Archive"',
            r'(\HasNoChildren \Junk) "/" "Junk"',
            r'(\HasNoChildren) "/" "K&APY-ln &- Co"',
            r'(\HasChildren) "/" "Work"',
            r'(\HasNoChildren) "/" "Work/2026"',
        ]
        with at.emulator.world.step():
            assert folders.folder_named(at.emulator.world, at.box.record, "Köln & Co") is not None


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (b'"" %', [b"INBOX", b"Sent", b"Drafts", b"Trash", b"Archive", b"Junk", b"Work"]),
        (b'"" Work/%', [b"Work/2026"]),
        (b"Work/ *", [b"Work/2026"]),
        (b'"" inb*', [b"INBOX"]),
        (b'"" *2*6', [b"Work/2026"]),
        (b'"" nothing', []),
        (b'(SPECIAL-USE) "" "*"', [b"Sent", b"Drafts", b"Trash", b"Archive", b"Junk"]),
        pytest.param(b'"" "%' + b"*%a" * 500 + b'y"', [], id="many wildcards"),
    ],
)
def test_lists_have_wildcards(wire: Wire, arguments: bytes, names: list[bytes]) -> None:
    wire.command(b"CREATE Work/2026")
    assert [line.split(b'"')[-2] for line in wire.command(b"LIST " + arguments)[:-1]] == names


def test_an_empty_pattern_asks_for_the_delimiter(wire: Wire) -> None:
    assert wire.command(b'LIST "" ""')[0] == b'* LIST (\\Noselect) "/" ""\r\n'
    assert len(wire.command(b'LSUB "" "*"')) == 7


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        (b"CREATE Trash", b"t NO [ALREADYEXISTS]"),
        (b"CREATE a//b", b"t NO [CANNOT]"),
        (b'CREATE "a*"', b"t NO [CANNOT]"),
        (b"CREATE " + b"a/" * 30 + b"b", b"t NO [CANNOT]"),
        (b"CREATE &bad", b"t BAD"),
        (b"DELETE INBOX", b"t NO [CANNOT]"),
        (b"DELETE nothing", b"t NO [NONEXISTENT]"),
        (b"DELETE Work", b"t NO [HASCHILDREN]"),
        (b"DELETE Work/2026", b"t OK"),
        (b"RENAME Work Play", b"t OK"),
        (b"RENAME Work Work/in", b"t NO [CANNOT]"),
        (b"RENAME Work Sent", b"t NO [ALREADYEXISTS]"),
        (b"RENAME INBOX Old", b"t NO [CANNOT]"),
        (b"SUBSCRIBE Work", b"t OK"),
        (b"UNSUBSCRIBE Work", b"t NO [CANNOT]"),
        (b"SELECT nothing", b"t NO [NONEXISTENT]"),
        (b"STATUS nothing (MESSAGES)", b"t NO [NONEXISTENT]"),
        (b"STATUS INBOX (FOO)", b"t BAD"),
        (b"COPY 1 nothing", b"t NO [TRYCREATE]"),
        (b"APPEND nothing {1+}\r\nx", b"t NO [TRYCREATE]"),
        (b"APPEND INBOX {0+}\r\n", b"t NO"),
        (b"APPEND INBOX (\\Foo) {1+}\r\nx", b"t BAD"),
        (b'APPEND INBOX "31-Feb-2026 00:00:00 +0000" {1+}\r\nx', b"t BAD"),
        (b"STORE 1 FLAGS (\\Foo)", b"t BAD"),
        (b"FETCH 1 (FOO)", b"t BAD"),
        (b"FETCH 0:5000000000 FLAGS", b"t BAD"),
        (b"SEARCH CHARSET KOI8-R ALL", b"t NO [BADCHARSET (US-ASCII UTF-8 ISO-8859-1)]"),
        (b"UID NOOP", b"t BAD"),
        (b"NOOP now", b"t BAD"),
        (b"STARTTLS", b"t BAD"),
    ],
)
def test_answers_say_what_is_wrong(wire: Wire, command: bytes, answer: bytes) -> None:
    wire.command(b"CREATE Work/2026")
    assert wire.command(command)[-1].startswith(answer)
    assert wire.command(b"NOOP")[-1] == b"t OK NOOP completed\r\n"


def test_a_folder_is_opened_with_its_numbers(at: Served) -> None:
    at.receive("One", "Two")
    with closing(at.wire()) as wire:
        wire.command(b"LOGIN %s %s" % (at.box.address.encode(), PASSWORD.encode()))
        lines = wire.command(b"SELECT inbox")
    assert lines[1:4] == [b"* 2 EXISTS\r\n", b"* 2 RECENT\r\n", b"* OK [UNSEEN 1] The first unread message\r\n"]
    assert [line.split()[2] for line in lines[4:-1]] == [b"[PERMANENTFLAGS", b"[UIDVALIDITY", b"[UIDNEXT"]
    assert lines[-1] == b"t OK [READ-WRITE] SELECT completed\r\n"


def test_an_examined_folder_stays_as_it_is(at: Served, wire: Wire) -> None:
    wire.command(b"STORE 1 +FLAGS (\\Deleted)")
    assert wire.command(b"EXAMINE INBOX")[-1] == b"t OK [READ-ONLY] EXAMINE completed\r\n"
    assert wire.command(b"FETCH 1 BODY[]")[-2].endswith(b")\r\n")
    for command in (b"STORE 1 FLAGS (\\Seen)", b"EXPUNGE", b"MOVE 1 Trash", b"UID EXPUNGE 1"):
        assert wire.command(command) == [b"t NO The folder is open for reading only\r\n"]
    wire.command(b"CLOSE")
    assert [item["is_read"] for item in at.listed()] == [False] * 3


# Messages


def test_fetching_a_body_reads_the_message_and_peeking_does_not(at: Served) -> None:
    at.receive("One")
    with at.opened() as client:
        for item in ("BODY.PEEK[]", "RFC822.HEADER", "ENVELOPE", "BODYSTRUCTURE", "FULL"):
            client.fetch("1", f"({item})" if item != "FULL" else item)
        assert at.listed()[0]["is_read"] is False
        fetched: Any = client.fetch("1", "(BODY[])")[1]
        [(head, raw), tail] = fetched
        assert (raw, tail) == (at.emulator.mail()[0].mail.raw, b" FLAGS (\\Seen \\Recent))")
        assert at.listed()[0]["is_read"] is True
        assert client.fetch("1", "(RFC822.SIZE)")[1] == [b"1 (RFC822.SIZE %d)" % len(raw)]
        assert head.startswith(b"1 (BODY[] {")


def test_a_search_finds_numbers_and_uids(wire: Wire) -> None:
    wire.command(b"STORE 1 +FLAGS.SILENT (\\Deleted)")
    wire.command(b"EXPUNGE")
    assert wire.command(b"SEARCH OR SUBJECT two SUBJECT {5+}\r\nthree")[0] == b"* SEARCH 1 2\r\n"
    assert wire.command(b"UID SEARCH ALL")[0] == b"* SEARCH 2 3\r\n"
    assert wire.command(b"SEARCH SUBJECT nothing")[0] == b"* SEARCH\r\n"


def test_a_search_looks_only_where_it_can_find(at: Served) -> None:
    at.receive(*(f"Number {n}" for n in range(60)))
    with at.opened() as client:
        client.store("1:58", "+FLAGS.SILENT", "(\\Seen)")
        for keys, found in (
            ("UNSEEN", b"59 60"),
            ("NEW SUBJECT 59", b"60"),
            ("NOT UNSEEN 57:60", b"57 58"),
            ("OR UNSEEN 1", b"1 59 60"),
            ("UID 3:5 4:*", b"4 5"),
            ("2:3 UID 3:4", b"3"),
            ("(UID 3) 2:3", b"3"),
            ("NOT UID 2:60", b"1"),
            ("UNSEEN SEEN", b""),
        ):
            assert client.search(None, keys)[1] == [found], keys


def test_uids_that_are_not_there_are_left_out(wire: Wire) -> None:
    assert wire.command(b"UID FETCH 2,77 (UID)") == [b"* 2 FETCH (UID 2)\r\n", b"t OK FETCH completed\r\n"]
    assert wire.command(b"UID FETCH 77:* FLAGS")[0] == b"* 3 FETCH (UID 3 FLAGS (\\Recent))\r\n"
    assert wire.command(b"FETCH 9 UID") == [b"t OK FETCH completed\r\n"]


def test_flags_are_set_added_and_taken_away(wire: Wire) -> None:
    assert wire.command(b"STORE 1 FLAGS (\\seen Work)")[0] == b"* 1 FETCH (FLAGS (\\Seen \\Recent Work))\r\n"
    assert wire.command(b"UID STORE 1 +FLAGS \\Answered")[0] == (
        b"* 1 FETCH (UID 1 FLAGS (\\Seen \\Recent \\Answered Work))\r\n"
    )
    assert wire.command(b"STORE 1 -FLAGS (\\Seen Work)")[0] == b"* 1 FETCH (FLAGS (\\Recent \\Answered))\r\n"
    assert wire.command(b"STORE 1:* +FLAGS.SILENT (\\Flagged)") == [b"t OK STORE completed\r\n"]


def test_what_was_appended_has_its_flags_and_time(at: Served) -> None:
    with at.login() as client:
        when = datetime(2025, 12, 24, 18, tzinfo=UTC)
        answer = client.append("INBOX", "(\\Seen todo)", imaplib.Time2Internaldate(when), b"Subject: old\r\n\r\nx")
        assert re.match(rb"\[APPENDUID \d+ 1\] ", answer[1][0])
        client.append("Drafts", "(\\Draft)", "", b"Subject: later\r\n\r\n")
        client.select()
        assert client.fetch("1", "(FLAGS INTERNALDATE)")[1] == [
            b'1 (FLAGS (\\Seen \\Recent todo) INTERNALDATE "24-Dec-2025 18:00:00 +0000")'
        ]
    [listed] = at.listed()
    assert (listed["subject"], listed["is_read"]) == ("old", True)


def test_a_literal_may_wait_or_not_and_be_binary(wire: Wire) -> None:
    wire.send(b"t APPEND INBOX {14}\r\n")
    assert wire.line().startswith(b"+ ")
    wire.send(b"Subject: a\r\n\r\n\r\n")
    assert wire.until(b"t ")[-1].startswith(b"t OK [APPENDUID")
    assert wire.command(b"APPEND INBOX ~{4+}\r\na\x00\xff\n")[-1].startswith(b"t OK [APPENDUID")


def test_messages_are_copied_and_moved_with_their_uids(at: Served) -> None:
    at.receive("One", "Two", "Three")
    with at.opened() as client:
        assert client.uid("COPY", "1,3", "Archive")[0] == "OK"
        assert client.response("COPYUID")[1][0].split()[1:] == [b"1,3", b"4:5"]
        assert client.uid("MOVE", "2", "Trash")[0] == "OK"
        assert client.response("COPYUID")[1][0].split()[1:] == [b"2", b"6"]
        assert client.response("EXPUNGE")[1] == [b"2"]
        assert client.status("Archive", "(MESSAGES UIDNEXT)")[1] == [b'"Archive" (MESSAGES 2 UIDNEXT 7)']
        assert client.select("Trash")[1] == [b"1"]
    assert [item["subject"] for item in at.listed()] == ["One", "Two", "Three"]


def test_only_deleted_messages_are_expunged(at: Served) -> None:
    at.receive("One", "Two", "Three", "Four")
    with at.opened() as client:
        client.store("1:3", "+FLAGS", "(\\Deleted)")
        client.uid("EXPUNGE", "1")
        assert [item["subject"] for item in at.listed()] == ["Two", "Three", "Four"]
        client.unselect()
        client.select()
        client.store("1", "-FLAGS", "(\\Deleted)")
        assert client.expunge()[1] == [b"2"]
        client.store("1", "+FLAGS", "(\\Deleted)")
        client.close()
    assert [item["subject"] for item in at.listed()] == ["Four"]


# Views


def test_a_view_keeps_its_numbers_until_a_command_that_may_change_them(at: Served) -> None:
    at.receive("One", "Two", "Three")
    with closing(at.wire()) as one, closing(at.wire()) as other:
        one.login(at.box)
        other.login(at.box)
        other.command(b"STORE 1 +FLAGS (\\Deleted)")
        other.command(b"EXPUNGE")
        at.receive("Four")
        assert b"Subject: One" in b"".join(one.command(b"FETCH 1 BODY.PEEK[HEADER]"))
        assert one.command(b"STORE 1:2 +FLAGS (\\Flagged)") == [
            b"* 2 FETCH (FLAGS (\\Flagged \\Recent))\r\n",
            b"t NO [EXPUNGEISSUED] Some of the messages are gone\r\n",
        ]
        assert one.command(b"SEARCH ALL")[0] == b"* SEARCH 1 2 3\r\n"
        assert one.command(b"NOOP")[:2] == [b"* 1 EXPUNGE\r\n", b"* 3 EXISTS\r\n"]
        assert other.command(b"NOOP")[:3] == [
            b"* 3 EXISTS\r\n",
            b"* 0 RECENT\r\n",
            b"* 1 FETCH (UID 2 FLAGS (\\Flagged))\r\n",
        ]


def test_a_message_is_recent_for_the_first_session_only(at: Served) -> None:
    at.receive("One")
    with at.opened(readonly=True) as looking, at.opened() as first, at.opened() as second:
        assert [client.recent()[1] for client in (looking, first, second)] == [[b"0"], [b"1"], [b"0"]]
        assert first.search(None, "NEW")[1] == second.search(None, "OLD")[1] == [b"1"]


def test_an_answer_is_sent_in_one_piece(wire: Wire) -> None:
    wire.send(b"t FETCH 1:* (FLAGS ENVELOPE)\r\n")
    assert wire.socket.recv(65536).endswith(b"t OK FETCH completed\r\n")


def test_a_big_mailbox_is_read_whole(at: Served) -> None:
    for n in range(1000):
        at.receive(f"Number {n}")
    with at.opened() as client:
        assert len(client.fetch("1:*", "(UID FLAGS ENVELOPE BODYSTRUCTURE)")[1]) == 1000
        assert client.search(None, "SUBJECT", '"number 99"')[1] == [b"100 991 992 993 994 995 996 997 998 999 1000"]
        client.store("980", "+FLAGS.SILENT", "(\\Flagged)")
        assert client.search(None, "SUBJECT", '"number 979"', "FLAGGED")[1] == [b"980"]
        at.receive("Number 979")
        client.noop()
        assert client.search(None, "SUBJECT", '"number 979"')[1] == [b"980 1001"]
        bodies = client.fetch("1:1000", "(BODY.PEEK[])")[1]
        assert sum(isinstance(part, tuple) for part in bodies) == 1000
        client.store("1:999", "+FLAGS.SILENT", "(\\Deleted)")
        assert len(client.expunge()[1]) == 999
        assert client.search(None, "SUBJECT", '"number 979"')[1] == [b"2"]


# What clients do wrong


def test_garbage_is_answered_and_ends_the_session_at_last(at: Served) -> None:
    with closing(at.wire()) as wire:
        wire.send(b"\xff\x00{}\r\n" * 30)
        lines = wire.until(b"* BYE")
        assert len(lines) == 20
        assert all(line.startswith(b"* BAD") for line in lines[:-1])
        assert lines[-1] == b"* BYE Too many errors\r\n"


@pytest.mark.parametrize("data", [b"x" * 3000, b"a LOGIN {5000+}\r\n"])
def test_what_is_too_long_ends_the_session(at: Served, data: bytes) -> None:
    server = ImapServer(at.emulator.worlds, limits=Limits(line_bytes=1000))
    with closing(Wire(server.port)) as wire:
        wire.send(data)
        assert wire.until(b"* BYE")[-1].startswith(b"* BYE The l")
    server.stop()


def test_a_literal_that_waits_is_refused_when_it_is_too_long(at: Served) -> None:
    server = ImapServer(at.emulator.worlds, limits=Limits(line_bytes=1000, literal_bytes=2000))
    with closing(Wire(server.port)) as wire:
        wire.login(at.box)
        assert wire.command(b"APPEND INBOX {99999}")[-1] == b"t NO [TOOBIG] The literal is too big\r\n"
        assert wire.command(b"NOOP")[-1].startswith(b"t OK")
    server.stop()


@pytest.mark.parametrize(
    ("limits", "bye"),
    [(Limits(login_seconds=0.05), b"The login took too long"), (Limits(idle_seconds=0.05), b"Nothing was heard")],
)
def test_who_says_nothing_is_sent_away(at: Served, limits: Limits, bye: bytes) -> None:
    server = ImapServer(at.emulator.worlds, limits=limits)
    with closing(Wire(server.port)) as wire:
        if limits.login_seconds > 1:
            wire.login(at.box)
            wire.send(b"t IDLE\r\n")
        assert wire.until(b"* BYE")[-1].startswith(b"* BYE " + bye)
    server.stop()


def test_too_many_connections_are_refused(at: Served) -> None:
    server = ImapServer(at.emulator.worlds, limits=Limits(sessions=1))
    with closing(Wire(server.port)) as first, closing(Wire(server.port)) as second:
        assert first.greeting.startswith(b"* OK")
        assert second.greeting == b"* BYE Too many connections\r\n"
        assert second.line() == b""
    server.stop()


def test_stopping_ends_sessions_and_thread(at: Served) -> None:
    server = ImapServer(at.emulator.worlds)
    with closing(Wire(server.port)) as idle, closing(Wire(server.port)) as fresh:
        idle.login(at.box)
        idle.send(b"t IDLE\r\n")
        assert idle.line() == b"+ Idling\r\n"
        server.stop()
        assert (idle.line(), fresh.line()) == (b"", b"")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", server.port))


def test_a_taken_port_leaves_no_door_open(emulator: Emulator) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortTaken, match=f"IMAP port {port} on 127.0.0.1 is in use"):
            Servers(emulator.worlds, ports=Ports(imap=port))


def test_a_defect_is_answered_and_raised_at_the_end(at: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folders, "count", lambda *_: 1 / 0)
    with at.login() as client:
        assert client.status("INBOX", "(MESSAGES)") == ("NO", [b"[SERVERBUG] The emulator failed"])
    with pytest.raises(ZeroDivisionError):
        at.emulator.close()


_NAMES = (
    b"SELECT INBOX|EXAMINE Sent|FETCH|UID|STORE|SEARCH|COPY|MOVE|EXPUNGE|CLOSE|APPEND INBOX|IDLE|LIST|STATUS|CREATE"
)
_OTHERS = b'RENAME|DELETE|LOGOUT|AUTHENTICATE PLAIN|LOGIN|(|)|1:*|2|FLAGS|+FLAGS|\\Deleted|Trash|BODY[]|BODY.PEEK[|""'
_SIGNS = b'\r\n|\r\nt |\r\nt | |{3+}\r\nabc|{9999999999999}\r\n|{5}\r\n|"|*|%|OR|NOT|DONE|\xff|\x00|Work/&|a'
_PIECES = st.sampled_from(b"|".join([_NAMES, _OTHERS, _SIGNS]).split(b"|"))


@pytest.fixture(scope="module")
def fuzzed() -> Iterator[Served]:
    with Emulator() as emulator:
        at = served(emulator)
        at.receive("One", "Two", "Three")
        yield at


@given(st.lists(_PIECES, max_size=40).map(b"".join))
def test_no_stream_of_commands_breaks_or_hangs_the_server(fuzzed: Served, stream: bytes) -> None:
    with closing(fuzzed.wire()) as wire:
        wire.login(fuzzed.box)
        wire.send(b"t " + stream + b"\r\n")
        wire.socket.shutdown(socket.SHUT_WR)
        wire.until(b"\0 nothing begins so")
    assert fuzzed.emulator.worlds.failures == []


def test_tls_from_the_start(at: Served) -> None:
    authority = Authority(("localhost",))
    for_client = ssl.create_default_context(cadata=authority.pem.decode())
    at.receive("One")
    server = ImapServer(at.emulator.worlds, authority=authority)
    with imaplib.IMAP4_SSL("localhost", server.port, ssl_context=for_client) as client:
        client.login(at.box.address, PASSWORD)
        assert client.select()[1] == [b"1"]
    with socket.create_connection(("127.0.0.1", server.port)) as plain:
        plain.sendall(b"a NOOP\r\n")
        assert plain.recv(100)[:1] in (b"", b"\x15")
    server.stop()
