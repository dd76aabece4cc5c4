"""One run of the suites: its budget, its ledger, and what it saw."""

from __future__ import annotations

import os
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING

from contract import observed
from contract.budget import Budget, Pace
from contract.choice import BUDGETS, PER_SECOND, Choice
from contract.exchange import Exchange
from contract.findings import Finding
from contract.ledger import Ledger, Made
from contract.observed import Observed
from contract.scrub import Scrubber, words_of

if TYPE_CHECKING:
    from collections.abc import Callable

_TRAIL = 100


class Run:
    """What all tests of a run share."""

    def __init__(self, choice: Choice) -> None:
        self.choice = choice
        self.mark = os.urandom(3).hex()
        """Stands in the name of everything that the run creates at a live provider."""
        self.kind = "in process" if choice.base_url is None else "live"
        self.budget = Budget(None)
        self.pace = Pace(None)
        self.ledger = Ledger(None, {})
        words = words_of(choice.get(choice.provider).document) if choice.provider else frozenset()
        self.scrubber = Scrubber(choice.secrets(), words)
        self.observed: dict[str, Observed] = {}
        self.here: list[Finding] = []
        """What the current test found."""
        self.trail: deque[Exchange] = deque(maxlen=_TRAIL)
        """What the current test sent and received."""
        self.watchers: list[Callable[[Exchange], None]] = []

    def begin(self, *, served: bool, probes: int = 0) -> None:
        """Get ready for an API at a URL: an emulator that is served, or a live provider, which is treated with care.

        `probes` are requests that were sent to find out which.
        """
        self.kind = "served" if served else "live"
        if not served:
            choice = self.choice
            limit = choice.budget if choice.budget is not None else BUDGETS[choice.profile or "read"]
            self.budget, self.pace = Budget(limit), Pace(choice.rate or PER_SECOND)
            self.ledger = self._new_ledger()
            self.budget.sent = probes
        elif self.choice.budget is not None:
            self.budget = Budget(self.choice.budget)

    @property
    def live(self) -> bool:
        """Tell whether the run is against a live provider."""
        return self.kind == "live"

    @property
    def profile(self) -> str:
        """How far the run goes: as chosen, else all of it at an emulator and reading at a live provider."""
        return self.choice.profile or ("read" if self.live else "full")

    def of(self, provider: str) -> Observed:
        """Return what was seen of a provider."""
        if provider not in self.observed:
            known = self.choice.get(provider)
            target = self.choice.base_url or known.origin
            self.observed[provider] = observed.of(known, target, self.kind, self.profile)
            self.observed[provider].budget = self.budget.limit
        return self.observed[provider]

    def see(self, provider: str, exchange: Exchange, findings: list[Finding]) -> None:
        """Take in an exchange and how it broke the document."""
        self.here += findings
        if self.choice.report is None:
            return
        self.scrubber.learn_from(exchange)
        self.of(provider).see(exchange)
        self.trail.append(exchange)
        if findings:
            shown = {"when": observed.now(), **self.scrubber.evidence(exchange)}
            self.of(provider).found(finding.with_evidence(shown) for finding in findings)
        for watch in self.watchers:
            watch(exchange)

    def left_behind(self, provider: str, left: list[Made], unclear: list[str]) -> None:
        """Note what was created and could not be deleted, or may have been."""
        found = [(text.partition(":")[0], "(unknown)", "perhaps left behind") for text in unclear]
        found += [(one.operation, one.delete, "left behind") for one in left]
        for operation, delete, what in found:
            self.of(provider).found([Finding("left-behind", operation, None, delete, "deleted by the run", what)])

    def start_test(self) -> None:
        """Forget what the test before found."""
        self.here = []
        self.trail.clear()

    def _new_ledger(self) -> Ledger:
        choice = self.choice
        head = {
            "provider": choice.provider,
            "revision": choice.get(str(choice.provider)).revision,
            "base_url": choice.base_url,
            "key_env": list(choice.key_env),
            "mark": self.mark,
            "when": observed.now(),
        }
        return Ledger(Path(choice.ledger) if choice.ledger else None, head)
