"""Whatever is said to the IMAP server: it answers each command once, serves the next client, and loses no mail."""

from __future__ import annotations

import re
import socket
import struct
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from imapclient.response_parser import parse_fetch_response

from emulator import Emulator
from emulator.mail import MESSAGES, Mail
from emulator.mail.filing import deposit
from emulator.servers.imap import ImapServer, Limits
from emulator.servers.imap_server.reader import MAX_STRING_BEFORE_LOGIN
from tests.fuzzing import Bytes, edited, one_of
from tests.imap_server import PASSWORD, Served, Wire, served

pytestmark = pytest.mark.usefixtures("no_session_crashes")

_MAILS: Final = [path.read_bytes() for path in sorted(Path(__file__).parent.parent.glob("fixtures/mail/*.eml"))]
_RESPONSE: Final = re.compile(rb'(?s)(?:\*|\+|[^\x00-\x20\x7f-\xff(){%*"\\+]{1,100}) .*\r\n')
_ANNOUNCED: Final = re.compile(rb"\{(\d{1,8})\}\r\n\Z")
_RESET: Final = b"* BYE reset\r\n"
_MORE: Final = settings(max_examples=200)  # an example is quick


class Fuzzed(NamedTuple):
    """A mailbox with several mails, and the id of one beside it."""

    at: Served
    neighbour: str

    def mails(self, mailbox_id: str) -> dict[str, bytes]:
        """Return the bytes of all messages of a mailbox by id, in whatever folder they lie."""
        world = self.at.emulator.world
        with world.step():
            return {m.id: m.mail.raw for m in world.store.everything(MESSAGES) if m.mailbox_id == mailbox_id}

    @contextmanager
    def unharmed(self, stream: bytes) -> Iterator[None]:
        """Start anew, and check after the block that the server lives and that no mail went which nobody deleted."""
        self.at.emulator.reset()
        mine, others = self.mails(self.at.box.id), self.mails(self.neighbour)
        yield
        assert self.at.emulator.worlds.failures == []
        with self.at.opened(readonly=True) as client:
            assert client.fetch("1:*", "(UID FLAGS RFC822.SIZE)")[0] == "OK"
        assert self.mails(self.neighbour) == others
        if b"DELETE" not in stream.upper():  # neither the flag nor the command
            assert mine.items() <= self.mails(self.at.box.id).items()

    def talk(self, stream: bytes, *, logged_in: bool = True) -> list[bytes]:
        """Say all of it at once, and return the responses until the server ends the connection."""
        with closing(self.at.wire()) as wire:
            if logged_in:
                wire.login(self.at.box)
            with suppress(ConnectionError):  # the server may have heard enough
                wire.send(stream)
                wire.socket.shutdown(socket.SHUT_WR)
            answers = list(_responses(wire))
        for answer in answers:
            assert _RESPONSE.fullmatch(answer), answer
        return answers


def _responses(wire: Wire) -> Iterator[bytes]:
    try:
        while line := wire.line():
            whole = line
            while announced := _ANNOUNCED.search(line):
                content = wire.file.read(int(announced[1]))
                line = wire.line()
                whole += content + line
            yield whole
    except ConnectionResetError:
        yield _RESET


@pytest.fixture(scope="module")
def fuzzed() -> Iterator[Fuzzed]:
    with Emulator() as emulator:
        at = served(emulator)
        neighbour = at.account.mailbox("neighbour")
        at.receive("One", "Two", attachments={"a.txt": b"hi"}, html="<p>Text</p>")
        emulator.receive(neighbour.address, "Not yours", "Text")
        with emulator.world.step():
            for raw in _MAILS:
                deposit(emulator.world, at.box.record, Mail(raw), "inbound", emulator.world.now())
        emulator.world.settled_origin()
        yield Fuzzed(at, neighbour.id)


# What is said


def _literal(raw: bytes) -> bytes:
    return b"{%d+}\r\n%s" % (len(raw), raw)


def _half(right: bytes, odd: Bytes) -> Bytes:
    """Arguments of which half are right: a command is done only if all of its arguments are."""
    return st.sampled_from(right.split(b"|")) | odd


_SETS: Final = _half(
    b"1:*|2|1,3:4",
    one_of(
        b"1 1:* *:1 * 2,1,2 0 4294967295 4294967296 99999999999999999999 1: , *:* 5000000:* -1 1:2:3 1:4294967295",
        b"1," * 3000 + b"1",
    ),
)
_FOLDERS: Final = _half(
    b"INBOX|Archive|Work/deep",
    one_of(
        rb'INBOX inBOX Sent Archive "Trash" nowhere &AOk- & &- &2AA- &AAo- &A &!- "" "\\" "a\"b" "a\x" / // * %',
        _literal(b"INBOX"),
        _literal(b"a\0b"),
        _literal(b"\xff\r\n"),
        b"a/" * 100 + b"b",
        b"&" * 300,
    ),
)
_FLAGS: Final = _half(
    rb"(\Seen)|(\Deleted todo)|()",
    one_of(
        rb"(\Seen) \Flagged () (\Recent) (\Foo) $Junk = ( ((\Seen)) (\Deleted) (\) (] (=00) (=FF=0D=0A)",
        rb"(\Answered \Draft todo todo)",
        b"(" + b" ".join(b"k%d" % n for n in range(300)) + b")",
    ),
)
_HOW: Final = _half(
    b"FLAGS|+FLAGS|-FLAGS.SILENT", one_of(b"FLAGS +FLAGS -FLAGS +flags.silent FLAGS.SILENT +-FLAGS FLAGS.LOUD")
)
_ITEMS: Final = _half(
    b"FLAGS|BODY[]|(UID ENVELOPE BODYSTRUCTURE BODY.PEEK[1.2.MIME])",
    one_of(
        b"ALL FULL FAST BODY rfc822 rfc822.text BODY[1.HEADER] BODY[2.1.TEXT] BODY[]<0.5> BODY[]<5> BODY[0] BODY[*] "
        b"BODY[ BODY[]] BODY[TEXT.MIME] BODY[MIME] BODY[4294967296] BODY[]<4294967295.4294967295> BINARY[1] FOO "
        b"( () (FLAGS (FLAGS)) ((UID)) (FLAGS,UID) (ALL)",
        b"(UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODYSTRUCTURE)",
        b"BODY.PEEK[HEADER.FIELDS (From %s)]" % _literal(b"T\r\n\0o"),
        b"BODY[HEADER.FIELDS.NOT ()]",
        b"BODY[" + b"1." * 2000 + b"1]",
        b"(" + b"BODY.PEEK[TEXT] " * 50 + b"UID)",
    ),
)
_KEYS: Final = _half(
    b"ALL|UNSEEN|NOT DELETED|TEXT two|OR SEEN FROM someone",
    one_of(
        b"ALL UNSEEN DELETED 1:* UID 0 (ALL) () ((ALL) KEYWORD",
        b"OR SEEN NOT (FLAGGED 1)",
        b"OR OR",
        b"UID 5:* *",
        b"LARGER 99999999999",
        b"SMALLER 4294967295 SINCE 1-Jan-0001 BEFORE 31-Dec-9999 SENTON 1-Jan-2026",
        b"ON 31-Feb-2026",
        b"SENTBEFORE 1-Jan-0000",
        b"CHARSET X-NONE ALL",
        b"CHARSET ISO-8859-1 TEXT " + _literal(b"\xe4"),
        b'HEADER "" "" BODY "" TEXT ' + _literal(b"\0\xff"),
        b"KEYWORD = UNKEYWORD =FF FROM someone SUBJECT =?x?b?",
        b"NOT " * 3000 + b"ALL",
        b"(" * 3000 + b"ALL" + b")" * 3000,
        b"OR ALL " * 90 + b"ALL",
    ),
)
_STATUS: Final = one_of(b"(MESSAGES) MESSAGES () (UNSEEN (FOO) (MESSAGES)(UNSEEN)", b"(MESSAGES RECENT UIDNEXT)")
_TIMES: Final = _half(
    b'" 1-Feb-2026 01:30:00 +0200"|"01-Jan-0001 00:00:00 +0000"',
    one_of(b'"" NIL', b'"31-Dec-9999 23:59:59 -9999"', b'"31-Feb-2026 25:61:61 +0000"'),
)
_CONTENTS: Final = st.sampled_from([_literal(raw) for raw in (b"", b"x", b"\0", *_MAILS)])
_GARBAGE: Final = st.binary(max_size=20).map(lambda raw: raw.translate(None, b"\r\n{}")) | one_of(
    b'" \\ ( ) [ ] * % ~ \0 \xff INBOX" "\0"', b"9" * 400, b"(" * 3000, b")" * 3000, b"\xf0\x9f\x98\x80", b""
)

# What takes a line of its own brings it with it.
_COMMANDS: Final[dict[bytes, Sequence[Bytes]]] = {
    **{prefix + b"FETCH": (_SETS, _ITEMS) for prefix in (b"", b"UID ")},
    **{prefix + b"STORE": (_SETS, _HOW, _FLAGS) for prefix in (b"", b"UID ")},
    **{prefix + b"SEARCH": (_KEYS,) for prefix in (b"", b"UID ")},
    **{prefix + name: (_SETS, _FOLDERS) for name in (b"COPY", b"MOVE") for prefix in (b"", b"UID ")},
    **dict.fromkeys(b"SELECT EXAMINE CREATE DELETE SUBSCRIBE UNSUBSCRIBE".split(), (_FOLDERS,)),
    **dict.fromkeys(b"RENAME LIST LSUB LOGIN".split(), (_FOLDERS, _FOLDERS)),
    **dict.fromkeys(b"NOOP CHECK CLOSE UNSELECT EXPUNGE CAPABILITY NAMESPACE LOGOUT STARTTLS UID".split(), ()),
    b"APPEND": (_FOLDERS, _FLAGS, _TIMES, _CONTENTS),
    b"STATUS": (_FOLDERS, _STATUS),
    b"UID EXPUNGE": (_SETS,),
    b"ID": (_GARBAGE,),
    b"ENABLE": (_GARBAGE,),
    b"IDLE\r\nDONE": (),
    b"AUTHENTICATE PLAIN\r\n*": (),
}
_OF_MESSAGES: Final = sorted(name for name, arguments in _COMMANDS.items() if _SETS in arguments or _KEYS in arguments)
_ARGUMENTS: Final = st.one_of(_SETS, _FOLDERS, _FLAGS, _ITEMS, _KEYS, _CONTENTS, _GARBAGE)


@st.composite
def _commands(draw: st.DrawFn) -> bytes:
    """A command whose literals are complete; often one of its arguments is another's, or one is too many."""
    name = draw(st.sampled_from(sorted(_COMMANDS)) | st.sampled_from(_OF_MESSAGES))
    words = [name, *(draw(argument) for argument in _COMMANDS[name])]
    at = draw(st.integers(1, 3 * len(words)))
    if at <= len(words):
        words[at : at + 1] = [draw(_ARGUMENTS)]
    return b" ".join(words)


_DEEP: Final = [
    b"SEARCH " + b"NOT " * 3000 + b"ALL",
    b"SEARCH " + b"OR ALL " * 3000 + b"ALL",
    b"SEARCH " + b"(" * 3000 + b"ALL" + b")" * 3000,
    b"FETCH 1 " + b"(" * 3000,
    b"FETCH 1 BODY[" + b"1." * 3000 + b"1]",
    b"STORE 1 FLAGS " + b"(" * 3000,
    b'LIST "" ' + b"%/*" * 3000,
    b"CREATE " + b"a/" * 3000 + b"a",
]
_CONVERSATIONS: Final = st.lists(_commands(), min_size=1, max_size=10)


def _tagged(commands: Sequence[bytes]) -> bytes:
    return b"".join(b"c%d %s\r\n" % numbered for numbered in enumerate(commands))


_SYNTAX: Final = st.binary(max_size=6) | one_of(
    b"\r\n \n \r {3} {9+}\r\n {1000}\r\n {5} {99999999999}\r\n {9999999999999+}\r\n ~{2+}\r\n {-1+}\r\n {+}\r\n",
    b"\0",
    b"\r\nx ",
    b"\r\nDONE\r\n",
    b"\r\n" * 30,
)
_BROKEN: Final = _CONVERSATIONS.map(_tagged).flatmap(lambda stream: edited(stream, _SYNTAX))


# Streams


@_MORE
@given(st.binary(max_size=200) | st.lists(_SYNTAX, max_size=12).map(b"".join), st.booleans())
def test_bytes_that_are_no_imap_harm_nobody(fuzzed: Fuzzed, stream: bytes, logged_in: bool) -> None:
    with fuzzed.unharmed(stream):
        fuzzed.talk(stream, logged_in=logged_in)


@example(commands=_DEEP, logged_in=True)
@_MORE
@given(_CONVERSATIONS, st.booleans())
def test_each_of_many_commands_at_once_has_one_tagged_answer(
    fuzzed: Fuzzed, commands: list[bytes], logged_in: bool
) -> None:
    stream = _tagged(commands)
    with fuzzed.unharmed(stream):
        answers = fuzzed.talk(stream, logged_in=logged_in)
    counts = Counter(answer.split(b" ")[0] for answer in answers)
    ended = any(answer.startswith(b"* BYE ") for answer in answers)
    for n, command in enumerate(commands):
        assert counts[b"c%d" % n] == 1 or (ended and not counts[b"c%d" % n]), command


@_MORE
@given(_BROKEN, st.booleans())
def test_commands_with_wrong_sizes_and_missing_pieces_harm_nobody(
    fuzzed: Fuzzed, stream: bytes, logged_in: bool
) -> None:
    with fuzzed.unharmed(stream):
        fuzzed.talk(stream, logged_in=logged_in)


@_MORE
@given(_CONVERSATIONS.map(_tagged), st.data())
def test_a_connection_that_breaks_off_anywhere_harms_nobody(fuzzed: Fuzzed, stream: bytes, data: st.DataObject) -> None:
    end = data.draw(st.integers(0, len(stream)))
    with fuzzed.unharmed(stream), closing(fuzzed.at.wire()) as wire:
        wire.login(fuzzed.at.box)
        # Closing sends a reset at once, whatever is still under way.
        wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        wire.send(stream[:end])


# What may go


class _Model:
    """An inbox of numbered messages, some of them marked as deleted."""

    def __init__(self, uids: Sequence[int]) -> None:
        self.uids = list(uids)
        self.deleted: set[int] = set()

    def chosen(self, ranges: Sequence[tuple[int | None, int | None]], *, by_uid: bool) -> set[int]:
        numbers = self.uids if by_uid else range(1, len(self.uids) + 1)
        last = max(numbers, default=0)
        ends = [sorted(last if end is None else end for end in pair) for pair in ranges]
        pairs = zip(numbers, self.uids, strict=True)
        return {uid for number, uid in pairs if any(a <= number <= b for a, b in ends)}

    def mark(self, how: str, chosen: set[int], *, deleted: bool) -> None:
        if how == "-":
            self.deleted -= chosen if deleted else set()
        else:
            self.deleted = (self.deleted - (chosen if not how else set())) | (chosen if deleted else set())

    def remove(self, gone: set[int]) -> None:
        self.uids = [uid for uid in self.uids if uid not in gone]
        self.deleted -= gone


_ENDS: Final = st.integers(1, 11) | st.none()
_RANGES: Final = st.lists(st.tuples(_ENDS, _ENDS), min_size=1, max_size=3)
_MARKINGS: Final = st.tuples(st.sampled_from(["+", "-", ""]), st.sampled_from(["(\\Deleted)", "(\\Seen)", "()"]))
_REMOVALS: Final = st.sampled_from(["EXPUNGE", "UID EXPUNGE", "CLOSE", "UNSELECT", "MOVE"])


def _act(client: Any, model: _Model, action: Any, ranges: Any, *, by_uid: bool) -> None:
    """Do an action on the server and on the model of it."""
    written = ",".join(f"{a or '*'}:{b or '*'}" for a, b in ranges)
    by_uid |= action == "UID EXPUNGE"
    chosen = model.chosen(ranges, by_uid=by_uid)
    if isinstance(action, tuple):
        how, flags = action
        _ok(
            client.uid("STORE", written, f"{how}FLAGS", flags)
            if by_uid
            else client.store(written, f"{how}FLAGS", flags)
        )
        model.mark(how, chosen, deleted="Deleted" in flags)
    elif action == "MOVE":
        _ok(client.uid("MOVE", written, "Trash") if by_uid else client.xatom("MOVE", written, "Trash"))
        model.remove(chosen)
    elif action == "UID EXPUNGE":
        _ok(client.uid("EXPUNGE", written))
        model.remove(chosen & model.deleted)
    else:
        _ok(getattr(client, action.lower())())
        model.remove(model.deleted if action != "UNSELECT" else set())
        if action != "EXPUNGE":
            _ok(client.select())


def _ok(answer: Any) -> None:
    assert answer[0] == "OK", answer


@given(st.lists(st.tuples(_MARKINGS | _REMOVALS, _RANGES, st.booleans()), max_size=12))
def test_only_what_is_marked_as_deleted_is_expunged(fuzzed: Fuzzed, actions: list[Any]) -> None:
    with fuzzed.unharmed(b"delete"), fuzzed.at.opened() as client:
        model = _Model([int(uid) for uid in client.uid("SEARCH", "ALL")[1][0].split()])
        for action, ranges, by_uid in actions:
            _act(client, model, action, ranges, by_uid=by_uid)
            assert client.uid("SEARCH", "ALL")[1] == [" ".join(map(str, model.uids)).encode()]
            assert client.uid("SEARCH", "DELETED")[1] == [" ".join(map(str, sorted(model.deleted))).encode()]


_MARKED: Final = st.tuples(
    st.sampled_from(["+FLAGS.SILENT", "-FLAGS.SILENT"]),
    st.sampled_from(["(\\Flagged)", "(\\Deleted)", "(\\Answered \\Draft)", "(\\Seen)"]),
    st.sampled_from(["1", "30", "60", "1:2", "59:*", "2:59", "1:*"]),
)


@given(st.lists(_MARKED, max_size=5))
def test_a_search_by_flag_finds_what_looking_at_each_message_finds(fuzzed: Fuzzed, marked: list[Any]) -> None:
    with fuzzed.unharmed(b""), fuzzed.at.opened() as client, fuzzed.at.opened() as other:
        for _ in range(3):  # 72 messages: a few are told from many
            client.copy("1:*", "INBOX")
        other.select()
        for how, flags, numbers in marked:
            other.store(numbers, how, flags)
        for flag in ("FLAGGED", "DELETED", "ANSWERED", "DRAFT", "UNSEEN"):
            for keys in (flag, f"{flag} SUBJECT e", f"2:59 {flag}"):
                assert client.search(None, keys) == client.search(None, f"NOT NOT ({keys})"), keys


# Mail

_MIME: Final = st.binary(max_size=6) | one_of(
    b'--outer\r\n \n--outer-- --inner\n \n--middle\r\n\r\n \r\n\r\n \n \r \0 \t < @ ; : " ) {5}\r\n =?utf-8?q?=FF?=',
    b"Content-Type: multipart/mixed; boundary=outer\n\n--outer\n",
    b'Content-Type: multipart/digest; boundary="\xc3\xa4"\r\n',
    b"Content-Type: message/rfc822\r\n\r\n",
    b'Content-Type: text/plain; charset="x\0y\r\n',
    b"Content-Type: a/b; name*0*=utf-8''%; name*1=\"\\\"\r\n",
    b"Content-Transfer-Encoding: base64\r\n",
    b'Content-Disposition: ;;=""\r\n',
    b"Date: Thu, 99 Foo 99999 24:61:61 +9999\r\n",
    b'From: "a\\" <b@c, (((d@e>: f;\r\n',
    b"Message-ID: <=>\r\nReferences: <a> <=>\r\n",
    b"\nSubject:",
    b"(" * 2000,
)
_LETTERS: Final = st.binary(min_size=1, max_size=300) | st.sampled_from(_MAILS).flatmap(lambda m: edited(m, _MIME))
_FETCHED: Final = "(ENVELOPE BODYSTRUCTURE BODY BODY.PEEK[] BODY.PEEK[1.2.MIME] RFC822.SIZE FLAGS BODY.PEEK[HEADER])"


@example(raw=b"Content-Type: message/rfc822\n\n" * 3000, appended=False)
@example(raw=b"Content-Type: multipart/x; boundary=x\n\n--x\n" * 3000, appended=False)
@_MORE
@given(_LETTERS, st.booleans())
def test_any_mail_is_fetched_as_it_was_put_in(fuzzed: Fuzzed, raw: bytes, appended: bool) -> None:
    raw = raw or b"\n"
    with fuzzed.unharmed(b""):
        _put_in(fuzzed.at, raw, appended=appended)
        _check_newest(fuzzed.at, raw)


def _check_newest(at: Served, raw: bytes) -> None:
    with at.opened() as client:
        fetched = client.uid("FETCH", "*", _FETCHED)[1]
        [parsed] = parse_fetch_response(fetched).values()
        assert (parsed[b"BODY[]"], parsed[b"RFC822.SIZE"]) == (raw, len(raw))
        assert raw.startswith(parsed[b"BODY[HEADER]"])
        found = client.search(None, 'OR (SENTON 1-Jan-2026 TEXT "z") NOT (BODY "z" FROM "z" HEADER Date "z")')
        assert found[0] == "OK"
    newest = at.listed()[-1]["id"]
    assert at.api("GET", f"/{newest}")["id"] == newest


def _put_in(at: Served, raw: bytes, *, appended: bool) -> None:
    if appended:
        with closing(at.wire()) as wire:
            wire.login(at.box)
            assert wire.command(b"APPEND INBOX " + _literal(raw))[-1].startswith(b"t OK")
    else:
        with at.emulator.world.step():
            deposit(at.emulator.world, at.box.record, Mail(raw), "inbound", at.emulator.world.now())


# Limits


@contextmanager
def _limited(fuzzed: Fuzzed, **limits: Any) -> Iterator[Wire]:
    """Serve the mailbox with other limits, and give a connection."""
    server = ImapServer(fuzzed.at.emulator.worlds, limits=Limits(**limits))
    with fuzzed.unharmed(b""), closing(Wire(server.port)) as wire:
        yield wire
    server.stop()


def _login(fuzzed: Fuzzed) -> bytes:
    return f"t LOGIN {fuzzed.at.box.address} {PASSWORD}\r\nt SELECT INBOX\r\n".encode()


def test_a_line_is_as_long_as_its_limit_at_most(fuzzed: Fuzzed) -> None:
    with _limited(fuzzed, line_bytes=1000) as wire:
        assert wire.command(b"NOOP".ljust(997))[-1].startswith(b"t BAD ")
        wire.send(b"t NOOP".ljust(1001) + b"\r\n")
        assert wire.line() == b"* BYE The line is too long\r\n"
        assert wire.line() == b""


def test_the_literals_of_a_command_count_together(fuzzed: Fuzzed) -> None:
    with _limited(fuzzed, line_bytes=1000, literal_bytes=2000) as wire:
        wire.login(fuzzed.at.box)
        half = b"TEXT " + _literal(b"x" * 1500)
        assert wire.command(b"SEARCH " + half)[-1].startswith(b"t OK")
        assert wire.command(b"SEARCH " + half + b" TEXT {1500}")[-1] == b"t NO [TOOBIG] The literal is too big\r\n"
        assert wire.command(b"SEARCH " + half + b" TEXT {1500+}") == [b"* BYE The literal is too big\r\n", b""]


def test_before_the_login_literals_are_short(fuzzed: Fuzzed) -> None:
    with _limited(fuzzed) as wire:
        long = b"LOGIN {%d}" % MAX_STRING_BEFORE_LOGIN
        assert wire.command(long) == [b"t NO [TOOBIG] The literal is too big\r\n"]
        user, password = fuzzed.at.box.address.encode(), PASSWORD.encode()
        assert wire.command(b"LOGIN " + _literal(user) + b" " + _literal(password))[-1].startswith(b"t OK")
        assert wire.command(b"NOOP " + _literal(b"x" * MAX_STRING_BEFORE_LOGIN))[-1].startswith(b"t BAD")


def test_what_is_refused_for_its_size_has_a_tag_only_if_the_client_gave_one(fuzzed: Fuzzed) -> None:
    with _limited(fuzzed) as wire:
        wire.send(b"{99999}\r\n+ NOOP {99999}\r\n")
        assert wire.line() == wire.line() == b"* NO [TOOBIG] The literal is too big\r\n"
        assert wire.command(b"NOOP {9999999999999}") == [b"t BAD There is more than expected at the end\r\n"]


def test_a_session_that_ends_makes_room_for_the_next(fuzzed: Fuzzed) -> None:
    with _limited(fuzzed, sessions=2) as wire:
        port = wire.socket.getpeername()[1]
        for end in (b"t LOGOUT\r\n", b"\xff\r\n" * 20):
            with closing(Wire(port)) as other, closing(Wire(port)) as refused:
                assert refused.until(b"")[-1] == b""
                other.send(end)
                assert b"* BYE" in other.file.read()
        assert wire.command(b"NOOP")[-1].startswith(b"t OK")


def test_talking_is_no_login(fuzzed: Fuzzed) -> None:
    with _limited(fuzzed, login_seconds=0.05) as wire, suppress(ConnectionError):
        for _ in range(100_000):
            if not (answer := wire.command(b"NOOP"))[-1]:
                assert answer[0] in (b"* BYE The login took too long\r\n", b"")
                return
        pytest.fail("the login took as long as it liked")


@pytest.mark.parametrize("command", [b"APPEND INBOX {10}", b"APPEND INBOX {10+}", b"NOOP", b"IDLE", b"UNFINISHED"])
def test_whoever_stops_in_the_middle_is_sent_away(fuzzed: Fuzzed, command: bytes) -> None:
    with _limited(fuzzed, idle_seconds=0.05) as wire:
        wire.send(_login(fuzzed) + b"t " + command + b"\r\n" * (command != b"UNFINISHED"))
        assert wire.until(b"* BYE")[-1] == b"* BYE Nothing was heard for too long\r\n"


def test_whoever_does_not_read_is_sent_away(fuzzed: Fuzzed) -> None:
    with _limited(fuzzed, idle_seconds=0.05) as wire:
        _put_in(fuzzed.at, b"x" * 2_000_000, appended=False)
        wire.send(_login(fuzzed) + b"t UID FETCH * (%sUID)\r\n" % (b"BODY[] " * 16))
        with pytest.raises(ConnectionError):
            _send_without_end(wire)


def _send_without_end(wire: Wire) -> None:
    while True:  # as long as the other side takes it
        wire.send(b"t NOOP\r\n")


def test_errors_between_right_commands_end_nothing(fuzzed: Fuzzed) -> None:
    with _limited(fuzzed) as wire:
        for _ in range(30):
            assert wire.command(b"NONSENSE")[-1].startswith(b"t BAD")
            assert wire.command(b"NOOP")[-1].startswith(b"t OK")
