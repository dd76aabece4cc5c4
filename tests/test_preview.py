"""The preview of a mail's HTML: what is left of it, and that none takes long to make."""

from __future__ import annotations

import base64

import pytest

from emulator.mail.parse import Attachment, Body, Mail
from emulator.servers.http.pages.preview import preview


def _shown(html: str, *parts: Attachment) -> str:
    page = preview(Mail(b"", Body(None, html, parts))).page
    return page.partition("<body>")[2].partition("</body>")[0]


def test_what_people_see_of_a_mail_stays() -> None:
    table = '<table width="600"><tr><td align="left">x</td></tr></table>'
    shown = _shown(f'<h1 style="color: red;background: #fff">Hi <b>you</b></h1>{table}')
    assert '<h1 style="color:red;background:#fff">Hi <b>you</b></h1>' in shown
    assert '<table width="600"><tbody><tr><td align="left">x</td></tr></tbody></table>' in shown


def test_an_image_that_came_with_the_mail_is_in_the_page_and_others_are_counted() -> None:
    png = Attachment("a.png", "image/png", b"\x89PNG", "logo@x", inline=True)
    html = (
        '<img src="cid:logo@x" alt="Logo"><img src="cid:none"><img src="https://tracker.test/x.gif"><img src="/x.png">'
    )
    made = preview(Mail(b"", Body(None, html, (png,))))
    assert f'<img src="data:image/png;base64,{base64.b64encode(png.data).decode()}" alt="Logo">' in made.page
    assert made.page.count("src=") == 1
    assert made.blocked == 3


@pytest.mark.parametrize("kind", ["image/svg+xml", "text/html", "application/pdf"])
def test_what_is_no_picture_is_not_shown_as_one(kind: str) -> None:
    assert "data:" not in _shown('<img src="cid:x">', Attachment("x", kind, b"<script>", "x"))


def test_many_large_images_are_left_out() -> None:
    parts = [Attachment(None, "image/png", b"x" * 3_000_000, str(n)) for n in range(4)]
    shown = _shown("".join(f'<img src="cid:{n}">' for n in range(4)), *parts)
    assert shown.count("data:image/png") == 2


@pytest.mark.parametrize(
    "style",
    [
        "background:url(http://x.test/a)",
        r"background:\75\72\6c(http://x.test/a)",
        "background:image-set('http://x.test/a' 1x)",
        "background:var(--x)",
        "position:fixed",
        "list-style-image:url(http://x.test/a)",
    ],
)
def test_a_style_that_could_fetch_or_cover_is_left_out(style: str) -> None:
    shown = _shown(f'<p style="{style};color:red">x</p>')
    assert "http" not in shown
    assert "fixed" not in shown


@pytest.mark.parametrize(
    ("link", "kept"),
    [
        ("https://acme.test/", True),
        ("mailto:a@b.test", True),
        ("javascript:alert(1)", False),
        ("cid:x", False),
        ("data:text/html,x", False),
        ("/_emulator/reset", True),  # the frame is a sandbox of no origin, and following a link changes nothing
    ],
)
def test_a_link_opens_beside_the_page_or_nowhere(link: str, kept: bool) -> None:
    shown = _shown(f'<a href="{link}">x</a>')
    assert (f'href="{link}"' in shown) is kept
    assert 'target="_blank"' in shown
    assert 'rel="noopener noreferrer nofollow"' in shown


@pytest.mark.parametrize(
    "html",
    [
        "<div>" * 200_000,
        "<div></i>" * 100_000,
        "<table><tr><td>" * 100_000,
        "".join(f"<font color=c{n}>" for n in range(3_000)) + "<p>x" * 100_000,
        "x" * 3_000_000,
    ],
    ids=["nested", "wrongly closed", "tables", "formatting", "long"],
)
def test_what_would_take_long_is_cut(html: str) -> None:
    made = preview(Mail(b"", Body(None, html, ())))
    assert made.cut
    assert len(made.page) < 3_000_000
