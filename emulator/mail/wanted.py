"""Which mail somebody waits for, and why another one is not it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final, NamedTuple

from emulator.mail.addresses import normalize

if TYPE_CHECKING:
    from emulator.mail.sightings import Sighting

Matches = re.Pattern[str] | Callable[["Sighting"], object]


class Wanted(NamedTuple):
    """What a mail has to be; None asks for nothing.

    `to` is an address, `sender`, `subject` and `text` are parts without regard to case, `reply_to` is the Message-ID
    that it answers. `matches` is a pattern to be found in subject or text, or a function that says yes.
    """

    to: str | None = None
    sender: str | None = None
    subject: str | None = None
    text: str | None = None
    reply_to: str | None = None
    matches: Matches | None = None

    def fits(self, mail: Sighting) -> bool:
        """Tell whether a mail is wanted."""
        return next(self.misses(mail), None) is None

    def misses(self, mail: Sighting) -> Iterator[str]:
        """Yield why a mail is not wanted, a phrase for each reason."""
        if self.to is not None and normalize(self.to) != normalize(mail.to):
            yield f"it is not to {self.to}"
        if self.sender is not None and self.sender.lower() not in mail.sender.lower():
            yield f"{self.sender!r} is not in its sender"
        if self.subject is not None and self.subject.lower() not in mail.subject.lower():
            yield f"{self.subject!r} is not in its subject"
        if self.text is not None and self.text.lower() not in f"{mail.text}\n{mail.html}".lower():
            yield f"{self.text!r} is not in its text"
        if self.reply_to is not None and self.reply_to not in (mail.mail.in_reply_to, *mail.mail.references):
            yield "it is no reply to that mail"
        if self.matches is not None and not _says_yes(self.matches, mail):
            yield f"{_named(self.matches)} does not match"

    def __str__(self) -> str:
        told = {
            "to": self.to,
            "from_": self.sender,
            "subject": self.subject,
            "text": self.text,
            "reply_to": self.reply_to,
        }
        parts = [f"{name}={value!r}" for name, value in told.items() if value is not None]
        return ", ".join([*parts, *([f"matches={_named(self.matches)}"] if self.matches is not None else [])])


ANYTHING: Final = Wanted()


def _says_yes(matches: Matches, mail: Sighting) -> bool:
    if isinstance(matches, re.Pattern):
        return any(map(matches.search, (mail.subject, mail.text, mail.html)))
    return bool(matches(mail))


def _named(matches: Matches) -> str:
    return repr(matches.pattern) if isinstance(matches, re.Pattern) else getattr(matches, "__name__", repr(matches))
