"""Doors on this machine for clients that need a real connection, opened with the first one that does."""

from __future__ import annotations

import ssl
from contextlib import ExitStack
from functools import cache
from threading import Lock
from typing import TYPE_CHECKING

from emulator.servers.imap import ImapServer
from emulator.servers.smtp import SmtpServer
from emulator.servers.tls import Authority

if TYPE_CHECKING:
    from emulator.intercept.destinations import Kind
    from emulator.servers.http.front import Front

_LOOPBACK = "127.0.0.1"


class Doors:
    """The doors of one interception, by kind; `names` are the hosts that they stand for."""

    def __init__(self, front: Front, names: frozenset[str]) -> None:
        self._front = front
        self._names = names
        self._lock = Lock()
        self._ports: dict[Kind, int] = {}
        self._opened = ExitStack()

    def port(self, kind: Kind) -> int:
        """Return the port of a door, which is open from now on."""
        with self._lock:
            if kind not in self._ports:
                self._ports[kind] = self._open(kind)
            return self._ports[kind]

    def _open(self, kind: Kind) -> int:
        from emulator.servers.http.server import HttpServer

        worlds, authority = self._front.worlds, _authority(self._names)
        server: HttpServer | SmtpServer | ImapServer
        if kind in ("http", "https"):
            server = HttpServer(self._front, _LOOPBACK, 0, authority if kind == "https" else None)
        elif kind in ("smtp", "smtps"):
            server = SmtpServer(worlds, _LOOPBACK, 0, authority=authority, implicit_tls=kind == "smtps")
        else:
            server = ImapServer(worlds, _LOOPBACK, 0, authority if kind == "imaps" else None)
        self._opened.callback(server.stop)
        return server.port

    def trusting_context(self) -> ssl.SSLContext:
        """Return what a client needs to trust these doors and nobody else."""
        return ssl.create_default_context(cadata=_authority(self._names).pem.decode())

    def close(self) -> None:
        """Close those that are open."""
        with self._lock:
            self._opened.close()
            self._ports.clear()


@cache
def _authority(names: frozenset[str]) -> Authority:
    """Return one authority for all interceptions of a process: making certificates takes a while."""
    return Authority(tuple(sorted(names)))
