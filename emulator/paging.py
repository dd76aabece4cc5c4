"""Opaque cursors: the key of the last record of a page, URL-safe."""

from __future__ import annotations

import base64
import binascii
import json
from datetime import datetime

from emulator.world.ordered import Key


def encode_cursor(key: Key) -> str:
    """Write the key of an order `(moment, n, id)` as a cursor."""
    moment, n, record_id = key
    text = json.dumps([moment.isoformat(), n, record_id], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def decode_cursor(cursor: str) -> Key:
    """Read a cursor back into its key; ValueError if it is none of ours."""
    try:
        text = base64.b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4), b"-_", validate=True)
        moment, n, record_id = json.loads(text)
        aware = datetime.fromisoformat(moment)
    except (ValueError, TypeError, binascii.Error, RecursionError):
        raise _no_cursor(cursor) from None
    if not isinstance(n, int) or not isinstance(record_id, str) or aware.tzinfo is None:
        raise _no_cursor(cursor)
    return (aware, n, record_id)


def _no_cursor(cursor: str) -> ValueError:
    return ValueError(f"not a cursor: {cursor[:100]!r}")
