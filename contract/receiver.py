"""A receiver of webhooks that a provider can reach: on loopback, or behind the tunnel of `--webhook-url`."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple


class Heard(NamedTuple):
    """A webhook as it came; the names of its headers are in lower case."""

    headers: Mapping[str, str]
    body: bytes


@dataclass
class Receiver:
    """The URL to subscribe, and what came to it."""

    url: str
    heard: list[Heard] = field(default_factory=list)


@contextmanager
def receiving(port: int = 0, public_url: str | None = None) -> Iterator[Receiver]:
    """Listen on loopback; `public_url` is what a provider posts to, when a tunnel leads from there to this port."""
    receiver = Receiver("")

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            receiver.heard.append(Heard({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    receiver.url = public_url or f"http://127.0.0.1:{server.server_port}/hook"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
