"""Trace: the lines that servers put above a mail, well formed for a reader that forgives nothing."""

from __future__ import annotations

import hashlib
import re
from base64 import b64decode, b64encode
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.mail import Mail, Mailbox
from emulator.mail.postoffice import outside_tray, receive, transmit
from emulator.mail.trace import MAX_HOPS, exchanger, goes_in_circles, received, signed
from emulator.world import World
from tests.small_world import START, draft, inbox_of, mailbox, send_from, small_world
from tests.strict_mail import strictly

_TRACE = ["Return-Path", "Authentication-Results", "Received", "DKIM-Signature"]
_PLAIN = b"Subject: Hi\r\n\r\nHi\r\n"
_ADDRESSES = [
    "ann@x.test",
    "a.very+long=tag_" + "x" * 40 + "@" + ".".join(["sub" * 10] * 6) + ".test",
    "jürgen@bücher.test",
    "用户@例子.测试",
    "bob@bücher.test",
    "zoë@x.test",
    "a@localhost",
    "a@[127.0.0.1]",
    "",
]


def _tags(mail: Mail) -> dict[str, str]:
    [signature] = mail.fields["dkim-signature"]
    pairs = (tag.partition("=") for tag in re.sub(r"\s", "", signature).split(";"))
    return {name: value for name, _, value in pairs}


def _simple_body(raw: bytes) -> bytes:
    """Canonicalise a body as RFC 6376, 3.4.3 describes it, line by line."""
    lines = raw.partition(b"\r\n\r\n")[2].split(b"\r\n")
    while lines and not lines[-1]:
        lines.pop()
    return b"".join(line + b"\r\n" for line in lines) or b"\r\n"


# Which lines there are


def test_a_received_mail_has_every_line_once_above_its_own(world: World, ann: Mailbox, bob: Mailbox) -> None:
    message = send_from(world, ann, bob.address)
    [copy] = inbox_of(world, bob)
    assert [name for name, _ in copy.mail.lines][:5] == [*_TRACE, "From"]
    assert copy.mail.raw.endswith(b"\r\n" + message.mail.raw)


def test_the_senders_copy_has_no_trace(world: World, ann: Mailbox) -> None:
    message = send_from(world, ann, "c@z.test")
    assert not set(_TRACE) & {name for name, _ in message.mail.lines}


def test_mail_that_leaves_is_signed_and_not_received_yet(world: World, ann: Mailbox) -> None:
    send_from(world, ann, "c@z.test")
    [left] = outside_tray(world)
    assert [name for name, _ in left.mail.lines][:2] == ["DKIM-Signature", "From"]


def test_a_mail_tells_no_recipient_of_the_hidden_others(world: World, ann: Mailbox, bob: Mailbox) -> None:
    carl = mailbox(world, "carl@w.test")
    send_from(world, ann, bob.address, bcc=[carl.address])
    for box in (bob, carl):
        [copy] = inbox_of(world, box)
        assert b"carl" not in copy.mail.raw


def test_mail_from_a_client_at_the_door_is_received_and_proves_nothing(world: World, ann: Mailbox) -> None:
    with world.step():
        transmit(world, "jane@bank.test", [ann.address], Mail(_PLAIN), helo="evil.test")
    [copy] = inbox_of(world, ann)
    assert [name for name, _ in copy.mail.lines] == ["Return-Path", "Authentication-Results", "Received", "Subject"]
    assert copy.mail.field("authentication-results") == "mx.x.test; spf=none; dkim=none; dmarc=none"
    assert "bank.test" not in copy.mail.fields["received"][0]


def test_a_mail_that_passed_too_many_servers_goes_in_circles(world: World) -> None:
    mail = Mail(_PLAIN)
    for _ in range(MAX_HOPS):
        mail = received(world, mail, "a@x.test", "b@y.test")
    assert not goes_in_circles(mail)
    assert goes_in_circles(received(world, mail, "a@x.test", "b@y.test"))
    assert not goes_in_circles(Mail(_PLAIN + b"Received: by nobody\r\n" * 60))


# Well formed


@pytest.mark.parametrize("recipient", _ADDRESSES)
@pytest.mark.parametrize("sender", _ADDRESSES)
def test_every_line_is_well_formed_for_any_address(world: World, sender: str, recipient: str) -> None:
    mail = received(world, signed(world, Mail(_PLAIN), sender), sender, recipient)
    read = strictly(mail.raw)
    assert list(read.keys()) == [name for name in (*_TRACE, "Subject") if sender or name != "DKIM-Signature"]
    assert mail.fields["return-path"] == [f"<{sender}>"]
    below = mail.raw.partition(b"\r\n")[2]  # a Return-Path names a letter as the sender writes it
    assert below.isascii()


@pytest.mark.parametrize("recipient", _ADDRESSES)
@pytest.mark.parametrize("sender", _ADDRESSES)
def test_received_says_from_where_by_whom_and_when(world: World, sender: str, recipient: str) -> None:
    [line] = received(world, Mail(_PLAIN), sender, recipient).fields["received"]
    found = re.fullmatch(r"from (\S+) \(\[127\.0\.0\.1\]\) by (\S+) with ESMTP id ([0-9a-f]{8}); (.+)", line)
    assert found is not None
    assert found[1].startswith("mail.")
    assert found[2] == exchanger(recipient)
    assert parsedate_to_datetime(found[4]) == START


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("ann@x.test", "mx.x.test"),
        ("ann@bücher.test", "mx.xn--bcher-kva.test"),
        ("", "mx.localhost"),
        (f"a@{'ü' * 80}.test", "mx.localhost"),
    ],
)
def test_the_server_of_an_address_is_named_as_dns_has_it(address: str, name: str) -> None:
    assert exchanger(address) == name


def test_what_authenticated_is_the_domain_that_signed(world: World) -> None:
    mail = received(world, signed(world, Mail(_PLAIN), "a@bücher.test"), "a@bücher.test", "b@y.test")
    domain = _tags(mail)["d"]
    assert domain == "xn--bcher-kva.test"
    results = f"spf=pass smtp.mailfrom={domain}; dkim=pass header.d={domain}; dmarc=pass header.from={domain}"
    assert mail.fields["authentication-results"] == [f"mx.y.test; {results}"]


@pytest.mark.parametrize("evil", ["a\r\nBcc: x@y.test", "a>\r\n\r\nbody", "a b; c (d) <e>", "\x00", ""])
def test_a_client_cannot_write_lines_of_its_own(world: World, evil: str) -> None:
    mail = received(world, Mail(_PLAIN), f"{evil}@{evil}", "b@y.test", helo=evil)
    assert [name for name, _ in mail.lines] == ["Return-Path", "Authentication-Results", "Received", "Subject"]
    assert mail.body.text == "Hi"
    [line] = mail.fields["received"]
    assert re.fullmatch(r"from [^\s;()]+ \(\[127\.0\.0\.1\]\) by [^;()]+; [^;]+", line)


def test_the_space_in_a_quoted_local_part_stays(world: World) -> None:
    mail = received(world, Mail(_PLAIN), '"a b"@x.test', "b@y.test", helo="x.test")
    assert mail.fields["return-path"] == ['<"a b"@x.test>']


# The signature


def test_a_signature_has_what_rfc_6376_requires(world: World, ann: Mailbox) -> None:
    send_from(world, ann, "c@z.test", subject="Größe")
    [left] = outside_tray(world)
    tags = _tags(left.mail)
    assert set(tags) == {"v", "a", "c", "d", "s", "t", "h", "bh", "b"}
    assert (tags["v"], tags["a"], tags["c"], tags["d"]) == ("1", "rsa-sha256", "simple/simple", "x.test")
    assert int(tags["t"]) == START.timestamp()
    assert len(b64decode(tags["b"], validate=True)) == 128
    strictly(left.mail.raw)


def test_what_is_signed_is_there_and_from_always_is(world: World) -> None:
    assert _tags(signed(world, Mail(_PLAIN), "a@x.test"))["h"] == "Subject"
    assert _tags(signed(world, Mail(b"X: y\r\n\r\n"), "a@x.test"))["h"] == "From"


@pytest.mark.parametrize(
    "body",
    [b"", b"\r\n", b"\r\n\r\n\r\n", b"Hi", b"Hi\r\n", b"Hi\r\n\r\n\r\n", b" \r\n", b"a\r\n\r\nb\r\n", b"\xff\x00"],
)
@pytest.mark.parametrize("head", [b"Subject: Hi\r\nFrom: a@x.test\r\n", b"Subject: Hi\r\n"])
def test_the_body_hash_is_that_of_the_canonical_body(world: World, head: bytes, body: bytes) -> None:
    mail = signed(world, Mail(head + b"\r\n" + body), "a@x.test")
    expected = hashlib.sha256(_simple_body(mail.raw)).digest()
    assert _tags(mail)["bh"] == b64encode(expected).decode()


@given(st.binary(max_size=200).map(lambda data: re.sub(rb"[\r\n]", b"\r\n", data)))
def test_the_body_hash_is_right_for_any_body(body: bytes) -> None:
    mail = signed(small_world(), Mail(b"Subject: Hi\r\n\r\n" + body), "a@x.test")
    assert _tags(mail)["bh"] == b64encode(hashlib.sha256(_simple_body(mail.raw)).digest()).decode()


def test_the_body_hash_of_a_mail_without_a_head_is_that_of_all(world: World) -> None:
    mail = signed(world, Mail(b"\r\nHi\r\n\r\nthere\r\n"), "a@x.test")
    assert mail.body.text == "Hi\n\nthere"
    assert _tags(mail)["bh"] == b64encode(hashlib.sha256(b"Hi\r\n\r\nthere\r\n").digest()).decode()


@pytest.mark.parametrize("fields", [{"text": "Hi"}, {"text": "größe " * 40, "html": "<p>Hi</p>"}, {"text": None}])
def test_the_body_hash_is_right_for_what_the_apis_write(
    world: World, ann: Mailbox, bob: Mailbox, fields: dict[str, Any]
) -> None:
    send_from(world, ann, bob.address, **fields)
    [copy] = inbox_of(world, bob)
    expected = hashlib.sha256(_simple_body(copy.mail.raw)).digest()
    assert _tags(copy.mail)["bh"] == b64encode(expected).decode()
    strictly(copy.mail.raw)


def test_a_sender_without_a_domain_signs_nothing(world: World) -> None:
    mail = Mail(_PLAIN)
    assert signed(world, mail, "") is mail
    assert signed(world, mail, f"a@{'ü' * 80}.test") is mail


def test_the_seed_decides_the_trace() -> None:
    def trace(seed: str) -> bytes:
        other = small_world(seed)
        box = mailbox(other, "ann@x.test")
        with other.step():
            receive(other, draft(box.address))
        return inbox_of(other, box)[0].mail.raw

    assert trace("a") == trace("a") != trace("b")
