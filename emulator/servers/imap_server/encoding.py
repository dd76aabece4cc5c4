"""How IMAP writes strings, folder names, keywords, dates and sets of numbers."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

_UNQUOTABLE: Final = re.compile(rb'[\x00-\x1f\x7f-\xff"\\]')
_LONGEST_QUOTED: Final = 1000
_NOT_IN_KEYWORDS: Final = re.compile(rb"[^!#$&'+,\-./0-9:;<=>?@A-Z\[^_`a-z|}~]|=(?=[0-9A-F]{2})")
_ESCAPED: Final = re.compile(rb"=([0-9A-F]{2})")
_SHIFTED: Final = re.compile(r"[^\x20-\x7e]+|&")
_UNSHIFTED: Final = re.compile(r"&([A-Za-z0-9+,]*)-")
_DATE: Final = re.compile(r" ?(\d{1,2})-([A-Za-z]{3})-(\d{4})")
_MOMENT: Final = re.compile(r"([ \d]\d-[A-Za-z]{3}-\d{4}) (\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)")


def string(value: str | bytes | None) -> bytes:
    """Write a string: quoted where that is possible, else as a literal; NIL for None."""
    if value is None:
        return b"NIL"
    raw = value.encode("utf-8", "replace") if isinstance(value, str) else value
    if len(raw) > _LONGEST_QUOTED or _UNQUOTABLE.search(raw):
        return literal(raw)
    return b'"' + raw + b'"'


def literal(raw: bytes) -> bytes:
    """Write bytes as a literal."""
    return b"{%d}\r\n%s" % (len(raw), raw)


def keyword(label: str) -> bytes:
    """Write a label as a keyword: what no atom can hold becomes `=` and its bytes in hex."""
    return _NOT_IN_KEYWORDS.sub(lambda found: b"".join(b"=%02X" % byte for byte in found[0]), label.encode())


def label(keyword: bytes) -> str:
    """Return the label that a keyword stands for."""
    raw = _ESCAPED.sub(lambda found: bytes.fromhex(found[1].decode()), keyword)
    return raw.decode("utf-8", "replace")


def folder_name(name: str) -> bytes:
    """Write a folder's name: modified UTF-7, as a string."""
    return string(_SHIFTED.sub(lambda found: "&-" if found[0] == "&" else _shift(found[0]), name))


def _shift(text: str) -> str:
    encoded = base64.b64encode(text.encode("utf-16-be"), b"+,").rstrip(b"=")
    return f"&{encoded.decode()}-"


def read_folder_name(name: bytes) -> str:
    """Read a folder's name in modified UTF-7; ValueError if it is none."""
    text = name.decode("utf-8")
    if "&" in _UNSHIFTED.sub("", text) or re.search(r"[\x00-\x1f\x7f]", text):
        raise ValueError(f"not a folder's name: {text!r}")
    return _UNSHIFTED.sub(lambda found: _unshift(found[1]) if found[1] else "&", text)


def _unshift(encoded: str) -> str:
    return base64.b64decode(encoded.encode() + b"=" * (-len(encoded) % 4), b"+,").decode("utf-16-be")


def moment(at: datetime) -> bytes:
    """Write an INTERNALDATE."""
    at = at.astimezone(UTC)
    return f'"{at.day:2}-{MONTHS[at.month - 1]}-{at.year:04} {at:%H:%M:%S} +0000"'.encode()


def read_date(raw: bytes) -> datetime:
    """Read a date such as 1-Feb-2026, midnight in UTC; ValueError if it is none."""
    found = _DATE.fullmatch(raw.decode("ascii"))
    if found is None or found[2].title() not in MONTHS:
        raise ValueError(f"not a date: {raw.decode()!r}")
    return datetime(int(found[3]), MONTHS.index(found[2].title()) + 1, int(found[1]), tzinfo=UTC)


def read_moment(raw: bytes) -> datetime:
    """Read a date with time and zone; ValueError if it is none."""
    found = _MOMENT.fullmatch(raw.decode("ascii"))
    if found is None:
        raise ValueError(f"not a time: {raw.decode()!r}")
    day = read_date(found[1].encode())
    offset = timedelta(hours=int(found[6]), minutes=int(found[7])) * (1 if found[5] == "+" else -1)
    try:
        at = day.replace(hour=int(found[2]), minute=int(found[3]), second=int(found[4]), tzinfo=timezone(offset))
        return at.astimezone(UTC)
    except OverflowError:
        raise ValueError(f"no calendar has the time {raw.decode()!r}") from None


def number_set(numbers: Iterable[int]) -> bytes:
    """Write numbers in their order as a set; neighbours as a range."""
    ranges: list[list[int]] = []
    for number in numbers:
        if ranges and ranges[-1][1] == number - 1:
            ranges[-1][1] = number
        else:
            ranges.append([number, number])
    return ",".join(f"{a}:{b}" if a != b else str(a) for a, b in ranges).encode()
