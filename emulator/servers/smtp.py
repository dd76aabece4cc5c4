"""The SMTP door: mail to an emulated mailbox arrives there, what its owner submits is sent from there.

Everything else is kept in the outside tray.
"""

from __future__ import annotations

import socket
from dataclasses import dataclass

from emulator.servers.listener import Listener, Started
from emulator.servers.tls import Authority
from emulator.servers.worlds import Worlds


@dataclass(frozen=True, slots=True)
class SmtpLimits:
    """What a session may take: seconds of real time, bytes, and how many."""

    idle_seconds: float = 300
    message_bytes: int = 40 * 1024 * 1024
    line_bytes: int = 1024 * 1024
    recipients: int = 1000
    sessions: int = 256


class SmtpServer(Listener):
    """SMTP on its own port and thread, until `stop`. With port 0 the system chooses one.

    With an `authority` it offers STARTTLS; with `implicit_tls` every connection begins with TLS.
    """

    protocol = "SMTP"

    def __init__(
        self,
        worlds: Worlds,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        authority: Authority | None = None,
        implicit_tls: bool = False,
        limits: SmtpLimits | None = None,
    ) -> None:
        self._worlds = worlds
        self._authority = authority
        self._implicit_tls = implicit_tls
        self._limits = limits or SmtpLimits()
        super().__init__(host, port)

    def serve(self, listener: socket.socket, started: Started) -> None:
        """Serve a listening socket until the function that `started` is given is called."""
        from emulator.servers.smtp_protocol import serve

        serve(listener, self._worlds, self._limits, self._authority, started, implicit_tls=self._implicit_tls)
