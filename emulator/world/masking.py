"""Secrets are never shown: masked headers, query values, and JSON fields."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qsl, urlencode

MASK = "***"

_WORDS = (
    r"authorization|cookie|api[_-]?key|secret|passw|token(?![\w-])|(?:signing|private|agent)[_-]?key|(?<![\w-])key(?![\w-])"
    r"|credential|verification_code|signature|payment"
)
_SECRET_NAME = re.compile(_WORDS, re.IGNORECASE)
_NOT_SECRET = {"next_page_token", "page_token"}
_SHOWN = 4
_NAMED_SECRET = re.compile(
    rf"""
    (?<![\w.%\[\]-]) ((?>[\w.%\[\]-]*? (?:{_WORDS})) [\w.%\[\]-]*+)
    (\\*(?P<quoted>["'])? \s* [:=] \s*)
    (?: "(?:\\.|[^"\\])*"? | '(?:\\.|[^'\\])*'? | \\+".*?(?:\\+"|\Z)  # a string, perhaps cut off, perhaps in a string
    |   [\[{{].*                               # where a list or an object ends is not known: hide the rest
    |   (?(quoted) [^,}}\]\s]+ | [^&\r\n]+)   # a number of JSON, or what a form, a header or a text says
    )""",
    re.IGNORECASE | re.DOTALL | re.VERBOSE,
)
_SECRET_IN_URL = re.compile(rf"(?<=[?&;#])((?>[\w.%-]*?(?:{_WORDS}))[\w.%-]*+)=([^&;#\s\"'<>]+)", re.IGNORECASE)


def is_secret(name: str) -> bool:
    """Tell whether a header, query or JSON name carries a secret."""
    return bool(_SECRET_NAME.search(name)) and name.lower() not in _NOT_SECRET


def mask(value: str) -> str:
    """Hide a secret but for its last four characters, enough to tell two keys apart."""
    return MASK + value[-_SHOWN:] if len(value) > 3 * _SHOWN else MASK


def mask_headers(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return the headers as a dict with the secret ones masked."""
    return {name: mask(value) if is_secret(name) else _mask_urls(value) for name, value in headers}


def mask_query(query: str) -> str:
    """Return a query string with its secret values masked."""
    pairs = parse_qsl(query, keep_blank_values=True)
    shown = [(name, mask(value) if is_secret(name) else _mask_urls(value)) for name, value in pairs]
    return urlencode(shown, safe="*@")


def mask_body(body: bytes, limit: int = 4096) -> Any:
    """Return a body for display: JSON with secret fields masked, else the start of the text."""
    if not body:
        return None
    try:
        return mask_value(json.loads(body))
    except (ValueError, RecursionError):
        return _mask_text(body[:limit].decode("utf-8", "replace"))


def _mask_text(text: str) -> str:
    """Mask secrets in what is no (longer) JSON: `"name": "value"`, `name=value` and `Name: value`."""
    return _NAMED_SECRET.sub(lambda found: found[1] + found[2] + MASK if is_secret(found[1]) else found[0], text)


def _mask_urls(text: str) -> str:
    return _SECRET_IN_URL.sub(lambda found: f"{found[1]}={mask(found[2])}" if is_secret(found[1]) else found[0], text)


def mask_value(value: Any, name: str = "") -> Any:
    """Return a JSON value with every string and number under a secret name masked, however deep."""
    if isinstance(value, dict):
        return {key: mask_value(item, name if is_secret(name) else key) for key, item in value.items()}
    if isinstance(value, list):
        return [mask_value(item, name) for item in value]
    shown = value is None or isinstance(value, bool) or not is_secret(name)
    return value if shown else mask(str(value))
