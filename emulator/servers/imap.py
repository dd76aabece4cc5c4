"""IMAP: what the providers' APIs show of a mailbox, as mail programs read it and change it."""

from __future__ import annotations

import socket
from dataclasses import dataclass

from emulator.servers.listener import Listener, Started
from emulator.servers.tls import Authority
from emulator.servers.worlds import Worlds


@dataclass(frozen=True, slots=True)
class Limits:
    """What a session may take: seconds of real time, and bytes."""

    login_seconds: float = 60
    idle_seconds: float = 1800
    line_bytes: int = 256 * 1024
    literal_bytes: int = 40 * 1024 * 1024
    sessions: int = 256


class ImapServer(Listener):
    """IMAP on its own port and thread, until `stop`. With port 0 the system chooses one.

    It is plain text unless an `authority` is given; then every connection begins with TLS.
    """

    protocol = "IMAP"

    def __init__(
        self,
        worlds: Worlds,
        host: str = "127.0.0.1",
        port: int = 0,
        authority: Authority | None = None,
        limits: Limits | None = None,
    ) -> None:
        self.worlds = worlds
        self.authority = authority
        self.limits = limits or Limits()
        super().__init__(host, port)

    def serve(self, listener: socket.socket, started: Started) -> None:
        """Serve a listening socket until the function that `started` is given is called."""
        from emulator.servers.imap_server.server import serve

        context = None if self.authority is None else self.authority.context()
        serve(listener, self.worlds, self.limits, context, started)
