"""Secrets are never shown, whatever they come in."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.world.masking import MASK, is_secret, mask, mask_body, mask_headers, mask_query, mask_value

_NAMES = ["api_key", "apiKey", "Authorization", "smtp_password", "access_token", "client_secret", "signing_key"]
_SECRETS = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=13, max_size=40)


@pytest.mark.parametrize(
    "name",
    [
        *_NAMES,
        "Cookie",
        "Set-Cookie",
        "Proxy-Authorization",
        "X-API-Key",
        "X-Service-Token",
        "token",
        "user[token]",
        "private_key",
        "agent_key",
        "key",
        "verification_code",
        "webhook-signature",
    ],
)
def test_a_name_that_carries_a_secret_is_known(name: str) -> None:
    assert is_secret(name)
    assert is_secret(name.upper())


@pytest.mark.parametrize(
    "name", ["page_token", "next_page_token", "token_count", "subject", "key_id", "Idempotency-Key"]
)
def test_other_names_are_left_alone(name: str) -> None:
    assert not is_secret(name)


def test_a_long_secret_shows_its_end_and_a_short_one_nothing() -> None:
    assert mask("sk_live_0123456789") == "***6789"
    assert mask("123456789012") == mask("") == MASK


def test_secret_headers_are_masked() -> None:
    shown = mask_headers([("X-Api-Key", "sk_live_0123456789"), ("Cookie", "a=b"), ("Accept", "*/*")])
    assert shown == {"X-Api-Key": "***6789", "Cookie": "***", "Accept": "*/*"}


def test_a_secret_in_the_url_of_a_header_is_masked() -> None:
    shown = mask_headers([("Location", "/files?a=1&access_token=sk_live_0123456789#x"), ("Vary", "Authorization")])
    assert shown == {"Location": "/files?a=1&access_token=***6789#x", "Vary": "Authorization"}


def test_the_cursor_in_the_url_of_a_header_is_shown() -> None:
    assert mask_headers([("Link", "</a?page_token=abc>; rel=next")]) == {"Link": "</a?page_token=abc>; rel=next"}


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("", ""),
        ("limit=5&subject=a+b", "limit=5&subject=a+b"),
        ("api_key=sk_live_0123456789&limit=5", "api_key=***6789&limit=5"),
        ("token=a&token=b", "token=***&token=***"),
        ("api%5Fkey=sk_live_0123456789", "api_key=***6789"),
        ("filter[token]=sk", "filter%5Btoken%5D=***"),
        ("next=/a?token=sk", "next=%2Fa%3Ftoken%3D***"),
        ("page_token=abc", "page_token=abc"),
        ("empty=", "empty="),
    ],
)
def test_secret_values_of_a_query_are_masked(query: str, shown: str) -> None:
    assert mask_query(query) == shown


def test_secret_fields_of_json_are_masked() -> None:
    body = {"api_key": "sk_live_0123456789", "subject": "Hi", "to": [{"password": "hunter2", "name": "A"}]}
    shown = {"api_key": "***6789", "subject": "Hi", "to": [{"password": "***", "name": "A"}]}
    assert mask_body(json.dumps(body).encode()) == shown


def test_what_stands_below_a_secret_name_is_secret() -> None:
    assert mask_value({"credentials": {"value": "hunter2", "all": ["hunter2", {"v": "hunter2"}]}}) == {
        "credentials": {"value": "***", "all": ["***", {"v": "***"}]}
    }


def test_a_secret_number_is_masked() -> None:
    assert mask_value({"verification_code": 123456, "n": 7}) == {"verification_code": "***", "n": 7}


def test_whether_there_is_a_secret_is_shown() -> None:
    assert mask_value({"has_smtp_password": True, "signing_key": None}) == {
        "has_smtp_password": True,
        "signing_key": None,
    }


def test_an_empty_body_is_shown_as_none() -> None:
    assert mask_body(b"") is None


def test_a_body_that_is_no_json_is_shown_as_text() -> None:
    assert mask_body(b"hello \xff") == "hello \ufffd"
    assert mask_body(b"x" * 5000) == "x" * 4096


def test_json_nested_without_end_is_shown_as_text() -> None:
    assert mask_body(b"[" * 100_000) == "[" * 4096


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('{"api_key": "sk_secret", "a": 1', '{"api_key": ***, "a": 1'),
        ('{"a": 1, "api_key": "sk_sec', '{"a": 1, "api_key": ***'),
        ('{"access_token":"sk_secret","a"', '{"access_token":***,"a"'),
        ('{"password": "my secret, \\"it\'s\\" {here}", "a": 1', '{"password": ***, "a": 1'),
        ('{"verification_code": 123456, "a": 1', '{"verification_code": ***, "a": 1'),
        ('{"a": 1, "client_secret": ["one secret", "two"], "b"', '{"a": 1, "client_secret": ***'),
        ('{"id": "1", "key": "my secret", "key_id": "2"', '{"id": "1", "key": ***, "key_id": "2"'),
        ('{"credential": {"value": "secret"', '{"credential": ***'),
        ('{"a": "{\\"password\\": \\"my secret\\", \\"b\\": 1}"', '{"a": "{\\"password\\": ***, \\"b\\": 1}"'),
        ('{"note": "password=secret', '{"note": "password=***'),
        ("{'token': 'my secret', 'a': 1}", "{'token': ***, 'a': 1}"),
        ("access_token=secret&a=1", "access_token=***&a=1"),
        ("user%5Bpassword%5D=secret&a=1", "user%5Bpassword%5D=***&a=1"),
        ("Authorization: Bearer secret, really\r\nAccept: */*", "Authorization: ***\r\nAccept: */*"),
        ("page_token=abc&limit=5", "page_token=abc&limit=5"),
        ("a token of my esteem", "a token of my esteem"),
    ],
)
def test_secrets_in_text_are_masked(text: str, shown: str) -> None:
    assert mask_body(text.encode()) == shown


_VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.integers() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(secret=_SECRETS, name=st.sampled_from(_NAMES), other=_VALUES, depth=st.integers(0, 3), ascii_only=st.booleans())
def test_no_cut_of_a_json_body_shows_a_secret(
    secret: str, name: str, other: Any, depth: int, *, ascii_only: bool
) -> None:
    body: Any = {"other": other, name: f"{secret[:9]} \"'\\,}}{secret}"}
    for _ in range(depth):
        body = {"before": 1, "inner": [body, other]}
    data = json.dumps(body, ensure_ascii=ascii_only).encode()
    for cut in range(data.index(name.encode()), len(data) + 1):
        shown = json.dumps(mask_body(data[:cut]))
        assert secret[:9] not in shown
        assert secret[:-4] not in shown  # the last four may be shown


@given(st.text(max_size=300))
def test_masking_text_never_fails(text: str) -> None:
    mask_body(text.encode())
    mask_query(text)
    mask_headers([(text, text)])
