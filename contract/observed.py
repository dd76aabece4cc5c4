"""What a run saw of a provider: answers and fields by operation, journeys, findings. It holds no values."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from contract.conformance import fields_of
from contract.exchange import Exchange
from contract.findings import Finding
from emulator._version import __version__
from emulator.openapi import Document
from emulator.provider import Provider


def now() -> str:
    """Return the time, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


@dataclass
class Seen:
    """What was seen of one operation: its answers by status, and of each its fields with their types."""

    statuses: dict[str, int] = field(default_factory=dict)
    fields: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    headers: dict[str, list[str]] = field(default_factory=dict)

    def add(self, exchange: Exchange) -> None:
        """Take in an answer."""
        status = str(exchange.status)
        self.statuses[status] = self.statuses.get(status, 0) + 1
        fields = self.fields.setdefault(status, {})
        for pointer, types in fields_of(exchange.json_or_none()).items():
            fields[pointer] = sorted({*fields.get(pointer, ()), *types})
        known = self.headers.setdefault(status, [])
        known += [name for name in exchange.headers if name not in known]

    @property
    def succeeded(self) -> bool:
        """Tell whether the operation answered with a success."""
        return any(status.startswith("2") for status in self.statuses)


@dataclass
class Observed:
    """One run against one provider."""

    provider: str
    revision: str
    target: str
    kind: str
    """`live`, `served` or `in process`."""
    profile: str
    document: str
    started: str = field(default_factory=now)
    ended: str | None = None
    tool: str = f"inbox-emulator {__version__}"
    budget: int | None = None
    requests: int = 0
    interrupted: bool = False
    operations: dict[str, Seen] = field(default_factory=dict)
    journeys: dict[str, dict[str, str]] = field(default_factory=dict)
    """Every test by name: its outcome, and why it was skipped."""
    findings: list[Finding] = field(default_factory=list)

    def see(self, exchange: Exchange) -> None:
        """Take in an answer."""
        if exchange.operation is not None:
            self.operations.setdefault(exchange.operation.id, Seen()).add(exchange)

    def found(self, findings: Iterable[Finding]) -> None:
        """Keep findings, each kind at each place once."""
        known = {finding.id for finding in self.findings}
        for finding in findings:
            if finding.id not in known:
                known.add(finding.id)
                self.findings.append(finding)

    def finish(self, requests: int) -> None:
        """Note the end of the run."""
        self.ended, self.requests = now(), requests

    def as_json(self) -> dict[str, Any]:
        """Return what was seen as JSON values."""
        return {**asdict(self), "findings": [finding.as_json() for finding in self.findings]}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Observed:
        """Return what `as_json` wrote."""
        found = {name: value[name] for name in cls.__dataclass_fields__ if name in value}
        found["operations"] = {name: Seen(**seen) for name, seen in value["operations"].items()}
        found["findings"] = [Finding.from_json(finding) for finding in value["findings"]]
        return cls(**found)


def of(provider: Provider, target: str, kind: str, profile: str) -> Observed:
    """Return a run that has just begun."""
    return Observed(provider.name, provider.revision, target, kind, profile, document_hash(provider.document))


def document_hash(document: Document) -> str:
    """Return a hash of a contract document that does not change when only verification dates do."""
    written = json.dumps(_without_dates(document.raw), sort_keys=True)
    return hashlib.sha256(written.encode()).hexdigest()[:16]


def _without_dates(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_dates(item) for name, item in value.items() if name != "x-verified"}
    return [_without_dates(item) for item in value] if isinstance(value, list) else value
