"""Reading mail: the traps of real mail, each as a small one, and bytes that are no mail at all."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from emulator.mail import Attachment, Body, Mail
from emulator.mail.parse import decode_words, media_type, plain

_SAMPLES = Path(__file__).parent.parent / "fixtures" / "mail"


def _mail(text: str | bytes) -> Mail:
    data = text.encode() if isinstance(text, str) else text
    return Mail(data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))


def _sample(name: str) -> Mail:
    return Mail((_SAMPLES / f"{name}.eml").read_bytes())


def _parts(*parts: str, kind: str = "mixed") -> Mail:
    joined = "".join(f"--b\n{part}\n" for part in parts)
    return _mail(f'Content-Type: multipart/{kind}; boundary="b"\n\n{joined}--b--\n')


# Header fields


def test_fields_keep_their_order_and_repetitions() -> None:
    mail = _mail("Received: one\nTo: a@x.test\nReceived: two\n\nSubject: not a header\n")
    assert mail.lines == [("Received", "one"), ("To", "a@x.test"), ("Received", "two")]
    assert mail.fields == {"received": ["one", "two"], "to": ["a@x.test"]}
    assert mail.field("received") == "one"
    assert mail.headers == {"Received": "two", "To": "a@x.test"}


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_folded_field_is_one_line(end: str) -> None:
    raw = f"Subject: one{end}  two{end}\tthree{end}X: y{end}{end}body{end}".encode()
    assert Mail(raw).lines == [("Subject", "one  two\tthree"), ("X", "y")]


def test_names_are_compared_without_case() -> None:
    assert _mail("SUBJECT: Hi\nmessage-ID: <a@b>\n\n").subject == "Hi"
    assert _mail("SUBJECT: Hi\nmessage-ID: <a@b>\n\n").message_id == "<a@b>"


def test_lines_that_are_no_fields_are_passed_over() -> None:
    assert _mail("no field\n: no name\nSubject: Hi\n\n").lines == [("Subject", "Hi")]


def test_a_mail_without_body_has_its_fields() -> None:
    assert Mail(b"Subject: Hi").subject == "Hi"
    assert Mail(b"Subject: Hi\r\n").subject == "Hi"


def test_a_mail_without_header_has_its_body() -> None:
    mail = Mail(b"\r\nSubject: not a header\r\n")
    assert (mail.lines, mail.subject) == ([], None)
    assert mail.body.text == "Subject: not a header"


def test_an_empty_mail_says_nothing() -> None:
    assert Mail(b"").body == Body("", None, ())
    assert Mail(b"").subject is None


def test_a_missing_subject_is_not_an_empty_one() -> None:
    assert _mail("To: a@x.test\n\n").subject is None
    assert _mail("Subject:\n\n").subject == ""


def test_a_raw_8_bit_header_is_read_as_utf_8() -> None:
    assert _mail("Subject: Grüße\n\n").subject == "Grüße"
    assert _mail(b"Subject: Gr\xfc\xdfe\n\n").subject == "Gr\ufffd\ufffde"


def test_nul_in_a_header_is_dropped() -> None:
    assert _mail(b"Sub\x00ject: a\x00b\n\n").subject == "ab"


def test_message_ids_are_taken_with_their_brackets() -> None:
    mail = _mail(
        "Message-ID:\n <a@x>\nIn-Reply-To: Your mail <b@x> of Monday <c@x>\nReferences: <d@x><e@x>\n <f@x>\n\n"
    )
    assert (mail.message_id, mail.in_reply_to, mail.references) == ("<a@x>", "<b@x>", ["<d@x>", "<e@x>", "<f@x>"])


def test_what_is_no_message_id_is_none() -> None:
    mail = _mail(f"Message-ID: a@x\nIn-Reply-To: <a b>\nReferences: <{'x' * 2000}>\n\n")
    assert (mail.message_id, mail.in_reply_to, mail.references) == (None, None, [])


# Addresses and encoded words


def test_an_encoded_name_may_hold_a_comma() -> None:
    assert _mail("To: =?utf-8?q?J=C3=BCrgen=2C_M?= <j@x.test>, b@x.test\n\n").addresses("to") == [
        ("Jürgen, M", "j@x.test"),
        ("", "b@x.test"),
    ]


def test_a_quoted_name_may_hold_a_comma() -> None:
    assert _mail('To: "Doe, Jane" <j@x.test>\n\n').addresses("to") == [("Doe, Jane", "j@x.test")]


def test_the_addresses_of_repeated_fields_are_joined() -> None:
    assert _mail("To: a@x.test\nTo: b@x.test\n\n").bare_addresses("to") == ["a@x.test", "b@x.test"]


def test_no_address_is_made_of_nothing() -> None:
    assert _mail("To: undisclosed-recipients:;\nCc:\n\n").bare_addresses("to") == []
    assert _mail("To: undisclosed-recipients:;\nCc:\n\n").bare_addresses("cc") == []


def test_comments_in_comments_without_end_give_no_address() -> None:
    assert Mail(b"To: " + b"(" * 5000 + b"a@x.test\r\n\r\n").addresses("to") == []


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("plain", "plain"),
        ("=?utf-8?q?J=C3=BCrgen_M?=", "Jürgen M"),
        ("=?UTF-8?B?SsO8cmdlbg==?=", "Jürgen"),
        ("=?UTF-8?B?SsO8cmdlbg?=", "Jürgen"),
        ("a =?utf-8?q?b?= c", "a b c"),
        ("=?utf-8?q?a?= =?utf-8?q?b?=", "ab"),
        ("=?utf-8?q?a?=\t =?iso-8859-1?q?=FC?=", "aü"),
        ("=?utf-8?b?w7w=?= =?utf-8?b?w7w=?=", "üü"),
        ("=?utf-8?b?Sg==?= =?utf-8?b?w7w=?=", "Jü"),
        ("=?utf-8?q?=C3?= =?utf-8?q?=BC?=", "ü"),
        ("=?utf-8*de?q?=C3=BC?=", "ü"),
        ("=?utf-8?q?Why?_Because!?=", "Why? Because!"),
        ("Grüße =?utf-8?q?=C3=BC?=", "Grüße ü"),
        ("=?iso-2022-jp?b?GyRCJDQbKEI=?=", "ご"),
        ("=?koi8-r?q?=F3=DE=A3=D4?=", "Счёт"),
        ("=?us-ascii?q??=", ""),
    ],
)
def test_encoded_words_are_decoded(value: str, text: str) -> None:
    assert decode_words(value) == text


@pytest.mark.parametrize(
    "value",
    [
        "=?utf-8?b?broken",
        "=?utf-8?x?a?=",
        "=?utf-8?b?a?=",
        "=?no-such-charset?q?a?=",
        "=?undefined?q?a?=",
        "=?idna?q?=FF?=",
        "=?rot13?q?a?=",
        "=?unicode_escape?q?=5Cud800?=",
        "=? ?q?a?=",
        "a =? b",
    ],
)
def test_broken_encoded_words_stay_as_they_are(value: str) -> None:
    assert decode_words(value) == value


def test_a_decoded_header_is_one_line() -> None:
    assert decode_words("=?utf-8?q?a=0D=0ABcc:_b=00c?=") == "a Bcc: b c"


def test_a_decoded_header_is_valid_unicode() -> None:
    assert decode_words("=?utf-7?q?+2AA-?=") == "?"


def test_what_cannot_be_decoded_is_replaced() -> None:
    assert decode_words("=?utf-8?q?a=FFb?=") == "a\ufffdb"


# The body


def test_the_first_text_and_the_first_html_are_the_body() -> None:
    mail = _parts("\none\n", "Content-Type: text/html\n\n<p>two</p>\n", kind="alternative")
    assert mail.body == Body("one", "<p>two</p>", ())


def test_a_second_text_is_not_lost() -> None:
    mail = _parts("\none", "Content-Type: text/html\n\ntwo", "\nthree", "Content-Type: text/html\n\nfour")
    assert (mail.body.text, mail.body.html) == ("one", "two")
    assert [(part.content_type, part.data) for part in mail.body.attachments] == [
        ("text/plain", b"three"),
        ("text/html", b"four"),
    ]


@pytest.mark.parametrize("head", ["Content-Disposition: attachment\n", 'Content-Type: text/plain; name="a.txt"\n'])
def test_a_text_that_is_attached_is_not_the_body(head: str) -> None:
    mail = _parts(f"{head}\nattached", "\nbody")
    assert (mail.body.text, [part.data for part in mail.body.attachments]) == ("body", [b"attached"])


def test_the_body_of_a_forwarded_mail_is_not_the_body() -> None:
    inner = "Subject: inner\n\ninner body\n"
    mail = _parts(f"Content-Type: message/rfc822\n\n{inner}", "\nouter body")
    assert mail.body.text == "outer body"
    assert mail.body.attachments == (Attachment(None, "message/rfc822", inner.replace("\n", "\r\n").encode()),)


def test_a_forwarded_mail_keeps_every_byte() -> None:
    head = b"subject:   Gr\xc3\xbc\xc3\x9fe \xff\r\n\tfolded\r\nContent-Type: multipart/mixed; boundary=c\r\n"
    inner = head + b"\r\n--c\r\n\r\nx\r\n"
    mail = Mail(b"Content-Type: message/rfc822\r\n\r\n" + inner)
    assert mail.body.attachments[0].data == inner


def test_a_forwarded_mail_may_be_in_base64() -> None:
    mail = _mail("Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\nU3ViamVjdDogSGkNCg0KYm9keQ0K\n")
    assert mail.body.attachments[0].data == b"Subject: Hi\r\n\r\nbody\r\n"


def test_a_part_of_a_digest_is_a_mail_unless_it_says_otherwise() -> None:
    mail = _parts("\nSubject: inner\n\nbody", kind="digest")
    assert mail.body.attachments == (Attachment(None, "message/rfc822", b"Subject: inner\r\n\r\nbody"),)


@pytest.mark.parametrize("charset", ["no-such-charset", "undefined", "idna", "unicode_escape", "a\x00b", "rot13", '"'])
def test_a_text_in_no_charset_is_read_as_utf_8(charset: str) -> None:
    mail = _mail(f"Content-Type: text/plain; charset={charset}\nContent-Transfer-Encoding: 8bit\n\n\\Grüße\n")
    assert mail.body.text == "\\Grüße"


def test_a_text_is_valid_unicode() -> None:
    assert _mail("Content-Type: text/plain; charset=utf-7\n\na+2AA-b\n").body.text == "a?b"


def test_a_charset_written_in_no_charset_is_utf_8() -> None:
    mail = _mail("Content-Type: text/plain; charset*=unicode_escape''%5Cq\n\nGrüße\n")
    assert mail.body.text == "Grüße"


def test_a_charset_may_be_written_in_rfc_2231() -> None:
    mail = _mail(b"Content-Type: text/plain; charset*=us-ascii''koi8-r\n\n\xf3\xde\xa3\xd4\n")
    assert mail.body.text == "Счёт"


@pytest.mark.parametrize(
    ("encoding", "content", "text"),
    [
        ("quoted-printable", "Gr=C3=BC=\n=C3=9Fe", "Grüße"),
        ("base64", "R3LDvMOf\nZQ==", "Grüße"),
        ("BASE64", "R3LDvMOfZQ==", "Grüße"),
        ("base64", "not base64!", None),
        ("x-uuencode", "begin 644 a\n%1W+#O,.?", None),
        ("x-uuencode", "not uuencoded", "not uuencoded"),
        ("nobody-knows", "Grüße", "Grüße"),
    ],
)
def test_a_transfer_encoding_is_undone_or_passed_over(encoding: str, content: str, text: str | None) -> None:
    body = _mail(f"Content-Transfer-Encoding: {encoding}\n\n{content}\n").body
    assert body.text == text if text is not None else body.text is not None


def test_newlines_are_read_as_lf() -> None:
    assert Mail(b"\r\na\r\nb\r\n").body.text == "a\nb"
    assert Mail(b"\na\nb\n").body.text == "a\nb"


@pytest.mark.parametrize(
    "boundary",
    ["boundary*=x%00''abc", "boundary*=unicode_escape''%5Cq", "boundary*=undefined''abc", "boundary*0*=x\x00''abc"],
)
def test_a_boundary_in_no_charset_makes_a_plain_text(boundary: str) -> None:
    assert _mail(f"Content-Type: multipart/mixed; {boundary}\n\nbody\n").body == Body("body", None, ())


def test_parts_in_parts_without_end_make_a_plain_text() -> None:
    nested = "".join(f'Content-Type: multipart/mixed; boundary="b{n}"\n\n--b{n}\n' for n in range(2000))
    body = _mail(f"{nested}\nthe end\n").body
    assert body.text is not None
    assert body.text.endswith("the end")
    assert (body.html, body.attachments) == (None, ())


def test_mails_in_mails_without_end_are_one_attachment() -> None:
    mail = _mail("Content-Type: message/rfc822\n\n" * 3000)
    assert [part.content_type for part in mail.body.attachments] == ["message/rfc822"]


def test_a_multipart_without_boundary_is_a_text() -> None:
    assert _mail("Content-Type: multipart/mixed\n\nbody\n").body == Body("body", None, ())


@pytest.mark.parametrize(
    ("head", "name"),
    [
        ('Content-Disposition: attachment; filename="a b.txt"', "a b.txt"),
        ("Content-Disposition: attachment; filename=a.txt", "a.txt"),
        ('Content-Type: image/png; name="a.png"', "a.png"),
        ('Content-Disposition: attachment; filename="Grüße.txt"', "Grüße.txt"),
        ('Content-Disposition: attachment; filename="=?utf-8?q?Gr=C3=BC=C3=9Fe=2Etxt?="', "Grüße.txt"),
        ("Content-Disposition: attachment; filename*=utf-8''Gr%C3%BC%C3%9Fe.txt", "Grüße.txt"),
        ("Content-Disposition: attachment; filename*0*=utf-8''Gr%C3%BC;\n filename*1=sse.txt", "Grüsse.txt"),
        ('Content-Disposition: attachment; filename="a\n b.txt"', "a b.txt"),
        ("Content-Disposition: attachment; filename*=utf-8''a%0D%0Ab%00", "a b "),
        ("Content-Disposition: attachment; filename*=no-charset''a", None),
        ("Content-Disposition: attachment; filename*=a%00''b", None),
        ('Content-Disposition: attachment; filename=""', None),
        ("Content-Disposition: attachment", None),
    ],
)
def test_the_name_of_an_attachment_is_read(head: str, name: str | None) -> None:
    parts = _parts("\nbody", f"{head}\n\ndata").body.attachments
    assert [(part.filename, part.data) for part in parts] == [(name, b"data")]


@pytest.mark.parametrize(
    ("kind", "usable"),
    [
        ("IMAGE/PNG", "image/png"),
        ("application/a b", "application/octet-stream"),
        ("application/Ж", "application/octet-stream"),
        ("multipart/mixed", "application/octet-stream"),
        ("text/html; charset=x", "text/html"),
        ("", "application/octet-stream"),
    ],
)
def test_the_type_of_an_attachment_is_a_media_type(kind: str, usable: str) -> None:
    assert media_type(kind) == usable
    attached = _parts("\nbody", f"Content-Type: {kind}\nContent-Disposition: attachment\n\ndata").body.attachments
    assert [media_type(part.content_type) for part in attached] == [part.content_type for part in attached]


def test_a_content_id_is_read_without_brackets() -> None:
    mail = _parts("\nbody", "Content-Type: image/png\nContent-ID: <logo@x>\nContent-Disposition: inline\n\ndata")
    assert mail.body.attachments == (Attachment(None, "image/png", b"data", "logo@x", inline=True),)


# Previews


def test_a_snippet_is_the_text_on_one_line() -> None:
    assert _mail("\n  one\n\n two\t three \n").snippet == "one two three"
    assert len(_mail("\n" + "word " * 500).snippet) <= 200


def test_a_snippet_of_html_has_no_tags_scripts_or_styles() -> None:
    html = "<HEAD><title>t</title></HEAD><STYLE>p{}</STYLE><script>x</script><!-- c --><p class='a'>one &amp; two</p>"
    assert _mail(f"Content-Type: text/html\n\n{html}\n").snippet == "one & two"


def test_a_blank_text_gives_way_to_the_html() -> None:
    mail = _parts("\n \n", "Content-Type: text/html\n\n<p>html</p>", kind="alternative")
    assert mail.snippet == "html"


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("a<script>b", "a "),
        ("a<!-- b", "a "),
        ("<head><title>a</title><body>b", "  b"),
        ("1 < 2", "1 < 2"),
        ("<<<", "<<<"),
        ("<header>a</header>", " a "),
    ],
)
def test_unclosed_html_is_readable(html: str, text: str) -> None:
    assert plain(html) == text


# Whole mails


def test_sample_nested() -> None:
    mail = _sample("nested")
    assert mail.subject == "Angebot € 1.200, groß"
    assert mail.addresses("from") == [("Jürgen, Einkauf", "juergen@acme.test")]
    assert mail.addresses("to") == [("Support, EU", "support@outside.test"), ("", "sales@outside.test")]
    assert mail.references == ["<root@outside.test>", "<middle@acme.test>"]
    assert mail.body.text == "Schönen Tag,\nhier das Angebot: € 1.200."
    assert mail.body.html is not None
    assert "Schönen Tag,<br>" in mail.body.html
    assert mail.body.attachments == (
        Attachment("logo.png", "image/png", b"\x89PNG\r\n\x1a\n", "logo@acme.test", inline=True),
        Attachment("Angebot für Müller.pdf", "application/pdf", b"%PDF-1.4\n"),
        Attachment("notes.txt", "text/plain", b"Notes, not the body.\r\n"),
    )
    assert mail.snippet == "Schönen Tag, hier das Angebot: € 1.200."


def test_sample_japanese() -> None:
    mail = _sample("japanese")
    assert mail.subject == "ご注文の確認"
    assert mail.addresses("from") == [("山田", "yamada@acme.test")]
    assert mail.body == Body("ご注文ありがとうございます。", None, ())


def test_sample_russian() -> None:
    mail = _sample("russian")
    assert mail.subject == "Счёт"
    assert mail.bare_addresses("from") == ["ivan@acme.test"]
    assert mail.body == Body(None, "<p>Ваш счёт готов</p>", ())
    assert mail.snippet == "Ваш счёт готов"


def test_sample_forward() -> None:
    body = _sample("forward").body
    assert (body.text, body.html) == ("See the mail below.", None)
    (forwarded,) = body.attachments
    assert (forwarded.filename, forwarded.content_type) == ("Invoice.eml", "message/rfc822")
    inner = Mail(forwarded.data)
    assert inner.subject == "Invoice € 20"
    assert inner.body.text == "You owe € 20."
    assert inner.body.attachments == (Attachment("invoice.pdf", "application/pdf", b"%PDF-1.4\n"),)


def test_sample_calendar() -> None:
    body = _sample("calendar").body
    assert (body.text, body.html) == ("Planning, Monday at 10.", "<p>Planning, Monday at 10.</p>")
    (invitation,) = body.attachments
    assert invitation.content_type == "text/calendar"
    assert invitation.data.startswith(b"BEGIN:VCALENDAR\r\n")


def test_sample_broken() -> None:
    mail = _sample("broken")
    assert mail.subject == "=?utf-8?b?broken"
    assert mail.body.text is not None
    assert mail.body.text.endswith("does not occur in it.")
    assert mail.body.attachments == ()


def test_sample_bounce() -> None:
    body = _sample("bounce").body
    assert body.text == "Your mail could not be delivered."
    report, headers = body.attachments
    assert report.content_type == "message/delivery-status"
    assert b"Reporting-MTA: dns; mx.outside.test\r\n\r\nFinal-Recipient" in report.data
    assert (headers.content_type, headers.data[:5]) == ("text/rfc822-headers", b"From:")


# Anything at all

_PIECES = [
    b"\r\n",
    b"\n",
    b"\r",
    b"\r\n\r\n",
    b"\r\n ",
    b"\x00",
    b"\xff",
    b"\xc3\xbc",
    b": ",
    b"; ",
    b'"',
    b"\\",
    b"(",
    b"<",
    b">",
    b",",
    b"''",
    b"%00",
    b"%FF",
    b"=?utf-8?q?=C3=BC?=",
    b"=?utf-8?b?w7w",
    b"=?utf-7?q?+2AA-?=",
    b"=?undefined?q?a?=",
    b"=?unicode_escape?q?=5Cq?=",
    b"=?idna?b?/w==?=",
    b"Subject: ",
    b"To: ",
    b"Message-ID: <",
    b"Content-Type: ",
    b"text/html",
    b"text/plain",
    b"message/rfc822",
    b"message/delivery-status",
    b"multipart/mixed; boundary=b",
    b"multipart/digest; boundary*=x\x00''b",
    b"boundary*0*=unicode_escape''%5Cq",
    b"; charset=utf-7",
    b"; charset=undefined",
    b"; charset=unicode_escape",
    b"; charset*=\x00''utf-8",
    b"; name*1*=x",
    b"; name*99999999999999999999=x",
    b"; filename*=utf-16''%FF",
    b"\r\n--b\r\n",
    b"\r\n--b--\r\n",
    b"Content-Transfer-Encoding: ",
    b"base64",
    b"x-uuencode\r\n\r\nbegin 644 x\r\nM\xff",
    b"quoted-printable",
    b"Content-Disposition: ",
    b"attachment; filename=",
    b"Content-ID: ",
    b"<script",
    b"<!--",
    b"&#xD800;",
    b"&#0;",
]
_ASSEMBLED = st.lists(st.sampled_from(_PIECES) | st.binary(max_size=4), max_size=40).map(b"".join)


def _whole(text: str | None) -> None:
    if text is not None:
        text.encode("utf-8")


def _one_line(text: str | None) -> None:
    if text is not None:
        text.encode("utf-8")
        assert not set(text) & set("\r\n\x00")


def _read_everything(mail: Mail) -> None:
    for name, value in mail.lines:
        _one_line(name)
        _one_line(value)
    assert sum(map(len, mail.fields.values())) == len(mail.lines)
    for value in mail.headers.values():
        _one_line(value)
    for text in (mail.subject, mail.message_id, mail.in_reply_to, *mail.references):
        _one_line(text)
    for field in ("to", "from", "subject", "content-type"):
        for name, address in mail.addresses(field):
            _one_line(name)
            _one_line(address)
    _whole(mail.body.text)
    _whole(mail.body.html)
    for part in mail.body.attachments:
        _one_line(part.filename)
        _one_line(part.content_id)
        assert part.content_type == media_type(part.content_type)
        assert isinstance(part.data, bytes)
    _whole(mail.snippet)
    assert not set(mail.snippet) & set("\r\n")
    assert len(mail.snippet) <= 200


@given(st.binary(max_size=300))
def test_no_bytes_are_too_broken_to_read(raw: bytes) -> None:
    _read_everything(Mail(raw))


@given(_ASSEMBLED)
@example(b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b")
def test_no_mail_is_too_broken_to_read(raw: bytes) -> None:
    _read_everything(Mail(raw))


@pytest.mark.parametrize("sample", sorted(path.stem for path in _SAMPLES.glob("*.eml")))
@given(data=st.data())
def test_no_mutation_is_too_broken_to_read(sample: str, data: st.DataObject) -> None:
    raw = bytearray(_sample(sample).raw)
    for _ in range(data.draw(st.integers(1, 6))):
        start = data.draw(st.integers(0, len(raw)))
        end = data.draw(st.integers(start, min(len(raw), start + 12)))
        raw[start:end] = data.draw(st.sampled_from(_PIECES) | st.binary(max_size=3))
    _read_everything(Mail(bytes(raw)))


def test_an_endless_character_reference_is_left_out() -> None:
    assert plain("a&#" + "9" * 5000 + ";b&#x41;") == "a;bA"
