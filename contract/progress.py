"""One line on stderr that says how far a run is."""

from __future__ import annotations

import sys
import time

import pytest

from contract.run import Run

_WIDTH = 30
_EVERY = 0.1
_TERMINAL = sys.__stderr__ or sys.stderr
"""The real one: pytest captures what tests write to `sys.stderr`. It needs `--capture=sys`."""


class Progress:
    """A plugin of pytest that keeps the line up to date: tests, operations, requests."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._total = self._done = 0
        self._shown = 0.0
        run.watchers.append(lambda _: self._show())

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Learn how many tests there are."""
        self._total = len(session.items)

    def pytest_runtest_logfinish(self) -> None:
        """Count a test."""
        self._done += 1
        self._show()

    def pytest_sessionfinish(self) -> None:
        """Clear the line."""
        _TERMINAL.write("\r\x1b[K")
        _TERMINAL.flush()

    def _show(self) -> None:
        now = time.monotonic()
        if now - self._shown >= _EVERY:
            self._shown = now
            _TERMINAL.write(f"\r{self.line()}\x1b[K")
            _TERMINAL.flush()

    def line(self) -> str:
        """Return the line."""
        run = self._run
        filled = _WIDTH * self._done // max(1, self._total)
        seen = sum(len(one.operations) for one in run.observed.values())
        known = sum(len(run.choice.get(name).document.operations) for name in run.observed)
        left = "" if run.budget.left is None else f", {run.budget.left} left"
        bar = "#" * filled + "." * (_WIDTH - filled)
        return f"[{bar}] {self._done}/{self._total} tests  {seen}/{known} operations  {run.budget.sent} requests{left}"
