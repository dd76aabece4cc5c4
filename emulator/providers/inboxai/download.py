"""Fetch a file over HTTP: bounded in bytes and seconds, without following redirects."""

from __future__ import annotations

import time
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Final, NamedTuple
from urllib.parse import urlsplit

_CHUNK: Final = 64 * 1024
_OK: Final = 200


class Download(NamedTuple):
    """What a URL gave: a media type and bytes, or why it gave nothing."""

    content_type: str | None = None
    data: bytes = b""
    failure: str | None = None


def download(url: str, limit: int, deadline: float) -> Download:
    """Get up to `limit` bytes until `deadline` on the monotonic clock; whatever goes wrong is told in `failure`."""
    try:
        return _get(url, limit, deadline)
    except (OSError, HTTPException, ValueError) as error:
        return Download(failure=str(error) or type(error).__name__)


def _get(url: str, limit: int, deadline: float) -> Download:
    parts = urlsplit(url)
    connect = HTTPSConnection if parts.scheme.lower() == "https" else HTTPConnection
    connection = connect(parts.hostname or "", parts.port, timeout=_left(deadline))
    try:
        connection.request("GET", f"{parts.path or '/'}{parts.query and '?'}{parts.query}")
        response = connection.getresponse()
        if response.status != _OK:
            raise ValueError(f"the host answered {response.status}, not {_OK}")
        data = bytearray()
        while chunk := response.read1(_CHUNK):
            data += chunk
            _left(deadline)
            if len(data) > limit:
                raise ValueError(f"it is larger than {limit} bytes")
        return Download(response.getheader("Content-Type"), bytes(data))
    finally:
        connection.close()


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("it took too long")
    return left
