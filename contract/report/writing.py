"""Write a report in all its formats."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from contract.report.compose import Report
from contract.report.html import html
from contract.report.junit import junit
from contract.report.markdown import markdown, summary
from contract.scrub import Scrubber


def write(report: Report, folder: Path, scrubber: Scrubber) -> None:
    """Write every format into a folder, without the secrets that the scrubber knows."""
    folder.mkdir(parents=True, exist_ok=True)
    formats = {
        "report.md": markdown(report),
        "report.json": as_json(report),
        "report.html": html(report),
        "junit.xml": junit(report),
    }
    for name, text in formats.items():
        (folder / name).write_text(scrubber.known(text), "utf-8")


def as_json(report: Report) -> str:
    """Return the report as JSON: what was seen, and each difference with its three columns."""
    value: dict[str, Any] = {
        **report.observed.as_json(),
        "title": report.title,
        "summary": summary(report),
        "findings": [
            {
                **row.finding.as_json(),
                "text": row.finding.text,
                "columns": {"document": row.document, "provider": row.provider, "emulator": row.emulator},
                "accepted": row.accepted,
            }
            for row in report.rows
        ],
        "reached": {reach.operation: reach.succeeded for reach in report.reaches if reach.statuses},
        "never_seen": {
            reach.operation: {"statuses": reach.unseen_statuses, "fields": [name for name, _ in reach.unseen_fields]}
            for reach in report.reaches
            if reach.statuses
        },
        "stale": report.stale,
        "errors": len(report.errors),
    }
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"
