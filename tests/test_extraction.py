"""Extraction: a corpus of mails, the rules one by one, and text that is made to break or to deceive it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from emulator.mail import Body, Mail
from emulator.mail.extraction import Credentials, Extracted, extract

_CORPUS = Path(__file__).parent.parent / "fixtures" / "extraction"
_EXPECTED: dict[str, Any] = json.loads((_CORPUS / "expected.json").read_text("utf-8"))
_NOTHING = Extracted(None, None, ())
_HOSTILE = 100_000


def _text(text: str, subject: str = "Hello") -> Extracted:
    return extract(Mail(f"Subject: {subject}\r\n\r\n".encode(), Body(text, None, ())))


def _html(html: str, subject: str = "Hello") -> Extracted:
    return extract(Mail(f"Subject: {subject}\r\n\r\n".encode(), Body(None, html, ())))


# The corpus


@pytest.mark.parametrize("name", sorted(_EXPECTED))
def test_a_mail_of_the_corpus_gives_what_a_reader_takes_from_it(name: str) -> None:
    found = extract(Mail((_CORPUS / name).read_bytes()))
    credentials = [each._asdict() for each in found.credentials]
    assert {"code": found.code, "link": found.link, "credentials": credentials} == _EXPECTED[name]


def test_each_mail_of_the_corpus_is_expected_and_there_are_enough() -> None:
    assert {path.name for path in _CORPUS.glob("*.eml")} == set(_EXPECTED)
    assert len(_EXPECTED) >= 50


# Codes


@pytest.mark.parametrize(
    "text",
    [
        "Your code is 482913",
        "Your code is 482913.",
        "482913 is your code",
        "Code: 482913",
        "Code:482913",
        "OTP 482913",
        "Your PIN:\n\n482913\n",
        "> Your code:\n>\n> 482913\n",
        "Enter 482913 to sign in.",
        "Use *482913* as your verification code",
        'Your code is "482913"',
        "您的验证码是482913。请勿泄露",
        "認証コードは482913です",
    ],
)
def test_a_number_that_the_words_next_to_it_call_a_code_is_one(text: str) -> None:
    assert _text(text).code == "482913"


@pytest.mark.parametrize(
    "written",
    ["482 913", "482-913", "48 29 13", "4 8 2 9 1 3", "\uff14\uff18\uff12\uff19\uff11\uff13", "٤٨٢٩١٣", "482\u00a0913"],
)
def test_a_code_is_given_as_it_is_typed_in(written: str) -> None:
    assert _text(f"Your code is {written}").code == "482913"


def test_a_code_with_letters_keeps_its_dash() -> None:
    assert _text("Your verification code is WDJB-MJH7").code == "WDJB-MJH7"


@pytest.mark.parametrize("year", ["1987", "2026"])
def test_a_code_may_look_like_a_year_if_it_is_announced_directly(year: str) -> None:
    assert _text(f"Your code is {year}").code == year
    assert _text(f"The code of {year}").code is None


@pytest.mark.parametrize(
    "text",
    [
        "Order code: 482913",
        "Your discount code: AB12CD",
        "Use code SAVE26 at checkout, 20% off",
        "Code postal : 75011",
        "Postleitzahl 10115",
        "Sort code 20-00-00",
        "Error code 50013",
        "Never share a code. Acme, 1600 Park Avenue, Springfield, IL 62704",
        "Lost your code? Call 5550142",
        "Your code will come by post on 12.05.2026 at 10:45 (2026-05-12)",
        "Security fee: 1249.00 EUR, access from 192.168.1.20, version 4.2026.1",
        "Verify your account ending in 4417",
        "© 2026 Acme Security",
        "48291377",
    ],
)
def test_a_number_with_another_name_or_none_is_no_code(text: str) -> None:
    assert _text(text) == _NOTHING


def test_the_subject_announces_a_code_that_stands_alone() -> None:
    assert _text("Hi,\n\n4829\n\nBye", subject="Your login code").code == "4829"
    assert _text("Hi, 4829 people came", subject="Your login code").code is None


def test_numbers_in_links_and_addresses_are_no_codes() -> None:
    assert _text("Your code: https://a.example/482913 or 482913@a.example").code is None


def test_a_code_in_a_tag_of_its_own_stands_alone_and_tags_do_not_part_it() -> None:
    assert _html("<p>Your PIN for the door.</p><p>Take <b>4829</b>, Ana</p>").code == "4829"
    assert _html("<p>Your PIN for the door.</p><p>Take 4829, Ana</p>").code is None
    assert _html("<p>Your code:</p><p><i>48</i><i>29</i><b>13</b></p>").code == "482913"


def test_what_html_does_not_show_is_not_read() -> None:
    hidden = "<style>.code {width: 482913px}</style><script>code = '482913'</script><!-- code: 482913 -->"
    assert _html(f"<head><title>code 482913</title></head><body>{hidden}</body>") == _NOTHING


# Links


@pytest.mark.parametrize(
    "text",
    [
        "Verify your address: {}",
        "Verify your address:\n\n<{}>\n",
        "[Verify your address]({})",
        "Open {}, please",
        'Open "{}".',
        "Open {}!",
        "請打開{}。謝謝",
    ],
)
def test_a_link_ends_where_its_sentence_goes_on(text: str) -> None:
    url = "https://a.example/verify/8Kq2vT9xLw4?x=1"
    assert _text(text.format(url)).link == url


def test_the_label_or_the_sentence_says_what_a_link_is_for() -> None:
    for html in ('<a href="{}">Confirm</a>', '<p>To confirm click <a href="{}">here</a></p>', "Confirm: {}"):
        assert _html(html.format("https://a.example/x?a=1&amp;b=2")).link == "https://a.example/x?a=1&b=2"


@pytest.mark.parametrize(
    "html",
    [
        '<a href="https://a.example/unsubscribe?token=8Kq2vT9xLw4">Confirm</a>',
        '<a href="https://a.example/x/8Kq2vT9xLw4">Unsubscribe</a>',
        '<a href="https://verify.example/">Home</a>',
        '<a href="https://a.example/?utm_campaign=verify">Acme</a>',
        '<a href="https://a.example/login">Log in</a>',
        '<a href="mailto:verify@a.example">Verify</a>',
        '<a href="javascript:verify()">Verify</a>',
        "<a>Verify</a>",
        "If it wasn't you, <a href='https://a.example/reset'>reset your password</a>",
    ],
)
def test_other_links_verify_nothing(html: str) -> None:
    assert _html(html).link is None


def test_the_best_link_wins_and_of_equals_the_first() -> None:
    links = "https://a.example/login?token=abc https://a.example/verify/1 https://a.example/verify/2"
    assert _text(links).link == "https://a.example/verify/1"


# Credentials


@pytest.mark.parametrize(
    "text",
    [
        "Username: ana\nPassword: s3cret!",
        "Password: s3cret!\nUsername: ana",
        "- User name = ana\n- Your temporary password = s3cret!",
        "Email: ana@a.example\nLogin: ana\nPassword: s3cret!",
        "Login: ana, Password: s3cret!",
        "Benutzername: ana\nPasswort: s3cret!",
    ],
)
def test_lines_that_say_what_they_are_give_credentials(text: str) -> None:
    assert _text(text).credentials == (Credentials("ana", "s3cret!"),)


def test_cells_and_definitions_give_credentials() -> None:
    expected = (Credentials("ana", "s<3"),)
    assert _html("<tr><td>Login</td><td>ana</td></tr><tr><td>Password</td><td>s&lt;3</td></tr>").credentials == expected
    assert _html("<dl><dt>Login</dt><dd>ana</dd><dt>Password</dt><dd>s&lt;3</dd></dl>").credentials == expected


@pytest.mark.parametrize(
    "text",
    [
        "Username: ana",
        "Password: s3cret!",
        "Username: ana\nPassword: ********",
        "Username: ana\nPassword: the one you chose",
        "Username: ana\nPassword: https://a.example/password",
        "Username: ana\nOne-time password: 482913",
    ],
)
def test_half_a_pair_or_a_remark_is_no_credential(text: str) -> None:
    assert _text(text).credentials == ()


# Any mail at all

_PROSE = st.text("abdefghjkmuw ,;", max_size=60)  # no word of these letters announces a code
_SCRAPS = st.sampled_from(
    [
        *(
            "code",
            "482913",
            "https://a.example/verify",
            "<a href=",
            "'",
            '"',
            ">",
            "</a>",
            "<td>",
            "<b>",
            "user:",
            "password:",
        ),
        *(
            "order",
            "©",
            "&#49;",
            "&#xD800;",
            "\n",
            "\t",
            ".",
            "。",
            "İ",
            "AB-12",
            "-",
            "<!--",
            "<script>",
            "2026",
            "٤",
            "a=b",
        ),
    ]
)


@given(st.binary(max_size=300))
def test_no_bytes_make_it_raise(raw: bytes) -> None:
    extract(Mail(raw))


@given(st.none() | st.text(max_size=200), st.none() | st.text(max_size=200))
@example(None, "&#" + "1" * 5000 + ";")
@example("", "<a href='https://[' >verify</a>")
def test_no_text_makes_it_raise(text: str | None, html: str | None) -> None:
    extract(Mail(b"\r\n", Body(text, html, ())))


@given(st.lists(_SCRAPS, max_size=40).map(" ".join))
def test_no_scraps_of_mails_make_it_raise(text: str) -> None:
    extract(Mail(b"Subject: code\r\n\r\n", Body(text, text, ())))


@given(_PROSE, _PROSE, st.integers(100_000, 999_999).map(str))
def test_a_planted_code_is_found_in_any_prose(before: str, after: str, code: str) -> None:
    assert _text(f"{before}. Your verification code is {code}. {after}").code == code
    assert _html(f"<p>{before}</p><p>Your verification code:</p><h1>{code}</h1><p>{after}</p>").code == code


@given(st.lists(st.tuples(_PROSE, st.integers(0, 10**9).map(str)), max_size=8))
def test_numbers_without_announcing_words_are_no_codes(pieces: list[tuple[str, str]]) -> None:
    text = "\n".join(f"{prose} {number}" for prose, number in pieces)
    assert _text(text).code is None
    assert _html(f"<b>{text}</b>").code is None


@pytest.mark.parametrize(
    "unit",
    [
        *(
            "1",
            "1 ",
            "1234 ",
            "123-",
            "a1 ",
            "ABCDE\n",
            "ABC-DEF ",
            "code ",
            "code 482913 ",
            "码1234",
            ". ",
            "\n",
            " ",
            "İ",
        ),
        *("<", "<a href='", "<a href ", "<script>", "<!--", "</script ", "<b>1</b>", "&#", "&#1", "<td>1", "<head>"),
        *("https://", "https://a.example/verify ", "https://a.example/))", "https://a.example/aaaa", "/a", ")"),
        *("user: a\n", "username:\n", ", password: x", ", ", "*", ":", "password", "password: *"),
    ],
)
def test_hostile_text_of_any_length_is_read_in_one_go(unit: str) -> None:
    # What grows with the square of the length does not end here within the patience of a test run.
    whole = unit * (_HOSTILE // len(unit))
    extract(Mail(b"Subject: code\r\n\r\n", Body(whole, "<a href='https://a.example/" + whole, ())))
