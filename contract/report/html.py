"""The drift report as one HTML page that needs nothing else: no script, no font, no network."""

from __future__ import annotations

import json
from collections.abc import Iterable
from html import escape

from contract.report.compose import Reach, Report, Row
from contract.report.markdown import summary

_STYLE = """
:root { color-scheme: light dark; --line: color-mix(in srgb, currentColor 18%, transparent); }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 75rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2.5rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .4rem .6rem; border-bottom: 1px solid var(--line); }
th { font-weight: 600; } td { overflow-wrap: anywhere; }
code, pre { font: 13px/1.45 ui-monospace, monospace; } pre { overflow-x: auto; margin: .5rem 0; }
.error { color: #c22; font-weight: 600; } .warning { color: #a60; font-weight: 600; } .quiet { opacity: .7; }
"""

_REACHES = ("Operation", "Request", "Answered", "The emulator", "Documented, never seen")


def html(report: Report) -> str:
    """Return the page."""
    seen, title = report.observed, escape(f"Drift report: {report.title}")
    when = f"{seen.started} to {seen.ended}{', interrupted' if seen.interrupted else ''}"
    made = f"document {seen.document}; {escape(seen.tool)}"
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    parts = [
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>',
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{_STYLE}</style></head><body>',
        f"<h1>{title}</h1><p>{escape(summary(report))}.</p>",
        f'<p class="quiet">{escape(seen.target)} ({seen.kind}), profile {seen.profile}, {when}; {made}</p>',
        *_differences("Differences", [row for row in report.rows if row.accepted is None]),
        *_differences("Accepted by the baseline", [row for row in report.rows if row.accepted is not None]),
        "<h2>Operations</h2>",
        _table(
            ("Operation", "Request", "Answered", "The emulator", "Documented, never seen"), map(_reach, report.reaches)
        ),
        "<h2>Not run</h2>",
        _table(("Test", "Why"), _skipped(report)),
        "</body></html>\n",
    ]
    return "\n".join(parts)


def _differences(title: str, rows: list[Row]) -> list[str]:
    if not rows:
        return [f"<h2>{title}</h2><p>None.</p>"] if title == "Differences" else []
    head = ("", "Operation", "Where", "Document", "Provider", "Emulator", "Evidence")
    return [f"<h2>{title}</h2>", _table(head, map(_row, rows))]


def _row(row: Row) -> tuple[str, ...]:
    finding = row.finding
    where = f"{finding.kind} {finding.status or ''} <code>{escape(finding.at)}</code>"
    shown = escape(json.dumps(finding.evidence, indent=1, ensure_ascii=False))
    evidence = f"<details><summary>{finding.id}</summary><pre>{shown}</pre></details>"
    severity = f'<span class="{finding.severity}">{finding.severity}</span>'
    columns = (escape(row.document), escape(row.provider), escape(row.emulator))
    why = f"<br>{escape(row.accepted)}" if row.accepted else ""
    return (severity, f"<code>{escape(finding.operation)}</code>", where + why, *columns, evidence)


def _reach(reach: Reach) -> tuple[str, ...]:
    answered = ", ".join(f"{status} ({count}x)" for status, count in reach.statuses.items()) or "not reached"
    fields = [escape(name) for name, _ in reach.unseen_fields]
    unseen = ", ".join([*reach.unseen_statuses, *fields]) if reach.statuses else ""
    request = f"<code>{escape(reach.request)}</code>"
    return (f"<code>{escape(reach.operation)}</code>", request, answered, ", ".join(reach.emulator), unseen)


def _skipped(report: Report) -> Iterable[tuple[str, ...]]:
    for name, journey in report.observed.journeys.items():
        if journey["outcome"] == "skipped":
            yield escape(name), escape(journey["reason"])


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """Return a table; the cells of its rows are HTML already."""
    written = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>\n" for row in rows)
    return (
        f"<table><thead><tr>{''.join(f'<th>{name}</th>' for name in head)}</tr></thead><tbody>{written}</tbody></table>"
    )
