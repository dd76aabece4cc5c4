"""The SMTP sink: mail to an emulated mailbox arrives there, everything else is kept in the outside tray."""

from __future__ import annotations

import socket

from emulator.servers.listener import Listener, Started
from emulator.servers.worlds import Worlds


class SmtpServer(Listener):
    """SMTP on its own port and thread, until `stop`. With port 0 the system chooses one."""

    protocol = "SMTP"

    def __init__(self, worlds: Worlds, host: str = "127.0.0.1", port: int = 0) -> None:
        self._worlds = worlds
        super().__init__(host, port)

    def serve(self, listener: socket.socket, started: Started) -> None:
        """Serve a listening socket until the function that `started` is given is called."""
        from emulator.servers.smtp_protocol import serve

        serve(listener, self._worlds, started)
