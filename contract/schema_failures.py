"""What schemathesis found, as findings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from contract.findings import Finding

if TYPE_CHECKING:
    from contract.run import Run

_LONGEST = 300
_JUDGED = ("ST101", "ST102")
"""How answers break the document is found by the wire already."""


def failures_of(error: BaseException, run: Run) -> list[Finding]:
    """Return the findings in a failure of the schema suite; none for any other exception."""
    return [found for found in (_finding(failure, run) for failure in _failures(error)) if found is not None]


def _failures(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from _failures(inner)
    elif hasattr(error, "case_id"):
        yield error


def _finding(failure: BaseException, run: Run) -> Finding | None:
    label, title = str(getattr(failure, "operation", "")), str(getattr(failure, "title", ""))
    message = run.scrubber.text(str(getattr(failure, "message", ""))[:_LONGEST])
    method, _, path = label.partition(" ")
    provider = run.choice.get(run.choice.providers()[0])
    for operation in provider.document.operations.values():
        if (operation.method, operation.path) == (method, path):
            return Finding("input", operation.id, None, title, title, message)
    return Finding("input", label, None, title, title, message)
