"""The page of failures on demand: the fault rules of a world, and new ones."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

from flask import Blueprint, render_template

from emulator import coverage
from emulator.fault_rules import EFFECTS, rule_json, scenarios, schema
from emulator.mail.fates import FATES
from emulator.servers.http.control.asked import world
from emulator.world.faults import NAMES

routes = Blueprint("faults", __name__)

_COUNTED: Final = ("id", "effect", "seen", "hits", "nth", "times", "probability")


@routes.get("/ui/faults")
def faults() -> str:
    """Show the fault rules with what they struck, and add and remove them."""
    rules = [_shown(rule_json(rule)) for rule in world().faults]
    operations = sorted({name for one in coverage.generations() for name in one.document.operations})
    fates = {name: fate.meaning for name, fate in FATES.items()}
    return render_template(
        "faults.html", rules=rules, effects=_effects(), operations=operations, fates=fates, scenarios=scenarios()
    )


@cache
def _effects() -> dict[str, dict[str, Any]]:
    """Return what each effect does and which fields of the form belong to it."""
    kinds = {name: kind for kind, name in NAMES.items()}
    return {
        name: {"does": " ".join((kinds[name].__doc__ or "").split()), "fields": " ".join(schema(name)["properties"])}
        for name in EFFECTS
    }


def _shown(rule: dict[str, Any]) -> dict[str, Any]:
    about = {name: value for name, value in rule.items() if name not in _COUNTED and value is not None}
    return {**rule, "about": about}
