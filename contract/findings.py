"""What a run found: one difference between a provider and its contract document."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, field, replace
from typing import Any, NamedTuple

ERROR, WARNING, INFO = "error", "warning", "info"


class Kind(NamedTuple):
    """How bad findings of a kind are, and what they are."""

    severity: str
    meaning: str


KINDS = {
    "status": Kind(ERROR, "an answer with a status that is not documented for the operation"),
    "content-type": Kind(ERROR, "an answer of another type than documented"),
    "header-missing": Kind(ERROR, "a required header is missing"),
    "header-value": Kind(ERROR, "a header says something that it may not"),
    "no-json": Kind(ERROR, "an answer that should be JSON is none"),
    "field-missing": Kind(ERROR, "a required field is missing"),
    "field-type": Kind(ERROR, "a field is of another type"),
    "field-value": Kind(ERROR, "a field has a value that it may not have: an unknown word, a wrong format"),
    "field-undocumented": Kind(WARNING, "a field that is not documented"),
    "rule": Kind(ERROR, "a journey failed: the provider breaks a rule of its documentation"),
    "input": Kind(ERROR, "the schema suite: bad input was taken, good input was refused"),
    "left-behind": Kind(ERROR, "something that the run created could not be deleted"),
}
"""Every kind of finding: what the document forbids is an error."""


@dataclass(frozen=True)
class Finding:
    """One difference: at which operation and answer, where in it, and what was documented and received.

    `at` is a pointer into the answer's JSON (`/data/*/id`), the name of a header, or of a journey. `evidence` is the
    exchange that shows it, free of secrets.
    """

    kind: str
    operation: str
    status: int | None
    at: str
    documented: str
    received: str
    evidence: dict[str, Any] = field(default_factory=dict, compare=False)

    @property
    def severity(self) -> str:
        """How bad it is."""
        return KINDS[self.kind].severity

    @property
    def id(self) -> str:
        """A name that stays the same from run to run, for a baseline; what was received is no part of it."""
        parts = (self.kind, self.operation, str(self.status), self.at)
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]

    @property
    def text(self) -> str:
        """The difference in one line."""
        if self.kind in ("rule", "input"):
            return f"{self.operation}: not so: {self.at}; {self.received}"
        where = {"status": "", "content-type": "content type ", "no-json": "body "}.get(self.kind, f"{self.at} ")
        answer = "" if self.status is None or self.kind == "status" else f" in its {self.status}"
        return f"{self.operation}{answer}: {where}{self.received}, documented: {self.documented}"

    def with_evidence(self, evidence: dict[str, Any]) -> Finding:
        """Return the finding with the exchange that shows it."""
        return replace(self, evidence=evidence)

    def as_json(self) -> dict[str, Any]:
        """Return the finding as JSON values, with its id and severity."""
        return {"id": self.id, "severity": self.severity, **asdict(self)}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Finding:
        """Return the finding that `as_json` wrote."""
        return cls(**{name: value[name] for name in cls.__dataclass_fields__})


class Drift(AssertionError):
    """A journey did what it should, but answers broke the contract document."""

    def __init__(self, findings: list[Finding]) -> None:
        super().__init__("\n".join(finding.text for finding in findings))
        self.findings = findings
