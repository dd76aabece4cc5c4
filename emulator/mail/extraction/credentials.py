"""Credentials: user names and passwords in lines or table cells that say what they are."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Final, NamedTuple

from emulator.mail.extraction.page import Page
from emulator.mail.extraction.words import any_of, listed

_KINDS: Final = ("password", "user", "email")


class Credentials(NamedTuple):
    """A user name and a password that stand in a mail."""

    username: str
    password: str


def find_credentials(pages: Iterable[Page]) -> tuple[Credentials, ...]:
    """Return the pairs of the first page that has any, in order."""
    return next(filter(None, (tuple(_pairs(page.text)) for page in pages)), ())


def _pairs(text: str) -> Iterator[Credentials]:
    """Pair each password with the user name next to it; without one, an e-mail address serves."""
    known: dict[str, str] = {}
    for found in _facts().finditer(text):
        known[next(kind for kind in _KINDS if found[kind])] = found["value"]
        user = known.get("user") or known.get("email")
        if user and "password" in known:
            yield Credentials(user, known["password"])
            known = {}


@cache
def _facts() -> re.Pattern[str]:
    some = listed("facts")
    names = "|".join(f"(?P<{kind}>{any_of(some[kind])})" for kind in _KINDS)
    return re.compile(
        rf"(?im)(?:^|(?<=\t)|(?<=[,;/|]) )[^\w\n\t]{{0,9}}+(?:(?:{any_of(some['adjective'])}) ?){{0,2}}"
        rf"(?:{names})[ *_]{{0,9}}(?:[:=](?:\*\*(?!\*))?[ \t]{{0,99}}\n{{0,2}}|\t|\n{{1,2}})"
        r"(?P<value>(?![*•●]{3})[^\s:=]\S{0,99}?)(?=[ *]{0,9}$|\t| ?[,;/|] )"
    )
