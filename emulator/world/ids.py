"""Deterministic ids: a keyed hash of (provider, kind, scope, n), written in the provider's format."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Final

Format = Callable[[bytes], str]
"""Turns 32 hash bytes into an id as the provider writes it."""

BASE62: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
LOWER36: Final = "abcdefghijklmnopqrstuvwxyz0123456789"
HEX: Final = "0123456789abcdef"
DIGITS: Final = "0123456789"


def uuid(digest: bytes) -> str:
    """Write 16 of the hash bytes as a version 4 UUID."""
    head = bytearray(digest[:16])
    head[6] = head[6] & 0x0F | 0x40
    head[8] = head[8] & 0x3F | 0x80
    text = head.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def prefixed(prefix: str, length: int, alphabet: str = BASE62) -> Format:
    """Return a format such as `inbox_3kP9wQ`: a prefix and `length` characters (at most 32) of an alphabet."""
    size = len(alphabet)

    def write(digest: bytes) -> str:
        number = int.from_bytes(digest, "big")
        letters = []
        for _ in range(length):
            number, place = divmod(number, size)
            letters.append(alphabet[place])
        return prefix + "".join(letters)

    return write


def prefixed_uuid(prefix: str) -> Format:
    """Return a format such as `ApiKey_<uuid>`."""
    return lambda digest: prefix + uuid(digest)


class Ids:
    """The hash of one world. It holds no counter: the n-th is counted in the world's store."""

    __slots__ = ("_key",)

    def __init__(self, seed: str) -> None:
        self._key = hashlib.blake2b(seed.encode(), digest_size=32).digest()

    def digest(self, *parts: object) -> bytes:
        """Return 32 bytes that only the seed and these parts decide."""
        text = "\x1f".join(map(str, parts))
        return hashlib.blake2b(text.encode(), digest_size=32, key=self._key).digest()
