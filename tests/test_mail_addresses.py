"""Addresses: what is one, how they compare, and how they are written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.mail import Mail
from emulator.mail.addresses import (
    domain,
    encode_words,
    is_address,
    is_message_id,
    local_part,
    normalize,
    unique,
    utf8_pieces,
    write,
)
from emulator.mail.parse import decode_words

_NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\r\n\0"), min_size=1, max_size=200)


@pytest.mark.parametrize(
    "text",
    ["a@b", "a@localhost", "ops@acme.test", "first.last+tag@sub.acme.test", "o'hara@x-y.test", "jürgen@müller.test"],
)
def test_a_bare_address_is_one(text: str) -> None:
    assert is_address(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "@b",
        "a@",
        "a@b@c",
        "a b@c",
        " a@b",
        "a@b ",
        "a@b\n",
        "a@b\r\nBcc: c@d",
        "a@b,c@d",
        "Ann <a@b>",
        "<a@b>",
        ".a@b",
        "a.@b",
        "a..b@c",
        "a@b..c",
        "a@.b",
        "a@-b",
        "a@b-",
        "a\0@b",
        '"a b"@c',
        f"{'a' * 250}@b.test",
    ],
)
def test_anything_else_is_none(text: str) -> None:
    assert not is_address(text)


def test_an_address_has_at_most_254_characters() -> None:
    assert is_address(f"{'a' * 252}@b")
    assert not is_address(f"{'a' * 253}@b")


@pytest.mark.parametrize("text", ["<a@b>", "<a>", "<a$%b@[1.2.3.4]>"])
def test_a_message_id_has_its_brackets(text: str) -> None:
    assert is_message_id(text)


@pytest.mark.parametrize("text", ["", "a@b", "<>", "<a b>", "<a@b>\n", " <a@b>", "<a><b>", "<<a>>", f"<{'a' * 899}>"])
def test_anything_else_is_no_message_id(text: str) -> None:
    assert not is_message_id(text)


def test_addresses_are_compared_without_case_and_surrounding_space() -> None:
    assert normalize(" Ann@ACME.test ") == "ann@acme.test"


def test_repetitions_are_left_out_as_first_written() -> None:
    assert unique(["B@x.test", "a@x.test", "b@X.test", "A@x.test", "c@x.test"]) == ["B@x.test", "a@x.test", "c@x.test"]
    assert unique([]) == []


def test_an_address_has_two_parts() -> None:
    assert (local_part("a.b@c.test"), domain("a.b@c.test")) == ("a.b", "c.test")


@pytest.mark.parametrize(
    ("name", "written"),
    [
        (None, "a@b"),
        ("", "a@b"),
        ("Ann Lee", "Ann Lee <a@b>"),
        ("Lee, Ann", '"Lee, Ann" <a@b>'),
        ('Ann "the" \\ Lee', '"Ann \\"the\\" \\\\ Lee" <a@b>'),
        ("a@b", '"a@b" <a@b>'),
        ("Jürgen", "=?utf-8?b?SsO8cmdlbg==?= <a@b>"),
        ("=?utf-8?q?x?=", "=?utf-8?b?PT91dGYtOD9xP3g/PQ==?= <a@b>"),
    ],
)
def test_a_name_is_quoted_or_encoded_where_it_must_be(name: str | None, written: str) -> None:
    assert write(name, "a@b") == written


@given(_NAMES)
def test_a_written_name_reads_back(name: str) -> None:
    header = write(name, "a@b.test")
    assert header.isascii()
    assert Mail(f"To: {header}\r\n\r\n".encode()).addresses("to") == [(name, "a@b.test")]


@given(_NAMES)
def test_encoded_words_read_back_and_stay_short(text: str) -> None:
    words = encode_words(text).split("\r\n ")
    assert max(map(len, words)) <= 75
    assert decode_words(" ".join(words)) == text


@given(st.text(st.characters(codec="utf-8")), st.integers(4, 50))
def test_pieces_of_a_text_split_no_letter(text: str, size: int) -> None:
    pieces = list(utf8_pieces(text, size))
    assert "".join(piece.decode() for piece in pieces) == text
    assert all(0 < len(piece) <= size for piece in pieces)
