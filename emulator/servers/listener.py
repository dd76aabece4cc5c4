"""A port that is open at once, and the thread behind it."""

from __future__ import annotations

import select
import socket
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import ClassVar, Final

from emulator.servers.ports import PortTaken

Started = Callable[[Callable[[], object]], None]
"""Takes the function that ends the serving, from any thread."""

_BACKLOG: Final = 128


class Listener(ABC):
    """A door on its own port and thread, until `stop`. With port 0 the system chooses one.

    The port is open at once; what speaks the protocol is imported with the first connection.
    """

    protocol: ClassVar[str]

    def __init__(self, host: str, port: int) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            self._listener = socket.create_server((host, port), family=family, backlog=_BACKLOG)
        except OSError as error:
            raise PortTaken(self.protocol, host, port, error) from error
        # asyncio does so for sockets that it makes itself; without it a reply in two writes takes 40 ms.
        self._listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.host = host
        self.port: int = self._listener.getsockname()[1]
        self._lock = threading.Lock()
        self._stopped = False
        self._bell, self._ringer = socket.socketpair()
        self._stop_serving: Callable[[], object] = lambda: None
        self._thread = threading.Thread(target=self._run, name=f"emulator-{self.protocol.lower()}", daemon=True)
        self._thread.start()

    @abstractmethod
    def serve(self, listener: socket.socket, started: Started) -> None:
        """Serve a listening socket until the function that `started` is given is called."""

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
        if not self._stopped:
            self.serve(self._listener, self._started)

    def _started(self, stop: Callable[[], object]) -> None:
        with self._lock:
            self._stop_serving = stop
            if self._stopped:
                stop()
