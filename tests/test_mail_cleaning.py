"""Quotes and signatures are left out of a mail, whatever program wrote them, and hostile text costs no time."""

from __future__ import annotations

import pytest

from emulator.mail.cleaning import (
    html_without_quotes,
    html_without_signature,
    readable,
    without_quotes,
    without_signature,
)


@pytest.mark.parametrize(
    "quoted",
    [
        "On Mon, 1 Dec 2025 at 10:00, Bob <bob@example.com> wrote:\n> earlier\n> mail\n",
        "On Mon, 1 Dec 2025 at 10:00, a very long name <bob@example.com>\nwrote:\n\n> earlier\n",
        "Am Mo., 1. Dez. 2025 um 10:00 Uhr schrieb Bob <bob@example.com>:\n> früher\n",
        "> earlier\n>> still earlier\n",
        "-----Original Message-----\nFrom: Bob\nSubject: x\n\nearlier\n",
        "________________________________\nFrom: Bob <bob@example.com>\nSent: Monday\n\nearlier\n",
    ],
)
def test_quoted_mail_is_left_out_of_text(quoted: str) -> None:
    assert without_quotes(f"Yes.\n\n{quoted}") == ("Yes.", True)


def test_answers_between_quotes_stay() -> None:
    assert without_quotes("> one?\nYes.\n> two?\nNo.\n") == ("Yes.\nNo.", True)


@pytest.mark.parametrize(
    "text",
    ["Yes.\n", "On Monday I said:\nno quote follows", "a > b\n", "--> here\n", "--- Forwarded message ---\nb", ""],
)
def test_text_without_quotes_stays_as_it_is(text: str) -> None:
    assert without_quotes(text) == (text, False)


@pytest.mark.parametrize("signature", ["-- \nJane\nACME\n", "--\nJane\n", "Sent from my phone\n"])
def test_a_signature_is_left_out_of_text(signature: str) -> None:
    assert without_signature(f"Yes.\n\n{signature}") == ("Yes.", True)


@pytest.mark.parametrize("text", ["Yes.\n", "a -- b\n", "---\nrule\n", "I sent from my phone\n"])
def test_text_without_a_signature_stays_as_it_is(text: str) -> None:
    assert without_signature(text) == (text, False)


@pytest.mark.parametrize(
    "quoted",
    [
        "<blockquote>earlier <blockquote type=cite>and earlier</blockquote></blockquote>",
        '<div class="gmail_quote"><div>On Monday:</div>earlier</div>',
        '<DIV ID="divRplyFwdMsg">earlier</DIV>',
        "<BlockQuote>never closed <p>earlier</p>",
    ],
)
def test_quoted_mail_is_left_out_of_html(quoted: str) -> None:
    assert html_without_quotes(f"<p>Yes.</p>{quoted}") == ("<p>Yes.</p>", True)


def test_what_follows_a_quote_stays_in_html() -> None:
    html = "<div>a</div><blockquote>earlier</blockquote><div>b</div>"
    assert html_without_quotes(html) == ("<div>a</div><div>b</div>", True)
    assert html_without_quotes("<div>a</div>") == ("<div>a</div>", False)


def test_a_marked_signature_is_left_out_of_html() -> None:
    html = '<p>Yes.</p><div class="gmail_signature"><div>Jane</div></div>'
    assert html_without_signature(html) == ("<p>Yes.</p>", True)
    assert html_without_signature("<p>Yes.</p>") == ("<p>Yes.</p>", False)


def test_html_reads_line_by_line() -> None:
    assert readable("<p>a&nbsp; b</p><div>c<br>d</div><p></p><p></p><p>e &amp; f</p>") == "a b\nc\nd\n\ne & f"


@pytest.mark.parametrize(
    "hostile",
    [
        "On a\n",
        "On a:\n\n\n",
        ">",
        "<div class=",
        "<blockquote>",
        "<div class=gmail_quote>",
        "--\n",
        "\n",
        "On ",
        "_" * 10,
    ],
)
def test_hostile_text_is_read_in_one_go(hostile: str) -> None:
    text = hostile * 50_000
    for clean in (without_quotes, without_signature, html_without_quotes, html_without_signature):
        assert len(clean(text).text) <= len(text)
    readable(text)
