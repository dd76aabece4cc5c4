"""One HTTP request to a WSGI application without a socket: what a client writes becomes a call, its answer bytes."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from io import BytesIO
from typing import Any, Final, NamedTuple
from urllib.parse import unquote_to_bytes, urlsplit

from werkzeug.test import run_wsgi_app

_END_OF_HEAD: Final = b"\r\n\r\n"
_OWN_KEYS: Final = {"content-type": "CONTENT_TYPE", "content-length": "CONTENT_LENGTH"}

Headers = list[tuple[str, str]]


class Request(NamedTuple):
    """A whole request. `target` is what stands in the request line: a path with its query, or a URL."""

    method: str
    target: str
    headers: Headers
    body: bytes


class Reply(NamedTuple):
    """An answer; `pieces` may come as they are made, and break off with a ConnectionResetError."""

    status: int
    reason: str
    headers: Headers
    pieces: Iterator[bytes]

    @property
    def head(self) -> bytes:
        """The status line and headers as they are sent; the connection ends with the answer."""
        lines = [f"HTTP/1.1 {self.status} {self.reason}", *(f"{name}: {value}" for name, value in self.headers)]
        return ("\r\n".join([*lines, "Connection: close"]) + "\r\n\r\n").encode("latin-1")


def call(app: Callable[..., Any], scheme: str, host: str, port: int, request: Request) -> Reply:
    """Have the application answer a request; ConnectionResetError if it breaks the connection instead."""
    answered, status, headers = run_wsgi_app(app, _environ(scheme, host, port, request))
    code, _, reason = status.partition(" ")
    return Reply(int(code), reason, list(headers), iter(answered))


class RequestReader:
    """Takes what a client writes, piece by piece."""

    def __init__(self) -> None:
        self._sent = bytearray()
        self._needed = 0

    def feed(self, data: Any) -> None:
        """Take a piece."""
        self._sent += data

    def take(self) -> Request | None:
        """Return the request that was written; None until it is complete."""
        if len(self._sent) < self._needed or _END_OF_HEAD not in self._sent:
            return None
        head, _, rest = bytes(self._sent).partition(_END_OF_HEAD)
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = [(name, value.strip()) for name, _, value in (line.partition(":") for line in lines)]
        body = self._body({name.lower(): value for name, value in headers}, rest)
        if body is None:
            return None
        self.clear()
        method, target, _ = first.split(" ", 2)
        return Request(method, target, headers, body)

    def _body(self, headers: Mapping[str, str], rest: bytes) -> bytes | None:
        if headers.get("transfer-encoding", "").lower() == "chunked":
            return _dechunked(rest) if rest.endswith(b"0\r\n\r\n") else None
        length = int(headers.get("content-length", 0))
        self._needed = len(self._sent) - len(rest) + length
        return rest if len(rest) >= length else None

    def clear(self) -> None:
        """Forget what was written."""
        self._sent, self._needed = bytearray(), 0


def _dechunked(rest: bytes) -> bytes | None:
    body = BytesIO()
    while True:
        size_line, found, rest = rest.partition(b"\r\n")
        if not found:
            return None
        size = int(size_line.partition(b";")[0], 16)
        if len(rest) < size + 2:
            return None
        body.write(rest[:size])
        rest = rest[size + 2 :]
        if size == 0:
            return body.getvalue()


def _environ(scheme: str, host: str, port: int, request: Request) -> dict[str, Any]:
    target = urlsplit(request.target)
    environ: dict[str, Any] = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(target.path).decode("latin-1"),
        "QUERY_STRING": target.query,
        "REQUEST_URI": request.target,
        "SERVER_NAME": host,
        "SERVER_PORT": str(port),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": host,
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scheme,
        "wsgi.input": BytesIO(request.body),
        "wsgi.input_terminated": True,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in request.headers:
        key = _OWN_KEYS.get(name.lower()) or f"HTTP_{name.upper().replace('-', '_')}"
        environ[key] = f"{environ[key]},{value}" if key in environ and key != "HTTP_HOST" else value
    return environ | {"CONTENT_LENGTH": str(len(request.body))}
