"""A live provider for tests: the emulator served on a port, without the control API, deviating on demand."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from emulator import Emulator
from emulator.servers.http.server import HttpServer

Wsgi = Callable[..., Iterable[bytes]]


class LiveProvider:
    """Serves the emulator as a provider would be seen from outside. `deviate` wraps the application, or is None."""

    def __init__(self, emulator: Emulator) -> None:
        self.emulator = emulator
        self.deviate: Callable[[Wsgi], Wsgi] | None = None
        self.requests: list[tuple[str, str]] = []
        self._server = HttpServer(self)
        self.url = self._server.url

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        self.requests.append((environ["REQUEST_METHOD"], environ["PATH_INFO"]))
        if environ["PATH_INFO"].startswith("/_emulator/") and not environ["PATH_INFO"].startswith("/_emulator/files"):
            start_response("404 Not Found", [("Content-Length", "0")])
            return [b""]
        app: Wsgi = self.emulator.wsgi
        return (self.deviate(app) if self.deviate else app)(environ, start_response)

    def stop(self) -> None:
        """Close the port."""
        self._server.stop()


@contextmanager
def live_provider(revisions: Mapping[str, str] | None = None) -> Iterator[LiveProvider]:
    """Serve providers whose clock goes on, in their first generation if not told otherwise."""
    with Emulator(clock=None, strict=True, revisions=revisions) as emulator:
        live = LiveProvider(emulator)
        try:
            yield live
        finally:
            live.stop()
