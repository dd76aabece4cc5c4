"""SMTP for everybody: mail comes in from outside for the mailboxes of all providers, and for nobody else's."""

from __future__ import annotations

import smtplib
import socket
from collections.abc import Iterator

import pytest

from emulator import Account, Emulator, providers
from emulator.servers import Ports, Servers
from emulator.servers.ports import PortTaken


@pytest.fixture
def smtp(emulator_server: Emulator) -> Iterator[smtplib.SMTP]:
    servers = emulator_server.serve()
    with smtplib.SMTP("127.0.0.1", servers.smtp.port) as client:
        yield client


def test_mail_to_a_mailbox_arrives_there_byte_for_byte(
    smtp: smtplib.SMTP, emulator_server: Emulator, inkbox: Account
) -> None:
    box = inkbox.mailbox("bot")
    raw = b"From: jane@example.com\r\nTo: bot@inkboxmail.com\r\nSubject: Hi\r\n\r\n.dot\r\n\xff\x00 8-bit\r\n"
    smtp.sendmail("jane@example.com", ["BOT@inkboxmail.com", box.address], raw)
    [arrived] = emulator_server.mail(to=box.address)
    assert arrived.mail.raw.endswith(b"\r\n" + raw)
    assert emulator_server.sent == []


def test_everything_else_is_kept_in_the_outside_tray(smtp: smtplib.SMTP, emulator_server: Emulator) -> None:
    smtp.sendmail("a@example.com", ["b@example.com", "c@example.com"], b"Subject: Hi\r\n\r\nx\r\n")
    assert [left.recipient for left in emulator_server.sent] == ["b@example.com", "c@example.com"]


def test_a_line_of_a_megabyte_is_taken(smtp: smtplib.SMTP, emulator_server: Emulator) -> None:
    html = b"<p>" + b"x" * 900_000 + b"</p>"
    smtp.sendmail("a@example.com", ["b@example.com"], b"Content-Type: text/html\r\n\r\n" + html + b"\r\n")
    assert len(emulator_server.mail()[0].html) == len(html)


def test_broken_mail_is_kept(smtp: smtplib.SMTP, emulator_server: Emulator) -> None:
    smtp.sendmail("a@example.com", ["b@example.com"], b"\r\n\r\n\xff\xfe=?x?=\r\n")
    [kept] = emulator_server.mail()
    assert kept.subject == ""


def test_a_session_is_journaled(smtp: smtplib.SMTP, emulator_server: Emulator) -> None:
    smtp.sendmail("a@example.com", ["b@example.com"], b"Subject: Hi\r\n\r\nx\r\n")
    [entry] = emulator_server.journal("smtp")
    assert (entry["from"], entry["to"]) == ("a@example.com", ["b@example.com"])


# Who takes mail


@pytest.mark.parametrize("provider", providers.names())
def test_each_providers_mailboxes_take_mail_and_its_unknown_addresses_do_not(
    smtp: smtplib.SMTP, emulator_server: Emulator, provider: str
) -> None:
    address = emulator_server.account(provider).mailbox("bot").address
    unknown = f"nobody@{address.partition('@')[2]}"
    refused = smtp.sendmail("a@example.com", [address, unknown], b"Subject: Hi\r\n\r\nx\r\n")
    assert refused == {unknown: (550, b"5.1.1 There is no mailbox at this address")}
    assert [mail.to for mail in emulator_server.mail()] == [address]


def test_simulator_addresses_refuse_at_the_door(smtp: smtplib.SMTP, emulator_server: Emulator) -> None:
    smtp.ehlo()
    smtp.mail("a@example.com")

    def code(name: str) -> tuple[int, bytes]:
        number, words = smtp.rcpt(f"{name}@simulator.test")
        return number, words.split()[0]

    assert code("bounce") == (550, b"5.1.1")
    assert code("reject") == (550, b"5.7.1")
    assert [code("soft-bounce"), code("soft-bounce")] == [(452, b"4.2.2")] * 2
    assert [code("defer"), code("defer")] == [(451, b"4.7.1"), (250, b"2.1.5")]
    assert [code(name)[0] for name in ("success", "complaint", "delay+9", "auto-reply", "nothing-special")] == [250] * 5
    assert smtp.data(b"Subject: Hi\r\n\r\nx\r\n")[0] == 250
    emulator_server.advance("2h")
    assert emulator_server.mail(to="bounce@simulator.test") == []
    assert len(emulator_server.mail(to="defer@simulator.test")) == 1


def test_nobody_is_at_the_empty_address(smtp: smtplib.SMTP, emulator_server: Emulator) -> None:
    smtp.ehlo()
    assert smtp.mail("")[0] == 250
    assert smtp.docmd("RCPT", "TO:<>")[0] == 553
    assert smtp.rcpt("b@example.com")[0] == 250
    assert smtp.data(b"Subject: Hi\r\n\r\nx\r\n")[0] == 250
    assert [(left.sender, left.recipient) for left in emulator_server.sent] == [("", "b@example.com")]


def test_mail_in_circles_is_refused(smtp: smtplib.SMTP, emulator_server: Emulator) -> None:
    received = b"Received: from a.test by b.test; Thu, 1 Jan 2026 12:00:00 +0000\r\n"
    for hops in (60, 51):
        with pytest.raises(smtplib.SMTPDataError, match=r"554.*Too many hops"):
            smtp.sendmail("a@example.com", ["b@example.com"], received * hops + b"Subject: Round\r\n\r\nx\r\n")
    smtp.sendmail("a@example.com", ["b@example.com"], received * 50 + b"Subject: Far\r\n\r\nx\r\n")
    assert [mail.subject for mail in emulator_server.mail()] == ["Far"]


# What is said


def test_the_greeting_says_what_the_door_can_do(smtp: smtplib.SMTP) -> None:
    smtp.ehlo()
    assert set(smtp.esmtp_features) == {"size", "8bitmime", "smtputf8", "starttls", "auth", "help"}
    assert smtp.esmtp_features["auth"].split() == ["LOGIN", "PLAIN"]


def test_a_mail_that_says_it_is_too_big_is_refused_at_once(smtp: smtplib.SMTP) -> None:
    smtp.ehlo()
    limit = int(smtp.esmtp_features["size"])
    assert smtp.mail("a@example.com", [f"SIZE={limit}"])[0] == 250
    smtp.rset()
    assert smtp.mail("a@example.com", [f"SIZE={limit + 1}"])[0] == 552


@pytest.mark.parametrize("said", ["AUTH=<> SIZE=10", "SIZE=10 auth=ann+40example.com"])
def test_a_relay_may_say_who_it_got_a_mail_from(smtp: smtplib.SMTP, said: str) -> None:
    smtp.ehlo()
    assert smtp.mail("a@example.com", [said])[0] == 250
    smtp.rset()
    assert smtp.mail("a@example.com", [said, "SIZE=99999999999"])[0] == 552


def test_what_looks_like_a_parameter_in_an_address_is_the_address(
    smtp: smtplib.SMTP, emulator_server: Emulator
) -> None:
    smtp.ehlo()
    assert smtp.docmd("MAIL", 'FROM:<"a AUTH=b"@example.com>')[0] == 250
    smtp.rcpt("b@example.com")
    smtp.data(b"Subject: Hi\r\n\r\nx\r\n")
    assert emulator_server.sent[0].sender == '"a AUTH=b"@example.com'


def test_addresses_and_headers_in_utf8_arrive_as_they_are(smtp: smtplib.SMTP, emulator_server: Emulator) -> None:
    raw = "From: Jürgen <jürgen@bücher.test>\r\nSubject: Grüße 👋\r\n\r\nschön\r\n".encode()
    smtp.sendmail("jürgen@bücher.test", ["用户@例子.test"], raw, ["SMTPUTF8", "BODY=8BITMIME"])
    [arrived] = emulator_server.mail()
    assert (arrived.sender, arrived.to, arrived.subject) == ("jürgen@bücher.test", "用户@例子.test", "Grüße 👋")
    assert arrived.mail.raw.endswith(raw)


@pytest.mark.parametrize(
    "end", [b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r", b"\r\n.\r", b"\n.\r", b"\r.\n", b"\r.\r\n", b"\r\n.\0\r\n"]
)
def test_no_other_end_of_a_mail_lets_a_second_one_in(smtp: smtplib.SMTP, emulator_server: Emulator, end: bytes) -> None:
    smtp.ehlo()
    smtp.mail("a@example.com")
    smtp.rcpt("b@example.com")
    smtp.docmd("DATA")
    second = b"MAIL FROM:<evil@example.com>\r\nRCPT TO:<b@example.com>\r\nDATA\r\nSubject: Two\r\n\r\nx\r\n.\r\n"
    smtp.send(b"Subject: One\r\n\r\nHello" + end + second)
    assert smtp.getreply()[0] == 250
    assert smtp.noop() == (250, b"OK")
    [arrived] = emulator_server.mail()
    assert arrived.subject == "One"
    assert b"RCPT TO:<b@example.com>\r\nDATA\r\nSubject: Two" in arrived.mail.raw


def test_dots_at_the_start_of_lines_arrive_as_they_were(smtp: smtplib.SMTP, emulator_server: Emulator) -> None:
    raw = b"Subject: Dots\r\n\r\n.\r\n..\r\n.x\r\n\r\n.\r\n"
    smtp.sendmail("a@example.com", ["b@example.com"], raw)
    assert emulator_server.mail()[0].mail.raw.endswith(raw)


def test_a_taken_port_leaves_no_door_open(emulator: Emulator) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortTaken, match=f"SMTP port {port} on 127.0.0.1 is in use"):
            Servers(emulator.worlds, ports=Ports(smtp=port))
