"""The drift report as JUnit XML: a test case for each operation and each journey."""

from __future__ import annotations

import re
from xml.sax.saxutils import escape, quoteattr

from contract.report.compose import Report, Row

_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(report: Report) -> str:
    """Return the XML. An operation fails by its errors that are not accepted; a journey is skipped or not."""
    failing: dict[str, list[Row]] = {}
    for row in report.errors:
        failing.setdefault(row.finding.operation, []).append(row)
    known = [reach.operation for reach in report.reaches]
    cases = [
        _case("operation", name, failing.get(name, []), skipped=None if reached else "not reached")
        for name, reached in [(reach.operation, bool(reach.statuses)) for reach in report.reaches]
    ]
    cases += [_case("operation", name, rows, skipped=None) for name, rows in failing.items() if name not in known]
    cases += [
        _case("journey", name, [], skipped=one["reason"] or "skipped" if one["outcome"] == "skipped" else None)
        for name, one in report.observed.journeys.items()
    ]
    skipped = sum("<skipped" in case for case in cases)
    head = f'name={quoteattr(_clean(report.title))} tests="{len(cases)}" failures="{len(failing)}" skipped="{skipped}"'
    body = "\n".join(cases)
    return (
        f'<?xml version="1.0" encoding="utf-8"?>\n<testsuites><testsuite {head}>\n{body}\n</testsuite></testsuites>\n'
    )


def _case(kind: str, name: str, rows: list[Row], *, skipped: str | None) -> str:
    inside = ""
    if rows:
        text = "\n".join(f"{row.finding.text}; the emulator: {row.emulator}" for row in rows)
        inside = f"<failure message={quoteattr(_clean(rows[0].finding.text))}>{escape(_clean(text))}</failure>"
    elif skipped is not None:
        inside = f"<skipped message={quoteattr(_clean(skipped))}/>"
    return f'<testcase classname="{kind}" name={quoteattr(_clean(name))}>{inside}</testcase>'


def _clean(text: str) -> str:
    return _FORBIDDEN.sub("?", text)
