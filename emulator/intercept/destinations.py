"""Where a connection may go while the emulator intercepts: to the emulator, where it is allowed, or nowhere."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from fnmatch import fnmatchcase
from ipaddress import ip_address
from typing import Final, Literal

from emulator.fetching import is_loopback
from emulator.servers.worlds import Worlds

Kind = Literal["http", "https", "smtp", "smtps", "imap", "imaps"]

_WEB_PORTS: Final[Mapping[int, Kind]] = {80: "http", 443: "https"}
_MAIL_PORTS: Final[Mapping[int, Kind]] = {
    25: "smtp",
    587: "smtp",
    2525: "smtp",
    465: "smtps",
    143: "imap",
    993: "imaps",
}


class UnexpectedConnection(RuntimeError):
    """A connection to somewhere that is neither emulated nor allowed.

    It is no OSError, so that a client does not take it for a network that is down, and try again.
    """


class Destinations:
    """Which hosts are emulated, by which port, and which others may be reached.

    Those of the providers that are served are emulated, and those that were said to mean one. `allow` are patterns of
    other hosts such as `*.example.com`. This machine may be reached always; `refused` grows with what may not.
    """

    def __init__(self, worlds: Worlds, allow: Iterable[str], refused: list[str] | None = None) -> None:
        served = worlds.served()
        web = {*worlds.hosts, *(host for provider in served for host in provider.all_hosts)}
        mail = {host for provider in served for host in provider.mail_hosts}
        self._ports: dict[str, Mapping[int, Kind]] = {
            host: {**(_WEB_PORTS if host in web else {}), **(_MAIL_PORTS if host in mail else {})}
            for host in web | mail
        }
        self._allow = tuple(pattern.lower() for pattern in allow)
        self._resolved: set[str] = set()
        self.refused: list[str] = [] if refused is None else refused
        """What was refused, in order."""

    @property
    def emulated(self) -> frozenset[str]:
        """The host names that are emulated."""
        return frozenset(self._ports)

    def kind(self, host: str, port: int, url: str | None = None) -> Kind | None:
        """Return by which door of the emulator a host and port is reached; None if it is elsewhere and allowed.

        UnexpectedConnection if it is neither; `url` is what it names, if more than host and port is known.
        """
        __tracebackhide__ = True
        if not self.may_reach(host, port):
            raise self.refusal(url or f"{host}:{port}", host)
        return self._ports.get(_name(host), {}).get(port)

    def may_reach(self, host: str, port: int) -> bool:
        """Tell whether a host and port is emulated or allowed."""
        name = _name(host)
        return port in self._ports.get(name, {}) or self._allows(name)

    def _allows(self, host: str) -> bool:
        if is_loopback(host) or host in self._resolved or host in ("", "::", "0.0.0.0", socket.gethostname().lower()):  # noqa: S104  # compared, not bound
            return True
        return any(fnmatchcase(host, pattern) for pattern in self._allow)

    def note_resolved(self, addresses: Iterable[str]) -> None:
        """Take it that these addresses belong to a host that may be reached."""
        self._resolved.update(addresses)

    def refusal(self, what: str, host: str) -> UnexpectedConnection:
        """Return the error of a connection that is not to be made, and note it."""
        self.refused.append(what)
        host = _name(host)
        if host in self._ports:
            ports = ", ".join(map(str, self._ports[host]))
            return UnexpectedConnection(f"{what} was refused: the emulator stands for {host} at the ports {ports}")
        near = get_close_matches(host, self._ports, 1, 0.8)
        hint = f" Did you mean {near[0]}?" if near else ""
        return UnexpectedConnection(
            f"{what} was refused: while the emulator intercepts, only the providers and this machine are reached."
            f"{hint} To let it through: emulator.intercept(allow=[{host!r}]), the same with @pytest.mark.emulator, "
            f"or emulator_allow = {host} in pytest's configuration."
        )


def _name(host: str) -> str:
    return host.lower().rstrip(".")


def is_address(host: str) -> bool:
    """Tell whether a host is given as an IP address."""
    try:
        ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True
