"""HTTP as a client: one request, bounded in bytes and seconds, without following redirects, to allowed hosts only."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from fnmatch import fnmatchcase
from ipaddress import ip_address
from typing import Final, NamedTuple
from urllib.parse import urlsplit

_CHUNK: Final = 64 * 1024


class Fetched(NamedTuple):
    """What a request was answered with, or in `failure` why it was not."""

    status: int = 0
    content_type: str | None = None
    data: bytes = b""
    failure: str | None = None


def fetch(
    method: str, url: str, *, headers: Mapping[str, str] = {}, body: bytes | None = None, limit: int, deadline: float
) -> Fetched:
    """Send a request and read up to `limit` bytes of the answer until `deadline` on the monotonic clock.

    Whatever goes wrong is told in `failure`.
    """
    from http.client import HTTPException

    try:
        return _exchange(method, url, headers, body, limit, deadline)
    except (OSError, HTTPException, ValueError, RuntimeError) as error:  # the last is an interception's refusal
        return Fetched(failure=str(error) or type(error).__name__)


def is_loopback(host: str | None) -> bool:
    """Tell whether a host name or IP address of a URL means this machine; a name that only resolves to it does not."""
    try:
        return host == "localhost" or ip_address(host or "").is_loopback
    except ValueError:
        return False


def is_allowed(url: str, hosts: Collection[str]) -> bool:
    """Tell whether a URL is HTTP and its host is one of these, such as `*.example.com`, or this machine."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return False
    if parts.scheme.lower() not in ("http", "https") or not host:
        return False
    return is_loopback(host) or any(fnmatchcase(host.lower(), pattern.lower()) for pattern in hosts)


def _exchange(
    method: str, url: str, headers: Mapping[str, str], body: bytes | None, limit: int, deadline: float
) -> Fetched:
    from http.client import HTTPConnection, HTTPSConnection

    parts = urlsplit(url)
    connect = HTTPSConnection if parts.scheme.lower() == "https" else HTTPConnection
    connection = connect(parts.hostname or "", parts.port, timeout=_left(deadline))
    try:
        connection.request(method, f"{parts.path or '/'}{parts.query and '?'}{parts.query}", body, dict(headers))
        response = connection.getresponse()
        data = bytearray()
        while chunk := response.read1(_CHUNK):
            data += chunk
            _left(deadline)
            if len(data) > limit:
                raise ValueError(f"it is larger than {limit} bytes")
        return Fetched(response.status, response.getheader("Content-Type"), bytes(data))
    finally:
        connection.close()


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("it took too long")
    return left
