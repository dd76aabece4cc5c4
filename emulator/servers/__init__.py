"""The doors of the emulator, and what opens and closes them together."""

from __future__ import annotations

from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self

from emulator import providers
from emulator.provider import Door, Provider
from emulator.servers.http.front import Front
from emulator.servers.http.server import HttpServer
from emulator.servers.imap import ImapServer
from emulator.servers.smtp import SmtpServer
from emulator.servers.worlds import Worlds

__all__ = ["Servers"]


class Servers:
    """An emulator on its ports: HTTP for all providers, the SMTP sink, and IMAP. Port 0 means any free one.

    Raises PortTaken (an OSError with a one-line message) if a port cannot be had; nothing stays open then.
    """

    def __init__(
        self, worlds: Worlds, host: str = "127.0.0.1", port: int = 0, smtp_port: int = 0, imap_port: int = 0
    ) -> None:
        self.worlds = worlds
        self.host = host
        with ExitStack() as opened:
            self.http = HttpServer(Front(worlds), host, port)
            opened.callback(self.http.stop)
            self.smtp = SmtpServer(worlds, host, smtp_port)
            opened.callback(self.smtp.stop)
            self.imap = ImapServer(worlds, host, imap_port)
            opened.pop_all()
        worlds.doors["smtp"] = Door(host, self.smtp.port)
        worlds.doors["imap"] = Door(host, self.imap.port)

    @property
    def url(self) -> str:
        """The origin of the HTTP door."""
        return self.http.url

    def base_url(self, provider: Provider) -> str:
        """Return what replaces the provider's real origin in a client's settings."""
        return f"{self.url}/{provider.name}"

    def ready(self) -> dict[str, Any]:
        """Return the ready line: where the doors are, and each provider's base URL and credentials."""
        return {
            "ready": True,
            "url": self.url,
            "smtp": {"host": self.host, "port": self.smtp.port},
            "imap": {"host": self.host, "port": self.imap.port},
            "providers": {
                provider.name: {"base_url": self.base_url(provider), **provider.credentials}
                for provider in providers.every()
            },
        }

    def close(self) -> None:
        """Close all doors; returns when their threads have ended. Requests that wait for mail time out at once."""
        self.worlds.doors.clear()
        with ExitStack() as stack:
            for world in self.worlds.every():
                stack.enter_context(world.bells.dismissal())
            self.http.stop()
        self.smtp.stop()
        self.imap.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
