"""A plugin of pytest that keeps what became of every test, and ends the run: cleanup, report."""

from __future__ import annotations

import json
import signal
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from contract.cleanup import clean, find_lost
from contract.findings import Drift, Finding
from contract.observed import Observed
from contract.recording import Recorder, save
from contract.report.baseline import accepted
from contract.report.compose import Report, compose
from contract.report.writing import write
from contract.run import Run
from contract.target import Target

_LONGEST = 400


class Outcomes:
    """Turns failures of tests into findings, and writes the report at the end."""

    def __init__(self, run: Run) -> None:
        self._run = run

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Note what became of a test."""
        report = yield
        provider = _provider_of(item, self._run)
        if provider is None or (report.passed and report.when != "call"):
            return report
        observed = self._run.of(provider)
        outcome: str = report.outcome
        if call.excinfo is not None and report.failed:
            error = call.excinfo.value
            if isinstance(error, Drift):
                outcome = "drift"
            else:
                observed.found(self._findings(item, error))
        if report.when == "call" and report.passed and self._run.choice.record:
            self._record(Path(self._run.choice.record), item)
        reason = str(getattr(call.excinfo.value, "msg", "")) if call.excinfo is not None and report.skipped else ""
        observed.journeys[sentence(item)] = {"outcome": outcome, "reason": self._run.scrubber.text(reason)}
        return report

    def _record(self, folder: Path, item: pytest.Item) -> None:
        """Save the exchanges of a journey that passed."""
        target = getattr(item, "funcargs", {}).get("target")
        if target is not None:
            exchanges = Recorder(target).fixture(list(self._run.trail))
            if exchanges:
                save(folder, sentence(item), target, exchanges)

    def _findings(self, item: pytest.Item, error: BaseException) -> list[Finding]:
        from contract.schema_failures import failures_of

        found = failures_of(error, self._run)
        return found or [self._broken_rule(item, error)]

    def _broken_rule(self, item: pytest.Item, error: BaseException) -> Finding:
        """Return the finding of a journey that failed: the operation is the last one it called."""
        known = [exchange for exchange in self._run.trail if exchange.operation is not None]
        last = known[-1] if known else None
        said = " ".join(self._run.scrubber.text((str(error) or type(error).__name__)[:_LONGEST]).split())
        evidence = {"calls": [[one.operation.id, one.status] for one in known[-10:] if one.operation]}
        if last is not None:
            evidence = {**self._run.scrubber.evidence(last), **evidence}
        operation = last.operation.id if last and last.operation else "(none)"
        return Finding("rule", operation, None, sentence(item), sentence(item), said, evidence)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Delete what is still there, and write what was seen."""
        del session
        choice = self._run.choice
        if self._run.live:
            self._clean_up()
        for observed in self._run.observed.values() if choice.report else ():
            observed.interrupted = exitstatus == pytest.ExitCode.INTERRUPTED
            observed.finish(self._run.budget.sent)
            write(self._report(observed), Path(str(choice.report)), self._run.scrubber)

    def _report(self, observed: Observed) -> Report:
        choice = self._run.choice
        provider = choice.get(observed.provider)
        seen = json.loads(Path(choice.compared_with).read_text("utf-8")) if choice.compared_with else None
        compared = None if seen is None else Observed.from_json(seen)
        title = f"{provider.title}, {provider.revision}"
        known = accepted(Path(choice.baseline) if choice.baseline else None)
        return compose(title, provider.document, observed, compared, known)

    def _clean_up(self) -> None:
        """Delete what is left; a second Ctrl-C does not stop that."""
        run = self._run
        if not run.ledger.open and not run.ledger.intents:
            return
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        target = Target(str(run.choice.provider), run)
        unclear = find_lost(target)
        run.left_behind(target.provider.name, clean(target), unclear)
        target.close()
        signal.signal(signal.SIGINT, before)


def sentence(item: pytest.Item) -> str:
    """Return what a test states, in words: the name of its function, with its parameters, and the part of the suite."""
    name, bracket, parameters = item.name.partition("[")
    stated = name.removeprefix("test_").replace("_", " ") + (f" [{parameters}" if bracket else "")
    part = item.path.stem.removeprefix("test_").removesuffix("journeys").strip("_")
    return f"{stated} ({part})" if part and item.path.stem.endswith("_journeys") else stated


def _provider_of(item: Any, run: Run) -> str | None:
    folder = item.path.parent.name
    if folder in run.choice.providers():
        return str(folder)
    for name in run.choice.providers():
        if item.name.lower().startswith(f"test_{name}_") or item.nodeid.lower().find(f"::test{name}") >= 0:
            return name
    return None
