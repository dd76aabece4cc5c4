"""The SMTP sink."""

from __future__ import annotations

import smtplib
import socket
from collections.abc import Iterator

import pytest

from emulator import Account, Emulator
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


def test_a_taken_port_leaves_no_door_open(emulator: Emulator) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortTaken, match=f"SMTP port {port} on 127.0.0.1 is in use"):
            Servers(emulator.worlds, ports=Ports(smtp=port))
