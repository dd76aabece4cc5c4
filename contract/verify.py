"""Write the date of a live run into a contract document: `x-verified`, operation by operation."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from contract.findings import ERROR
from contract.observed import document_hash
from emulator import providers
from emulator.openapi import METHODS, Document
from emulator.provider import Provider

_VERIFIED = "x-verified"


def verify(report: Path, document: Document | None = None) -> str:
    """Date every operation that succeeded without an error in a report's run; return what was done, in a line.

    ValueError if the run was not against the provider's own host, or against another state of the document.
    """
    seen = json.loads(report.read_text("utf-8"))
    try:
        provider = providers.get(seen["provider"]).at(seen["revision"])
        target, hashed, reached = seen["target"], seen["document"], seen["reached"]
    except (KeyError, TypeError, LookupError) as error:
        raise ValueError(f"{report} is no report of a contract run: {error}") from None
    written = document or provider.document
    host = urlsplit(target).hostname or ""
    if seen["kind"] != "live" or host not in {name.partition(":")[0] for name in provider.all_hosts}:
        raise ValueError(f"the run was against {target}, which is not {provider.title}'s own")
    if hashed != document_hash(written):
        raise ValueError("the contract document has changed since the run; run again")
    wrong = {one["operation"] for one in seen["findings"] if one["severity"] == ERROR and one["accepted"] is None}
    dated = [name for name, succeeded in reached.items() if succeeded and name not in wrong]
    _write(written, dated, seen["ended"][:10])
    return f"{len(dated)} of {len(written.operations)} operations of {_named(provider)} verified {seen['ended'][:10]}"


def _named(provider: Provider) -> str:
    return f"{provider.title}, {provider.revision}"


def _write(document: Document, operations: list[str], date: str) -> None:
    """Write the date into the file of a generation: its own, or the patch that makes it of another one's."""
    path = document.patch or document.path
    content = json.loads(path.read_text("utf-8"))
    for way, item in document.raw["paths"].items():
        for method in METHODS:
            if item.get(method, {}).get("operationId") in operations:
                _reach(content, "paths", way, method)[_VERIFIED] = date
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", "utf-8")


def _reach(value: dict[str, Any], *names: str) -> dict[str, Any]:
    for name in names:
        value = value.setdefault(name, {})
    return value
