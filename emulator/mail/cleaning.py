"""What a reader need not see of a mail: quoted earlier mail and signatures."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, NamedTuple

from emulator.mail.parse import plain

# Each ends at a line's end, so that no search runs through the whole text from every start.
_ATTRIBUTION: Final = re.compile(r"(?m)^(?:On|Am|Le|El|Op|Den)\b[^\n]{1,200}(?:\n[^\n]{1,200})?:[ \t]*$\s*(?=^>|\Z)")
_ORIGINAL: Final = re.compile(
    r"(?mi)^[ \t]*-{2,}[ \t]*(?:original message|ursprüngliche nachricht|message d'origine)"
    r"[ \t]*-{2,}[ \t]*$|^_{10,}[ \t]*\n(?=From:)"
)
_QUOTED: Final = re.compile(r"(?m)^>[^\n]*\n?")
_SIGNATURE: Final = re.compile(r"(?m)^--[ \t]?$|^Sent from my [^\n]{1,60}$")
_OPENING: Final = re.compile(r"<(blockquote|div|table|p|span)\b([^<>]*)>", re.IGNORECASE)
_QUOTE_MARKS: Final = (
    "gmail_quote",
    "yahoo_quoted",
    "protonmail_quote",
    "moz-cite-prefix",
    "divrplyfwdmsg",
    "appendonsend",
)
_SIGNATURE_MARKS: Final = ("gmail_signature", "moz-signature", "email-signature", "protonmail_signature")
_BREAK: Final = re.compile(r"(?i)<br\b[^<>]*>|</(?:p|div|li|tr|h[1-6]|blockquote|table|ul|ol|pre)\s*>")
_SPACES: Final = re.compile(r"[ \t\xa0\r\f\v]+")
_EMPTY_LINES: Final = re.compile(r"\n{3,}")


class Cleaned(NamedTuple):
    """A text, and whether something was left out of it."""

    text: str
    stripped: bool


def without_quotes(text: str) -> Cleaned:
    """Return a plain text without the earlier mail that it quotes, and the line that announces it."""
    original = _ORIGINAL.search(text)
    head = text if original is None else text[: original.start()]
    return _shorter(text, _QUOTED.sub("", _ATTRIBUTION.sub("", head)))


def without_signature(text: str) -> Cleaned:
    """Return a plain text without its signature: what follows a line of two dashes."""
    found = _SIGNATURE.search(text)
    return Cleaned(text, stripped=False) if found is None else _shorter(text, text[: found.start()])


def html_without_quotes(html: str) -> Cleaned:
    """Return some HTML without the elements in which mail programs quote earlier mail."""
    return _without(html, lambda tag: tag[1].lower() == "blockquote" or _is_marked(tag, _QUOTE_MARKS))


def html_without_signature(html: str) -> Cleaned:
    """Return some HTML without the elements that mail programs mark as the signature."""
    return _without(html, lambda tag: _is_marked(tag, _SIGNATURE_MARKS))


def readable(html: str) -> str:
    """Return the text of some HTML with its lines kept apart."""
    lines = (_SPACES.sub(" ", line).strip() for line in plain(_BREAK.sub("\n", html)).split("\n"))
    return _EMPTY_LINES.sub("\n\n", "\n".join(lines)).strip()


def _shorter(text: str, rest: str) -> Cleaned:
    return Cleaned(text, stripped=False) if rest == text else Cleaned(rest.rstrip(), stripped=True)


def _is_marked(tag: re.Match[str], marks: tuple[str, ...]) -> bool:
    attributes = tag[2].lower()
    return any(mark in attributes for mark in marks)


def _without(html: str, unwanted: Callable[[re.Match[str]], bool]) -> Cleaned:
    """Leave out each element whose opening tag is unwanted, up to its own end; one without an end goes on for ever."""
    kept, at = list[str](), 0
    for tag in _OPENING.finditer(html):
        if tag.start() >= at and unwanted(tag):
            kept.append(html[at : tag.start()])
            at = _end_of_element(html, tag)
    return Cleaned("".join((*kept, html[at:])), stripped=bool(kept))


def _end_of_element(html: str, opening: re.Match[str]) -> int:
    depth = 1
    for tag in re.compile(rf"(?i)<(/?){opening[1]}\b[^<>]*>").finditer(html, opening.end()):
        depth += -1 if tag[1] else 1
        if depth == 0:
            return tag.end()
    return len(html)
