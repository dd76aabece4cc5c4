"""What the run against a live provider has to find: deliberate deviations, one at a time."""

from __future__ import annotations

from tests.deviating_answers import ANSWERS
from tests.deviating_harmlessly import HARMLESS
from tests.deviating_rules import RULES

DEVIATIONS = [*ANSWERS, *RULES, *HARMLESS]


def table() -> str:
    """Return the deviations as a Markdown table."""
    lines = ["| A provider that … | Provider, operation | What the run says |", "|---|---|---|"]
    for one in DEVIATIONS:
        kind, at = one.finds or ("nothing: no document forbids it", "")
        lines.append(f"| {one.does} | {one.provider}, `{one.operation}` | {kind}{f' `{at}`' if at else ''} |")
    return "\n".join(lines)
