"""Failures on demand: fault rules and scenarios."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint

from emulator.fault_rules import add_rule, rule_json, scenarios, start_scenario
from emulator.provider import Problem
from emulator.servers.http.control.asked import Json, read_json, world

routes = Blueprint("faults", __name__)


@routes.get("/faults")
def list_faults() -> Json:
    """List the fault rules and what they hit."""
    return {"faults": [rule_json(rule) for rule in world().faults]}


@routes.post("/faults")
def add_fault() -> tuple[Json, int]:
    """Add a fault rule; refused if the contract does not know the status, unless `force` is true.

    Or start a scenario: `{"scenario": "sendmux:provisioning-fails"}`.
    """
    given = read_json()
    try:
        with world().lock:
            return _added(given), 201
    except LookupError as error:
        raise Problem("not_found", str(error)) from None
    except ValueError as error:
        raise Problem("invalid", str(error)) from None
    finally:
        world().bells.tell()  # rules are no part of the store


@routes.get("/scenarios")
def list_scenarios() -> Json:
    """Say what can be had by name: failures that the providers document."""
    return {"scenarios": scenarios()}


@routes.delete("/faults/<rule_id>")
def remove_fault(rule_id: str) -> tuple[str, int]:
    """Remove a fault rule."""
    if not world().faults.remove(rule_id):
        raise Problem("not_found", f"no fault rule {rule_id!r}")
    world().bells.tell()
    return "", 204


def _added(given: Mapping[str, Any]) -> Json:
    if given.keys() == {"scenario"}:
        return {"faults": list(map(rule_json, start_scenario(world(), str(given["scenario"]))))}
    return rule_json(add_rule(world(), given))
