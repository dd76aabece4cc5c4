"""What a run created and has to delete, on disk before and after each create, so that a killed run can be cleaned up.

One JSON object a line: `run` opens it, `intent` comes before a create, `made` after it, `gone` when it is deleted.
A run that is killed between the two leaves an intent: what came of it is found by the run's mark in its name.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple


@dataclass
class Made:
    """Something that was created: the operation that deletes it, and the path it is deleted at."""

    number: int
    operation: str
    delete: str
    parameters: dict[str, str]


class Intent(NamedTuple):
    """A create of which no answer is known, and when it was sent."""

    operation: str
    when: str


@dataclass
class Ledger:
    """The created things of a run; without a path it is kept in memory only."""

    path: Path | None
    head: dict[str, Any]
    open: dict[int, Made] = field(default_factory=dict)
    intents: dict[int, Intent] = field(default_factory=dict)
    """Creates of which no answer is known, by number."""
    _count: int = 0
    _owned: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        if self.path is not None and not self.path.exists():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._write({"event": "run", **self.head})

    def owns(self, value: str) -> bool:
        """Tell whether a value names something that this run created, or that lies in it."""
        return value in self._owned

    def own(self, values: Iterable[str]) -> None:
        """Note names of what this run created, or of what lies in it."""
        self._owned.update(values)

    def intend(self, operation: str) -> int:
        """Note that something is about to be created; returns its number."""
        self._count += 1
        intent = Intent(operation, datetime.now(UTC).isoformat(timespec="seconds"))
        self.intents[self._count] = intent
        self._write({"event": "intent", "number": self._count, **intent._asdict()})
        return self._count

    def made(self, number: int, delete: str, parameters: dict[str, str]) -> None:
        """Note what was created, and how it is deleted."""
        made = Made(number, self.intents.pop(number).operation, delete, parameters)
        self.open[number] = made
        self._write({"event": "made", "number": number, "delete": delete, "parameters": parameters})

    def nothing(self, number: int) -> None:
        """Note that a create was refused, or made what needs no deleting."""
        self.intents.pop(number)
        self._write({"event": "nothing", "number": number})

    def renamed(self, made: Made, parameters: dict[str, str]) -> None:
        """Note the new name of something created."""
        made.parameters.update(parameters)
        self._write({"event": "renamed", "number": made.number, "parameters": made.parameters})

    def gone(self, number: int) -> None:
        """Note that something created is deleted."""
        self.open.pop(number, None)
        self.intents.pop(number, None)
        self._write({"event": "gone", "number": number})

    def find(self, delete: str, parameters: dict[str, str]) -> Made | None:
        """Return what is deleted at this path, None if nothing that was created here."""
        for made in self.open.values():
            if made.delete == delete and made.parameters == parameters:
                return made
        return None

    def _write(self, line: dict[str, Any]) -> None:
        if self.path is None:
            return
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
            file.flush()
            os.fsync(file.fileno())

    @classmethod
    def read(cls, path: Path) -> Ledger:
        """Return the ledger in a file, to go on with it; ValueError if it is none."""
        lines = list(_lines(path))
        if not lines or lines[0].get("event") != "run":
            raise ValueError(f"{path} is no ledger of a contract run")
        found = cls(path, {name: value for name, value in lines[0].items() if name != "event"})
        for line in lines[1:]:
            found._replay(line)  # its own
        return found

    def _replay(self, line: dict[str, Any]) -> None:
        number, event = line["number"], line["event"]
        self._count = max(self._count, number)
        if event == "intent":
            self.intents[number] = Intent(line["operation"], line["when"])
        elif event == "made":
            self.open[number] = Made(number, self.intents.pop(number).operation, line["delete"], line["parameters"])
        elif event == "renamed":
            self.open[number].parameters = line["parameters"]
        else:
            self.intents.pop(number, None)
            self.open.pop(number, None)


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the lines of a ledger; the last one may have been cut off when the run was killed."""
    for line in path.read_text("utf-8").splitlines():
        try:
            yield json.loads(line)
        except ValueError:
            return
