"""Tokens for attachments that can be fetched without a credential until they expire."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import datetime, timedelta
from typing import NamedTuple

from emulator.mail.parse import Attachment
from emulator.mail.records import MESSAGES
from emulator.world import World


class File(NamedTuple):
    """What a token stands for."""

    attachment: Attachment
    expires_at: datetime


def sign(world: World, message_id: str, index: int, lifetime: timedelta) -> str:
    """Return a token for the `index`-th attachment of a message, valid for `lifetime` on the world's clock."""
    expires = (world.now() + lifetime).timestamp()
    payload = json.dumps([message_id, index, expires], separators=(",", ":")).encode()
    return f"{_encode(payload)}.{_encode(_mac(world, payload))}"


def open_file(world: World, token: str) -> File | None:
    """Return the file of a token that this world signed, expired or not; None for anything else."""
    head, _, tail = token.partition(".")
    try:
        payload, mac = _decode(head), _decode(tail)
    except ValueError:
        return None
    if not hmac.compare_digest(mac, _mac(world, payload)):
        return None
    message_id, index, expires = json.loads(payload)
    message = world.store.get(MESSAGES, message_id)
    if message is None:
        return None
    return File(message.mail.body.attachments[index], datetime.fromtimestamp(expires, world.now().tzinfo))


def _mac(world: World, payload: bytes) -> bytes:
    return hmac.digest(world.secret("files"), payload, hashlib.sha256)


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text.encode() + b"=" * (-len(text) % 4))
