"""Fault rules of the provider `x`, and what they answer."""

from __future__ import annotations

from typing import Any

from emulator.world import FaultRule, World
from emulator.world.faults import Occasion, Respond


def fault(world: World, operation: str, status: int, **match: Any) -> FaultRule:
    return world.faults.add(Respond(status), provider="x", operation=operation, **match)


def answers(world: World, *operations: str, provider: str = "x") -> list[int | None]:
    effects = (world.faults.take(Respond, Occasion(provider, operation)) for operation in operations)
    return [None if effect is None else effect.status for effect in effects]
