"""The providers: each sub-package with a contract document and a `PROVIDER`, and the entry points of this name."""

from __future__ import annotations

import pkgutil
from difflib import get_close_matches
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

from emulator.provider import Provider
from emulator.webhooks.dialect import register

_GROUP = "emulator.providers"


def names() -> list[str]:
    """Return the built-in and the third-party provider names, sorted, without importing any."""
    return sorted({*_built_in(), *_entries()})


@cache
def get(name: str) -> Provider:
    """Return a provider by name; LookupError names the choices."""
    if name in _entries():
        return _checked(_entries()[name].load(), name)
    if name not in names():
        near = get_close_matches(name, names(), 1)
        hint = f"did you mean {near[0]!r}?" if near else f"choose from {', '.join(names())}"
        raise LookupError(f"no provider {name!r}; {hint}")
    return _checked(import_module(f"{__name__}.{name}").PROVIDER, name)


def every() -> list[Provider]:
    """Return all providers, by name."""
    return [get(name) for name in names()]


@cache
def _built_in() -> list[str]:
    folders = [Path(__path__[0], module.name) for module in pkgutil.iter_modules(__path__) if module.ispkg]
    # The contract comes first: a folder without its document is not a provider yet.
    return [folder.name for folder in folders if (folder / "openapi.json").exists()]


@cache
def _entries() -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in entry_points(group=_GROUP)}


def _checked(provider: object, name: str) -> Provider:
    if not isinstance(provider, Provider) or provider.name != name:
        raise LookupError(f"{name!r} is registered as a provider but gives {provider!r}")
    if provider.webhooks is not None:
        register(name, provider.webhooks, lambda world, account_id: provider.in_use(world, account_id).revision)
    return provider
