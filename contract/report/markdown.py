"""The drift report as Markdown."""

from __future__ import annotations

from contract.findings import ERROR, WARNING
from contract.report.compose import Report, Row


def markdown(report: Report) -> str:
    """Return the whole page."""
    return "\n".join(
        [*_head(report), *_differences(report), *_operations(report), *_unseen(report), *_journeys(report)]
    )


def summary(report: Report) -> str:
    """Return the run in one line."""
    seen = report.observed
    budget = "" if seen.budget is None else f" of {seen.budget}"
    passed = sum(one["outcome"] == "passed" for one in seen.journeys.values())
    skipped = sum(one["outcome"] == "skipped" for one in seen.journeys.values())
    return (
        f"{report.title}: {report.count(ERROR)} errors, {report.count(WARNING)} warnings; "
        f"{report.reached} of {len(report.reaches)} operations reached, "
        f"{passed} tests passed, {skipped} skipped, {seen.requests}{budget} requests"
    )


def _head(report: Report) -> list[str]:
    seen = report.observed
    lines = [f"# Drift report: {report.title}", "", summary(report) + ".", ""]
    lines += [
        f"- Target: `{seen.target}` ({seen.kind}), profile `{seen.profile}`",
        f"- Run: {seen.started} to {seen.ended or 'never ended'}{', interrupted' if seen.interrupted else ''}",
        f"- Contract document: revision {seen.revision}, `{seen.document}`; {seen.tool}",
    ]
    if report.compared is not None:
        lines.append(f"- Emulator: run {report.compared.started} in process, {report.compared.requests} requests")
    return lines


def _differences(report: Report) -> list[str]:
    lines = ["", "## Differences", ""]
    open_rows = [row for row in report.rows if row.accepted is None]
    if not open_rows:
        lines.append("None.")
    else:
        lines += ["| | Operation | Where | Document | Provider | Emulator | Id |", "|---|---|---|---|---|---|---|"]
        lines += [_line(row) for row in open_rows]
    accepted = [row for row in report.rows if row.accepted is not None]
    if accepted:
        lines += ["", "Accepted by the baseline:", ""]
        lines += [f"- `{row.finding.id}` {_cell(row.finding.text)}: {_cell(row.accepted or '')}" for row in accepted]
    if report.stale:
        lines += ["", "Accepted, but not found any more: " + ", ".join(f"`{one}`" for one in report.stale) + "."]
    return lines


def _line(row: Row) -> str:
    finding = row.finding
    answer = "" if finding.status is None else f"{finding.status} "
    cells = (
        finding.severity,
        f"`{finding.operation}`",
        f"{finding.kind} {answer}{f'`{finding.at}`' if finding.at else ''}".strip(),
        row.document,
        row.provider,
        row.emulator,
        f"`{finding.id}`",
    )
    return "| " + " | ".join(_cell(cell) for cell in cells) + " |"


def _operations(report: Report) -> list[str]:
    lines = ["", "## Operations", "", "| Operation | Request | Answered | The emulator |", "|---|---|---|---|"]
    for reach in report.reaches:
        statuses = ", ".join(f"{status} ({count}x)" for status, count in reach.statuses.items()) or "not reached"
        cells = (f"`{reach.operation}`", f"`{reach.request}`", statuses, ", ".join(reach.emulator) or "not reached")
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def _unseen(report: Report) -> list[str]:
    lines = ["", "## Documented, never seen", ""]
    for reach in report.reaches:
        fields = [f"`{name}`{' (the emulator has it)' if known else ''}" for name, known in reach.unseen_fields]
        parts = [f"answers {', '.join(reach.unseen_statuses)}"] if reach.unseen_statuses and reach.statuses else []
        parts += [f"fields {', '.join(fields)}"] if fields else []
        if parts:
            lines.append(f"- `{reach.operation}`: {'; '.join(parts)}")
    return lines


def _journeys(report: Report) -> list[str]:
    lines = ["", "## Not run", ""]
    reasons: dict[str, list[str]] = {}
    for name, journey in report.observed.journeys.items():
        if journey["outcome"] == "skipped":
            reasons.setdefault(journey["reason"], []).append(name)
    lines += [f"- {_cell(reason)}: {'; '.join(_cell(name) for name in names)}" for reason, names in reasons.items()]
    return [*(lines if reasons else [*lines[:2], "", "Nothing was left out."]), ""]


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").replace("<", "&lt;").split())
