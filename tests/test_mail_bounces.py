"""Bounces: the report that a mail could not be delivered (RFC 3464), and answers of machines, which always end."""

from __future__ import annotations

from datetime import timedelta
from email.message import EmailMessage
from typing import Any

import pytest

from emulator.mail import MESSAGES, Mail, Mailbox
from emulator.mail.bounces import is_automatic, reports_of
from emulator.mail.fates import FATES
from emulator.mail.filing import file_mail
from emulator.mail.postoffice import outside_tray, receive, submit, transmit
from emulator.world import World
from emulator.world.faults import Become
from tests.small_world import draft, inbox_of, mailbox, send_from
from tests.strict_mail import leniently, strictly

_BOUNCE, _SOFT, _MACHINE = (f"{name}@simulator.test" for name in ("bounce", "soft-bounce", "auto-reply"))


def _parts(report: EmailMessage) -> tuple[EmailMessage, EmailMessage, EmailMessage]:
    words, status, headers = report.iter_parts()
    for part in (words, status, headers):
        assert isinstance(part, EmailMessage)
    return words, status, headers  # type: ignore[return-value]  # looked at above


def _fields(status: EmailMessage) -> tuple[dict[str, str], dict[str, str]]:
    """Return the fields about the mail, and those about the recipient."""
    blocks: Any = status.get_payload()
    about_mail, about_recipient = ({name: str(value) for name, value in block.items()} for block in blocks)
    return about_mail, about_recipient


# The report


@pytest.mark.parametrize("text", ["Hi", "größe", "x" * 2000, "--=_report1\n--\n"])
@pytest.mark.parametrize("subject", ["Hello", "Größe ✓", None, "word " * 60, ""])
def test_a_report_is_well_formed_whatever_it_is_about(
    world: World, ann: Mailbox, subject: str | None, text: str
) -> None:
    send_from(
        world, ann, [_BOUNCE, *(f"{number}.{'c' * 40}@z.test" for number in range(40))], subject=subject, text=text
    )
    [message] = inbox_of(world, ann)
    report = strictly(message.mail.raw)
    assert report.get_content_type() == "multipart/report"
    assert report.get_param("report-type") == "delivery-status"
    kinds = [part.get_content_type() for part in report.iter_parts()]
    assert kinds == ["text/plain", "message/delivery-status", "text/rfc822-headers"]


def test_a_report_says_to_people_who_did_not_get_the_mail_and_why(world: World, ann: Mailbox) -> None:
    send_from(world, ann, _BOUNCE)
    [message] = inbox_of(world, ann)
    words, _, _ = _parts(strictly(message.mail.raw))
    assert f"<{_BOUNCE}>: 550 5.1.1 The mailbox does not exist" in words.get_content()
    assert message.mail.body.text == words.get_content().replace("\r\n", "\n").removesuffix("\n")


def test_a_report_says_to_programs_who_did_not_get_the_mail_and_why(world: World, ann: Mailbox) -> None:
    send_from(world, ann, _SOFT)
    world.advance(timedelta(hours=1))
    [message] = inbox_of(world, ann)
    _, status, _ = _parts(strictly(message.mail.raw))
    assert _fields(status) == (
        {"Reporting-MTA": "dns; mx.x.test", "Arrival-Date": "Thu, 01 Jan 2026 00:00:00 +0000"},
        {
            "Final-Recipient": f"rfc822; {_SOFT}",
            "Action": "failed",
            "Status": "4.2.2",
            "Remote-MTA": "dns; mx.simulator.test",
            "Diagnostic-Code": "smtp; 452 4.2.2 The mailbox is full",
            "Last-Attempt-Date": "Thu, 01 Jan 2026 01:00:00 +0000",
        },
    )


def test_a_report_repeats_the_headers_of_the_mail_as_they_stood(world: World, ann: Mailbox) -> None:
    to = [_BOUNCE, *(f"person-{number}@some.example.test" for number in range(80))]
    sent = send_from(world, ann, to, subject="Größe", cc=["c@z.test"], bcc=["hidden@z.test"])
    [message] = inbox_of(world, ann)
    _, _, headers = _parts(strictly(message.mail.raw))
    text = headers.get_content().replace("\r\n", "\n").encode().replace(b"\n", b"\r\n")
    head = sent.mail.raw.partition(b"\r\n\r\n")[0]
    assert text.rstrip().endswith(head)
    assert b"hidden@" not in message.mail.raw


def test_a_report_repeats_nothing_of_the_text_of_the_mail(world: World, ann: Mailbox) -> None:
    send_from(world, ann, _BOUNCE, text="the secret word")
    [message] = inbox_of(world, ann)
    assert b"secret word" not in message.mail.raw


def test_a_report_is_a_message_of_the_senders_mailbox_from_nobody(world: World, ann: Mailbox) -> None:
    send_from(world, ann, _BOUNCE)
    [message] = inbox_of(world, ann)
    assert (message.sender, message.recipients, message.status) == ("", (ann.address,), "received")
    report = strictly(message.mail.raw)
    assert report["From"] == "Mail Delivery System <MAILER-DAEMON@x.test>"
    assert (report["To"], report["Return-Path"], report["Auto-Submitted"]) == (ann.address, "<>", "auto-replied")
    kinds = [part.content_type for part in message.mail.body.attachments]
    assert kinds == ["message/delivery-status", "text/rfc822-headers"]


def test_a_report_comes_into_the_thread_of_the_mail(world: World, ann: Mailbox) -> None:
    first, other = send_from(world, ann, _BOUNCE), send_from(world, ann, "c@z.test")
    [message] = inbox_of(world, ann)
    assert message.thread_id == first.thread_id != other.thread_id
    assert message.mail.in_reply_to == first.mail.message_id
    assert message.mail.references == [first.mail.message_id]


def test_each_recipient_has_a_report_of_its_own(world: World, ann: Mailbox) -> None:
    send_from(world, ann, [_BOUNCE, "bounce+2@simulator.test"])
    found = [_fields(_parts(strictly(message.mail.raw))[1])[1]["Final-Recipient"] for message in inbox_of(world, ann)]
    assert found == [f"rfc822; {_BOUNCE}", "rfc822; bounce+2@simulator.test"]
    assert len({message.mail.message_id for message in inbox_of(world, ann)}) == 2


def test_reports_about_a_mail_are_found_with_it(world: World, ann: Mailbox, bob: Mailbox) -> None:
    first = send_from(world, ann, [_BOUNCE, "bounce+2@simulator.test", bob.address])
    second = send_from(world, ann, [_BOUNCE], in_reply_to=first.mail.message_id)
    send_from(world, bob, ann.address, in_reply_to=first.mail.message_id)
    *about_first, about_second, _ = inbox_of(world, ann)
    assert reports_of(world, first) == about_first
    assert reports_of(world, second) == [about_second]
    assert reports_of(world, about_second) == []


def test_mail_without_a_message_id_has_no_reports(world: World, ann: Mailbox) -> None:
    with world.step():
        nameless = file_mail(
            world, ann, Mail(b"Subject: Hi\r\n\r\nHi\r\n"), "outbound", "sent", ann.address, ["c@z.test"]
        )
    assert reports_of(world, nameless) == []


def test_a_rejected_mail_comes_with_no_report(world: World, ann: Mailbox) -> None:
    send_from(world, ann, "reject@simulator.test")
    assert inbox_of(world, ann) == []


def test_a_report_writes_other_letters_as_rfc_6533_has_them(world: World) -> None:
    sender = mailbox(world, "jürgen@bücher.test")
    world.faults.add(Become("bounce", reply="550 5.1.1 Größe"))
    send_from(world, sender, "zoë@façade.test")
    [message] = inbox_of(world, sender)
    report = leniently(message.mail.raw)
    words, status, headers = _parts(report)
    about_mail, about_recipient = _fields(status)
    assert about_mail["Reporting-MTA"] == "dns; mx.xn--bcher-kva.test"
    assert about_recipient["Final-Recipient"] == r"utf-8; zo\x{EB}@fa\x{E7}ade.test"
    assert about_recipient["Diagnostic-Code"] == r"smtp; 550 5.1.1 Gr\x{F6}\x{DF}e"
    assert about_recipient["Remote-MTA"] == "dns; mx.xn--faade-zra.test"
    assert (words["Content-Transfer-Encoding"], headers["Content-Transfer-Encoding"]) == ("8bit", "8bit")
    assert "<zoë@façade.test>: 550 5.1.1 Größe" in words.get_content()
    assert "To: zoë@façade.test" in headers.get_content()


@pytest.mark.parametrize(
    "raw",
    [
        b"Subject: no end",
        b"\r\nno head",
        b"Subject: LF\nTo: a@x.test\n\nbody\n",
        b"Subject: a\rb\r\n\r\n",
        b"not a header\r\n\r\n",
        b"Subject: \xff\xfe\r\n\r\n",
        b"--=_report1.0\r\nSubject: x\r\n\r\n",
    ],
)
def test_a_report_about_broken_mail_has_its_three_parts(world: World, ann: Mailbox, raw: bytes) -> None:
    with world.step():
        submit(world, ann, ann.address, [_BOUNCE], raw)
    [message] = inbox_of(world, ann)
    assert len(list(leniently(message.mail.raw).iter_parts())) == 3


# What machines do not answer


def test_a_bounce_of_a_bounce_is_not_reported(world: World, ann: Mailbox) -> None:
    send_from(world, ann, _BOUNCE)
    [report] = inbox_of(world, ann)
    for to in (_BOUNCE, _SOFT, _MACHINE):
        with world.step():
            submit(world, ann, "", [to], report.mail.raw)
            transmit(world, "", [to], report.mail)
            transmit(world, "mailer-daemon@z.test", [to], Mail(b"Subject: a report\r\n\r\n"))
    world.run_until_idle()
    assert inbox_of(world, ann) == [report]
    assert {left.recipient for left in outside_tray(world)} == {_MACHINE}


_BY_MACHINE = {
    "Auto-Submitted": "auto-replied",
    "auto-submitted": "Auto-Generated; x=y",
    "Precedence": "bulk",
    "precedence": "LIST",
    "List-Id": "<news.z.test>",
}


@pytest.mark.parametrize("header", _BY_MACHINE)
@pytest.mark.parametrize("to", [_BOUNCE, _SOFT, _MACHINE])
def test_mail_of_machines_and_lists_is_neither_answered_nor_reported(
    world: World, ann: Mailbox, header: str, to: str
) -> None:
    message = send_from(world, ann, to, headers={header: _BY_MACHINE[header]})
    world.run_until_idle()
    copy = world.store.get(MESSAGES, message.id)
    assert copy is not None
    assert copy.status == ("delivered" if to == _MACHINE else "bounced")
    assert inbox_of(world, ann) == []


@pytest.mark.parametrize("headers", [{"Auto-Submitted": "no"}, {"Precedence": "first-class"}, {}])
def test_mail_of_people_is_answered(world: World, ann: Mailbox, headers: dict[str, str]) -> None:
    send_from(world, ann, _MACHINE, headers=headers)
    assert len(inbox_of(world, ann)) == 1


def test_mail_that_goes_in_circles_is_automatic() -> None:
    hop = b"Received: from a by b; Thu, 01 Jan 2026 00:00:00 +0000\r\n"
    assert not is_automatic("a@x.test", Mail(hop * 50 + b"\r\n"))
    assert is_automatic("a@x.test", Mail(hop * 51 + b"\r\n"))


# Automatic answers


def test_an_automatic_answer_stays_in_the_thread_and_says_that_it_is_one(world: World, ann: Mailbox) -> None:
    message = send_from(world, ann, _MACHINE, subject="Größe")
    [answer] = inbox_of(world, ann)
    read = strictly(answer.mail.raw)
    assert (read["From"], read["To"], read["Subject"]) == (_MACHINE, ann.address, "Re: Größe")
    assert (read["Auto-Submitted"], read["Return-Path"]) == ("auto-replied", f"<{_MACHINE}>")
    assert answer.thread_id == message.thread_id
    assert answer.mail.references == [message.mail.message_id]


def test_mail_from_outside_is_answered_to_the_outside(world: World, ann: Mailbox) -> None:
    world.faults.add(Become("auto-reply"))
    with world.step():
        receive(world, draft(ann.address))
    [answer] = outside_tray(world)
    assert (answer.sender, answer.recipient) == (ann.address, "someone@outside.test")


def test_two_machines_do_not_answer_each_other(world: World, ann: Mailbox, bob: Mailbox) -> None:
    world.faults.add(Become("auto-reply"), times=None)
    send_from(world, ann, bob.address)
    world.run_until_idle()
    assert [message.mail.subject for message in inbox_of(world, bob)] == ["Hello"]
    [answer] = inbox_of(world, ann)
    send_from(world, ann, bob.address, headers={"Auto-Submitted": answer.mail.field("auto-submitted") or ""})
    world.run_until_idle()
    assert len(inbox_of(world, ann)) == 1


def test_mail_to_oneself_is_answered_once(world: World, ann: Mailbox) -> None:
    world.faults.add(Become("auto-reply"), times=None)
    send_from(world, ann, ann.address)
    world.run_until_idle()
    assert [message.mail.subject for message in inbox_of(world, ann)] == ["Hello", "Re: Hello"]


def test_mail_to_oneself_that_bounces_is_reported_once(world: World, ann: Mailbox) -> None:
    world.faults.add(Become("bounce"), times=None)
    send_from(world, ann, ann.address)
    world.run_until_idle()
    [report] = inbox_of(world, ann)
    assert report.sender == ""


@pytest.mark.parametrize("name", FATES)
def test_every_rule_on_everything_ends(world: World, ann: Mailbox, bob: Mailbox, name: str) -> None:
    world.faults.add(Become(name), times=None)
    send_from(world, ann, [ann.address, bob.address, "c@z.test", f"{name}@simulator.test"])
    send_from(world, bob, [ann.address])
    world.run_until_idle()
    assert len(list(world.store.everything(MESSAGES))) < 20
