"""The keywords of a message: read, starred and answered among them, each a mark that mail programs set, too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from emulator.mail import Message
from emulator.mail.folders import Marks, mark
from emulator.provider import Problem
from emulator.world import World

SEEN: Final = "$seen"
FLAGGED: Final = "$flagged"
DRAFT: Final = "$draft"
ANSWERED: Final = "$answered"

_FLAGS: Final = {DRAFT: "draft", ANSWERED: "answered"}
_READ_ONLY: Final = frozenset({DRAFT, "$recent", "$deleted", "$forwarded", "$mdnsent"})


def keywords(message: Message) -> tuple[str, ...]:
    """Return the keywords of a message, sorted."""
    marked = {SEEN: message.seen, FLAGGED: message.is_starred}
    marked |= {keyword: flag in message.flags for keyword, flag in _FLAGS.items()}
    return tuple(sorted({*(keyword for keyword, is_set in marked.items() if is_set), *message.labels}))


def wanted_keywords(body: Mapping[str, Any]) -> dict[str, bool]:
    """Return which keywords a request sets and clears, by their names in lower case; 400 for read-only ones."""
    wanted = {name.lower(): is_set for name, is_set in (body.get("keywords") or {}).items()}
    wanted |= {keyword: body[name] for name, keyword in (("seen", SEEN), ("flagged", FLAGGED)) if name in body}
    forbidden = sorted(_READ_ONLY & wanted.keys())
    if forbidden:
        raise Problem("refused", f"The keyword {forbidden[0]} cannot be changed")
    return wanted


def set_keywords(world: World, message: Message, wanted: Mapping[str, bool]) -> Message:
    """Set and clear keywords of a message."""
    left = {*message.labels, *message.flags} | {
        keyword for keyword, is_set in ((SEEN, message.is_read), (FLAGGED, message.is_starred)) if is_set
    }
    for keyword, is_set in wanted.items():
        name = _FLAGS.get(keyword, keyword)
        left = left | {name} if is_set else left - {name}
    flags = tuple(sorted(left & {*_FLAGS.values(), *message.flags}))
    labels = tuple(sorted(left - {SEEN, FLAGGED, *flags}))
    return mark(world, message, Marks(SEEN in left, FLAGGED in left, labels, flags))
