"""Measure two things by turns, and show what came out as ratios."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from time import perf_counter
from typing import Any, NamedTuple

Sample = Callable[[], float]
"""Does some work and returns the seconds it took per call, preparations left out."""


@dataclass(frozen=True, slots=True)
class Effort:
    """How much to measure: a share of the usual `rounds` of each measurement, and of the calls in a round."""

    rounds: float = 1.0
    size: float = 1.0
    large: bool = False

    def many(self, rounds: int) -> int:
        """Return how often to take both samples, of a usual number."""
        return max(1, round(rounds * self.rounds))

    def calls(self, usual: int) -> int:
        """Return how many calls one sample makes, of a usual number."""
        return max(2, round(usual * self.size))


FULL = Effort()
QUICK = Effort(rounds=0.15)
SMOKE = Effort(rounds=0.0, size=0.01)
"""Just enough to see that everything runs."""


class Goal(NamedTuple):
    """What a measurement should reach: `<=` or `>=` a limit, as a ratio unless a `unit` says a difference."""

    sign: str
    limit: float
    unit: str = ""

    def reached_by(self, value: float) -> bool:
        """Tell whether a value is good enough."""
        return value <= self.limit if self.sign == "<=" else value >= self.limit

    def __str__(self) -> str:
        return f"{self.sign} {self.limit:g}{self.unit and ' '}{self.unit}"


class Unit(NamedTuple):
    """How seconds are shown: as a duration, or as a rate of something per second."""

    name: str
    scale: float
    rate: bool = False

    def of(self, seconds: float) -> float:
        """Return seconds in this unit."""
        return self.scale / seconds if self.rate else seconds * self.scale

    def show(self, seconds: float) -> str:
        """Return seconds in this unit, with its name."""
        return f"{self.of(seconds):,.{0 if self.of(seconds) >= 100 else 1}f} {self.name}"


MICROSECONDS = Unit("µs", 1e6)
MILLISECONDS = Unit("ms", 1e3)
REQUESTS = Unit("requests/s", 1, rate=True)
MAILS = Unit("mails/s", 1, rate=True)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table. `ours` and `peer` are seconds per call; the ratio is that of what the unit shows."""

    what: str
    unit: Unit
    ours: float
    peer: float
    peer_name: str
    goal: Goal | None = None

    @property
    def ratio(self) -> float:
        """Ours divided by the peer's."""
        return self.unit.of(self.ours) / self.unit.of(self.peer)

    @property
    def difference(self) -> float:
        """Ours less the peer's."""
        return self.unit.of(self.ours) - self.unit.of(self.peer)

    @property
    def reached(self) -> bool | None:
        """Tell whether the goal is reached; None without a goal."""
        if self.goal is None:
            return None
        return self.goal.reached_by(self.difference if self.goal.unit else self.ratio)

    def cells(self) -> list[str]:
        """Return the texts of the line."""
        ratio = f"{self.ratio:.2f}"
        if self.goal and self.goal.unit:
            ratio = f"{self.difference:+.1f} {self.goal.unit} ({ratio})"
        peer = f"{self.unit.show(self.peer)}, {self.peer_name}"
        reached = "-" if self.reached is None else "yes" if self.reached else "no"
        return [self.what, self.unit.show(self.ours), peer, ratio, str(self.goal or "-"), reached]

    def as_json(self) -> dict[str, Any]:
        """Return the line as plain JSON values."""
        return {
            "what": self.what,
            "unit": self.unit.name,
            "ours": self.unit.of(self.ours),
            "peer": self.unit.of(self.peer),
            "peer_name": self.peer_name,
            "ratio": self.ratio,
            "goal": self.goal and str(self.goal),
            "reached": self.reached,
        }


class Samples(NamedTuple):
    """What was measured by turns: the seconds of each round."""

    ours: list[float]
    peer: list[float]

    def least(self) -> tuple[float, float]:
        """Return the best of each side: noise only ever adds."""
        return min(self.ours), min(self.peer)

    def middle(self) -> tuple[float, float]:
        """Return the median of each side."""
        return median(self.ours), median(self.peer)


def interleave(ours: Sample, peer: Sample, rounds: int) -> Samples:
    """Take both samples `rounds` times by turns, each going first every other time, after one round that is not kept.

    The collector runs before each sample and stays on in it: each side pays for its own garbage, not the other's.
    """
    sides: tuple[tuple[Sample, list[float]], ...] = ((ours, []), (peer, []))
    for number in range(rounds + 1):
        for sample, kept in sides if number % 2 else sides[::-1]:
            gc.collect()
            kept.append(sample())
    return Samples(sides[0][1][1:], sides[1][1][1:])


def seconds_per_call(call: Callable[[Any], object], arguments: Sequence[Any]) -> float:
    """Call with each argument in turn and return the seconds per call."""
    began = perf_counter()
    for argument in arguments:
        call(argument)
    return (perf_counter() - began) / len(arguments)


def table(rows: Iterable[Row]) -> str:
    """Return the lines as a Markdown table."""
    lines = [["what", "ours", "peer", "ratio", "goal", "reached"], *(row.cells() for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(6)]
    lines.insert(1, ["-" * width for width in widths])
    return "\n".join(
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |" for line in lines
    )
