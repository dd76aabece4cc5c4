"""Mail addresses: compare, check and write them."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterable, Iterator
from typing import Final

MAX_LENGTH: Final = 254
_MAX_ID_LENGTH: Final = 900  # with its header's name it fits into a line of mail
_MAX_NAME_LENGTH: Final = 76
_WORD_BYTES: Final = 39

# Letters of any script: said by what is left out, because ranges up to the last code point take long to compile.
_ATEXT = r"[^\x00-\x20\"(),.:;<>@\[\\\]\x7f]"
_LABEL = r"[^\x00-/:-@\[-`{-\x7f](?:[^\x00-,./:-@\[-`{-\x7f]*[^\x00-/:-@\[-`{-\x7f])?"
PATTERN: Final = rf"^{_ATEXT}+(?:\.{_ATEXT}+)*@{_LABEL}(?:\.{_LABEL})*$"
"""A bare address: a dot-atom, `@`, a host name. `a@localhost` and `ops@acme.test` are, quoted local parts are not."""

_MESSAGE_ID = re.compile(r"<[^<>\s]+>")
_ADDRESS = re.compile(PATTERN)
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?: [A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")


def is_address(text: str) -> bool:
    """Tell whether `text` is one bare address."""
    return len(text) <= MAX_LENGTH and _ADDRESS.fullmatch(text) is not None


def is_message_id(text: str) -> bool:
    """Tell whether `text` is one Message-ID with its angle brackets."""
    return len(text) <= _MAX_ID_LENGTH and _MESSAGE_ID.fullmatch(text) is not None


def normalize(address: str) -> str:
    """Return the form in which addresses are compared: lower case, no surrounding space."""
    return address.strip().lower()


def local_part(address: str) -> str:
    """Return what stands before the last `@`."""
    return address.rpartition("@")[0]


def domain(address: str) -> str:
    """Return what stands after the last `@`."""
    return address.rpartition("@")[2]


def unique(addresses: Iterable[str]) -> list[str]:
    """Return the addresses without repetitions, as first written."""
    found: dict[str, str] = {}
    for address in addresses:
        found.setdefault(normalize(address), address)
    return list(found.values())


def write(name: str | None, address: str) -> str:
    """Write `Name <address>` for a header, the name encoded where it must be; the bare address without a name."""
    if not name:
        return address
    if not name.isascii() or not name.isprintable() or "=?" in name or len(name) > _MAX_NAME_LENGTH:
        return f"{encode_words(name)} <{address}>"
    if _ATOMS.fullmatch(name):
        return f"{name} <{address}>"
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}" <{address}>'


def encode_words(text: str) -> str:
    """Write any text as folded RFC 2047 encoded words."""
    return "\r\n ".join(f"=?utf-8?b?{b64encode(piece).decode()}?=" for piece in utf8_pieces(text, _WORD_BYTES))


def utf8_pieces(text: str, size: int) -> Iterator[bytes]:
    """Yield a text in UTF-8 in pieces of at most `size` bytes that split no letter."""
    data, start = text.encode("utf-8"), 0
    while start < len(data):
        end = start + size
        while end < len(data) and data[end] & 0xC0 == 0x80:
            end -= 1
        yield data[start:end]
        start = end
