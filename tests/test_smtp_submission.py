"""SMTP for the owners of mailboxes: who may log in, in whose name they send, and what becomes of what they wrote."""

from __future__ import annotations

import imaplib
import smtplib
import ssl
from collections.abc import Iterator
from typing import Any

import pytest

from emulator import Account, Emulator
from tests.mail_owners import OWNERS, Owner

_OUTSIDE = "someone@outside.test"
_ELSEWHERE = "pat@x4p.mszazu.com"


@pytest.fixture(params=OWNERS)
def owner(request: pytest.FixtureRequest, emulator_server: Emulator) -> Owner:
    return OWNERS[request.param](emulator_server)


@pytest.fixture
def ann(emulator_server: Emulator) -> Owner:
    return OWNERS["myagentmail"](emulator_server)


@pytest.fixture
def smtp(ann: Owner) -> Iterator[smtplib.SMTP]:
    with ann.login() as client:
        yield client


def _letter(*head: str) -> bytes:
    return ("\r\n".join(head) + "\r\n\r\nHello\r\n").encode()


def _refusal(client: smtplib.SMTP, sender: str, to: str, raw: bytes) -> tuple[int, bytes]:
    with pytest.raises((smtplib.SMTPResponseException, smtplib.SMTPRecipientsRefused)) as refused:
        client.sendmail(sender, to, raw)
    error: Any = refused.value
    code, words = error.recipients[to] if "recipients" in vars(error) else (error.smtp_code, error.smtp_error)
    return code, words


def _login_code(owner: Owner, user: str, password: str) -> int:
    with smtplib.SMTP("127.0.0.1", owner.smtp) as client, pytest.raises(smtplib.SMTPAuthenticationError) as refused:
        client.login(user, password)
    return refused.value.smtp_code


def _imap_opens(owner: Owner, user: str) -> bool:
    with imaplib.IMAP4("127.0.0.1", owner.servers.imap.port) as client:
        try:
            return client.login(user, owner.password)[0] == "OK"
        except imaplib.IMAP4.error:
            return False


# Who may log in


def test_a_wrong_password_is_535(owner: Owner) -> None:
    assert _login_code(owner, owner.user, f"{owner.password}x") == 535
    assert _login_code(owner, _OUTSIDE, "") == 535


def test_the_name_of_the_user_is_read_without_case(owner: Owner) -> None:
    with smtplib.SMTP("127.0.0.1", owner.smtp) as client:
        assert client.login(owner.user.upper(), owner.password)[0] == 235


def test_only_sendmux_needs_no_user_name_to_send(owner: Owner) -> None:
    if owner.address.endswith("@myagent.mx"):
        with smtplib.SMTP("127.0.0.1", owner.smtp) as client:
            client.login("whoever", owner.password)
            client.sendmail(owner.address, _OUTSIDE, _letter(f"From: {owner.address}", f"To: {_OUTSIDE}", "Subject: 1"))
        assert owner.sent() == [("1", [_OUTSIDE])]
    else:
        assert _login_code(owner, "whoever", owner.password) == 535
    assert not _imap_opens(owner, "whoever")


def test_a_deleted_mailbox_opens_no_door(owner: Owner) -> None:
    assert _imap_opens(owner, owner.user)
    owner.delete()
    assert _login_code(owner, owner.user, owner.password) == 535
    assert not _imap_opens(owner, owner.user)


def test_who_is_logged_in_sends_no_more_once_the_mailbox_is_deleted(owner: Owner) -> None:
    letter = _letter(f"From: {owner.address}")
    with owner.login() as client:
        client.mail(owner.address)
        client.rcpt(_OUTSIDE)
        owner.delete()
        assert client.data(letter)[0] == 550
        assert _refusal(client, owner.address, _OUTSIDE, letter)[0] == 550
    assert owner.emulator.sent == []


def _suspend(sendmux: Account, *, resume: bool = False) -> None:
    [box] = [
        one
        for one in sendmux.request("GET", "/api/v1/mailboxes").get_json()["data"]
        if one["email"] == "bob@myagent.mx"
    ]
    verb = "resume" if resume else "suspend"
    assert sendmux.request("POST", f"/api/v1/mailboxes/{box['id']}/{verb}").status_code == 200


@pytest.mark.parametrize("owner", ["sendmux-2026-04", "sendmux-current"], indirect=True)
def test_a_suspended_mailbox_opens_no_door_and_takes_no_mail(owner: Owner, sendmux: Account) -> None:
    _suspend(sendmux)
    assert _login_code(owner, owner.user, owner.password) == 535
    assert _login_code(owner, "whoever", owner.password) == 535
    assert not _imap_opens(owner, owner.user)
    with smtplib.SMTP("127.0.0.1", owner.smtp) as client:
        assert _refusal(client, _OUTSIDE, owner.address, _letter("Subject: Hi")) == (
            550,
            b"5.2.1 The mailbox is suspended",
        )
    _suspend(sendmux, resume=True)
    owner.login().close()
    assert owner.received() == []


# In whose name


def test_the_sender_is_the_own_mailbox(owner: Owner) -> None:
    letter = _letter(f"From: {owner.address}")
    with owner.login() as client:
        for sender in (_OUTSIDE, "", f"x{owner.address}"):
            assert _refusal(client, sender, _OUTSIDE, letter)[0] == 553
    assert owner.sent() == []


@pytest.mark.parametrize(
    "written",
    [
        f"From: {_OUTSIDE}",
        "From: {own}, " + _OUTSIDE,
        "From: {own}\r\nFrom: " + _OUTSIDE,
        "From: {own} <" + _OUTSIDE + ">",
        "Subject: without",
        "From:",
        "\r\nFrom: {own}",
    ],
)
def test_the_from_is_the_own_mailbox(ann: Owner, smtp: smtplib.SMTP, written: str) -> None:
    letter = _letter(written.format(own=ann.address), "Subject: Hi")
    assert _refusal(smtp, ann.address, _OUTSIDE, letter)[0] == 550
    assert ann.sent() == []
    assert ann.emulator.sent == []


def test_an_alias_is_a_name_of_its_own(ann: Owner, smtp: smtplib.SMTP, myagentmail: Account) -> None:
    alias = "second@myagentmail.com"
    [box] = myagentmail.request("GET", "/v1/inboxes").get_json()["inboxes"]
    made = myagentmail.request("POST", f"/v1/inboxes/{box['id']}/addresses", json={"email": alias})
    assert made.status_code < 300, made.text
    smtp.sendmail(alias, _OUTSIDE, _letter(f"From: {alias}", f"To: {_OUTSIDE}", "Subject: Hi"))
    assert ann.sent() == [("Hi", [_OUTSIDE])]
    assert ann.emulator.sent[0].sender == alias


def test_letter_case_and_a_display_name_do_not_matter(ann: Owner, smtp: smtplib.SMTP) -> None:
    smtp.sendmail(ann.address.upper(), _OUTSIDE, _letter(f'From: "Ann, A." <{ann.address.title()}>', "Subject: Hi"))
    assert [subject for subject, _ in ann.sent()] == ["Hi"]


def test_mail_of_who_did_not_log_in_comes_from_outside(owner: Owner) -> None:
    letter = _letter(f"From: {owner.address}", f"To: {owner.address}", "Subject: Not from me")
    with smtplib.SMTP("127.0.0.1", owner.smtp) as client:
        client.sendmail(owner.address, owner.address, letter)
    assert owner.sent() == []
    assert owner.received() == ["Not from me"]


# What becomes of it


def _at(emulator: Emulator, address: str) -> Any:
    [found] = emulator.mail(to=address)
    return found.mail


def test_hidden_recipients_get_the_mail_and_nobody_reads_of_them(owner: Owner) -> None:
    owner.emulator.account("postern").mailbox("pat")
    everybody = ["jane@outside.test", _ELSEWHERE, _OUTSIDE]
    hidden = ["BCC :", f"\t{_ELSEWHERE},", f" {_OUTSIDE}"]
    letter = _letter(f"From: {owner.address}", *hidden, "To: jane@outside.test", "Subject: Hi", "bcc: x")
    with owner.login() as client:
        client.sendmail(owner.address, everybody, letter)
    for mail in (_at(owner.emulator, to) for to in everybody):
        assert (mail.subject, mail.bare_addresses("to")) == ("Hi", ["jane@outside.test"])
        assert "bcc" not in mail.fields
        assert _ELSEWHERE.encode() not in mail.raw


def test_sendmuxs_copy_names_the_hidden_recipients(emulator_server: Emulator) -> None:
    bob = OWNERS["sendmux-current"](emulator_server)
    with bob.login() as client:
        letter = _letter(f"From: {bob.address}", f"To: {_OUTSIDE}", "Subject: Hi")
        client.sendmail(bob.address, [_OUTSIDE, "jane@outside.test"], letter)
    assert bob.sent() == [("Hi", [_OUTSIDE, "jane@outside.test"])]


def test_what_the_body_says_of_bcc_stays(ann: Owner, smtp: smtplib.SMTP) -> None:
    smtp.sendmail(ann.address, _OUTSIDE, _letter(f"From: {ann.address}", "", "Bcc: is a header"))
    assert "Bcc: is a header" in _at(ann.emulator, _OUTSIDE).body.text


def test_a_missing_date_and_message_id_are_added(ann: Owner, smtp: smtplib.SMTP) -> None:
    smtp.sendmail(ann.address, [_OUTSIDE, ann.address], _letter(f"From: {ann.address}"))
    mail = _at(ann.emulator, _OUTSIDE)
    assert mail.date == ann.emulator.world.now()
    assert mail.message_id.endswith("@myagentmail.com>")
    assert _at(ann.emulator, ann.address).message_id == mail.message_id


def test_a_date_and_a_message_id_are_kept(ann: Owner, smtp: smtplib.SMTP) -> None:
    given = _letter(f"From: {ann.address}", "Date: Thu, 1 Jan 2015 00:00:00 +0000", "Message-ID: <1@ann.test>")
    smtp.sendmail(ann.address, _OUTSIDE, given)
    mail = _at(ann.emulator, _OUTSIDE)
    assert (mail.date.year, mail.message_id) == (2015, "<1@ann.test>")
    assert (len(mail.fields["date"]), len(mail.fields["message-id"])) == (1, 1)
    assert mail.raw.endswith(given)


def test_a_mail_to_many_is_sent_once(ann: Owner, smtp: smtplib.SMTP) -> None:
    everybody = [_OUTSIDE, _OUTSIDE.upper(), "jane@outside.test"]
    smtp.sendmail(ann.address, everybody, _letter(f"From: {ann.address}", f"To: {_OUTSIDE}", "Subject: Hi"))
    assert ann.sent() == [("Hi", [_OUTSIDE])]
    assert [left.recipient for left in ann.emulator.sent] == [_OUTSIDE, "jane@outside.test"]


def test_only_addresses_of_this_world_and_reject_are_refused_to_an_owner(ann: Owner, smtp: smtplib.SMTP) -> None:
    letter = _letter(f"From: {ann.address}", "Subject: Hi")
    assert _refusal(smtp, ann.address, "nobody@inkboxmail.com", letter)[1].startswith(b"5.1.1 ")
    assert _refusal(smtp, ann.address, "reject@simulator.test", letter)[1].startswith(b"5.7.1 ")
    names = ("bounce", "soft-bounce", "defer", "success", "complaint", "auto-reply", "delay+5")
    assert smtp.sendmail(ann.address, [f"{name}@simulator.test" for name in names], letter) == {}


def test_what_an_owner_sends_to_bounce_comes_back(owner: Owner) -> None:
    with owner.login() as client:
        client.sendmail(owner.address, "bounce@simulator.test", _letter(f"From: {owner.address}", "Subject: Hi"))
    assert owner.received() == ["Undelivered Mail Returned to Sender"]
    report = _at(owner.emulator, owner.address)
    assert report.raw.startswith(b"Return-Path: <>\r\n")
    assert b"Status: 5.1.1" in report.raw


def test_eight_bits_and_headers_in_utf8_arrive_as_sent(ann: Owner, smtp: smtplib.SMTP) -> None:
    raw = (
        f'From: "Ann Müller" <{ann.address}>\r\nTo: jürgen@bücher.test\r\nSubject: Grüße 👋\r\n\r\nß \xff\r\n'.encode()
    )
    smtp.sendmail(ann.address, ["jürgen@bücher.test"], raw, ["SMTPUTF8", "BODY=8BITMIME"])
    assert ann.sent() == [("Grüße 👋", ["jürgen@bücher.test"])]
    assert ann.emulator.sent[0].mail.raw.endswith(raw)


# TLS


@pytest.fixture
def context(ann: Owner) -> ssl.SSLContext:
    return ssl.create_default_context(cadata=ann.servers.authority.pem.decode())


def test_a_client_that_does_not_trust_the_door_harms_nobody(ann: Owner) -> None:
    for _ in range(3):
        with smtplib.SMTP("127.0.0.1", ann.smtp) as client, pytest.raises(ssl.SSLCertVerificationError):
            client.starttls(context=ssl.create_default_context())
        with pytest.raises(ssl.SSLCertVerificationError):
            smtplib.SMTP_SSL("127.0.0.1", ann.servers.smtps.port, context=ssl.create_default_context())
    ann.login().close()
    assert ann.emulator.worlds.failures == []


def test_starttls_forgets_the_login_and_what_was_said(ann: Owner, context: ssl.SSLContext) -> None:
    with ann.login() as client:
        client.mail(ann.address)
        client.starttls(context=context)
        client.ehlo()
        assert client.rcpt(_OUTSIDE)[0] == 503
        assert client.mail(_OUTSIDE)[0] == 250
        assert client.login(ann.user, ann.password)[0] == 235


def test_what_was_said_before_tls_is_not_heard_after_it(ann: Owner, context: ssl.SSLContext) -> None:
    with smtplib.SMTP("127.0.0.1", ann.smtp, timeout=30) as client:
        client.ehlo()
        assert client.sock is not None
        client.sock.sendall(b"STARTTLS\r\nMAIL FROM:<evil@outside.test>\r\n")
        assert client.getreply()[0] == 220
        client.sock = context.wrap_socket(client.sock, server_hostname="127.0.0.1")
        client.file = None
        assert client.ehlo()[0] == 250
        assert client.rcpt(_OUTSIDE)[0] == 503


def test_tls_begins_once(ann: Owner, context: ssl.SSLContext) -> None:
    with smtplib.SMTP("127.0.0.1", ann.smtp) as client:
        client.starttls(context=context)
        assert client.docmd("STARTTLS")[0] == 503
        assert "starttls" not in client.esmtp_features
        assert client.noop()[0] == 250
    with smtplib.SMTP_SSL("127.0.0.1", ann.servers.smtps.port, context=context) as client:
        assert client.docmd("STARTTLS")[0] == 454
        assert client.login(ann.user, ann.password)[0] == 235
