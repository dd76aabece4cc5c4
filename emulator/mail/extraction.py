"""What an agent looks for in a mail: one-time codes, verification links, credentials."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Final, NamedTuple

from emulator.mail.parse import Mail, plain

_CODE_WORD: Final = re.compile(
    r"(?i)\b(?:one[- ]time|otp|pin|pass ?code|verification|verify|security|sign[- ]?in|log[- ]?in|access|auth\w*)\b"
    r"|\bcode\b"
)
_NOT_CODE_WORD: Final = re.compile(
    r"(?i)\b(?:order|invoice|ticket|tracking|reference|phone|call|tel|price|total|amount|zip|postal|postcode|discount"
    r"|promo|coupon|account number|copyright|usd|eur)\b|[$€£©#]"
)
_CODE: Final = re.compile(
    r"(?<![\w.,/$€£#+@=&?%-])(\d{3}[ -]\d{3}|\d{4,8}|(?=[A-Z0-9]*\d)[A-Z0-9]{6,8})(?![\w/@%]|[.,]\d|-\d)"
)
_YEAR: Final = re.compile(r"^(?:19|20)\d\d$")
_LINK: Final = re.compile(r"https?://[^\s<>\"']+")
_LINK_WORD: Final = re.compile(r"(?i)verif|confirm|activat|magic|token|sign-?in|log-?in|reset|validate|otp")
_ORIGIN: Final = re.compile(r"^[a-zA-Z]+://[^/?#]*")
_USER: Final = re.compile(r"(?im)^\s*(?:user ?name|user|login|e-?mail)\s*[:=]\s*(\S+)\s*$")
_PASSWORD: Final = re.compile(r"(?im)^\s*(?:temporary )?(?:password|pass|pwd)\s*[:=]\s*(\S+)\s*$")
_REACH: Final = 80


class Credentials(NamedTuple):
    """A user name and a password that stand in a mail."""

    username: str
    password: str


class Extracted(NamedTuple):
    """What was found in a mail; None or empty where nothing was."""

    code: str | None
    link: str | None
    credentials: tuple[Credentials, ...]


class _Link(NamedTuple):
    url: str
    label: str


def extract(mail: Mail) -> Extracted:
    """Return the one-time code, the verification link and the credentials of a mail."""
    text = _text(mail)
    return Extracted(_code(f"{mail.subject or ''}\n{text}"), _verification_link(mail, text), _credentials(text))


def _text(mail: Mail) -> str:
    body = mail.body
    return body.text if body.text and body.text.strip() else plain(body.html or "")


def _code(text: str) -> str | None:
    """Return the candidate that stands nearest to a word that announces a code."""
    without_links = _LINK.sub(" ", text)
    words = [found.span() for found in _CODE_WORD.finditer(without_links)]
    best: tuple[int, str] | None = None
    for found in _CODE.finditer(without_links):
        if _is_something_else(without_links, found):
            continue
        near = min((_distance(word, found.span()) for word in words), default=_REACH + 1)
        if near <= _REACH and (best is None or near < best[0]):
            best = (near, re.sub(r"[ -]", "", found[1]))
    return best and best[1]


def _is_something_else(text: str, found: re.Match[str]) -> bool:
    before = text[max(0, found.start() - 24) : found.start()].rpartition("\n")[2]
    return bool(_YEAR.match(found[1]) and not re.search(r"(?i)code\W*(?:is)?\W*$", before)) or bool(
        _NOT_CODE_WORD.search(before)
    )


def _distance(word: tuple[int, int], code: tuple[int, int]) -> int:
    return code[0] - word[1] if code[0] >= word[1] else word[0] - code[1] + 1


def _verification_link(mail: Mail, text: str) -> str | None:
    links = [*_html_links(mail.body.html or ""), *(_Link(url, "") for url in map(_trim, _LINK.findall(text)))]
    return next(
        (link.url for link in links if _LINK_WORD.search(_path(link.url)) or _LINK_WORD.search(link.label)), None
    )


def _trim(url: str) -> str:
    return url.rstrip(".,;:!?)]}>")


def _path(url: str) -> str:
    # Not urlsplit: it raises on a broken host.
    return _ORIGIN.sub("", url)


def _credentials(text: str) -> tuple[Credentials, ...]:
    users, passwords = _USER.findall(text), _PASSWORD.findall(text)
    return tuple(Credentials(user, password) for user, password in zip(users, passwords, strict=False))


def _html_links(html: str) -> Iterator[_Link]:
    reader = _Links()
    reader.feed(html)
    reader.close()
    yield from reader.found


class _Links(HTMLParser):
    """Collects the links of some HTML with their labels."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[_Link] = []
        self._url = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            url = dict(attrs).get("href") or ""
            self._url = url.strip() if url.strip().lower().startswith(("http://", "https://")) else ""
            if self._url:
                self.found.append(_Link(self._url, ""))

    def handle_data(self, data: str) -> None:
        if self._url:
            self.found[-1] = _Link(self._url, self.found[-1].label + data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "a":
            self._url = ""
