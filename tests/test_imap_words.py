"""The parsers of the IMAP server: words, sets, sections, searches, and the parts of mails."""

from __future__ import annotations

import email
import email.policy
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.mail import Mail, Message
from emulator.servers.imap_server import encoding, fetch, search, structure
from emulator.servers.imap_server.parser import Bad, NumberSet, Parser

_NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
_MAILS = sorted((Path(__file__).parent.parent / "fixtures" / "mail").glob("*.eml"))
# The standard library takes the lines of a delivery report for parts, and reads half of a broken mail.
_COMPARABLE = [path for path in _MAILS if path.stem not in ("bounce", "broken")]
_COMMANDS = b"a1 FETCH|BODY|BODY.PEEK[|HEADER.FIELDS (|]|<0.9>|(|)| |1:*|*|1,2:3|FLAGS|NOT|OR|TEXT|SINCE|1-Feb-2026|UID"
_SYNTAX = b'"|\\|{3}\r\n|{99}\r\n|\r\n|HEADER|CHARSET UTF-8|\xff|\x00|+FLAGS|\\Seen|MIME|1.2.|LARGER|0|99999999999'
_WORDS = st.sampled_from((_COMMANDS + b"|" + _SYNTAX).split(b"|"))
_LINES = st.lists(_WORDS | st.binary(max_size=4), max_size=12).map(b"".join)


@given(_LINES)
def test_no_line_breaks_a_parser(line: bytes) -> None:
    for parse in (fetch.parse, search.parse, Parser.tag, Parser.flags, Parser.pattern, Parser.folder, Parser.moment):
        try:
            parse(Parser(line))
        except (Bad, search.UnknownCharset):
            continue


@given(st.text())
def test_folder_names_and_labels_survive_the_wire(text: str) -> None:
    label = text.encode("utf-8", "ignore").decode()
    assert encoding.label(encoding.keyword(label)) == label
    name = "".join(letter for letter in label if letter.isprintable())
    written = encoding.folder_name(name)
    assert encoding.read_folder_name(Parser(written).astring()) == name


@given(st.binary())
def test_strings_survive_the_wire(raw: bytes) -> None:
    assert Parser(encoding.string(raw)).astring() == raw


def test_keywords_are_atoms() -> None:
    assert encoding.keyword("to do (später) \\x %*]{}") == b"to=20do=20=28sp=C3=A4ter=29=20=5Cx=20=25=2A=5D=7B}"
    assert (encoding.keyword("a=b"), encoding.keyword("a=20")) == (b"a=b", b"a=3D20")


@pytest.mark.parametrize(
    ("written", "ranges"),
    [(b"1", [(1, 1)]), (b"2:4,7", [(2, 4), (7, 7)]), (b"*:2", [(2, 9)]), (b"3:*", [(3, 9)]), (b"*", [(9, 9)])],
)
def test_sets_of_numbers(written: bytes, ranges: list[tuple[int, int]]) -> None:
    assert Parser(written).numbers().within(9) == ranges


def test_numbers_are_written_as_a_set() -> None:
    assert encoding.number_set([1, 2, 3, 7, 9, 10]) == b"1:3,7,9:10"


@pytest.mark.parametrize("raw", [b"31-Feb-2026", b"1-Foo-2026", b"x", b"\xff"])
def test_what_is_no_date_is_refused(raw: bytes) -> None:
    with pytest.raises(Bad):
        Parser(b'"' + raw + b'"').date()
    with pytest.raises(Bad):
        Parser(b'"' + raw + b' 12:00:00 +0000"').moment()


def test_times_have_zones() -> None:
    assert encoding.read_moment(b"01-Feb-2026 01:30:00 +0200") == datetime(2026, 1, 31, 23, 30, tzinfo=UTC)
    assert encoding.moment(datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)) == b'" 3-Feb-2026 04:05:06 +0000"'
    with pytest.raises(ValueError, match="no calendar"):
        encoding.read_moment(b"01-Jan-0001 00:00:00 +0900")


_TEXTS = st.text("ab@ \t\u00a0İß.", max_size=8)


@given(st.lists(_TEXTS, max_size=4), _TEXTS)
def test_a_clue_of_a_text_rules_out_no_message_that_holds_it(subjects: list[str], wanted: str) -> None:
    messages = [_message(f"Subject: {subject}\r\n\r\n{subject}".encode()) for subject in subjects]
    written = b"TEXT {%d}\r\n%s" % (len(wanted.encode()), wanted.encode())
    looked_for = search.parse(Parser(written))
    (clue,) = looked_for.clues
    if any(looked_for.test(search.Candidate(message, 1, 1, False, 1, 1)) for message in messages):
        assert clue.fits(clue.gather(messages))


@pytest.mark.parametrize("prefix", ["", "SENT"])
@given(st.lists(st.integers(1, 9), min_size=1, max_size=4), st.integers(1, 9))
def test_a_clue_of_a_day_rules_out_no_message_of_that_day(prefix: str, days: list[int], wanted: int) -> None:
    messages = [
        replace(_message(b"Date: %d Feb 2026\r\n\r\n" % (10 - day)), created_at=_NOW.replace(day=day)) for day in days
    ]
    for key in ("BEFORE", "ON", "SINCE"):
        looked_for = search.parse(Parser(f"{prefix}{key} {wanted}-{'Feb' if prefix else 'Jan'}-2026".encode()))
        (clue,) = looked_for.clues
        if any(looked_for.test(search.Candidate(message, 1, 1, False, 1, 1)) for message in messages):
            assert clue.fits(clue.gather(messages))


def test_only_what_all_messages_must_fulfil_is_a_clue() -> None:
    keys = (b"TO ada FLAGGED SINCE 1-Feb-2026", b"NOT TO ada", b"OR TO ada SINCE 1-Feb-2026", b"(TO ada)")
    found = [[clue.kind for clue in search.parse(Parser(key)).clues] for key in keys]
    assert found == [["TO", "arrived"], [], [], []]


# The parts of mails

_NESTED = b"""\
From: =?utf-8?q?J=C3=BCrgen=2C_M?= <j@x.test>\r
To: a@b.test, "Q \\"R\\"" <q@b.test>\r
Subject: Nested\r
Content-Type: multipart/mixed; boundary="out"\r
\r
preamble\r
--out\r
Content-Type: multipart/alternative; boundary=in\r
\r
--in\r
\r
plain\r
--in\r
Content-Type: text/html; charset="utf-8"\r
Content-Disposition: inline\r
\r
<p>html</p>\r
--in--\r
--out\r
Content-Type: message/rfc822\r
\r
Subject: Inner\r
Content-Type: multipart/mixed; boundary=deep\r
\r
--deep\r
X-A: b\r
\r
deep one\r
--deep--\r
--out\r
Content-Type: application/pdf; name="a b.pdf"\r
Content-Transfer-Encoding: base64\r
Content-ID: <c@d>\r
\r
JVBERg==\r
--out--\r
epilogue\r
"""


def _message(raw: bytes) -> Message:
    return Message("m", "b", "t", "inbound", "received", Mail(raw), "a@b.test", ("c@d.test",), _NOW, _NOW, 7)


def _fetched(raw: bytes, item: bytes) -> bytes:
    return fetch.Fetched(_message(raw), 7, recent=False).write(fetch.parse(Parser(item)))


@pytest.mark.parametrize(
    ("section", "content"),
    [
        (b"1.1", b"plain"),
        (b"1.2", b"<p>html</p>"),
        (b"1.2.MIME", b'Content-Type: text/html; charset="utf-8"\r\nContent-Disposition: inline\r\n\r\n'),
        (b"2.HEADER", b"Subject: Inner\r\nContent-Type: multipart/mixed; boundary=deep\r\n\r\n"),
        (b"2.1", b"deep one"),
        (b"2.1.MIME", b"X-A: b\r\n\r\n"),
        (b"2.TEXT", b"--deep\r\nX-A: b\r\n\r\ndeep one\r\n--deep--"),
        (b"2.HEADER.FIELDS (subject x)", b"Subject: Inner\r\n\r\n"),
        (b"3", b"JVBERg=="),
        (b"HEADER.FIELDS.NOT (From To Content-Type)", b"Subject: Nested\r\n\r\n"),
    ],
)
def test_sections_of_a_nested_mail(section: bytes, content: bytes) -> None:
    answer = _fetched(_NESTED, b"BODY.PEEK[" + section + b"]")
    assert answer.endswith(b" {%d}\r\n%s)" % (len(content), content))


@pytest.mark.parametrize("section", [b"4", b"0", b"1.3", b"1.1.1", b"1.HEADER", b"3.TEXT", b"2.2"])
def test_sections_that_are_not_there(section: bytes) -> None:
    assert _fetched(_NESTED, b"BODY[" + section + b"]") == b"(BODY[%s] NIL)" % section


def test_a_plain_mail_is_its_own_first_part() -> None:
    raw = b"Subject: x\r\n\r\nbody"
    assert _fetched(raw, b"BODY[1]") == b"(BODY[1] {4}\r\nbody)"
    assert _fetched(raw, b"BODY[1.MIME]") == b"(BODY[1.MIME] {14}\r\nSubject: x\r\n\r\n)"
    assert _fetched(raw, b"BODY[1.1]") == b"(BODY[1.1] NIL)"
    assert _fetched(raw, b"BODY[]<2.3>") == b"(BODY[]<2> {3}\r\nbje)"
    assert _fetched(raw, b"BODY[]<99.3>") == b"(BODY[]<99> {0}\r\n)"


def test_the_structure_of_a_nested_mail() -> None:
    assert _fetched(_NESTED, b"BODY") == (
        b'(BODY ((("TEXT" "PLAIN" ("CHARSET" "us-ascii") NIL NIL "7BIT" 5 0)'
        b'("TEXT" "HTML" ("CHARSET" "utf-8") NIL NIL "7BIT" 11 0) "ALTERNATIVE")'
        b'("MESSAGE" "RFC822" NIL NIL NIL "7BIT" 100 (NIL "Inner" NIL NIL NIL NIL NIL NIL NIL NIL) '
        b'(("TEXT" "PLAIN" ("CHARSET" "us-ascii") NIL NIL "7BIT" 8 0) "MIXED") 7)'
        b'("APPLICATION" "PDF" ("NAME" "a b.pdf") "<c@d>" NIL "BASE64" 8) "MIXED"))'
    )
    extended = _fetched(_NESTED, b"BODYSTRUCTURE")
    assert extended.endswith(b'"BASE64" 8 NIL NIL NIL NIL) "MIXED" ("BOUNDARY" "out") NIL NIL NIL))')
    assert b'"7BIT" 11 0 NIL ("INLINE" NIL) NIL NIL)' in extended


def test_the_envelope_keeps_encoded_names_and_splits_before_decoding() -> None:
    assert _fetched(_NESTED, b"ENVELOPE") == (
        b'(ENVELOPE (NIL "Nested" (("=?utf-8?q?J=C3=BCrgen=2C_M?=" NIL "j" "x.test"))'
        b' (("=?utf-8?q?J=C3=BCrgen=2C_M?=" NIL "j" "x.test")) (("=?utf-8?q?J=C3=BCrgen=2C_M?=" NIL "j" "x.test"))'
        b' ((NIL NIL "a" "b.test")({5}\r\nQ "R" NIL "q" "b.test")) NIL NIL NIL NIL))'
    )


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\r\n",
        b"\n\n\n",
        b"no header at all",
        b"Content-Type: multipart/mixed; boundary=x\r\n\r\nno part",
        b"Content-Type: multipart/mixed\r\n\r\n--\r\n",
        b"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\nU3ViamVjdDogeA==",
        b"Content-Type: multipart/digest; boundary=x\r\n\r\n--x\r\n\r\nSubject: in a digest\r\n\r\n--x--",
        b"Content-Type: message/rfc822\n\n" * 60,
        b"Content-Type: multipart/x; boundary=x\n\n--x\n" * 60,
        b'Content-Type: \xff/\x00; a="\xff\\\r\n' + b"Subject: \xff\r\n\r\n\x00",
        b"From: " + b"(" * 3000 + b"\r\n\r\n",
        b"Content-Type: a/b" + b';x="' * 3000 + b"\r\n\r\n",
    ],
)
def test_broken_mail_has_a_structure_too(raw: bytes) -> None:
    for item in (
        b"BODYSTRUCTURE",
        b"BODY",
        b"ENVELOPE",
        b"BODY[1]",
        b"BODY[1.1.HEADER]",
        b"BODY[HEADER]",
        b"BODY[TEXT]",
    ):
        assert _fetched(raw, item).startswith(b"(" + item)


@given(
    st.lists(
        st.sampled_from([b"Content-Type: multipart/mixed; boundary=x\r\n", b"--x", b"--x--", b"\r\n", b"\n", b"a: b"])
        | st.binary(max_size=3),
        max_size=30,
    ).map(b"".join)
)
def test_header_and_text_are_the_whole_mail(raw: bytes) -> None:
    part = structure.read(raw)
    assert part.header + part.content == raw
    structure.body_structure(part, extended=True)


@pytest.mark.parametrize("path", _COMPARABLE, ids=lambda path: path.stem)
def test_parts_are_those_that_the_standard_library_finds(path: Path) -> None:
    raw = path.read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    known = [part.get_content_type() for part in email.message_from_bytes(raw, policy=email.policy.compat32).walk()]

    def kinds(part: structure.Part) -> list[str]:
        inner = [part.message] if part.message else part.children
        return [part.kind, *(kind for each in inner for kind in kinds(each))]

    assert kinds(structure.read(raw)) == known


# Searches


def _finds(
    key: bytes, raw: bytes = b"Subject: =?utf-8?q?H=C3=A4llo?=\r\nFrom: J <j@x.test>\r\n\r\nThe body", uid: int = 7
) -> bool:
    message = _message(raw)
    return search.parse(Parser(key)).test(search.Candidate(message, 3, uid, True, 9, 20))


@pytest.mark.parametrize(
    "key",
    [
        b"ALL", b"3", b"2:4", b"UID 7", b"UID 1:*", b"NOT UID 8", b"UNSEEN", b"NEW", b"RECENT", b"UNANSWERED",
        b"UNDELETED", b"UNDRAFT", b"UNFLAGGED", b"UNKEYWORD todo", b"FROM j@X", b"SUBJECT {6}\r\nh\xc3\xa4llo",
        b'HEADER Subject ""', b"BODY BODY", b"TEXT x.test", b"LARGER 5", b"SMALLER 999", b"ON 31-Jan-2026",
        b"SINCE 31-Jan-2026", b"BEFORE 1-Feb-2026", b"SENTON 31-Jan-2026", b"OR SEEN (ALL UNSEEN)",
        b"CHARSET ISO-8859-1 SUBJECT {5}\r\nh\xe4llo",
    ],
)  # fmt: skip
def test_keys_that_find_a_message(key: bytes) -> None:
    assert _finds(key)
    assert not _finds(b"NOT " + key if not key.startswith(b"CHARSET") else b"CHARSET UTF-8 SEEN")


def test_the_day_a_mail_was_sent_is_the_one_in_its_date() -> None:
    raw = b"Date: Sat, 31 Jan 2026 23:59:00 -1100\r\n\r\n"
    assert _finds(b"SENTON 31-Jan-2026", raw)
    assert _finds(b"SENTBEFORE 1-Feb-2026 SENTSINCE 1-Jan-2026", raw)
    assert _finds(b"SENTON 31-Jan-2026", b"Date: 99 Jan 99999999 1:1\r\n\r\n")


def test_searches_that_are_none() -> None:
    for key in (b"", b"FOO", b"FOO x", b"NOT", b"OR SEEN", b"(SEEN", b"SUBJECT", b"SINCE soon", b"(" * 200, b"KEYWORD"):
        with pytest.raises(Bad):
            search.parse(Parser(key))
    with pytest.raises(search.UnknownCharset):
        search.parse(Parser(b"CHARSET KOI8-R ALL"))


def test_a_star_is_the_last_message() -> None:
    assert NumberSet([(None, None)]).within(4) == [(4, 4)]
    assert _finds(b"UID 30:*", uid=20)
