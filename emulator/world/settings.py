"""Switches of a world: what a provider lets a tester choose, such as a daily cap. Off unless set."""

from __future__ import annotations

import re
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
    """What a tester may choose about a provider: names and defaults.

    `texts` says how a text has to be that is not just any: a pattern for the whole of it.
    """

    def __init__(self, provider: str, defaults: Mapping[str, Any], texts: Mapping[str, str] | None = None) -> None:
        super().__init__(defaults)
        self._provider = provider
        self._texts = dict(texts or {})

    def problem(self, name: str, value: Any) -> str | None:
        """Return why a known setting cannot have this value, or None: it can."""
        default, form = self[name], self._texts.get(name)
        if not _is_like(default, value):
            return f"{self._provider}.{name} is by default {default!r} and cannot be {value!r}"
        if form is not None and not re.fullmatch(form, value):
            return f"{self._provider}.{name} is {' or '.join(form.split('|'))}, and cannot be {value!r}"
        return None

    def of(self, world: World, name: str) -> Any:
        """Return the value of a setting in a world."""
        return get_setting(world, f"{self._provider}.{name}", self[name])


def _is_like(default: Any, value: Any) -> bool:
    """Tell whether a value can take the place of a default: of its type, a list of its types, for None a number."""
    if default is None:
        return value is None or isinstance(value, bool | int)
    if isinstance(default, list | tuple):
        return isinstance(value, list | tuple) and all(isinstance(item, str) for item in value)
    if isinstance(default, bool) or isinstance(value, bool):
        return isinstance(default, bool) and isinstance(value, bool)
    number = isinstance(default, int | float) and isinstance(value, int | float)
    return number or isinstance(value, type(default))


def get_setting(world: World, name: str, default: Any) -> Any:
    """Return what was set under `<provider>.<name>`, or the default."""
    found = world.store.get(SETTINGS, name)
    return default if found is None else found.value


def set_setting(world: World, name: str, value: Any) -> None:
    """Set `<provider>.<name>` in this world."""
    known = world.store.get(SETTINGS, name) is not None
    (world.store.put if known else world.store.add)(SETTINGS, Setting(name, value))
