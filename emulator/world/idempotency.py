"""Idempotency keys: the same key and the same input give the stored result again, for as long as the key lives."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from emulator.world.store import Collection
from emulator.world.world import World


@dataclass(frozen=True, slots=True)
class Remembered:
    """A result under an idempotency key. `result` is whatever the provider needs to answer again, immutable."""

    id: str
    fingerprint: str
    result: Any
    expires_at: datetime | None


REMEMBERED: Collection[Remembered] = Collection("idempotency")


class KeyReusedError(Exception):
    """The key was used before with other input."""


def recall(world: World, scope: tuple[str, ...], key: str, given: object) -> Any | None:
    """Return the result that this key stands for in this scope, or None if it is new or has expired.

    `given` is the input as JSON values. Raises KeyReusedError if the key stands for other input.
    """
    found = world.store.get(REMEMBERED, _id(scope, key))
    if found is None or _is_over(world, found):
        return None
    if found.fingerprint != _fingerprint(given):
        raise KeyReusedError(f"the idempotency key {key!r} was used with other input")
    return found.result


def look_up(world: World, scope: tuple[str, ...], key: str) -> Any | None:
    """Return the result that a key stands for in this scope, whatever the input was; None if it is new or expired."""
    found = world.store.get(REMEMBERED, _id(scope, key))
    return None if found is None or _is_over(world, found) else found.result


def remember(
    world: World, scope: tuple[str, ...], key: str, given: object, result: Any, *, lifetime: timedelta | None = None
) -> None:
    """Keep a result under a key, for `lifetime` on the world's clock or for good."""
    expires_at = None if lifetime is None else world.now() + lifetime
    entry = Remembered(_id(scope, key), _fingerprint(given), result, expires_at)
    known = world.store.get(REMEMBERED, entry.id) is not None
    (world.store.put if known else world.store.add)(REMEMBERED, entry)


def _is_over(world: World, entry: Remembered) -> bool:
    return entry.expires_at is not None and entry.expires_at <= world.now()


def _id(scope: tuple[str, ...], key: str) -> str:
    return "\x1f".join((*scope, key))


def _fingerprint(given: object) -> str:
    text = json.dumps(given, sort_keys=True, separators=(",", ":"))
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
