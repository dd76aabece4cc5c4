"""The SMTP sink: mail to an emulated mailbox arrives there, everything else is kept in the outside tray."""

from __future__ import annotations

import select
import socket
import threading
from collections.abc import Callable
from typing import Final

from emulator.servers.ports import PortTaken
from emulator.servers.worlds import Worlds

_BACKLOG: Final = 128


class SmtpServer:
    """SMTP on its own port and thread, until `stop`. With port 0 the system chooses one.

    The port is open at once; what speaks SMTP is imported with the first connection.
    """

    def __init__(self, worlds: Worlds, host: str = "127.0.0.1", port: int = 0) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            self._listener = socket.create_server((host, port), family=family, backlog=_BACKLOG)
        except OSError as error:
            raise PortTaken("SMTP", host, port, error) from error
        self.host = host
        self.port: int = self._listener.getsockname()[1]
        self._worlds = worlds
        self._lock = threading.Lock()
        self._stopped = False
        self._bell, self._ringer = socket.socketpair()
        self._stop_serving: Callable[[], object] = lambda: None
        self._thread = threading.Thread(target=self._run, name="emulator-smtp", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Close the port, end the sessions and the thread."""
        with self._lock:
            self._stopped = True
            self._stop_serving()
        self._ringer.send(b".")
        self._thread.join()
        for each in (self._listener, self._bell, self._ringer):
            each.close()

    def _run(self) -> None:
        select.select([self._listener, self._bell], [], [])
        if self._stopped:
            return
        from emulator.servers.smtp_protocol import serve

        serve(self._listener, self._worlds, self._started)

    def _started(self, stop: Callable[[], object]) -> None:
        with self._lock:
            self._stop_serving = stop
            if self._stopped:
                stop()
