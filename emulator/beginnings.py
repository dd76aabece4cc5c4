"""What a world can start with: a plan, a file with one, or a snapshot."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

from emulator import snapshots, starting
from emulator.world import World


def identity(start: Any) -> Hashable | None:
    """Return what is the same for the same start: a function, or a file as it is now; None for what is not kept."""
    if callable(start):
        return start  # type: ignore[no-any-return]  # a function is hashable
    if isinstance(start, str | Path):
        path = Path(start)
        return (str(path.resolve()), path.stat().st_mtime_ns) if path.is_file() else None
    return None


def begin(start: str | Path | Mapping[str, Any], world: World) -> World:
    """Make of an empty world what a file or a plan says, and return it; ValueError says what cannot be done."""
    is_file = isinstance(start, str | Path) and Path(start).is_file()
    data = Path(start).read_bytes() if is_file else b""  # type: ignore[arg-type]  # a mapping is no file
    if snapshots.is_snapshot(data):
        world.restore(snapshots.load(data))
    else:
        starting.fill(world, starting.plan_of(start))
    return world
