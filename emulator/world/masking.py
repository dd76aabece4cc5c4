"""Secrets are never shown: masked headers, query values, and JSON fields."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qsl, urlencode

MASK = "***"

_SECRET_NAME = re.compile(
    r"(?i)authorization|cookie|api[_-]?key|service-token|secret|passw|token$|signing[_-]?key|credential"
    r"|verification_code|signature|payment"
)
_NOT_SECRET = {"next_page_token", "page_token"}
_SHOWN = 4
_NAMED_VALUE = re.compile(r"""([\w.-]+["']?\s*[:=]\s*["']?)([^"'&\s,}]+)""")


def is_secret(name: str) -> bool:
    """Tell whether a header, query or JSON name carries a secret."""
    return bool(_SECRET_NAME.search(name)) and name.lower() not in _NOT_SECRET


def mask(value: str) -> str:
    """Hide a secret but for its last four characters, enough to tell two keys apart."""
    return MASK + value[-_SHOWN:] if len(value) > 3 * _SHOWN else MASK


def mask_headers(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return the headers as a dict with the secret ones masked."""
    return {name: mask(value) if is_secret(name) else value for name, value in headers}


def mask_query(query: str) -> str:
    """Return a query string with its secret values masked."""
    pairs = parse_qsl(query, keep_blank_values=True)
    return urlencode([(name, mask(value) if is_secret(name) else value) for name, value in pairs], safe="*@")


def mask_body(body: bytes, limit: int = 4096) -> Any:
    """Return a body for display: JSON with secret fields masked, else the start of the text."""
    if not body:
        return None
    try:
        return mask_value(json.loads(body))
    except (ValueError, RecursionError):
        return _mask_text(body[:limit].decode("utf-8", "replace"))


def _mask_text(text: str) -> str:
    """Mask secrets in what is no (longer) JSON: `"name": "value"` and `name=value`."""
    return _NAMED_VALUE.sub(lambda found: found[1] + MASK if is_secret(found[1]) else found[0], text)


def mask_value(value: Any, name: str = "") -> Any:
    """Return a JSON value with every string under a secret name masked."""
    if isinstance(value, dict):
        return {key: mask_value(item, key) for key, item in value.items()}
    if isinstance(value, list):
        return [mask_value(item, name) for item in value]
    return mask(value) if isinstance(value, str) and is_secret(name) else value
