"""Writing mail: what is written reads back the same, here and in the parser of the standard library."""

from __future__ import annotations

import email
import email.policy
from email.errors import NonPrintableDefect
from email.message import EmailMessage
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.mail import Attachment, Draft, Mail
from emulator.mail.addresses import is_address, is_message_id
from emulator.mail.compose import compose
from emulator.mail.parse import media_type
from tests.small_world import START, draft

_TEXT = st.text(st.characters(codec="utf-8"), max_size=400)
_LINE = st.text(st.characters(codec="utf-8", exclude_characters="\r\n\0"), max_size=200)
_AWKWARD = st.sampled_from(
    [
        "",
        " ",
        "  two  spaces ",
        "=?utf-8?q?no?=",
        "a=?b",
        "\x85\u2028\u2029",
        "\x0b\x0c\x1c\x1d\x1e\x7f",
        "x" * 400,
        "word " * 60,
        "Grüße " * 40,
        "😀" * 60,
        '"quoted", \\ (comment) <a@b>',
        "a: b; c*=d",
        "https://x.test/" + "a" * 200,
    ]
)
_HEADER = _LINE | _AWKWARD
_BODY = (
    _TEXT
    | _AWKWARD
    | st.sampled_from(
        ["a\nb", "a\r\nb\r\n", "a\rb", "a\0b", ".\n..\n", "From me\n", "x" * 3000, "--=_a\n--=_\n", " \n\t\n", "=\n=20"]
    )
)
_ADDRESS = st.sampled_from(
    ["a@x.test", "first.last+tag@sub.x.test", "o'hara@x.test", "jürgen@müller.test", f"{'l' * 60}@{'d' * 60}.test"]
)
_ADDRESSES = st.lists(_ADDRESS, max_size=4)
_ID = st.sampled_from(["<1@x.test>", f"<{'i' * 880}@x.test>", "<a$b=c+d@x>"])
_TYPE = st.sampled_from(
    ["application/pdf", "image/png", "text/plain", "text/html", "TEXT/CSV; charset=x", "message/rfc822"]
)
_WELL_FORMED = [b"Subject: Hi\r\n\r\nbody\r\n", "Subject: é\r\n\r\né".encode(), b"\r\n"]
_MAILS = st.sampled_from([*_WELL_FORMED, b"Subject: Hi\n\nbody"])
_ATTACHMENT = st.builds(
    Attachment,
    filename=st.none() | _HEADER | st.sampled_from(["report.pdf", "Grüße.txt", "日本" * 60, "a/b\\c.txt"]),
    content_type=_TYPE | st.text(max_size=20),
    data=st.binary(max_size=200) | _MAILS,
    content_id=st.none() | st.sampled_from(["logo", "<logo@x.test>", ""]),
    inline=st.booleans(),
)
_DRAFT = st.builds(
    Draft,
    sender=_ADDRESS,
    sender_name=st.none() | _HEADER,
    to=_ADDRESSES,
    subject=st.none() | _HEADER,
    text=st.none() | _BODY,
    html=st.none() | _BODY,
    cc=_ADDRESSES,
    bcc=_ADDRESSES,
    reply_to=_ADDRESSES,
    in_reply_to=st.none() | _ID,
    references=st.lists(_ID, max_size=3),
    attachments=st.lists(_ATTACHMENT, max_size=3).map(tuple),
    headers=st.dictionaries(st.sampled_from(["X-A", "List-Unsubscribe", "X-" + "a" * 60]), _HEADER, max_size=2),
)


def _compose(given: Draft) -> Mail:
    return compose(given, message_id="<1@x.test>", date=START)


def _read(given: Draft) -> Mail:
    """Return the mail as somebody reads it who has nothing but its bytes."""
    return Mail(_compose(given).raw)


def _strict(mail: Mail, policy: Any = email.policy.default) -> EmailMessage:
    message = email.message_from_bytes(mail.raw, policy=policy)
    assert isinstance(message, EmailMessage)
    return message


def _lf(text: str | None) -> str | None:
    return None if text is None else text.replace("\r\n", "\n")


# Round trips


@given(_DRAFT)
def test_header_fields_read_back_as_they_were_given(given: Draft) -> None:
    mail = _read(given)
    assert mail.subject == given.subject
    assert mail.addresses("from") == [(given.sender_name or "", given.sender)]
    assert mail.bare_addresses("to") == given.to
    assert mail.bare_addresses("cc") == given.cc
    assert mail.bare_addresses("reply-to") == given.reply_to
    assert (mail.message_id, mail.in_reply_to, mail.references) == ("<1@x.test>", given.in_reply_to, given.references)
    assert {name: mail.field(name.lower()) for name in given.headers} == dict(given.headers)


@given(_DRAFT)
def test_bodies_read_back_as_they_were_given(given: Draft) -> None:
    body = _read(given).body
    assert body.html == _lf(given.html)
    assert body.text == (_lf(given.text) if given.text is not None or given.html is not None else "")


@given(_DRAFT)
def test_attachments_read_back_as_they_were_given(given: Draft) -> None:
    read = _read(given).body.attachments
    assert [part.data for part in read] == [part.data for part in given.attachments]
    assert [part.filename for part in read] == [part.filename or None for part in given.attachments]
    assert [part.content_type for part in read] == [media_type(part.content_type) for part in given.attachments]
    assert [part.content_id for part in read] == [
        (part.content_id or "").strip("<>") or None for part in given.attachments
    ]


@given(_DRAFT)
def test_the_known_body_is_the_one_that_is_read(given: Draft) -> None:
    assert _compose(given).body == _read(given).body


# The bytes


@given(_DRAFT)
def test_lines_end_with_crlf_and_fit_the_limit(given: Draft) -> None:
    raw = _compose(given).raw
    assert raw.endswith(b"\r\n")
    lines = raw.split(b"\r\n")
    assert not any(b"\r" in line or b"\n" in line for line in lines)
    assert max(map(len, lines)) <= 998


@given(_DRAFT)
def test_headers_are_ascii_unless_an_address_is_not(given: Draft) -> None:
    addresses = [given.sender, *given.to, *given.cc, *given.reply_to]
    for line in _compose(given).raw.partition(b"\r\n\r\n")[0].split(b"\r\n"):
        assert line.isascii() or any(address.encode() in line for address in addresses if not address.isascii())


@given(_DRAFT)
def test_the_rest_is_ascii_unless_a_forwarded_mail_is_not(given: Draft) -> None:
    content = _compose(given).raw.partition(b"\r\n\r\n")[2]
    for part in given.attachments:
        content = content.replace(part.data, b"") if part.data.isascii() is False else content
    assert content.isascii()


@given(_DRAFT)
def test_bcc_is_never_written(given: Draft) -> None:
    hidden = Draft(**{**_fields(given), "bcc": ["secret-recipient@hidden.test"]})
    assert _compose(hidden).raw == _compose(given).raw
    assert "secret-recipient@hidden.test" in hidden.recipients


@given(_DRAFT)
def test_the_same_draft_gives_the_same_bytes(given: Draft) -> None:
    assert _compose(given).raw == _compose(given).raw


def _fields(given: Draft) -> dict[str, Any]:
    return {name: getattr(given, name) for name in Draft.__dataclass_fields__}


def _well_formed(given: Draft) -> Draft:
    """Leave out forwarded mails that are broken themselves or cannot travel as they are."""
    kept = tuple(
        part
        for part in given.attachments
        if not media_type(part.content_type).startswith("message/") or part.data in _WELL_FORMED
    )
    return Draft(**{**_fields(given), "attachments": kept})


@given(_DRAFT.map(_well_formed))
def test_the_standard_library_finds_no_defect(given: Draft) -> None:
    message = _strict(_compose(given), email.policy.default.clone(raise_on_defect=True))
    for part in message.walk():
        assert part.defects == []
        # A forwarded mail is as good as it came.
        if part.get_content_maintype() == "message":
            break
        for name, value in part.items():
            # Control characters are the text's; addresses beyond ASCII need SMTPUTF8, which this parser does not know.
            defects = [defect for defect in value.defects if not isinstance(defect, NonPrintableDefect)]
            assert defects == [] or (name in {"From", "To", "Cc", "Reply-To"} and not _is_ascii(given))


def _is_ascii(given: Draft) -> bool:
    return all(map(str.isascii, [given.sender, *given.to, *given.cc, *given.reply_to]))


@given(_DRAFT)
def test_the_standard_library_reads_the_same_text(given: Draft) -> None:
    message = _strict(_compose(given))
    for kind, text in (("plain", given.text), ("html", given.html)):
        part = message.get_body(preferencelist=(kind,))
        if text is not None:
            assert isinstance(part, EmailMessage)
            read = part.get_content()
            # Its newlines stay, ours are those of the last line or of base64.
            assert _lf(read) in (_lf(text), f"{_lf(text)}\n")


# Single rules


@pytest.mark.parametrize("bad", ["a\r\nBcc: b@x.test", "a\nb", "a\rb", "a\0b", "a\n", "\n"])
@pytest.mark.parametrize(
    "field", ["sender", "sender_name", "to", "cc", "reply_to", "subject", "in_reply_to", "references", "headers"]
)
def test_line_ends_and_nul_are_refused_in_headers(field: str, bad: str) -> None:
    value: Any = {"to": [bad], "cc": [bad], "reply_to": [bad], "references": [bad], "headers": {"X": bad}}.get(
        field, bad
    )
    refused = Draft(**{**_fields(draft("a@x.test")), field: value})
    with pytest.raises(ValueError, match="cannot hold CR, LF or NUL"):
        _compose(refused)


def test_line_ends_and_nul_are_refused_in_the_message_id() -> None:
    with pytest.raises(ValueError, match="cannot hold CR, LF or NUL"):
        compose(draft("a@x.test"), message_id="<a>\r\nBcc: b@x.test", date=START)


@pytest.mark.parametrize("name", ["", "a b", "a:", "a\n", "a\r\nBcc", "ä", "x" * 77])
def test_what_is_no_header_name_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="not a header name"):
        _compose(draft("a@x.test", headers={name: "x"}))


@pytest.mark.parametrize(
    "name", ["From", "to", "BCC", "Subject", "Message-ID", "MIME-Version", "Content-Type", "content-x"]
)
def test_what_the_draft_says_elsewhere_cannot_be_a_header_of_its_own(name: str) -> None:
    with pytest.raises(ValueError, match="cannot be set"):
        _compose(draft("a@x.test", headers={name: "x"}))


@pytest.mark.parametrize("content_id", ["a b", "a\r\nb", "ä", "a<b", "x" * 901])
def test_what_is_no_content_id_is_refused(content_id: str) -> None:
    with pytest.raises(ValueError, match="not a Content-ID"):
        _compose(draft("a@x.test", attachments=(Attachment(None, "image/png", b"", content_id),)))


def test_line_ends_in_a_file_name_become_spaces() -> None:
    mail = _compose(draft("a@x.test", attachments=(Attachment("a\r\nb\0c.txt", "text/plain", b""),)))
    assert mail.body.attachments[0].filename == "a b c.txt"
    assert mail.body == Mail(mail.raw).body


def test_a_nameless_inline_text_does_not_become_the_body() -> None:
    mail = _read(
        draft("a@x.test", text=None, html="<p>", attachments=(Attachment(None, "text/plain", b"t", inline=True),))
    )
    assert (mail.body.text, mail.body.html) == (None, "<p>")
    assert mail.body.attachments == (Attachment(None, "text/plain", b"t"),)


def test_a_forwarded_mail_is_written_as_it_is() -> None:
    forwarded = b"Subject: inner\r\n\r\nbody\r\n"
    raw = _compose(draft("a@x.test", attachments=(Attachment("a.eml", "message/rfc822", forwarded),))).raw
    assert forwarded in raw
    inner = _strict(Mail(raw)).get_payload(1)
    assert isinstance(inner, EmailMessage)
    message = inner.get_payload(0)
    assert isinstance(message, EmailMessage)
    assert message["subject"] == "inner"


def test_a_mail_can_be_forwarded_within_itself() -> None:
    inner = _compose(draft("a@x.test", html="<p>", attachments=(Attachment("a", "image/png", b"x"),)))
    outer = _read(draft("b@x.test", attachments=(Attachment("a.eml", "message/rfc822", inner.raw),)))
    assert outer.body.attachments == (Attachment("a.eml", "message/rfc822", inner.raw),)
    assert outer.body.text == "Hi"


def test_a_draft_without_any_body_has_an_empty_text() -> None:
    assert _compose(draft("a@x.test", text=None)).body.text == ""


def test_html_alone_has_no_text() -> None:
    body = _read(draft("a@x.test", text=None, html="<p>")).body
    assert (body.text, body.html) == (None, "<p>")


def test_recipients_are_named_once() -> None:
    given = draft(["a@x.test", "B@x.test"], cc=["A@x.test", "c@x.test"], bcc=["b@x.test", "d@x.test"])
    assert given.recipients == ["a@x.test", "B@x.test", "c@x.test", "d@x.test"]


def test_plain_headers_stay_readable() -> None:
    raw = _compose(draft("a@x.test", "Hello there", sender_name="Ann Lee", headers={"X-A": "<https://x.test/a>"})).raw
    assert raw.startswith(b"From: Ann Lee <someone@outside.test>\r\nTo: a@x.test\r\nSubject: Hello there\r\n")
    assert b"\r\nX-A: <https://x.test/a>\r\n" in raw


def test_a_long_link_in_a_header_stays_one_word() -> None:
    link = f"<https://x.test/{'a' * 200}>"
    raw = _compose(draft("a@x.test", headers={"List-Unsubscribe": link})).raw
    assert link.encode() in raw


def test_the_date_is_that_of_the_clock() -> None:
    assert _compose(draft("a@x.test")).field("date") == "Thu, 01 Jan 2026 00:00:00 +0000"


def test_the_examples_of_addresses_and_ids_are_valid() -> None:
    assert is_address("jürgen@müller.test")
    assert is_message_id(f"<{'i' * 880}@x.test>")
