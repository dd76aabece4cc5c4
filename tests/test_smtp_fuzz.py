"""Whatever is said to the SMTP server: it ends, serves the next client, and keeps each mail that it took, once."""

from __future__ import annotations

import json
import re
import smtplib
import socket
import struct
from base64 import b64encode
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from emulator import Account, AccountInbox, Emulator, providers
from emulator.mail import MESSAGES, Mail, addresses
from emulator.mail.logins import add_login
from emulator.providers.sendmux.keys import KEYS
from emulator.servers.smtp import SmtpLimits, SmtpServer
from tests.fuzzing import edited, one_of

pytestmark = pytest.mark.usefixtures("no_session_crashes")

_MAILS: Final = [path.read_bytes() for path in sorted(Path(__file__).parent.parent.glob("fixtures/mail/*.eml"))]
_PASSWORD: Final = "secret-of-the-bot"
_WAIT: Final = 30
_TAKEN: Final = b"250 2.0.0 Ok: queued\r\n"
_BOT: Final = b"bot@inkboxmail.com"
_LIMITS: Final = SmtpLimits(line_bytes=2000, message_bytes=10_000, recipients=4)
_LAST: Final = b"\r\n.\r\nQUIT\r\nQUIT\r\n"
"""Ends what a stream may be in the middle of: a line, a mail, a login."""


class Wire:
    """A bare connection after its greeting."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=_WAIT)
        self.file = self.socket.makefile("rb")
        self.greeting = self.file.readline()

    def say(self, data: bytes) -> bytes:
        """Send a command and return the last line of its answer, empty at the end."""
        self.socket.sendall(data)
        line = self.file.readline()
        while line[3:4] == b"-":
            line = self.file.readline()
        return line

    def reset(self) -> None:
        """Let closing send a reset at once, whatever is still under way."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def close(self) -> None:
        """Close the connection."""
        self.file.close()
        self.socket.close()


class Fuzzed(NamedTuple):
    """A mailbox with a login, its emulator, and the port of SMTP with low limits and no TLS."""

    emulator: Emulator
    box: AccountInbox
    port: int

    @contextmanager
    def unharmed(self) -> Iterator[None]:
        """Start anew, and check after the block that the server lives and each mail that it took arrived once."""
        self.emulator.reset()
        yield
        with smtplib.SMTP("127.0.0.1", self.port, timeout=_WAIT) as client:
            client.sendmail("clean@x.test", self.box.address, b"Subject: clean\r\n\r\nx\r\n")
        world = self.emulator.world
        with world.lock:
            taken, arrived = self.taken(), [(mail.to, mail.subject) for mail in self.emulator.mail()]
        assert len(arrived) == sum(len(addresses.unique(one["to"])) for one in taken)
        assert arrived.count((self.box.address, "clean")) == 1
        json.dumps(self.emulator.journal(), ensure_ascii=False).encode()  # no half of a letter came in
        failures, self.emulator.worlds.failures = self.emulator.worlds.failures, []
        assert failures == []

    def taken(self) -> list[dict[str, Any]]:
        """Return what the journal says of each mail that was taken."""
        return [entry for entry in self.emulator.journal("smtp") if "bytes" in entry]

    def talk(self, stream: bytes) -> list[bytes]:
        """Say all of it at once, and return the lines of the answers until the server ends the connection."""
        answers, whole = [], True
        with closing(Wire(self.port)) as wire:
            try:
                wire.socket.sendall(stream + _LAST)
            except ConnectionError:  # the server has heard enough
                whole = False
            try:
                while line := wire.file.readline():
                    answers.append(line)
            except ConnectionResetError:
                whole = False
        told, taken = answers.count(_TAKEN), len(self.taken())
        assert told == taken or (told < taken and not whole)
        for answer in answers:
            assert answer[:3].isdigit(), answer
            assert answer.endswith(b"\r\n"), answer
        return answers


@pytest.fixture(scope="module")
def fuzzed() -> Iterator[Fuzzed]:
    with Emulator() as emulator:
        box = emulator.account("inkbox").mailbox("bot")
        emulator.account("postern").mailbox("pat")
        with emulator.world.step():
            add_login(emulator.world, box.record, box.address, _PASSWORD)
        emulator.world.settled_origin()
        emulator.serve()
        door = SmtpServer(emulator.worlds, limits=_LIMITS)
        yield Fuzzed(emulator, box, door.port)
        door.stop()


# What is said


_LOGIN: Final = b64encode(b"\0%s\0%s" % (_BOT, _PASSWORD.encode()))
_USER: Final = b64encode(_BOT)
_SECRET: Final = b64encode(_PASSWORD.encode())
_SENDERS: Final = one_of(
    b"<ann@x.test> <%s> <> <BOT@inkboxmail.com> ann@x.test <ann <@ < > <<>> <ann@x.test>> "
    b"<@r.test,@s.test:ann@x.test> <ann@[127.0.0.1]> <ann@[IPv6:::1]> <\xff@x.test> <\xc3\xa4@\xc3\xa4.test> "
    b"<a..b@x.test> <a\0b@x.test> <a\rb@x.test> <=?utf-8?q?x?=@x.test> (((" % _BOT,
    b"",
    b'<"a b"@x.test>',
    b'<"a\\"b"@x.test>',
    b'"',
    b"<%s@x.test>" % (b"x" * 900),
    b"<" + b"(" * 900,
    b"< (a) ann @ x.test >",
)
_GOOD: Final = one_of(b"<%s> <pat@x4p.mszazu.com> <b@x.test> <B@X.TEST> <c@x.test>" % _BOT)
_RECIPIENTS: Final = _SENDERS | one_of(b"<nobody@inkboxmail.com> <reject@simulator.test>") | _GOOD
_PARAMETERS: Final = one_of(
    b"SIZE=10 SIZE=99999999999 SIZE= SIZE SIZE=-1 SIZE=1e5 SIZE=\xc2\xb2 BODY=8BITMIME BODY=BINARYMIME SMTPUTF8 "
    b"SMTPUTF8=1 AUTH=<> RET=FULL NOTIFY=NEVER =x \xff \0",
    b"",
    b"SIZE=" + b"9" * 900,
    b"SIZE=1 SIZE=2 BODY=7BIT",
)
_AUTHS: Final = st.sampled_from(
    [
        b"AUTH PLAIN " + _LOGIN,
        b"auth plain\r\n" + _LOGIN,
        b"AUTH LOGIN\r\n%s\r\n%s" % (_USER, _SECRET),
        b"AUTH LOGIN %s\r\n%s" % (_USER, _SECRET),
        b"AUTH PLAIN " + _LOGIN[:-3],
        b"AUTH PLAIN " + b64encode(b"\0\xff\0\xff"),
        b"AUTH PLAIN " + b64encode(b"\0" * 9),
        b"AUTH PLAIN =",
        b"AUTH PLAIN " + b"A" * 3000,
        b"AUTH PLAIN\r\n" + b"A" * 3000,
        b"AUTH LOGIN\r\n*",
        b"AUTH LOGIN\r\n\r\n",
        b"AUTH LOGIN\r\n\xff\0\r\n=",
        b"AUTH CRAM-MD5",
        b"AUTH",
        b"AUTH PLAIN a b c",
    ]
)
_LINES: Final = st.binary(max_size=20) | one_of(
    b". .. .\n .\r \n.\n \r.\r \xff \0 \r \n From: Cc: RSET",
    b"From: " + _BOT,
    b"Subject: Hi",
    b"Bcc: b@x.test",
    b"",
    b" folded",
    b"x" * 1990,
    b"x" * 2100,
    b"." * 2000,
)
_CONTENTS: Final = st.lists(_LINES, max_size=8).map(b"\r\n".join) | st.sampled_from([*_MAILS, b"x\r\n" * 4000])
_OTHERS: Final = one_of(
    b"RSET NOOP HELP EXPN STARTTLS DATA QUIT MAIL RCPT VRFY AUTH EHLO HELO TURN \0 \xff",
    b"EHLO desk.test",
    b"HELO desk.test",
    b"EHLO \xff\0\r",
    b"HELP \xff",
    b"HELP MAIL",
    b"VRFY \xff(((",
    b"VRFY <%s>" % _BOT,
    b"NOOP " + b"x" * 1100,
    b"NOOP " + b"x" * 2100,
    b"RSET now",
    b"MAIL TO:<a@b>",
    b"RCPT FROM:<a@b>",
    b"",
    b" ",
)


@st.composite
def _mails(draw: st.DrawFn) -> bytes:
    """The commands for a mail, right for the bot and for everybody else, but often for one thing."""
    wrong = draw(st.sampled_from(["", "", "sender", "parameters", "recipients", "between"]))
    sender = draw(_SENDERS) if wrong == "sender" else b"<%s>" % _BOT
    lines = [b"RSET", b"MAIL FROM:%s %s" % (sender, draw(_PARAMETERS) if wrong == "parameters" else b"")]
    to = draw(st.lists(_RECIPIENTS, max_size=6)) if wrong == "recipients" else []
    lines += [b"RCPT TO:" + one for one in (*to, *draw(st.lists(_GOOD, min_size=1, max_size=2)))]
    if wrong == "between":
        lines.insert(draw(st.integers(1, len(lines))), draw(_OTHERS | _AUTHS))
    content = b"From: %s\r\n%s" % (_BOT, draw(_CONTENTS))
    return b"\r\n".join([*lines, b"DATA", _stuffed(content), b"."])


def _stuffed(content: bytes) -> bytes:
    """Write the dots at the start of lines twice, so that none ends the mail."""
    return (b"\r\n" + content).replace(b"\r\n.", b"\r\n..")[2:]


_COMMANDS: Final = _mails() | st.one_of(
    _OTHERS,
    _AUTHS,
    st.tuples(_SENDERS, _PARAMETERS).map(lambda given: b"MAIL FROM:%s %s" % given),
    st.tuples(_RECIPIENTS, _PARAMETERS).map(lambda given: b"RCPT TO:%s %s" % given),
)
_BEGINNINGS: Final = st.sampled_from([b"EHLO x.test", b"EHLO x.test\r\nAUTH PLAIN " + _LOGIN, b"HELO x.test", b"NOOP"])
_CONVERSATIONS: Final = st.tuples(_BEGINNINGS, st.lists(_COMMANDS, max_size=8)).map(
    lambda said: b"\r\n".join([said[0], *said[1], b""])
)
_SYNTAX: Final = st.binary(max_size=6) | one_of(
    b"\r\n \n \r \0 \xff < > = @ : \r\n.\r\n \n.\n \r\nRSET\r\n \r\nDATA\r\n \r\n*\r\n",
    b"\r\n" * 30,
    b"x" * 2100,
)


# Streams

_OFTEN: Final = settings(max_examples=200)


@_OFTEN
@given(st.binary(max_size=200) | st.lists(_SYNTAX, max_size=12).map(b"".join))
def test_bytes_that_are_no_smtp_harm_nobody(fuzzed: Fuzzed, stream: bytes) -> None:
    with fuzzed.unharmed():
        fuzzed.talk(stream)


@_OFTEN
@given(_CONVERSATIONS)
def test_each_mail_of_many_commands_at_once_that_was_taken_arrives_once(fuzzed: Fuzzed, stream: bytes) -> None:
    with fuzzed.unharmed():
        fuzzed.talk(stream)


@_OFTEN
@given(_CONVERSATIONS.flatmap(lambda said: edited(said, _SYNTAX)))
def test_commands_with_missing_and_doubled_pieces_harm_nobody(fuzzed: Fuzzed, stream: bytes) -> None:
    with fuzzed.unharmed():
        fuzzed.talk(stream)


@_OFTEN
@given(_CONVERSATIONS, st.data())
def test_a_connection_that_breaks_off_anywhere_harms_nobody(fuzzed: Fuzzed, stream: bytes, data: st.DataObject) -> None:
    end = data.draw(st.integers(0, len(stream)))
    with fuzzed.unharmed(), closing(Wire(fuzzed.port)) as wire:
        wire.reset()
        with suppress(ConnectionError):
            wire.socket.sendall(stream[:end])


@given(_mails(), st.data())
def test_a_mail_whose_end_was_not_said_is_nobodys(fuzzed: Fuzzed, commands: bytes, data: st.DataObject) -> None:
    stream = b"EHLO x.test\r\n" + commands
    end = data.draw(st.integers(0, len(stream)))
    with fuzzed.unharmed(), closing(Wire(fuzzed.port)) as wire:
        wire.socket.sendall(stream[:end])
    assert [entry["from"] for entry in fuzzed.taken()] == ["clean@x.test"]


@given(st.binary(max_size=100), st.booleans())
def test_what_is_no_tls_harms_nobody(fuzzed: Fuzzed, stream: bytes, implicit: bool) -> None:
    servers = fuzzed.emulator.serve()
    with fuzzed.unharmed(), closing(socket.create_connection(("127.0.0.1", servers.smtps.port))) as bare:
        bare.sendall(stream)
    with fuzzed.unharmed(), closing(Wire(servers.smtp.port)) as wire:
        wire.say(b"EHLO x.test\r\n")
        assert wire.say(b"STARTTLS\r\n").startswith(b"220 ")
        wire.socket.sendall(stream)
        if implicit:
            wire.socket.shutdown(socket.SHUT_WR)
            wire.file.read()


# Sessions


class _Session(RuleBasedStateMachine):
    """A session beside what it has to be: who is logged in, the envelope so far, and the mails that were taken."""

    def __init__(self, fuzzed: Fuzzed) -> None:
        super().__init__()
        fuzzed.emulator.reset()
        self.fuzzed = fuzzed
        self.client = smtplib.SMTP("127.0.0.1", fuzzed.port, timeout=_WAIT)
        self.client.ehlo("x.test")
        self.logged_in = False
        self.sender: str | None = None
        self.recipients: list[str] = []
        self.taken: list[tuple[str, str, str]] = []
        self.sent = 0

    def _reset(self) -> None:
        self.sender, self.recipients = None, []

    @rule(right=st.booleans(), mechanism=st.sampled_from(["PLAIN", "LOGIN"]))
    def log_in(self, right: bool, mechanism: str) -> None:
        self.client.user, self.client.password = self.fuzzed.box.address, _PASSWORD if right else "wrong"
        method = self.client.auth_plain if mechanism == "PLAIN" else self.client.auth_login
        try:
            code = self.client.auth(mechanism, method)[0]
        except smtplib.SMTPAuthenticationError as error:
            code = error.smtp_code
        assert code == (503 if self.logged_in else 235 if right else 535)
        self.logged_in |= right

    @rule(again=st.sampled_from(["RSET", "EHLO x.test", "HELO x.test"]))
    def start_anew(self, again: str) -> None:
        assert self.client.docmd(again)[0] == 250
        self._reset()
        self.client.ehlo("x.test")  # AUTH is no command after HELO

    @rule(sender=st.sampled_from(["bot@inkboxmail.com", "ann@x.test", ""]))
    def say_sender(self, sender: str) -> None:
        mine = sender == self.fuzzed.box.address
        code = 503 if self.sender is not None else 553 if self.logged_in and not mine else 250
        assert self.client.mail(sender)[0] == code
        self.sender = sender if code == 250 else self.sender

    @rule(to=st.sampled_from(["bot@inkboxmail.com", "pat@x4p.mszazu.com", "b@x.test", "nobody@inkboxmail.com"]))
    def say_recipient(self, to: str) -> None:
        full = len(self.recipients) >= _LIMITS.recipients
        code = 503 if self.sender is None else 452 if full else 550 if to.startswith("nobody") else 250
        assert self.client.rcpt(to)[0] == code
        self.recipients += [to] if code == 250 else []

    @rule(writer=st.sampled_from(["bot@inkboxmail.com", "ann@x.test"]), size=st.sampled_from([10, 1990, 2100, 20_000]))
    def say_mail(self, writer: str, size: int) -> None:
        subject = f"{len(self.taken)} {size}"
        raw = f"From: {writer}\r\nSubject: {subject}\r\n\r\n".encode() + b".\r\n" * (size // 3 if size > 2100 else 1)
        raw += b"x" * size * (size <= 2100)
        if not self.recipients:
            assert self.client.docmd("DATA")[0] == 503
            return
        foreign = self.logged_in and writer != self.fuzzed.box.address
        code = 552 if size > 2100 else 500 if size > 2000 else 550 if foreign else 250
        assert self.client.data(raw)[0] == code
        if code == 250:
            self.taken += [(self.sender or "", to, subject) for to in dict.fromkeys(self.recipients)]
            self.sent += self.logged_in
        self._reset()

    @invariant()
    def each_mail_is_there_once(self) -> None:
        emulator = self.fuzzed.emulator
        assert [(mail.sender, mail.to, mail.subject) for mail in emulator.mail()] == self.taken
        with emulator.world.step():
            kept = emulator.world.store.everything(MESSAGES)
            assert sum(message.direction == "outbound" for message in kept) == self.sent

    def teardown(self) -> None:
        assert self.client.quit()[0] == 221
        assert self.fuzzed.emulator.worlds.failures == []


def test_a_session_knows_what_was_said_and_no_more(fuzzed: Fuzzed) -> None:
    machine: Any = lambda: _Session(fuzzed)  # noqa: E731  # it is typed to take classes only
    run_state_machine_as_test(machine, settings=settings(max_examples=40, stateful_step_count=30))


# Limits


@contextmanager
def _limited(fuzzed: Fuzzed, **limits: Any) -> Iterator[int]:
    """Serve the world with other limits, and give the port."""
    door = SmtpServer(fuzzed.emulator.worlds, limits=SmtpLimits(**limits))
    with fuzzed.unharmed():
        yield door.port
    door.stop()


def test_a_session_that_ends_makes_room_for_the_next(fuzzed: Fuzzed) -> None:
    with _limited(fuzzed, sessions=1) as port:
        for end in (b"QUIT\r\n", b"\0\r\n" * 5):
            with closing(Wire(port)) as first, closing(Wire(port)) as second:
                assert second.greeting == b"421 4.7.0 Too many connections\r\n"
                assert second.file.readline() == b""
                assert first.say(b"NOOP\r\n").startswith(b"250 ")
                first.socket.sendall(end)
                first.file.read()


_MAIL: Final = b"EHLO x.test\r\nMAIL FROM:<a@x.test>\r\nRCPT TO:<b@x.test>\r\nDATA\r\n"


@pytest.mark.parametrize("said", [b"", b"\r\n", b"EHLO", b"EHLO x.test\r\nAUTH LOGIN\r\n", _MAIL, _MAIL + b"x\r\n"])
def test_whoever_stops_in_the_middle_is_sent_away(fuzzed: Fuzzed, said: bytes) -> None:
    with _limited(fuzzed, idle_seconds=0.05) as port, closing(Wire(port)) as wire, suppress(ConnectionError):
        wire.socket.sendall(said)
        wire.file.read()
    assert [entry["from"] for entry in fuzzed.taken()] == ["clean@x.test"]


@pytest.mark.parametrize("leaves", [True, False])
def test_a_client_that_begins_no_tls_makes_room_for_the_next(fuzzed: Fuzzed, leaves: bool) -> None:
    limits = SmtpLimits(sessions=1, idle_seconds=_WAIT if leaves else 0.05)
    door = SmtpServer(fuzzed.emulator.worlds, authority=fuzzed.emulator.serve().authority, limits=limits)
    with fuzzed.unharmed(), closing(Wire(door.port)) as wire:
        with suppress(ConnectionError):  # whoever is slow is sent away earlier
            wire.say(b"EHLO x.test\r\n")
            assert wire.say(b"STARTTLS\r\n").startswith(b"220 ") or not leaves
            if leaves:
                wire.socket.shutdown(socket.SHUT_WR)
            wire.file.read()
        with closing(Wire(door.port)) as other:
            assert other.greeting.startswith(b"220 ")
    door.stop()


def test_whoever_does_not_read_is_sent_away(fuzzed: Fuzzed) -> None:
    def talk(wire: Wire) -> None:
        while True:
            wire.socket.sendall(b"HELP\r\n" * 10_000)

    with _limited(fuzzed, idle_seconds=0.2) as port, closing(Wire(port)) as wire, pytest.raises(ConnectionError):
        talk(wire)


def test_one_recipient_too_many_is_refused_and_the_others_get_the_mail(fuzzed: Fuzzed) -> None:
    everybody = [f"{n}@x.test" for n in range(_LIMITS.recipients + 2)]
    with fuzzed.unharmed(), smtplib.SMTP("127.0.0.1", fuzzed.port) as client:
        refused = client.sendmail("a@x.test", everybody, b"Subject: Hi\r\n\r\nx\r\n")
        assert refused == dict.fromkeys(everybody[_LIMITS.recipients :], (452, b"4.5.3 Too many recipients"))
        assert [mail.to for mail in fuzzed.emulator.mail()] == everybody[: _LIMITS.recipients]


_BIG: Final = {
    "a line that fits": (b"x" * 1990, 250),
    "a long line": (b"x" * 2100, 500),
    "many lines": (b"x\r\n" * 3400, 552),
    "many lines, then a long one": (b"x\r\n" * 3400 + b"x" * 2100, 552),
    "a long line, then many": (b"x" * 2100 + b"\r\nx" * 3400, 500),
}


@pytest.mark.parametrize(("content", "code"), _BIG.values(), ids=_BIG)
def test_a_mail_is_as_big_as_the_limits_at_most(fuzzed: Fuzzed, content: bytes, code: int) -> None:
    with fuzzed.unharmed(), smtplib.SMTP("127.0.0.1", fuzzed.port) as client:
        client.ehlo()
        client.mail("a@x.test")
        client.rcpt("b@x.test")
        assert client.data(content)[0] == code
        assert client.rcpt("b@x.test")[0] == 503
        assert len(fuzzed.taken()) == (code == 250)


def test_commands_are_as_long_as_the_limit_however_often_a_client_greets(fuzzed: Fuzzed) -> None:
    with fuzzed.unharmed(), closing(Wire(fuzzed.port)) as wire:
        for _ in range(40):
            assert wire.say(b"EHLO x.test\r\n").startswith(b"250 ")
        assert wire.say(b"NOOP " + b"x" * 900 + b"\r\n").startswith(b"250 ")
        for length in (1100, 1990, 2100, 50_000):
            assert wire.say(b"MAIL FROM:<a@x.test> SIZE=" + b"1" * length + b"\r\n").startswith(b"500 ")
        assert wire.say(b"AUTH LOGIN\r\n").startswith(b"334 ")
        assert wire.say(b"A" * 2100 + b"\r\n") == b"500 5.5.6 The line is too long\r\n"
        assert wire.say(b"NOOP\r\n").startswith(b"250 ")


def test_five_unknown_commands_end_a_session(fuzzed: Fuzzed) -> None:
    with fuzzed.unharmed(), closing(Wire(fuzzed.port)) as wire:
        assert [wire.say(b"TURN\r\n")[:3] for _ in range(5)] == [b"500"] * 4 + [b"502"]
        assert wire.file.readline() == b""


# Mail


class _Api(NamedTuple):
    """Where a provider lists the messages of a mailbox, and where it has one of them."""

    listed: str
    items: str
    id: str
    one: str


_APIS: Final = {
    "inboxai": _Api(
        "/api/v0/inboxes/{box.id}/messages", "data", "message_id", "/api/v0/inboxes/{box.id}/messages/{id}"
    ),
    "inkbox": _Api(
        "/api/v1/mail/mailboxes/{box.address}/messages",
        "items",
        "id",
        "/api/v1/mail/mailboxes/{box.address}/messages/{id}",
    ),
    "myagentmail": _Api("/v1/inboxes/{box.id}/messages", "messages", "id", "/v1/inboxes/{box.id}/messages/{id}"),
    "postern": _Api("/v1/inboxes/{box.address}/messages", "data", "id", "/v1/messages/{id}"),
    "sendmux": _Api("/api/v1/mailbox/messages", "data", "id", "/api/v1/mailbox/messages/{id}"),
}


class Reader(NamedTuple):
    """The owner of a mailbox, who reads it through the provider's API."""

    account: Account
    box: AccountInbox
    api: _Api

    def ask(self, path: str) -> Any:
        """Return what is at a path."""
        key = next(self.account.emulator.world.store.each(KEYS, "active", self.box.id), None)
        headers = {"Authorization": f"Bearer {key.secret}"} if key else {}  # Sendmux's are the mailbox's
        response = self.account.request("GET", path, headers=headers)
        assert response.status_code == 200, response.text
        return response.get_json()

    def read(self) -> int:
        """List the messages, get each of them, and return how many there are."""
        items = self.ask(self.api.listed.format(box=self.box))[self.api.items]
        for item in items:
            self.ask(self.api.one.format(box=self.box, id=item[self.api.id]))
        return len(items)


@pytest.fixture(scope="module")
def readers() -> Iterator[list[Reader]]:
    with Emulator() as emulator:
        accounts = [emulator.account(name) for name in providers.names()]
        everybody = [Reader(one, one.mailbox("reader"), _APIS[one.provider.name]) for one in accounts]
        emulator.world.settled_origin()
        emulator.serve()
        yield everybody


_MIME: Final = st.binary(max_size=6) | one_of(
    b'--outer\r\n \n--outer-- --inner\n \n--middle\r\n\r\n \r\n\r\n \n \r \0 \xff \t <> @ ; : "',
    b"=?utf-8?q?=FF?= =?x?b?!?= =?utf-7?q?+2AA-?=",
    b"Content-Type: multipart/mixed; boundary=outer\n\n--outer\n",
    b'Content-Type: multipart/digest; boundary="\xc3\xa4"\r\n',
    b"Content-Type: message/rfc822\r\n\r\n",
    b'Content-Type: text/plain; charset="x\0y\r\n',
    b"Content-Type: a/b; name*0*=utf-8''%; name*1=\"\\\"\r\n",
    b"Content-Transfer-Encoding: base64\r\n",
    b'Content-Disposition: attachment;;filename="\r\n',
    b"Date: Thu, 99 Foo 99999 24:61:61 +9999\r\n",
    b'From: "a\\" <b@c, (((d@e>: f;\r\n',
    b"Message-ID: <=>\r\nReferences: <a> <=>\r\nIn-Reply-To: <\xff>\r\n",
    b"\nSubject:",
    b"(" * 2000,
)


@st.composite
def _letters(draw: st.DrawFn) -> bytes:
    """A mail as people have it, with pieces replaced, put in, taken out or said twice."""
    whole = draw(st.sampled_from(_MAILS))
    for _ in range(draw(st.integers(0, 4))):
        a, b = sorted(draw(st.tuples(*[st.integers(0, len(whole))] * 2)))
        whole = whole[:a] + draw(st.just(b"") | _MIME) + whole[b if draw(st.booleans()) else a :]
    return whole


def _deliver(client: smtplib.SMTP, sender: str, recipients: list[str], raw: bytes) -> int:
    """Send a mail byte for byte, and return what the door answers at its end."""
    client.ehlo_or_helo_if_needed()
    assert client.mail(sender)[0] == 250
    for recipient in recipients:
        assert client.rcpt(recipient)[0] == 250
    client.docmd("DATA")
    client.send(_stuffed(raw) + b"\r\n.\r\n")
    return client.getreply()[0]


def _expect_the_same_again(emulator: Emulator, raw: bytes) -> None:
    """Check that each mail holds these bytes, and reads as if nobody had put something above it."""
    for sighting in emulator.mail():
        assert raw in sighting.mail.raw
        _reads_the_same(sighting.mail, Mail(sighting.mail.raw))
    assert emulator.worlds.failures == []


_LETTERS: Final = st.binary(max_size=300) | _letters()


@_OFTEN
@given(_LETTERS)
def test_any_mail_is_readable_through_every_api(readers: list[Reader], raw: bytes) -> None:
    emulator = readers[0].account.emulator
    emulator.reset()
    with smtplib.SMTP("127.0.0.1", emulator.serve().smtp.port, timeout=_WAIT) as client:
        assert _deliver(client, "ann@x.test", [reader.box.address for reader in readers], raw) == 250
    assert [reader.read() for reader in readers] == [1] * len(readers)
    _expect_the_same_again(emulator, raw)


@given(_LETTERS)
def test_any_mail_of_an_owner_is_readable_and_so_is_its_report(readers: list[Reader], raw: bytes) -> None:
    [owner] = [reader for reader in readers if reader.account.provider.name == "inkbox"]
    others = [reader for reader in readers if reader is not owner]
    emulator = owner.account.emulator
    emulator.reset()
    raw = re.sub(rb"(?i)from|received|submitted", b"x", raw.replace(b"\0", b""))  # the owner wrote it, by hand
    letter = f"From: {owner.box.address}\r\n".encode() + raw.lstrip(b" \t")
    with smtplib.SMTP("127.0.0.1", emulator.serve().smtp.port, timeout=_WAIT) as client:
        client.login(owner.box.address, owner.account.api_key)
        to = [*(reader.box.address for reader in others), "bounce@simulator.test"]
        assert _deliver(client, owner.box.address, to, letter) == 250
    assert [reader.read() for reader in others] == [1] * len(others)
    assert owner.read() == 2
    _expect_the_same_again(emulator, b"")


def _reads_the_same(traced: Mail, anew: Mail) -> None:
    assert traced.lines == anew.lines
    assert traced.body == anew.body
    assert (traced.subject, traced.date, traced.message_id) == (anew.subject, anew.date, anew.message_id)
    assert (traced.references, traced.snippet, len(traced)) == (anew.references, anew.snippet, len(anew.raw))
    for name in ("from", "to", "cc"):
        assert traced.addresses(name) == anew.addresses(name)
