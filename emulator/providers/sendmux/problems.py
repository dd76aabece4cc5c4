"""Problems that Sendmux's rules share."""

from __future__ import annotations

from typing import Any

from emulator.provider import Problem, invalid


def unprocessable(field: str, message: str, value: Any) -> Problem:
    """Return the 422 of a field that is well formed and still wrong."""
    problem = invalid(field, message, value)
    problem.code = "validation_error"
    return problem


def limit_exceeded(limit: int, things: str) -> Problem:
    """Return the 409 of a team that has as many of a thing as it may."""
    return Problem("conflict", f"The limit of {limit} {things} is reached", code="limit_exceeded")
