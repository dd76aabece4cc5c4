"""The HTTP server behind `serve`: cheroot in a thread, keep-alive, port 0, stops at once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any, Final

from cheroot.wsgi import Server as CherootServer

from emulator.servers.http.exchange import SPARE_THREAD
from emulator.servers.http.tls import tls_adapter
from emulator.servers.ports import PortTaken
from emulator.servers.tls import Authority

THREADS: Final = 16
_BACKLOG: Final = 128
_KEPT_OPEN: Final = 1000
_POLL: Final = 0.05


class HttpServer:
    """A WSGI application served until `stop`, over HTTPS if there is an `authority`. Port 0: the system chooses one."""

    def __init__(self, app: Any, host: str = "127.0.0.1", port: int = 0, authority: Authority | None = None) -> None:
        self._pool_lock = threading.Lock()
        self._sleeping = self._spare = 0
        self._stopping = False
        self._server = CherootServer(
            (host, port),
            self._with_spare_threads(app),
            numthreads=THREADS,
            server_name="localhost",
            # With cheroot's 5, the sixth of several clients that come at once waits a second for TCP's next try.
            request_queue_size=_BACKLOG,
        )
        self._scheme = "https" if authority else "http"
        if authority is not None:
            self._server.ssl_adapter = tls_adapter(authority)
        self._server.shutdown_timeout = 1
        self._server.expiration_interval = _POLL
        self._server.keep_alive_conn_limit = _KEPT_OPEN  # with cheroot's 10, every further client dials anew each time
        # cheroot's own messages are about broken connections: the client's business.
        setattr(self._server, "error_log", _quiet)  # noqa: B010  # assigning to a method is not typed
        self._prepared: Future[None] = Future()
        # cheroot's threads are daemons only if their maker is one; else a script that fails would hang at its end.
        self._thread = threading.Thread(target=self._run, name="emulator-http", daemon=True)
        self._thread.start()
        try:
            self._prepared.result()
        except OSError as error:
            raise PortTaken("HTTP", host, port, error) from error
        self.host = host
        self.port: int = self._server.bind_addr[1]

    def _run(self) -> None:
        try:
            self._server.prepare()
        except OSError as error:
            self._prepared.set_exception(error)
            return
        self._prepared.set_result(None)
        self._server.serve()

    @property
    def url(self) -> str:
        """The origin to reach the server at, e.g. `http://127.0.0.1:8025`."""
        everywhere = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  # what the user asked for, as a client dials it
        host = everywhere.get(self.host, self.host)
        return f"{self._scheme}://{f'[{host}]' if ':' in host else host}:{self.port}"

    @contextmanager
    def spare_thread(self) -> Iterator[None]:
        """Have a thread more in the pool while the calling one sleeps, so that waiters never starve other requests."""
        with self._pool_lock:
            self._sleeping += 1
            # Spare threads are kept for the next waiter. One that comes after `stop` would never end.
            if self._sleeping > self._spare and not self._stopping:
                self._server.requests.grow(1)
                self._spare += 1
        try:
            yield
        finally:
            with self._pool_lock:
                self._sleeping -= 1

    def _with_spare_threads(self, app: Any) -> Callable[..., Any]:
        def call(environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
            environ[SPARE_THREAD] = self.spare_thread
            return app(environ, start_response)

        return call

    def stop(self) -> None:
        """Close the port and end the threads."""
        with self._pool_lock:
            self._stopping = True
        self._server.stop()
        self._thread.join()


def _quiet(msg: str = "", level: int = 20, traceback: bool = False) -> None:
    """Drop cheroot's own messages: broken connections are the client's business."""
