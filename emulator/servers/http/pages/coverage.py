"""The page of what is emulated: each operation, where it is known from, and what is assumed about it."""

from __future__ import annotations

from functools import cache
from typing import Any

from flask import Blueprint, render_template

from emulator import coverage as report
from emulator import providers
from emulator.servers.http.pages.lists import asked_text

routes = Blueprint("coverage", __name__)


@routes.get("/ui/coverage")
def operations() -> str:
    """Show each operation: built or missing, where it is known from, what is assumed, when it was verified."""
    wanted, name = asked_text("q").lower(), asked_text("provider")
    mine = (row for row in _rows() if name in ("", row["provider"]))
    rows = [row for row in mine if wanted in f"{row['operation']} {row['path']}".lower()]
    shown = {"rows": rows, "totals": _totals(), "q": asked_text("q"), "provider": name}
    return render_template("coverage.html", titles={one.name: one.title for one in providers.every()}, **shown)


@cache
def _rows() -> list[dict[str, Any]]:
    return report.rows()


@cache
def _totals() -> list[dict[str, Any]]:
    """Return for each generation of each provider how much is built, from where it is known, and when verified."""
    found = []
    for provider in report.generations():
        mine = [row for row in _rows() if (row["provider"], row["revision"]) == (provider.name, provider.revision)]
        found.append(
            {
                "name": provider.name,
                "title": provider.title,
                "revision": provider.revision,
                "operations": len(mine),
                "built": sum(row["built"] for row in mine),
                "assumed": sum(bool(row["assumptions"]) for row in mine),
                "verified": max((row["verified"] for row in mine if row["verified"]), default=None),
            }
        )
    return found
