"""Failures on demand: rules that match an operation and answer a documented error instead."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace


@dataclass(slots=True)
class FaultRule:
    """Answer `status` to calls of `operation`: the `nth` matching call and those after it, `times` in all.

    `times` None means until it is removed. `seen` and `hits` count what it matched and what it answered.
    """

    id: str
    provider: str
    operation: str
    status: int
    message: str | None = None
    nth: int = 1
    times: int | None = 1
    seen: int = 0
    hits: int = 0

    def take(self, provider: str, operation: str) -> bool:
        """Count a call and tell whether this rule answers it."""
        if provider != self.provider or self.operation not in ("*", operation):
            return False
        self.seen += 1
        spent = self.times is not None and self.hits >= self.times
        if self.seen < self.nth or spent:
            return False
        self.hits += 1
        return True


class Faults:
    """The fault rules of a world, in the order in which they were added."""

    __slots__ = ("_added", "_rules")

    def __init__(self, rules: Iterable[FaultRule] = (), added: int = 0) -> None:
        self._rules = list(rules)
        self._added = added

    def __iter__(self) -> Iterator[FaultRule]:
        return iter(self._rules)

    def __len__(self) -> int:
        return len(self._rules)

    def add(
        self,
        provider: str,
        operation: str,
        status: int,
        *,
        message: str | None = None,
        nth: int = 1,
        times: int | None = 1,
    ) -> FaultRule:
        """Add a rule and return it. Whether the status is documented is for the caller to check."""
        if nth < 1 or (times is not None and times < 1):
            raise ValueError(f"nth and times count from 1, got nth={nth}, times={times}")
        self._added += 1
        rule = FaultRule(f"fault-{self._added}", provider, operation, status, message, nth, times)
        self._rules.append(rule)
        return rule

    def remove(self, rule_id: str) -> bool:
        """Remove a rule; tell whether it was there."""
        kept = [rule for rule in self._rules if rule.id != rule_id]
        removed = len(kept) < len(self._rules)
        self._rules = kept
        return removed

    def clear(self) -> None:
        """Remove all rules."""
        self._rules = []

    def fork(self) -> Faults:
        """Return rules of their own that have counted what these have."""
        return Faults(map(replace, self._rules), self._added)

    def take(self, provider: str, operation: str) -> FaultRule | None:
        """Return the first rule that answers this call, or None."""
        return next((rule for rule in self._rules if rule.take(provider, operation)), None)
