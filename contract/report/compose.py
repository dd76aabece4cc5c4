"""Put three columns together: what the document says, what the provider does, what the emulator does."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from contract.conformance import documented_fields
from contract.findings import ERROR, WARNING, Finding
from contract.observed import Observed, Seen
from emulator.openapi import JSON_TYPE, Document

NOT_RUN = "not run"
_SUCCESS = "2"


@dataclass(frozen=True)
class Row:
    """One difference in three columns, and why it is accepted, if it is."""

    finding: Finding
    document: str
    provider: str
    emulator: str
    accepted: str | None

    @property
    def counts(self) -> bool:
        """Tell whether the difference makes the run fail."""
        return self.accepted is None and self.finding.severity == ERROR


@dataclass(frozen=True)
class Reach:
    """How far a run came with one operation; `unseen` is documented and never came, with what the emulator did."""

    operation: str
    request: str
    statuses: dict[str, int]
    succeeded: bool
    emulator: list[str]
    unseen_statuses: list[str]
    unseen_fields: list[tuple[str, bool]]


@dataclass(frozen=True)
class Report:
    """Everything that the report's formats show."""

    title: str
    observed: Observed
    compared: Observed | None
    rows: list[Row]
    reaches: list[Reach]
    stale: list[str] = field(default_factory=list)
    """Accepted findings that were not found any more, by id."""

    @property
    def errors(self) -> list[Row]:
        """The differences that make the run fail."""
        return [row for row in self.rows if row.counts]

    def count(self, severity: str) -> int:
        """Return how many differences of this severity are not accepted."""
        return sum(row.accepted is None and row.finding.severity == severity for row in self.rows)

    @property
    def reached(self) -> int:
        """How many operations answered at all."""
        return sum(bool(reach.statuses) for reach in self.reaches)


def compose(
    title: str, document: Document, observed: Observed, compared: Observed | None, accepted: dict[str, str]
) -> Report:
    """Return the report of a run. `compared` is the emulator's run, None if there was none."""
    emulator = observed if observed.kind != "live" else compared
    order = {ERROR: 0, WARNING: 1}
    findings = sorted(observed.findings, key=lambda one: (order.get(one.severity, 2), one.operation, one.kind, one.at))
    rows = [_row(finding, emulator, accepted) for finding in findings]
    reaches = [_reach(document, name, observed, emulator) for name in document.operations]
    found = {finding.id for finding in findings}
    return Report(title, observed, compared, rows, reaches, [one for one in accepted if one not in found])


def _row(finding: Finding, emulator: Observed | None, accepted: dict[str, str]) -> Row:
    provider = finding.received
    shown = NOT_RUN if emulator is None else _of_emulator(finding, emulator)
    return Row(finding, finding.documented, provider, shown, accepted.get(finding.id))


def _of_emulator(finding: Finding, emulator: Observed) -> str:
    """Return what the emulator does where a finding was made."""
    if any(finding.id == other.id for other in emulator.findings):
        return "the same"
    if finding.kind in ("rule", "input"):
        return emulator.journeys.get(finding.at, {}).get("outcome", "as documented")
    seen = emulator.operations.get(finding.operation)
    if seen is None:
        return "not reached"
    if finding.kind == "status":
        return ", ".join(sorted(seen.statuses))
    if finding.kind.startswith("field"):
        types = seen.fields.get(str(finding.status), {}).get(finding.at)
        return " or ".join(types) if types else "no such field seen"
    return "as documented" if str(finding.status) in seen.statuses else f"no {finding.status} seen"


def _reach(document: Document, name: str, observed: Observed, emulator: Observed | None) -> Reach:
    operation, seen = document.operations[name], observed.operations.get(name, Seen())
    other = emulator.operations.get(name, Seen()) if emulator else Seen()
    return Reach(
        name,
        f"{operation.method} {operation.path}",
        dict(sorted(seen.statuses.items())),
        seen.succeeded,
        sorted(other.statuses),
        [status for status in operation.responses if status not in seen.statuses],
        [(field, field in _fields_seen(other)) for field in _unseen(document, name, seen)],
    )


def _unseen(document: Document, name: str, seen: Seen) -> list[str]:
    """Return the fields of documented successes that never came, for an operation that succeeded."""
    if not seen.succeeded:
        return []
    wanted: dict[str, Any] = {}
    for status, response in document.operations[name].responses.items():
        schema = response.get("content", {}).get(JSON_TYPE, {}).get("schema")
        if status.startswith(_SUCCESS) and schema is not None:
            wanted |= documented_fields(document, schema)
    return [pointer for pointer in wanted if not pointer.endswith("**") and pointer not in _fields_seen(seen)]


def _fields_seen(seen: Seen) -> set[str]:
    return {pointer for status, fields in seen.fields.items() if status.startswith(_SUCCESS) for pointer in fields}
