"""The doors of the emulator, and what opens and closes them together."""

from __future__ import annotations

from contextlib import ExitStack
from types import TracebackType
from typing import Any, Final, NamedTuple, Self, TypeVar

from emulator.provider import Door, Provider
from emulator.servers.http.front import Front
from emulator.servers.http.server import HttpServer
from emulator.servers.imap import ImapServer
from emulator.servers.listener import Listener
from emulator.servers.smtp import SmtpServer
from emulator.servers.tls import Authority, names_of
from emulator.servers.worlds import Worlds

__all__ = ["Ports", "Servers"]


class Ports(NamedTuple):
    """The port of each door; 0 means any free one. HTTPS is opened at once only if it has one."""

    http: int = 0
    smtp: int = 0
    imap: int = 0
    smtps: int = 0
    imaps: int = 0
    https: int | None = None


_ANY: Final = Ports()


_L = TypeVar("_L", bound=Listener)


class Servers:
    """An emulator on its ports: HTTP for all providers, SMTP and IMAP, both plain and with TLS from the start.

    Plain SMTP offers STARTTLS; HTTPS is opened when somebody first asks for its URL. Raises PortTaken (an OSError with
    a one-line message) if a port cannot be had; nothing stays open then.
    """

    def __init__(self, worlds: Worlds, host: str = "127.0.0.1", ports: Ports = _ANY) -> None:
        self.worlds = worlds
        self.host = host
        worlds.names.add(host.lower())
        self.authority = worlds.authority = Authority(names_of(host))
        with ExitStack() as opened:
            self._front = Front(worlds)
            self.http = HttpServer(self._front, host, ports.http)
            opened.callback(self.http.stop)
            self._https = None if ports.https is None else self._open_https(ports.https)
            if self._https is not None:
                opened.callback(self._https.stop)
            self.smtp = _kept(opened, SmtpServer(worlds, host, ports.smtp, authority=self.authority))
            self.imap = _kept(opened, ImapServer(worlds, host, ports.imap))
            tls = SmtpServer(worlds, host, ports.smtps, authority=self.authority, implicit_tls=True)
            self.smtps = _kept(opened, tls)
            self.imaps = _kept(opened, ImapServer(worlds, host, ports.imaps, self.authority))
            opened.pop_all()
        worlds.doors |= {name: Door(host, door.port) for name, door in self._mail_doors.items()}

    @property
    def _mail_doors(self) -> dict[str, Listener]:
        return {"smtp": self.smtp, "imap": self.imap, "smtps": self.smtps, "imaps": self.imaps}

    @property
    def url(self) -> str:
        """The origin of the HTTP door."""
        return self.http.url

    @property
    def https_url(self) -> str:
        """The origin of the HTTPS door; a client has to trust `authority.pem`."""
        if self._https is None:
            self._https = self._open_https(0)
        return self._https.url

    def _open_https(self, port: int) -> HttpServer:
        return HttpServer(self._front, self.host, port, self.authority)

    def base_url(self, provider: Provider) -> str:
        """Return what replaces the provider's real origin in a client's settings."""
        return f"{self.url}/{provider.name}"

    @property
    def environment(self) -> dict[str, str]:
        """The variables that name the mail doors."""
        return {
            f"EMULATOR_{name.upper()}_{part}": str(value)
            for name, door in self._mail_doors.items()
            for part, value in (("HOST", self.host), ("PORT", door.port))
        }

    def ready(self) -> dict[str, Any]:
        """Return the ready line: where the doors are, and each provider's base URL and credentials."""
        return {
            "ready": True,
            "url": self.url,
            **({} if self._https is None else {"https_url": self._https.url}),
            **{name: {"host": self.host, "port": door.port} for name, door in self._mail_doors.items()},
            "providers": {
                provider.name: {"base_url": self.base_url(provider), **provider.credentials}
                for provider in self.worlds.served()
            },
        }

    def close(self) -> None:
        """Close all doors; returns when their threads have ended. Requests that wait for mail time out at once."""
        self.worlds.doors.clear()
        self.worlds.authority = None
        with ExitStack() as stack:
            for world in self.worlds.every():
                stack.enter_context(world.bells.dismissal())
            self.http.stop()
            if self._https is not None:
                self._https.stop()
        for door in self._mail_doors.values():
            door.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _kept(opened: ExitStack, door: _L) -> _L:
    """Note that a door has to be closed again if another cannot be opened."""
    opened.callback(door.stop)
    return door
