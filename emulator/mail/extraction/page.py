"""A mail as a reader sees it: lines and cells of text, and links with their labels."""

from __future__ import annotations

import re
from functools import cache
from typing import Final, NamedTuple

from emulator.mail.parse import Mail

_BLOCKS: Final = frozenset(
    [
        "address",
        "article",
        "blockquote",
        "body",
        "center",
        "dd",
        "div",
        "dl",
        "dt",
        "footer",
        "form",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "header",
        "hr",
        "li",
        "main",
        "ol",
        "p",
        "pre",
        "section",
        "table",
        "tbody",
        "tr",
        "ul",
    ]
)
_SPACES: Final = (" ", "\t", "\n", "\n\n")
_WIDE: Final = {0xA0: " ", 0xAD: " ", 0x2007: " ", 0x2009: " ", 0x202F: " ", 0x3000: " ", 0x034F: " ", 0xFEFF: " "}
# Letter for letter, so that places in the text stay: full-width ASCII becomes ASCII; odd and empty spaces, a space.
_SIMPLE: Final = _WIDE | dict.fromkeys(range(8203, 8208), " ") | {0xFF01 + n: chr(0x21 + n) for n in range(94)}


class Link(NamedTuple):
    """A link, and the place of its label in the text; a bare address has an empty one."""

    url: str
    start: int
    end: int


class Page(NamedTuple):
    """One body under the mail's subject. A tab ends a cell, a blank line ends a paragraph.

    `edges` are the places in the text where tags were.
    """

    text: str
    links: list[Link]
    edges: frozenset[int]


def pages(mail: Mail) -> list[Page]:
    """Return the HTML and the text of a mail, as far as it has them."""
    title, body = (mail.subject or "") + "\n\n", mail.body
    written = [_Writer(title).html(body.html)] if body.html else []
    if body.text and body.text.strip():
        written.append(_Writer(title).write(body.text.expandtabs(1)))
    return [writer.page() for writer in written]


class _Writer:
    """Writes a page."""

    def __init__(self, title: str) -> None:
        self._pieces = [title]
        self._at = len(title)
        self._links: list[Link] = []
        self._edges = {self._at}

    def write(self, text: str) -> _Writer:
        self._pieces.append(text)
        self._at += len(text)
        return self

    def html(self, html: str) -> _Writer:
        """Write what a browser would show."""
        end, opened = 0, None
        for tag in _markup().finditer(html):
            self._shown(html[end : tag.start()])
            end, name = tag.end(), (tag["name"] or "").lower()
            if name == "a":
                if opened:
                    self._links.append(opened._replace(end=self._at))
                opened = self._link(tag["rest"])
            elif name in _BLOCKS:
                self._space("\n\n")
            elif name in ("br", "td", "th"):
                self._space("\n" if name == "br" else "\t")
            self._edges.add(self._at)
        self._shown(html[end:])
        self._links.extend([opened._replace(end=self._at)] if opened else [])
        return self

    def page(self) -> Page:
        text = "".join(self._pieces).translate(_SIMPLE)
        text = _bare_url().sub(self._bare_link, text)
        return Page(text, sorted(self._links, key=lambda link: link.start), frozenset(self._edges))

    def _shown(self, source: str) -> None:
        text = " ".join(_unescape(source).split())
        if source[:1].isspace():
            self._space(" ")
        if text:
            self.write(text)
            if source[-1:].isspace():
                self._space(" ")

    def _space(self, wanted: str) -> None:
        """Write white space, of which the strongest counts."""
        if not self._pieces[-1].isspace():
            self.write(wanted)
        elif _SPACES.index(wanted) > _SPACES.index(self._pieces[-1]):
            self._at -= len(self._pieces.pop())
            self.write(wanted)

    def _link(self, attributes: str) -> Link | None:
        found = _href().search(attributes)
        url = _unescape(found[1] or found[2] or found[3] or "").strip() if found else ""
        return Link(url, self._at, self._at) if url.lower().startswith(("http://", "https://")) else None

    def _bare_link(self, found: re.Match[str]) -> str:
        url = found[0].rstrip(".,;:!?'*]}")
        if url.endswith(")") and "(" not in url:
            url = url.rstrip(").,;:!?'")
        self._links.append(Link(url, found.start(), found.start()))
        return " " * len(url) + found[0][len(url) :]


def _unescape(source: str) -> str:
    if "&" not in source:
        return source
    from html import unescape

    try:
        return unescape(source)
    except ValueError:  # the number of a letter with more digits than Python takes
        return source


@cache
def _markup() -> re.Pattern[str]:
    # What is opened and never closed ends with the page: looking for its end from every start would take for ever.
    return re.compile(
        r"(?si)<(script|style)\b(?:.*?</\1\s*>|.*\Z)|<head\b(?:.*?(?:</head\s*>|(?=<body\b))|.*\Z)|<!--(?:.*?-->|.*\Z)"
        r"|</?(?P<name>[a-z][a-z0-9]*)(?P<rest>[^<>]*)>|<[!?][^<>]*>"
    )


@cache
def _href() -> re.Pattern[str]:
    return re.compile(r"""(?i)\bhref\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""")


@cache
def _bare_url() -> re.Pattern[str]:
    return re.compile(r"https?://[^\s<>\"/?#,。、)」|]+(?:[/?#][!#-;=?-{}~]*)?", re.IGNORECASE)
