"""What many messages of a folder have in common, so that a search looks only where it can find something."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any, NamedTuple

from emulator.mail import Message
from emulator.world.ordered import Key


class Run(NamedTuple):
    """Messages that lie one after the other in a folder: the number of the first, and the keys of all."""

    first: int
    keys: tuple[Key, ...]


class Clue(NamedTuple):
    """Something a search wants of every message.

    `gather` tells what many messages have of it, `fits` whether one that has it may be among them. Clues of one `kind`
    gather the same.
    """

    kind: str
    gather: Callable[[list[Message]], Any]
    fits: Callable[[Any], bool]


class Notes:
    """What was gathered of runs. It holds as long as their keys are the same: a message never changes its text."""

    def __init__(self) -> None:
        self._known: dict[str, dict[int, tuple[Any, tuple[Key, ...]]]] = {}

    def missing(self, runs: list[Run], clue: Clue) -> list[Run]:
        """Return the runs of which nothing is gathered yet for a clue, and forget those that are not there any more."""
        known = self._known.setdefault(clue.kind, {})
        missing = [run for run in runs if id(run.keys) not in known]
        if len(known) + len(missing) > 2 * len(runs):
            there = {id(run.keys) for run in runs}
            self._known[clue.kind] = {of: found for of, found in known.items() if of in there}
        return missing

    def gather(self, run: Run, clue: Clue, messages: list[Message]) -> None:
        """Note what a clue is interested in of the messages of a run."""
        # Holding the keys keeps their identity their own.
        self._known[clue.kind][id(run.keys)] = clue.gather(messages), run.keys

    def narrow(self, runs: list[Run], clue: Clue) -> list[Run]:
        """Return the runs that can have a message that a clue fits; something was gathered of all."""
        known, fits = self._known[clue.kind], clue.fits
        return [run for run in runs if fits(known[id(run.keys)][0])]


def _words(text: str) -> list[str]:
    """Return the pieces of a text between spaces and `@`; so many mails share theirs, as few domains are new."""
    return text.replace("@", " ").split()


def text_clue(kind: str, texts: Callable[[Message], list[str]], wanted: str) -> Clue:
    """Return the clue of a text, in lower case, that one of a message's texts must hold."""
    pieces = _words(wanted)

    def gather(messages: list[Message]) -> str:
        return "\n".join({word for message in messages for text in texts(message) for word in _words(text.lower())})

    return Clue(kind, gather, lambda words: all(piece in words for piece in pieces))


def date_clue(kind: str, day_of: Callable[[Message], date], fits: Callable[[date, date], bool]) -> Clue:
    """Return the clue of a day; `fits` is asked with the first and the last day there is."""

    def gather(messages: list[Message]) -> tuple[date, date]:
        days = [day_of(message) for message in messages]
        return min(days), max(days)

    return Clue(kind, gather, lambda days: fits(*days))
