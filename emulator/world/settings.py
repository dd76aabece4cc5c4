"""Switches of a world: what a provider lets a tester choose, such as a daily cap. Off unless set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from emulator.world.store import Collection
from emulator.world.world import World


@dataclass(frozen=True, slots=True)
class Setting:
    """A value that was set; `id` is `<provider>.<name>`."""

    id: str
    value: Any


SETTINGS: Collection[Setting] = Collection("settings")


class Settings(dict[str, Any]):
    """What a tester may choose about a provider: names and defaults."""

    def __init__(self, provider: str, defaults: Mapping[str, Any]) -> None:
        super().__init__(defaults)
        self._provider = provider

    def of(self, world: World, name: str) -> Any:
        """Return the value of a setting in a world."""
        return get_setting(world, f"{self._provider}.{name}", self[name])


def get_setting(world: World, name: str, default: Any) -> Any:
    """Return what was set under `<provider>.<name>`, or the default."""
    found = world.store.get(SETTINGS, name)
    return default if found is None else found.value


def set_setting(world: World, name: str, value: Any) -> None:
    """Set `<provider>.<name>` in this world."""
    known = world.store.get(SETTINGS, name) is not None
    (world.store.put if known else world.store.add)(SETTINGS, Setting(name, value))
