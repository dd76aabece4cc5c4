"""A world's state in a file, and back: a line of JSON that says what it is, then the state itself, compressed."""

from __future__ import annotations

import io
import json
import pickle
import zlib
from dataclasses import is_dataclass
from enum import Enum
from typing import Any, Final

from emulator._version import __version__
from emulator.world import Clock, Snapshot, World, parse_moment, timestamp

_FORMAT: Final = "inbox-emulator-snapshot"
_VERSION: Final = 1
_HARMLESS: Final = {
    ("immutables._map", "Map"),
    ("immutables.map", "Map"),
    ("datetime", "datetime"),
    ("datetime", "timedelta"),
    ("datetime", "timezone"),
    ("datetime", "date"),
    ("builtins", "frozenset"),
    ("emulator.world.ordered", "SortedKeys"),
    ("emulator.world.clock", "Clock"),
}


class SnapshotError(ValueError):
    """A file that is no snapshot, or of another version; the message says which."""


def is_snapshot(data: bytes) -> bool:
    """Tell whether a file begins as a snapshot does."""
    return data.startswith(b'{"format": "%s"' % _FORMAT.encode())


def dump(world: World) -> bytes:
    """Return the state of a world as the content of a file. It holds keys and mail: treat it as a secret."""
    snapshot = world.snapshot()
    about = {
        "format": _FORMAT,
        "version": _VERSION,
        "emulator": __version__,
        "seed": world.seed,
        "clock": timestamp(snapshot.clock.now(), "microseconds") if snapshot.clock.virtual else None,
    }
    return json.dumps(about).encode() + b"\n" + zlib.compress(pickle.dumps(snapshot.root, 5), 1)


def load(data: bytes) -> Snapshot:
    """Return the state that a file holds; SnapshotError if it holds none.

    Nothing but records of an emulator and plain values is made of what stands in it, whoever wrote it.
    """
    head, _, packed = data.partition(b"\n")
    if not is_snapshot(head):
        raise SnapshotError("this is no snapshot of an emulator")
    try:
        about = json.loads(head)
        _check_version(about["version"])
        root = _Reader(io.BytesIO(zlib.decompress(packed))).load()
        clock = Clock(None if about["clock"] is None else parse_moment(about["clock"]))
        return Snapshot(root, clock, about["seed"])
    except SnapshotError:
        raise
    except Exception as error:  # noqa: BLE001  # a file can be broken in any way
        raise SnapshotError(f"the snapshot cannot be read: {error}") from None


def _check_version(version: int) -> None:
    if version != _VERSION:
        raise SnapshotError(f"the snapshot is of format {version}, this emulator reads {_VERSION}")


class _Reader(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        is_harmless = (module, name) in _HARMLESS
        if is_harmless or module.partition(".")[0] == "emulator":
            found = super().find_class(module, name)
            if is_harmless or _is_data(found):
                return found
        raise SnapshotError(f"the snapshot asks for {module}.{name}, which is no data")


def _is_data(found: Any) -> bool:
    """Tell whether a class only holds values: a record, a named tuple, an enumeration, a mail."""
    from emulator.mail import Mail

    if not isinstance(found, type):
        return False
    return (
        is_dataclass(found)
        or issubclass(found, Mail | Enum)
        or (issubclass(found, tuple) and hasattr(found, "_fields"))
    )
